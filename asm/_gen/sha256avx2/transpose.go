package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// loadPairs fills the ring with the sixteen words of the pairs.
func (k *kernel) loadPairs() {
	VMOVDQU(k.tables.swapBytes(), Y15)
	for q := range 4 {
		loadQuarter(q, 16*q, Y15)
	}
}

// loadNodes fills the ring with the first 64 bytes of 0x01 ‖ pair: all quarters
// but the first begin one byte early. The byte that is left goes to scratch.
func (k *kernel) loadNodes() {
	VMOVDQU(k.tables.swapBytes(), Y15)
	VMOVDQU(k.tables.swapShiftedBytes(), Y14)
	loadQuarter(0, 0, Y14)
	VMOVDQA(ring(0), Y0)
	VPOR(k.tables.nodePrefix(), Y0, Y0)
	VMOVDQA(Y0, ring(0))
	for q := 1; q < 4; q++ {
		loadQuarter(q, 16*q-1, Y15)
	}
	for half := range 2 {
		x := ymm[half].(Vec).AsX()
		VMOVD(Mem{Base: lane[4*half], Disp: 60}, x)
		for i := 1; i < 4; i++ {
			VPINSRD(Imm(uint64(i)), Mem{Base: lane[4*half+i], Disp: 60}, x, x)
		}
	}
	VINSERTI128(Imm(1), X1, Y0, Y0)
	VMOVDQA(Y0, inScratch(lastByteAt))
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
func loadQuarter(q, offset int, order VecPhysical) {
	for i := range 4 {
		x := ymm[i].(Vec).AsX()
		VMOVDQU(Mem{Base: lane[i], Disp: offset}, x)
		VBROADCASTI128(Mem{Base: lane[i+4], Disp: offset}, ymm[4+i])
		VPBLENDD(Imm(0xf0), ymm[4+i], ymm[i], ymm[i])
		VPSHUFB(order, ymm[i], ymm[i])
	}
	VPUNPCKLDQ(Y1, Y0, Y4)
	VPUNPCKHDQ(Y1, Y0, Y5)
	VPUNPCKLDQ(Y3, Y2, Y6)
	VPUNPCKHDQ(Y3, Y2, Y7)
	VPUNPCKLQDQ(Y6, Y4, Y0)
	VPUNPCKHQDQ(Y6, Y4, Y1)
	VPUNPCKLQDQ(Y7, Y5, Y2)
	VPUNPCKHQDQ(Y7, Y5, Y3)
	for i := range 4 {
		VMOVDQA(ymm[i], ring(4*q+i))
	}
}

// storeDigests turns the words in Y0–Y7 into digests and stores those of the
// lanes that have a pair of their own.
func (k *kernel) storeDigests() {
	VMOVDQU(k.tables.swapBytes(), Y15)
	// Pairs of words, then quadruples, inside the 128-bit halves: the halves
	// of ymm[8+i] are words 0–3 of lanes i and i+4, those of ymm[i] words 4–7.
	for _, quad := range []struct{ from, to int }{{0, 8}, {4, 0}} {
		r := ymm[quad.from : quad.from+4]
		to := ymm[quad.to : quad.to+4]
		VPUNPCKLDQ(r[1], r[0], Y12)
		VPUNPCKHDQ(r[1], r[0], Y13)
		VPUNPCKLDQ(r[3], r[2], Y14)
		VPUNPCKHDQ(r[3], r[2], r[0])
		VPUNPCKLQDQ(Y14, Y12, to[0])
		VPUNPCKHQDQ(Y14, Y12, to[1])
		VPUNPCKLQDQ(r[0], Y13, to[2])
		VPUNPCKHQDQ(r[0], Y13, to[3])
	}
	for i := range lanes {
		low, high := ymm[8+i%4], ymm[i%4]
		if i < 4 {
			VINSERTI128(Imm(1), high.(Vec).AsX(), low, Y12)
		} else {
			VPERM2I128(Imm(0x31), high, low, Y12)
		}
		VPSHUFB(Y15, Y12, Y12)
		VMOVDQU(Y12, Mem{Base: RDI, Disp: 32 * i})
		if i < lanes-1 {
			CMPQ(RCX, Imm(uint64(i+1)))
			JEQ(LabelRef(k.label("stored")))
		}
	}
}
