//go:build race

package merkle

// Under the race detector sync.Pool throws entries away at random, on purpose,
// and an implementation of hash may use one.
const raceDetector = true
