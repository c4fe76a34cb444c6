package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// iv is the initial value, permutation the order in which a round takes the
// message words of the round before: BLAKE3 paper §2.2 tables 1 and 2.
var (
	iv = [8]uint32{
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	}
	permutation = [16]int{2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8}
)

const rounds = 7

// schedule returns the message words in the order in which a round adds them.
func schedule(round int) [16]int {
	var s [16]int
	for i := range s {
		s[i] = i
	}
	for range round {
		var next [16]int
		for i, from := range permutation {
			next[i] = s[from]
		}
		s = next
	}
	return s
}

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
	c.iv = table32("iv", iv[:4])
	row, natural := make([]uint32, lanes), make([]uint32, lanes)
	for lane := range lanes {
		row[lane] = uint32(rowOfLane(lane))
		natural[lane] = uint32(lane)
	}
	c.laneRow = table32("laneRow", row)
	c.natural = table32("natural", natural)
	c.pairLow = table64("pairLow", []uint64{0, 1, 8, 9, 2, 3, 10, 11})
	c.pairHigh = table64("pairHigh", []uint64{4, 5, 12, 13, 6, 7, 14, 15})
	var order []uint32
	for r := range rounds {
		for _, w := range rowWiseOrder(r) {
			order = append(order, uint32(w))
		}
	}
	c.rowOrder = table32("rowOrder", order)
	return c
}

func table32(name string, words []uint32) operand.Mem {
	m := GLOBL("avx512_"+name, attr.RODATA|attr.NOPTR)
	for i, w := range words {
		DATA(4*i, operand.U32(w))
	}
	return m
}

func table64(name string, words []uint64) operand.Mem {
	m := GLOBL("avx512_"+name, attr.RODATA|attr.NOPTR)
	for i, w := range words {
		DATA(8*i, operand.U64(w))
	}
	return m
}
