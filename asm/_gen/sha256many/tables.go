package main

import (
	"github.com/chainweir/weir/asm/_gen/internal/fips180"
	"github.com/chainweir/weir/asm/_gen/internal/table"
	"github.com/mmcloughlin/avo/operand"
)

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
	constMinus64 = 4 * iota // a block fewer
	constLast               // a row of at most so many bytes has room for the length
	constBlock              // bytes of a block
	constBehind             // clamp for rows behind the end
	constActive             // a row that begins further than this behind the end is no part of the padding
)

func newTables() tables {
	swap := make([]uint32, 64/4)
	for i := range swap {
		swap[i] = 0x00010203 + 0x04040404*uint32(i%4)
	}
	masks, firstMasks := make([]uint64, 66), make([]uint64, 66)
	for i := range 64 {
		masks[i] = ^uint64(0) >> i
		firstMasks[i] = masks[i] &^ 1
	}
	rows := make([]uint64, 136/8)
	rows[64/8] = 0x80
	return tables{
		iv:         table.Dwords("many_iv", fips180.IV[:]),
		k:          table.Dwords("many_k", fips180.K[:]),
		swap:       table.Dwords("many_swap", swap),
		pair0:      table.Qwords("many_pair0", []uint64{0, 1, 8, 9, 2, 3, 10, 11}),
		pair1:      table.Qwords("many_pair1", []uint64{4, 5, 12, 13, 6, 7, 14, 15}),
		masks:      table.Qwords("many_masks", masks),
		firstMasks: table.Qwords("many_first_masks", firstMasks),
		rows:       table.Qwords("many_rows", rows),
		small: table.Constants("many_small", []operand.Constant{
			constMinus64 / 4: operand.I32(-64),
			constLast / 4:    operand.I32(55),
			constBlock / 4:   operand.I32(64),
			constBehind / 4:  operand.I32(-1),
			constActive / 4:  operand.I32(-8),
		}...),
	}
}
