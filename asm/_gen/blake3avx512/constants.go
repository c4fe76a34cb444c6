package main

import (
	"github.com/chainweir/weir/asm/_gen/internal/blake3"
	"github.com/chainweir/weir/asm/_gen/internal/table"
	"github.com/mmcloughlin/avo/operand"
)

// constants are the tables in read-only memory.
type constants struct {
	iv       operand.Mem // the first four words of the initial value
	laneRow  operand.Mem // the row that each lane holds, see transpose.go
	natural  operand.Mem // 0, 1, … 15
	pairLow  operand.Mem // VPERMT2Q index: 128-bit parts 0 of both, then 1
	pairHigh operand.Mem // the same for parts 2 and 3
	rowOrder operand.Mem // per round, the message order of the row-wise kernels
}

func newConstants() constants {
	var c constants
	c.iv = table.Dwords("avx512_iv", blake3.IV[:4])
	row, natural := make([]uint32, lanes), make([]uint32, lanes)
	for lane := range lanes {
		row[lane] = uint32(rowOfLane(lane))
		natural[lane] = uint32(lane)
	}
	c.laneRow = table.Dwords("avx512_laneRow", row)
	c.natural = table.Dwords("avx512_natural", natural)
	c.pairLow = table.Qwords("avx512_pairLow", []uint64{0, 1, 8, 9, 2, 3, 10, 11})
	c.pairHigh = table.Qwords("avx512_pairHigh", []uint64{4, 5, 12, 13, 6, 7, 14, 15})
	var order []uint32
	for r := range blake3.Rounds {
		for _, w := range rowWiseOrder(r) {
			order = append(order, uint32(w))
		}
	}
	c.rowOrder = table.Dwords("avx512_rowOrder", order)
	return c
}
