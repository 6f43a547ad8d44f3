// Package model holds the nouns that every phase shares: instants and
// intervals, digests of secret values, normalised rows, the incident a user
// describes, and the findings that a scan produces.
//
// What belongs here: types and the rules that are true of one value alone
// (an interval contains an instant, an incident's window ends after it
// begins). What does not: anything that reads, guesses, joins or prints.
// The packages below model reason about these values and stay pure: no files,
// no clock, no log. Package scan makes rows and hands findings to package
// export; neither imports the other.
package model
