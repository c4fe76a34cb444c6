package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// loadPairs fills the ring with the sixteen words of the pairs.
func (k *kernel) loadPairs() {
	build.VMOVDQU(k.tables.swapBytes(), reg.Y15)
	for q := range 4 {
		loadQuarter(q, 16*q, reg.Y15)
	}
}

// loadNodes fills the ring with the first 64 bytes of 0x01 ‖ pair: all quarters
// but the first begin one byte early. The byte that is left goes to scratch.
func (k *kernel) loadNodes() {
	build.VMOVDQU(k.tables.swapBytes(), reg.Y15)
	build.VMOVDQU(k.tables.swapShiftedBytes(), reg.Y14)
	loadQuarter(0, 0, reg.Y14)
	build.VMOVDQA(ring(0), reg.Y0)
	build.VPOR(k.tables.nodePrefix(), reg.Y0, reg.Y0)
	build.VMOVDQA(reg.Y0, ring(0))
	for q := 1; q < 4; q++ {
		loadQuarter(q, 16*q-1, reg.Y15)
	}
	for half := range 2 {
		x := ymm[half].(reg.Vec).AsX()
		build.VMOVD(operand.Mem{Base: lane[4*half], Disp: 60}, x)
		for i := 1; i < 4; i++ {
			build.VPINSRD(operand.Imm(uint64(i)), operand.Mem{Base: lane[4*half+i], Disp: 60}, x, x)
		}
	}
	build.VINSERTI128(operand.Imm(1), reg.X1, reg.Y0, reg.Y0)
	build.VMOVDQA(reg.Y0, inScratch(lastByteAt))
}

// loadQuarter transposes 16 bytes of each lane, at the offset in its pair, into
// slots 4q to 4q+3 of the ring. order is the permutation of bytes that turns
// words around. (VPBLENDD after a broadcast, instead of VINSERTI128, keeps off
// the units that shuffle.)
//
//	loads           Y0 = a0 a1 a2 a3 | e0 e1 e2 e3   lanes 0 and 4
//	                Y1 = b0 …        | f0 …          lanes 1 and 5; Y2, Y3 alike
//	VPUNPCK?DQ      Y4 = a0 b0 a1 b1 | e0 f0 e1 f1
//	                Y6 = c0 d0 c1 d1 | g0 h0 g1 h1
//	VPUNPCK?QDQ          a0 b0 c0 d0 | e0 f0 g0 h0   word 0 of all lanes
func loadQuarter(q, offset int, order reg.VecPhysical) {
	for i := range 4 {
		x := ymm[i].(reg.Vec).AsX()
		build.VMOVDQU(operand.Mem{Base: lane[i], Disp: offset}, x)
		build.VBROADCASTI128(operand.Mem{Base: lane[i+4], Disp: offset}, ymm[4+i])
		build.VPBLENDD(operand.Imm(0xf0), ymm[4+i], ymm[i], ymm[i])
		build.VPSHUFB(order, ymm[i], ymm[i])
	}
	build.VPUNPCKLDQ(reg.Y1, reg.Y0, reg.Y4)
	build.VPUNPCKHDQ(reg.Y1, reg.Y0, reg.Y5)
	build.VPUNPCKLDQ(reg.Y3, reg.Y2, reg.Y6)
	build.VPUNPCKHDQ(reg.Y3, reg.Y2, reg.Y7)
	build.VPUNPCKLQDQ(reg.Y6, reg.Y4, reg.Y0)
	build.VPUNPCKHQDQ(reg.Y6, reg.Y4, reg.Y1)
	build.VPUNPCKLQDQ(reg.Y7, reg.Y5, reg.Y2)
	build.VPUNPCKHQDQ(reg.Y7, reg.Y5, reg.Y3)
	for i := range 4 {
		build.VMOVDQA(ymm[i], ring(4*q+i))
	}
}

// storeDigests turns the words in Y0–Y7 into digests and stores those of the
// lanes that have a pair of their own.
func (k *kernel) storeDigests() {
	build.VMOVDQU(k.tables.swapBytes(), reg.Y15)
	// Pairs of words, then quadruples, inside the 128-bit halves: the halves
	// of ymm[8+i] are words 0–3 of lanes i and i+4, those of ymm[i] words 4–7.
	for _, quad := range []struct{ from, to int }{{0, 8}, {4, 0}} {
		r := ymm[quad.from : quad.from+4]
		to := ymm[quad.to : quad.to+4]
		build.VPUNPCKLDQ(r[1], r[0], reg.Y12)
		build.VPUNPCKHDQ(r[1], r[0], reg.Y13)
		build.VPUNPCKLDQ(r[3], r[2], reg.Y14)
		build.VPUNPCKHDQ(r[3], r[2], r[0])
		build.VPUNPCKLQDQ(reg.Y14, reg.Y12, to[0])
		build.VPUNPCKHQDQ(reg.Y14, reg.Y12, to[1])
		build.VPUNPCKLQDQ(r[0], reg.Y13, to[2])
		build.VPUNPCKHQDQ(r[0], reg.Y13, to[3])
	}
	for i := range lanes {
		low, high := ymm[8+i%4], ymm[i%4]
		if i < 4 {
			build.VINSERTI128(operand.Imm(1), high.(reg.Vec).AsX(), low, reg.Y12)
		} else {
			build.VPERM2I128(operand.Imm(0x31), high, low, reg.Y12)
		}
		build.VPSHUFB(reg.Y15, reg.Y12, reg.Y12)
		build.VMOVDQU(reg.Y12, operand.Mem{Base: reg.RDI, Disp: 32 * i})
		if i < lanes-1 {
			build.CMPQ(reg.RCX, operand.Imm(uint64(i+1)))
			build.JEQ(operand.LabelRef(k.label("stored")))
		}
	}
}
