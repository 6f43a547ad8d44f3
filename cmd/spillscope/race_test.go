//go:build race

package main

// raceEnabled leaves out what takes minutes under the detector.
const raceEnabled = true
