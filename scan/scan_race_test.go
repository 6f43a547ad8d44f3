//go:build race

package scan_test

// raceEnabled shrinks the heavy tests: the detector makes them ten times slower.
const raceEnabled = true
