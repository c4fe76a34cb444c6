package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// handOut hands out the hash values of the group that has ended, as they are
// and as digests.
func (k kernel) handOut() {
	build.MOVQ(k.numbersNow(), reg.RBX)
	build.Load(build.Param("state"), reg.RAX)
	build.TESTQ(reg.RAX, reg.RAX)
	build.JZ(operand.LabelRef("stateless"))
	for i := range 8 * k.sets {
		build.VMOVDQA64(at(scratch, k.hashAt(0)+64*i), zmm[0])
		build.VMOVDQU64(zmm[0], at(reg.RAX, 64*i))
	}
	build.Label("stateless")
	build.Load(build.Param("dst"), reg.RAX)
	build.TESTQ(reg.RAX, reg.RAX)
	build.JZ(operand.LabelRef("handed"))
	build.VMOVDQU64(k.t.swap, zmm[31])
	for set := range k.sets {
		k.digests(set)
	}
	build.Label("handed")
}

// digests transposes the hash values of a set and writes each lane's 32 bytes
// to its place. RAX is dst, RBX the lanes' numbers, Z31 the byte swap.
func (k kernel) digests(set int) {
	z := zmm[:16]
	for row := range 8 {
		build.VMOVDQA64(at(scratch, k.hashAt(set)+64*row), z[row])
		build.VPSHUFB(zmm[31], z[row], z[row])
	}
	// Afterwards quarter q of result i holds four words of lane 4q+i.
	fourWords := func(in, tmp []reg.Register) []reg.Register {
		build.VPUNPCKLDQ(in[1], in[0], tmp[0])
		build.VPUNPCKHDQ(in[1], in[0], tmp[1])
		build.VPUNPCKLDQ(in[3], in[2], tmp[2])
		build.VPUNPCKHDQ(in[3], in[2], tmp[3])
		build.VPUNPCKLQDQ(tmp[2], tmp[0], in[0])
		build.VPUNPCKHQDQ(tmp[2], tmp[0], in[1])
		build.VPUNPCKLQDQ(tmp[3], tmp[1], in[2])
		build.VPUNPCKHQDQ(tmp[3], tmp[1], in[3])
		return in
	}
	left, right := fourWords(z[0:4], z[8:12]), fourWords(z[4:8], z[12:16])
	for half, pairs := range []operand.Mem{k.t.pair0, k.t.pair1} {
		for i := range 4 {
			out := z[8+i]
			build.VMOVDQU64(pairs, out)
			build.VPERMI2Q(right[i], left[i], out)
			for q := range 2 {
				lane := 16*set + 4*(2*half+q) + i
				build.MOVL(at(reg.RBX, 4*lane), reg.ECX)
				build.SHLQ(operand.U8(5), reg.RCX)
				to := operand.Mem{Base: reg.RAX, Index: reg.RCX, Scale: 1}
				if q == 0 {
					build.VMOVDQU(out.(reg.VecPhysical).AsY(), to)
				} else {
					build.VEXTRACTI64X4(operand.U8(1), out, to)
				}
			}
		}
	}
}
