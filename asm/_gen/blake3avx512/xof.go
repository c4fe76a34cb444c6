package main

import (
	"github.com/chainweir/weir/asm/_gen/internal/blake3"
	"github.com/chainweir/weir/asm/_gen/internal/steps"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// xof16 computes sixteen blocks of extended output at a time, which differ in
// their counter only: all other words are the same in all lanes, so that the
// message needs no transposition and is added by broadcasting memory operands.
// Here lane i is block i. The last group, if it is not whole, goes to scratch
// memory, and from there what fits.
func xof16(c constants) {
	build.TEXT("xof16", 0, "func(dst *byte, bytes int, cv *[8]uint32, block *[16]uint32, "+
		"counter uint64, blockLen, flags uint32)")
	build.Pragma("noescape")
	build.Doc("xof16 does what XOFGeneric does. bytes is not 0; flags must contain Root.")
	dst, bytes := build.Load(build.Param("dst"), build.GP64()), build.Load(build.Param("bytes"), build.GP64())
	cv, block := build.Load(build.Param("cv"), build.GP64()), build.Load(build.Param("block"), build.GP64())
	counter, flags := build.Load(build.Param("counter"), build.GP64()), build.Load(build.Param("flags"), build.GP32())
	blockLen := build.Load(build.Param("blockLen"), build.GP32())
	scratch := alignedScratch(lanes * blake3.BlockBytes)
	a := set{v: [16]reg.VecPhysical(zmm[:16]), add: func(w int, dst reg.VecPhysical) {
		build.VPADDD_BCST(operand.Mem{Base: block, Disp: 4 * w}, dst, dst)
	}}

	build.Label("group")
	blockCounters(c, a, counter)
	a.loadKey(operand.Mem{Base: cv})
	a.loadIV(c)
	build.VPBROADCASTD(blockLen, a.v[14])
	build.VPBROADCASTD(flags, a.v[15])
	steps.Emit(a.compress(), a.feedForward())
	for i := range 8 {
		build.VPXORD_BCST(operand.Mem{Base: cv, Disp: 4 * i}, a.v[8+i], a.v[8+i])
	}
	to := build.GP64()
	build.MOVQ(dst, to)
	build.CMPQ(bytes, operand.U32(lanes*blake3.BlockBytes))
	build.CMOVQLT(scratch.Base, to)
	transposeBlocks(a, zmm[16:18], operand.Mem{Base: to})
	build.JLT(operand.LabelRef("rest")) // nothing in between changes the comparison's flags
	build.ADDQ(operand.U32(lanes*blake3.BlockBytes), dst)
	build.ADDQ(operand.U8(lanes), counter)
	build.SUBQ(operand.U32(lanes*blake3.BlockBytes), bytes)
	build.JNZ(operand.LabelRef("group"))
	build.VZEROUPPER()
	build.RET()

	build.Label("rest")
	copyRest(dst, scratch.Base, bytes)
	build.VZEROUPPER()
	build.RET()
}

// blockCounters fills words 12 and 13 with counter, counter+1, …
func blockCounters(c constants, a set, counter reg.Register) {
	high := build.GP64()
	low := reg.Z16
	build.VPBROADCASTD(counter.(reg.GPVirtual).As32(), low)
	build.MOVQ(counter, high)
	build.SHRQ(operand.U8(32), high)
	build.VPBROADCASTD(high.As32(), a.v[13])
	build.VPADDD(c.natural, low, a.v[12])
	build.VPCMPUD(operand.U8(1), low, a.v[12], reg.K1) // it wrapped around
	build.VPTERNLOGD(operand.U8(0xff), low, low, low)
	build.VPSUBD(low, a.v[13], reg.K1, a.v[13])
}

// transposeBlocks writes all sixteen words of lane i to row i. Its steps are
// those of transposeIn in the opposite direction: first unpacking, four words
// at a time, which leaves in part p of register j of a quad four words of row
// 4p+j; then two levels of joining the parts of four quads.
func transposeBlocks(a set, tmp []reg.VecPhysical, to operand.Mem) {
	free := tmp[0]
	var quads [4][4]reg.VecPhysical
	for q := range quads {
		var list steps.List
		quads[q], free, list = unpack4([4]reg.VecPhysical(a.v[4*q:4*q+4]), free)
		steps.Emit(list)
	}
	low, high := free, tmp[1]
	for j := range 4 {
		x0, x1, x2, x3 := quads[0][j], quads[1][j], quads[2][j], quads[3][j]
		build.VSHUFI32X4(operand.U8(0x44), x1, x0, low)
		build.VSHUFI32X4(operand.U8(0xee), x1, x0, x0)
		build.VSHUFI32X4(operand.U8(0x44), x3, x2, high)
		build.VSHUFI32X4(operand.U8(0xee), x3, x2, x2)
		build.VSHUFI32X4(operand.U8(0x88), high, low, x1)
		build.VSHUFI32X4(operand.U8(0xdd), high, low, low)
		build.VSHUFI32X4(operand.U8(0x88), x2, x0, x3)
		build.VSHUFI32X4(operand.U8(0xdd), x2, x0, x0)
		for p, v := range []reg.VecPhysical{x1, low, x3, x0} {
			build.VMOVDQU64(v, to.Offset(blake3.BlockBytes*(4*p+j)))
		}
	}
}

// copyRest copies fewer than 1024 bytes from whole blocks.
func copyRest(dst, src, bytes reg.Register) {
	z := reg.Z0
	build.Label("copy")
	build.CMPQ(bytes, operand.U8(blake3.BlockBytes))
	build.JLT(operand.LabelRef("copyPart"))
	build.VMOVDQU64(operand.Mem{Base: src}, z)
	build.VMOVDQU64(z, operand.Mem{Base: dst})
	build.ADDQ(operand.U8(blake3.BlockBytes), src)
	build.ADDQ(operand.U8(blake3.BlockBytes), dst)
	build.SUBQ(operand.U8(blake3.BlockBytes), bytes)
	build.JMP(operand.LabelRef("copy"))

	build.Label("copyPart")
	build.TESTQ(bytes, bytes)
	build.JZ(operand.LabelRef("copied"))
	mask := build.GP64()
	build.MOVQ(operand.I32(-1), mask)
	build.BZHIQ(bytes, mask, mask)
	build.KMOVQ(mask, reg.K1)
	build.VMOVDQU64(operand.Mem{Base: src}, z)
	build.VMOVDQU8(z, reg.K1, operand.Mem{Base: dst})
	build.Label("copied")
}
