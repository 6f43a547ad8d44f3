// Package incident reads and writes the incident file: the YAML page in which
// a person states what happened, where the logs are and what is only assumed.
//
// Load and Parse are strict: an unknown key, a time without an offset or a
// number without a unit is an error, and all errors of a file are reported at
// once, each with its line and with what was probably meant. A lenient reader
// would turn a mistyped key into a default, and a default into a wrong list of
// people. Defaults are `unknown` wherever the convenient value would be a
// guess; Template states each of them, and a test compares the two.
//
// The package looks at no log and resolves no path: what a URI names is the
// business of package storage.
package incident
