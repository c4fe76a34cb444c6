// Package fips180 has the constants of SHA-256 that the generators put into
// their tables: those of FIPS 180-4, and the message schedules of blocks that
// are known before a kernel runs.
package fips180

import "math/bits"

// EndBit ends a message: the one bit of the padding (§5.1.1), where it comes
// first in a word.
const EndBit = 0x80000000

// Lengths in bits of the messages whose padding the kernels know, as the last
// word of their last block has them (§5.1.1).
const (
	PairBits   = 8 * 64 // two digests
	NodeBits   = 8 * 65 // a prefix byte and two digests
	DigestBits = 8 * 32
)

// IV is the initial hash value, §5.3.3.
var IV = [8]uint32{
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
}

// K are the constants of the rounds, §4.2.2.
var K = [64]uint32{
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
}

// Schedule returns the message schedule of a block, §6.2.2 step 1.
func Schedule(block [16]uint32) (w [64]uint32) {
	copy(w[:], block[:])
	for t := 16; t < len(w); t++ {
		w[t] = SmallSigma1(w[t-2]) + w[t-7] + SmallSigma0(w[t-15]) + w[t-16]
	}
	return w
}

// PairPadding returns K + W of the block behind a message of 64 bytes. It is
// padding alone, the same for every such message, so kernels read these sums
// from a table and need no schedule.
func PairPadding() (sums [64]uint32) {
	for t, w := range Schedule([16]uint32{0: EndBit, 15: PairBits}) {
		sums[t] = K[t] + w
	}
	return sums
}

// SmallSigma0 is σ0 of §4.1.2.
func SmallSigma0(x uint32) uint32 { return ror(x, 7) ^ ror(x, 18) ^ x>>3 }

// SmallSigma1 is σ1 of §4.1.2.
func SmallSigma1(x uint32) uint32 { return ror(x, 17) ^ ror(x, 19) ^ x>>10 }

func ror(x uint32, n int) uint32 { return bits.RotateLeft32(x, -n) }
