// Package store is the only reader and writer of a case, the folder in which
// the answer to an incident is kept.
//
// A [Writer] takes findings one by one and holds none of them: each goes to
// the end of its file, so a case may be larger than memory. It works in a
// folder beside the case's place and renames it at the end: a case that
// exists is finished. A [Case] reads the findings back in the same order,
// one by one.
//
// What a column is called, how its value is written and how it is read stand
// in one table per file (tables.go), so the two sides cannot disagree. Columns
// are a contract; new ones go to the end, and a reader ignores those it does
// not know.
//
// Conventions of every CSV file: RFC 4180 with CRLF and no byte order mark;
// times in UTC with milliseconds; lists joined by ";"; probabilities with four
// digits; text that came from a log or directory made inert (package inert).
// A row of a log is cited as
//
//	<uri>#<first 12 digits of the object's SHA-256>:<line>@<offset>
//
// Not guaranteed: text with control characters is stored in its visible form,
// and digests are stored with the 64 bits that are printed.
package store
