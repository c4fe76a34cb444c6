package main

import (
	"github.com/chainweir/weir/asm/_gen/internal/fips180"
	"github.com/chainweir/weir/asm/_gen/internal/table"
	"github.com/mmcloughlin/avo/operand"
)

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
	nodeSum   operand.Mem // K + W for the words 12..15 of that block
	digestEnd operand.Mem // words 8..15 of a block that is a digest
	digestSum operand.Mem // K + W for these words
}

func newTables() tables {
	iv, pairEnd := fips180.IV, fips180.PairPadding()
	nodeEnd := []uint32{fips180.EndBit >> 8, 0, 0, 0, 0, 0, 0, fips180.NodeBits}
	digestEnd := []uint32{fips180.EndBit, 0, 0, 0, 0, 0, 0, fips180.DigestBits}
	return tables{
		k:         table.Dwords("shani_k", fips180.K[:]),
		iv:        table.Dwords("shani_iv", []uint32{iv[5], iv[4], iv[1], iv[0], iv[7], iv[6], iv[3], iv[2]}),
		swap:      table.Dwords("shani_swap", []uint32{0x00010203, 0x04050607, 0x08090a0b, 0x0c0d0e0f}),
		output:    table.Dwords("shani_output", []uint32{0x04050607, 0x00010203, 0x0c0d0e0f, 0x08090a0b}),
		shifted:   table.Dwords("shani_shifted", []uint32{0x80000102, 0x03040506, 0x0708090a, 0x0b0c0d0e}),
		prefix:    table.Dwords("shani_prefix", []uint32{0x01 << 24, 0, 0, 0}),
		pairEnd:   table.Dwords("shani_pair_end", pairEnd[:]),
		nodeEnd:   table.Dwords("shani_node_end", nodeEnd),
		nodeSum:   table.Dwords("shani_node_sum", sums(12, nodeEnd[4:])),
		digestEnd: table.Dwords("shani_digest_end", digestEnd),
		digestSum: table.Dwords("shani_digest_sum", sums(8, digestEnd)),
	}
}

// sums returns K + W for schedule words from number t on.
func sums(t int, words []uint32) []uint32 {
	sums := make([]uint32, len(words))
	for i, w := range words {
		sums[i] = fips180.K[t+i] + w
	}
	return sums
}
