// Package intake reads the user directory and the users' own reports: CSV
// tables, compressed or not, that a person exported by hand in a hurry.
//
// What is wrong with a whole table (it is an Excel file, a column is missing,
// an id has two meanings, it was cut short) is an error that says what to do,
// because half a directory names half of the people and looks complete. What
// is wrong with one row is a reject, counted and returned.
//
// Session values are live credentials: they are digested as they are read and
// kept in no other form. A row of the sessions table costs 24 bytes, so that
// ten million of them fit beside a scan.
package intake
