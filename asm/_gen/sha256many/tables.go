package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// iv is the initial hash value, FIPS 180-4 §5.3.3.
var iv = []uint32{
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
}

// roundConstants are those of FIPS 180-4 §4.2.2.
var roundConstants = []uint32{
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
}

// tables are the constants in memory.
type tables struct {
	iv    operand.Mem // 8 dwords
	k     operand.Mem // 64 dwords, as broadcast operands of the lanes
	swap  operand.Mem // 64 bytes: VPSHUFB control that reverses the bytes of each dword
	pair0 operand.Mem // 8 qwords: VPERMI2Q index, 16-byte quarters 0 and 1 of two registers by turns
	pair1 operand.Mem // 8 qwords: the same for quarters 2 and 3

	// Both are indexed by 64-n for a row that holds n bytes of its message,
	// 0..64, and by 65 for a row that begins after the end of its padding byte.
	masks      operand.Mem // 66 qwords: the lowest n bits are set
	firstMasks operand.Mem // the same without bit 0, where the prefix is
	rows       operand.Mem // at 64-n begins a row of 64 bytes with 0x80 at byte n and else zeros

	// dwords and a qword for broadcast operands
	small operand.Mem
}

// Offsets in tables.small.
const (
	constMinus64  = 4 * iota // a block fewer
	constLast                // a row of at most so many bytes has room for the length
	constBlock               // bytes of a block
	constBehind              // clamp for rows behind the end
	constActive              // a row that begins further than this behind the end is no part of the padding
	constPadding             // aligns the qword
	constFarQword            // bytes left are clamped to this
)

func newTables() tables {
	t := tables{
		iv:   dwords("many_iv", iv),
		k:    dwords("many_k", roundConstants),
		swap: build.GLOBL("many_swap", attr.RODATA|attr.NOPTR),
	}
	for i := range 16 {
		build.DATA(4*i, operand.U32(0x00010203+0x04040404*uint32(i%4)))
	}
	t.pair0 = qwords("many_pair0", []uint64{0, 1, 8, 9, 2, 3, 10, 11})
	t.pair1 = qwords("many_pair1", []uint64{4, 5, 12, 13, 6, 7, 14, 15})
	masks, firstMasks := make([]uint64, 66), make([]uint64, 66)
	for i := range 64 {
		masks[i] = ^uint64(0) >> i
		firstMasks[i] = masks[i] &^ 1
	}
	t.masks, t.firstMasks = qwords("many_masks", masks), qwords("many_first_masks", firstMasks)
	rows := make([]uint64, 136/8)
	rows[64/8] = 0x80
	t.rows = qwords("many_rows", rows)
	t.small = build.GLOBL("many_small", attr.RODATA|attr.NOPTR)
	for i, v := range []int32{constMinus64 / 4: -64, constLast / 4: 55, constBlock / 4: 64, constBehind / 4: -1, constActive / 4: -8, constPadding / 4: 0} {
		build.DATA(4*i, operand.I32(v))
	}
	build.DATA(constFarQword, operand.U64(1<<30))
	return t
}

func dwords(name string, values []uint32) operand.Mem {
	m := build.GLOBL(name, attr.RODATA|attr.NOPTR)
	for i, v := range values {
		build.DATA(4*i, operand.U32(v))
	}
	return m
}

func qwords(name string, values []uint64) operand.Mem {
	m := build.GLOBL(name, attr.RODATA|attr.NOPTR)
	for i, v := range values {
		build.DATA(8*i, operand.U64(v))
	}
	return m
}
