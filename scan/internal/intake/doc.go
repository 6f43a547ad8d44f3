// Package intake reads the user directory and the users' own reports: tables
// that a person exported by hand in a hurry, from whatever holds them.
//
// A table is CSV (separated by commas, semicolons, tabs or bars), the text
// that Postgres' COPY writes, alone or within a pg_dump, JSON lines, a JSON
// array, or Parquet; of one file or of many parts. Which of them is told by
// the content. The same rows give the same Directory in each.
//
// What is wrong with a whole table (it is an Excel file, a column is missing,
// a session has two users, it was cut short) is an error that says what to do,
// because half a directory names half of the people and looks complete. What
// is wrong with one row is a reject, counted and returned. Rows that only
// disagree on how a person or a workspace is called or reached stop nobody in
// the first hour of an incident: the first that has an address counts, what
// it leaves empty is filled from the others, and a warning names them.
//
// Session values are live credentials: they are digested as they are read and
// kept in no other form. So is what else a raw session table holds; of its
// JSON only the user remains. A row of the sessions table costs 32 bytes, so
// that ten million of them fit beside a scan.
package intake
