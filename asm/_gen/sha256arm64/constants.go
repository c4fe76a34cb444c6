package main

import (
	"fmt"
	"math/big"
	"math/bits"
)

// The table of the kernels, in bytes from its start. The two runs of 64 words
// lie back to back, because a pair's second compression starts reading where
// its first one stopped.
const (
	tableName = "sha2Table<>"

	atK     = 0            // round constants
	atPad   = atK + 4*64   // K+W of the block that pads a 64-byte message
	atIV    = atPad + 4*64 // initial state, two vectors
	atTail  = atIV + 32    // words 8..15 of a block that holds a digest alone
	atNode  = atTail + 32  // words 4..15 of the second block of a node
	atFront = atNode + 48  // the byte 0x01 in front of a node, last in its vector
	tableSz = atFront + 16
)

// The last word of a padded message is its length in bits.
const (
	pairBits   = 8 * 64
	nodeBits   = 8 * 65
	digestBits = 8 * 32
	endBit     = 0x80000000 // the bit that ends a message, first in a word
)

// table writes the constants as read-only data.
func table(t *text) {
	t.raw("\n// Round constants, K+W of a pair's padding, initial state, ends of blocks.\n")
	words := kConstants()
	words = append(words, padSchedule()...)
	words = append(words, initialState()...)
	words = append(words, endBit, 0, 0, 0, 0, 0, 0, digestBits)
	words = append(words, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, nodeBits)
	words = append(words, 0, 0, 0, 0x01<<24) // little-endian: the vector's last byte
	if 4*len(words) != tableSz {
		panic(fmt.Sprintf("the table has %d bytes, its layout %d", 4*len(words), tableSz))
	}
	for i, w := range words {
		fmt.Fprintf(t, "DATA %s+%d(SB)/4, $%#08x\n", tableName, 4*i, w)
	}
	fmt.Fprintf(t, "GLOBL %s(SB), RODATA|NOPTR, $%d\n", tableName, tableSz)
}

// kConstants are the first 32 bits of the fractional parts of the cube roots
// of the first 64 primes, FIPS 180-4 §4.2.2.
func kConstants() []uint32 {
	k := make([]uint32, 0, 64)
	for _, p := range primes(64) {
		// The integer cube root of p·2^96 is 2^32 times that of p.
		scaled := new(big.Int).Lsh(big.NewInt(p), 96)
		k = append(k, uint32(cubeRoot(scaled).Uint64()))
	}
	return k
}

// initialState is the same of the square roots of the first 8, §5.3.3.
func initialState() []uint32 {
	iv := make([]uint32, 0, 8)
	for _, p := range primes(8) {
		scaled := new(big.Int).Lsh(big.NewInt(p), 64)
		iv = append(iv, uint32(scaled.Sqrt(scaled).Uint64()))
	}
	return iv
}

func primes(n int) []int64 {
	var list []int64
	for p := int64(2); len(list) < n; p++ {
		if big.NewInt(p).ProbablyPrime(0) { // exact for numbers this small
			list = append(list, p)
		}
	}
	return list
}

// cubeRoot rounds down. It decides the bits of the root from the top.
func cubeRoot(x *big.Int) *big.Int {
	root, three := new(big.Int), big.NewInt(3)
	for bit := x.BitLen()/3 + 1; bit >= 0; bit-- {
		root.SetBit(root, bit, 1)
		if new(big.Int).Exp(root, three, nil).Cmp(x) > 0 {
			root.SetBit(root, bit, 0)
		}
	}
	return root
}

// padSchedule is K[t]+W[t] of the block that follows 64 bytes of message. It
// never changes, so its message schedule (§6.2.2 step 1) is computed here.
func padSchedule() []uint32 {
	var w [64]uint32
	w[0], w[15] = endBit, pairBits
	for t := 16; t < 64; t++ {
		x, y := w[t-15], w[t-2]
		s0 := bits.RotateLeft32(x, -7) ^ bits.RotateLeft32(x, -18) ^ x>>3
		s1 := bits.RotateLeft32(y, -17) ^ bits.RotateLeft32(y, -19) ^ y>>10
		w[t] = s1 + w[t-7] + s0 + w[t-16]
	}
	sum := make([]uint32, 64)
	for t, k := range kConstants() {
		sum[t] = k + w[t]
	}
	return sum
}
