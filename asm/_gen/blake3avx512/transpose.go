package main

import (
	"github.com/chainweir/weir/asm/_gen/internal/steps"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Sixteen rows of sixteen words lie in memory; register w shall hold word w of
// every row. The unpack instructions transpose 4×4 words inside the 128-bit
// parts of their operands, so that part p of a result comes from part p of four
// registers. What rows these four come from is free to choose, and it is chosen
// so that the way back (chaining values from lanes to rows) ends in registers
// that hold two neighbouring rows: part p, element j is row 4j+p.
func rowOfLane(lane int) int { return 4*(lane%4) + lane/4 }

// The transposition is told where rows are and where words go.
type (
	// A rowHalf returns the address of bytes 32·half.. of a row. It may emit
	// instructions that compute it.
	rowHalf func(row, half int) operand.Mem
	// A storeWord takes word w of all rows.
	storeWord func(w int, v reg.VecPhysical)
)

// transposeIn needs nine registers: it does one half of the words of all rows
// at a time. A register is loaded with the same half of two rows, by a 32-byte
// load and an insertion; eight such registers go through
// two levels of unpacking, four registers at a time,
//
//	   [P words 0-3 | P words 4-7 | Q words 0-3 | Q words 4-7], P = p, p+4, p+8, p+12
//	-> [word j of four P | word 4+j of four P | word j of four Q | word 4+j of four Q]
//
// and one of joining parts 0 and 2, or parts 1 and 3, of two.
func transposeIn(tmp [9]reg.VecPhysical, at rowHalf, store storeWord) steps.List {
	var out steps.List
	do := func(f steps.Step) { out = append(out, f) }
	for half := range 2 {
		free := tmp[8]
		var words [2][4]reg.VecPhysical
		for q := range 2 {
			quad := [4]reg.VecPhysical(tmp[4*q : 4*q+4])
			for k, r := range quad {
				do(func() { build.VMOVDQU64(at(4*k+2*q, half), r.AsY()) })
				do(func() { build.VINSERTI64X4(operand.U8(1), at(4*k+2*q+1, half), r, r) })
			}
			var unpacking steps.List
			words[q], free, unpacking = unpack4(quad, free)
			out = append(out, unpacking...)
		}
		for j := range 4 {
			x, y, t := words[0][j], words[1][j], free
			do(func() { build.VSHUFI32X4(operand.U8(0x88), y, x, t) })
			do(func() { store(8*half+j, t) })
			do(func() { build.VSHUFI32X4(operand.U8(0xdd), y, x, x) })
			do(func() { store(8*half+4+j, x) })
		}
	}
	return out
}

// unpack4 transposes 4×4 words in each 128-bit part of four registers, with the
// help of a fifth. It returns where the four results are and which of the five
// is free then.
func unpack4(in [4]reg.VecPhysical, t reg.VecPhysical) (out [4]reg.VecPhysical, free reg.VecPhysical, list steps.List) {
	a, b, c, d := in[0], in[1], in[2], in[3]
	list = steps.List{
		func() { build.VPUNPCKLDQ(b, a, t) }, // t: a0 b0 a1 b1
		func() { build.VPUNPCKHDQ(b, a, a) }, // a: a2 b2 a3 b3
		func() { build.VPUNPCKLDQ(d, c, b) }, // b: c0 d0 c1 d1
		func() { build.VPUNPCKHDQ(d, c, c) }, // c: c2 d2 c3 d3
		func() { build.VPUNPCKLQDQ(b, t, d) },
		func() { build.VPUNPCKHQDQ(b, t, t) },
		func() { build.VPUNPCKLQDQ(c, a, b) },
		func() { build.VPUNPCKHQDQ(c, a, a) },
	}
	return [4]reg.VecPhysical{d, t, b, a}, c, list
}

// transposeOut writes the chaining values in the first eight registers of a set
// to rows, two rows (2p and 2p+1) per call of store. It uses the registers 8 to
// 10 of the set.
func transposeOut(s set, c constants, store func(pair int, v reg.VecPhysical)) {
	low, high := s.v[9], s.v[10]
	build.VMOVDQU64(c.pairLow, low)
	build.VMOVDQU64(c.pairHigh, high)
	x, free, list := unpack4([4]reg.VecPhysical(s.v[:4]), s.v[8])
	steps.Emit(list)
	y, free, list := unpack4([4]reg.VecPhysical(s.v[4:8]), free)
	steps.Emit(list)
	for j := range 4 {
		// Part p of x[j] is words 0 to 3 of row 4j+p, of y[j] words 4 to 7.
		build.VMOVDQA64(x[j], free)
		build.VPERMT2Q(y[j], low, free)
		store(2*j, free)
		build.VPERMT2Q(y[j], high, x[j])
		store(2*j+1, x[j])
	}
}
