//go:build !(amd64 && gc && !purego)

package sha256x

// PairsPicked would hash pairs where they lie. No implementation can here: it
// returns false.
func PairsPicked(_ Impl, _, _ []byte, _ []uint32) bool { return false }

// RecordsPicked would hash records where they lie. No implementation can here:
// it returns false.
func RecordsPicked(_ Impl, _, _ []byte, _ []uint32, _ byte) bool { return false }
