package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// xof16 computes sixteen blocks of extended output at a time, which differ in
// their counter only: all other words are the same in all lanes, so that the
// message needs no transposition and is added by broadcasting memory operands.
// Here lane i is block i. The last group, if it is not whole, goes to scratch
// memory, and from there what fits.
func xof16(c constants) {
	TEXT("xof16", 0, "func(dst *byte, bytes int, cv *[8]uint32, block *[16]uint32, "+
		"counter uint64, blockLen, flags uint32)")
	Pragma("noescape")
	Doc("xof16 does what XOFGeneric does. bytes is not 0; flags must contain Root.")
	dst, bytes := Load(Param("dst"), GP64()), Load(Param("bytes"), GP64())
	cv, block := Load(Param("cv"), GP64()), Load(Param("block"), GP64())
	counter, flags := Load(Param("counter"), GP64()), Load(Param("flags"), GP32())
	blockLen := Load(Param("blockLen"), GP32())
	scratch := alignedScratch(lanes * blockBytes)
	a := set{v: [16]reg.VecPhysical(zmm[:16]), add: func(w int, dst reg.VecPhysical) {
		VPADDD_BCST(operand.Mem{Base: block, Disp: 4 * w}, dst, dst)
	}}

	Label("group")
	blockCounters(c, a, counter)
	a.loadKey(operand.Mem{Base: cv})
	a.loadIV(c)
	VPBROADCASTD(blockLen, a.v[14])
	VPBROADCASTD(flags, a.v[15])
	emit(a.compress(), a.feedForward())
	for i := range 8 {
		VPXORD_BCST(operand.Mem{Base: cv, Disp: 4 * i}, a.v[8+i], a.v[8+i])
	}
	to := GP64()
	MOVQ(dst, to)
	CMPQ(bytes, operand.U32(lanes*blockBytes))
	CMOVQLT(scratch.Base, to)
	transposeBlocks(a, zmm[16:18], operand.Mem{Base: to})
	JLT(operand.LabelRef("rest")) // nothing in between changes the comparison's flags
	ADDQ(operand.U32(lanes*blockBytes), dst)
	ADDQ(operand.U8(lanes), counter)
	SUBQ(operand.U32(lanes*blockBytes), bytes)
	JNZ(operand.LabelRef("group"))
	VZEROUPPER()
	RET()

	Label("rest")
	copyRest(dst, scratch.Base, bytes)
	VZEROUPPER()
	RET()
}

// blockCounters fills words 12 and 13 with counter, counter+1, …
func blockCounters(c constants, a set, counter reg.Register) {
	high := GP64()
	low := reg.Z16
	VPBROADCASTD(counter.(reg.GPVirtual).As32(), low)
	MOVQ(counter, high)
	SHRQ(operand.U8(32), high)
	VPBROADCASTD(high.As32(), a.v[13])
	VPADDD(c.natural, low, a.v[12])
	VPCMPUD(operand.U8(1), low, a.v[12], reg.K1) // it wrapped around
	VPTERNLOGD(operand.U8(0xff), low, low, low)
	VPSUBD(low, a.v[13], reg.K1, a.v[13])
}

// transposeBlocks writes all sixteen words of lane i to row i. Its steps are
// those of transposeIn in the opposite direction: first unpacking, four words
// at a time, which leaves in part p of register j of a quad four words of row
// 4p+j; then two levels of joining the parts of four quads.
func transposeBlocks(a set, tmp []reg.VecPhysical, to operand.Mem) {
	free := tmp[0]
	var quads [4][4]reg.VecPhysical
	for q := range quads {
		var steps []op
		quads[q], free, steps = unpack4([4]reg.VecPhysical(a.v[4*q:4*q+4]), free)
		emit(steps)
	}
	low, high := free, tmp[1]
	for j := range 4 {
		x0, x1, x2, x3 := quads[0][j], quads[1][j], quads[2][j], quads[3][j]
		VSHUFI32X4(operand.U8(0x44), x1, x0, low)
		VSHUFI32X4(operand.U8(0xee), x1, x0, x0)
		VSHUFI32X4(operand.U8(0x44), x3, x2, high)
		VSHUFI32X4(operand.U8(0xee), x3, x2, x2)
		VSHUFI32X4(operand.U8(0x88), high, low, x1)
		VSHUFI32X4(operand.U8(0xdd), high, low, low)
		VSHUFI32X4(operand.U8(0x88), x2, x0, x3)
		VSHUFI32X4(operand.U8(0xdd), x2, x0, x0)
		for p, v := range []reg.VecPhysical{x1, low, x3, x0} {
			VMOVDQU64(v, to.Offset(blockBytes*(4*p+j)))
		}
	}
}

// copyRest copies fewer than 1024 bytes from whole blocks.
func copyRest(dst, src, bytes reg.Register) {
	z := reg.Z0
	Label("copy")
	CMPQ(bytes, operand.U8(blockBytes))
	JLT(operand.LabelRef("copyPart"))
	VMOVDQU64(operand.Mem{Base: src}, z)
	VMOVDQU64(z, operand.Mem{Base: dst})
	ADDQ(operand.U8(blockBytes), src)
	ADDQ(operand.U8(blockBytes), dst)
	SUBQ(operand.U8(blockBytes), bytes)
	JMP(operand.LabelRef("copy"))

	Label("copyPart")
	TESTQ(bytes, bytes)
	JZ(operand.LabelRef("copied"))
	mask := GP64()
	MOVQ(operand.I32(-1), mask)
	BZHIQ(bytes, mask, mask)
	KMOVQ(mask, reg.K1)
	VMOVDQU64(operand.Mem{Base: src}, z)
	VMOVDQU8(z, reg.K1, operand.Mem{Base: dst})
	Label("copied")
}
