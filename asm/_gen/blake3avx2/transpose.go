package main

import (
	"github.com/chainweir/weir/asm/_gen/internal/blake3"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// transposeBlock puts word i of the lanes' blocks into message vector i. It
// leaves Y0–Y7 alone. Sixteen bytes of each lane at a time (VPBLENDD after a
// broadcast, instead of VINSERTI128, keeps off the units that shuffle):
//
//	loads           Y8  = a0 a1 a2 a3 | e0 e1 e2 e3   lanes 0 and 4
//	                Y9  = b0 …        | f0 …          lanes 1 and 5; Y10, Y11 alike
//	VPUNPCK?DQ      Y12 = a0 b0 a1 b1 | e0 f0 e1 f1
//	                Y14 = c0 d0 c1 d1 | g0 h0 g1 h1
//	VPUNPCK?QDQ           a0 b0 c0 d0 | e0 f0 g0 h0   word 0 of all lanes
func transposeBlock() {
	at := func(i, q int) operand.Mem {
		return operand.Mem{Base: lane[i], Index: offset, Scale: 1, Disp: 16 * q}
	}
	for q := range 4 {
		for i := range 4 {
			build.VMOVDQU(at(i, q), xmm(8+i))
			build.VBROADCASTI128(at(i+4, q), ymm[12+i])
			build.VPBLENDD(operand.Imm(0xf0), ymm[12+i], ymm[8+i], ymm[8+i])
		}
		transpose4(ymm[8:12], ymm[8:12], ymm[12:16])
		for i := range 4 {
			build.VMOVDQA(ymm[8+i], message(4*q+i))
		}
	}
}

// transpose4 transposes the 4×4 words in each half of four registers. It may
// work in place.
func transpose4(from, to, t []reg.VecPhysical) {
	build.VPUNPCKLDQ(from[1], from[0], t[0])
	build.VPUNPCKHDQ(from[1], from[0], t[1])
	build.VPUNPCKLDQ(from[3], from[2], t[2])
	build.VPUNPCKHDQ(from[3], from[2], t[3])
	build.VPUNPCKLQDQ(t[2], t[0], to[0])
	build.VPUNPCKHQDQ(t[2], t[0], to[1])
	build.VPUNPCKLQDQ(t[3], t[1], to[2])
	build.VPUNPCKHQDQ(t[3], t[1], to[3])
}

// storeValues turns the words in Y0–Y7 into chaining values and stores those of
// the lanes that have work of their own.
func storeValues(stored string) {
	transpose4(ymm[0:4], ymm[8:12], ymm[12:16]) // words 0–3 of lanes i and i+4
	transpose4(ymm[4:8], ymm[0:4], ymm[12:16])  // words 4–7
	for i := range lanes {
		low, high := ymm[8+i%4], ymm[i%4]
		if i < 4 {
			build.VINSERTI128(operand.Imm(1), xmm(i%4), low, reg.Y12)
		} else {
			build.VPERM2I128(operand.Imm(0x31), high, low, reg.Y12)
		}
		build.VMOVDQU(reg.Y12, operand.Mem{Base: reg.RDI, Disp: blake3.ValueBytes * i})
		if i < lanes-1 {
			build.CMPQ(reg.RCX, operand.Imm(uint64(i+1)))
			build.JEQ(operand.LabelRef(stored))
		}
	}
	build.Label(stored)
}
