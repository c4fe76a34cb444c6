package main

import (
	"math/bits"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// iv is the initial hash value, FIPS 180-4 §5.3.3.
var iv = [8]uint32{
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
}

// roundConstants are those of FIPS 180-4 §4.2.2.
var roundConstants = [64]uint32{
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
}

// tables are the constants in memory, all of dwords.
type tables struct {
	k    operand.Mem // round constants
	iv   operand.Mem // initial hash value as ABEF, CDGH, lowest dword first
	swap operand.Mem // PSHUFB: reverses the bytes of each dword
	// output is a PSHUFB that reverses the bytes of each quadword, which puts
	// two words of a digest in order, both big-endian.
	output operand.Mem
	// shifted is a PSHUFB for the first 16 bytes of a pair behind a prefix
	// byte: as swap, but one byte later, with a zero in the prefix's place.
	shifted operand.Mem
	prefix  operand.Mem // the RFC 6962 prefix as the first byte of a schedule word

	pairEnd   operand.Mem // schedule of the block behind a pair, constants added
	nodeEnd   operand.Mem // words 0..3 and 12..15 of the block behind a node, its byte of data left out
	digestEnd operand.Mem // words 8..15 of a block that is a digest
}

func newTables() tables {
	return tables{
		k:         dwords("shani_k", roundConstants[:]),
		iv:        dwords("shani_iv", []uint32{iv[5], iv[4], iv[1], iv[0], iv[7], iv[6], iv[3], iv[2]}),
		swap:      dwords("shani_swap", []uint32{0x00010203, 0x04050607, 0x08090a0b, 0x0c0d0e0f}),
		output:    dwords("shani_output", []uint32{0x04050607, 0x00010203, 0x0c0d0e0f, 0x08090a0b}),
		shifted:   dwords("shani_shifted", []uint32{0x80000102, 0x03040506, 0x0708090a, 0x0b0c0d0e}),
		prefix:    dwords("shani_prefix", []uint32{0x01000000, 0, 0, 0}),
		pairEnd:   dwords("shani_pair_end", scheduled([16]uint32{0: 0x80000000, 15: 64 * 8})),
		nodeEnd:   dwords("shani_node_end", []uint32{0x00800000, 0, 0, 0, 0, 0, 0, 65 * 8}),
		digestEnd: dwords("shani_digest_end", []uint32{0x80000000, 0, 0, 0, 0, 0, 0, 32 * 8}),
	}
}

// scheduled returns the 64 schedule words of a block with the round constants
// added, FIPS 180-4 §6.2.2.
func scheduled(block [16]uint32) []uint32 {
	var w [64]uint32
	copy(w[:], block[:])
	ror := func(x uint32, n int) uint32 { return bits.RotateLeft32(x, -n) }
	for t := 16; t < 64; t++ {
		s0 := ror(w[t-15], 7) ^ ror(w[t-15], 18) ^ w[t-15]>>3
		s1 := ror(w[t-2], 17) ^ ror(w[t-2], 19) ^ w[t-2]>>10
		w[t] = s1 + w[t-7] + s0 + w[t-16]
	}
	for t := range w {
		w[t] += roundConstants[t]
	}
	return w[:]
}

func dwords(name string, values []uint32) operand.Mem {
	m := build.GLOBL(name, attr.RODATA|attr.NOPTR)
	for i, v := range values {
		build.DATA(4*i, operand.U32(v))
	}
	return m
}
