//go:build race

package hash_test

// Under the race detector sync.Pool throws entries away at random, on purpose.
const raceDetector = true
