//go:build race

package core_test

// Under the race detector sync.Pool throws entries away at random, on purpose.
const raceDetector = true
