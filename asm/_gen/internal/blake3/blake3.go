// Package blake3 has the constants of BLAKE3 that the generators need, with
// the names of the BLAKE3 paper, to which the sections refer.
package blake3

// Sizes in bytes.
const (
	BlockBytes = 64
	ChunkBytes = 1024
	ValueBytes = 32 // of a chaining value
)

// Rounds of a compression, §2.2.
const Rounds = 7

// Flags of a compression, §2.2 table 3.
const (
	FlagChunkStart = 1 << 0
	FlagChunkEnd   = 1 << 1
	FlagParent     = 1 << 2
	FlagRoot       = 1 << 3
)

// IV is the initial value, §2.2 table 1.
var IV = [8]uint32{
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
}

// Permutation is the order in which a round takes the message words of the
// round before, §2.2 table 2.
var Permutation = [16]int{2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8}

// Schedule returns the message words in the order in which a round adds them:
// two for each column, then two for each diagonal. round is 0 to Rounds-1.
func Schedule(round int) (s [16]int) {
	for i := range s {
		s[i] = i
	}
	for range round {
		var next [16]int
		for i, from := range Permutation {
			next[i] = s[from]
		}
		s = next
	}
	return s
}
