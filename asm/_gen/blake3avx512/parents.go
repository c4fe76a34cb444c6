package main

import (
	"github.com/chainweir/weir/asm/_gen/internal/blake3"
	"github.com/chainweir/weir/asm/_gen/internal/steps"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A parent is one block that holds two chaining values. All blocks of a group
// are read before any value of the group is written, and values take half the
// room of blocks; so the output may overwrite the input from its start on.

// parents32 does 32 parents at a time in two sets, as chunks32 does chunks.
func parents32(c constants) {
	build.TEXT("parents32", 0, "func(dst, src *byte, groups int, key *[8]uint32, flags uint32)")
	build.Pragma("noescape")
	build.Doc("parents32 does what ParentsGeneric does for 32·groups parents. groups is not 0.",
		"flags must contain Parent.")
	dst, src := build.Load(build.Param("dst"), build.GP64()), build.Load(build.Param("src"), build.GP64())
	groups, key := build.Load(build.Param("groups"), build.GP64()), build.Load(build.Param("key"), build.GP64())
	flags := build.Load(build.Param("flags"), build.GP32())
	scratch := alignedScratch(2 * 1024)
	a, b := setAt(0, scratch), setAt(16, scratch.Offset(1024))

	build.Label("group")
	parentWords(a, zmm[16:25], src, 0, scratch)
	parentWords(b, zmm[0:9], src, lanes*blake3.BlockBytes, scratch.Offset(1024))
	parentState(a, c, key, flags)
	parentState(b, c, key, flags)
	steps.Emit(steps.Alternate(grain, a.compress(), b.compress()))
	steps.Emit(steps.Alternate(grain, a.feedForward(), b.feedForward()))
	transposeOut(a, c, storePairs(operand.Mem{Base: dst}))
	transposeOut(b, c, storePairs(operand.Mem{Base: dst, Disp: lanes * blake3.ValueBytes}))
	build.ADDQ(operand.U32(2*lanes*blake3.BlockBytes), src)
	build.ADDQ(operand.U32(2*lanes*blake3.ValueBytes), dst)
	build.DECQ(groups)
	build.JNZ(operand.LabelRef("group"))
	build.VZEROUPPER()
	build.RET()
}

// parents16 is for what is left of a batch: one set, once.
func parents16(c constants) {
	build.TEXT("parents16", 0, "func(dst, src *byte, key *[8]uint32, flags uint32)")
	build.Pragma("noescape")
	build.Doc("parents16 does what ParentsGeneric does for 16 parents. flags must contain Parent.")
	dst, src := build.Load(build.Param("dst"), build.GP64()), build.Load(build.Param("src"), build.GP64())
	key, flags := build.Load(build.Param("key"), build.GP64()), build.Load(build.Param("flags"), build.GP32())
	scratch := alignedScratch(1024)
	a := setAt(0, scratch)
	parentState(a, c, key, flags)
	parentWords(a, zmm[16:25], src, 0, scratch)
	steps.Emit(a.compress(), a.feedForward())
	transposeOut(a, c, storePairs(operand.Mem{Base: dst}))
	build.VZEROUPPER()
	build.RET()
}

// parentsRest is parents16 with fewer rows: the lanes without one read the last.
func parentsRest(c constants) {
	build.TEXT("parentsRest", 0, "func(dst, src *byte, n int, key *[8]uint32, flags uint32)")
	build.Pragma("noescape")
	build.Doc("parentsRest does what ParentsGeneric does for n parents, 1 to 15. flags must contain Parent.")
	dst, src := build.Load(build.Param("dst"), build.GP64()), build.Load(build.Param("src"), build.GP64())
	n := build.Load(build.Param("n"), build.GP64())
	key, flags := build.Load(build.Param("key"), build.GP64()), build.Load(build.Param("flags"), build.GP32())
	scratch := alignedScratch(1024)
	a := setAt(0, scratch)
	parentState(a, c, key, flags)
	lastRow := build.GP64()
	build.MOVQ(n, lastRow)
	build.SHLQ(operand.U8(6), lastRow) // blake3.BlockBytes is 1<<6
	build.LEAQ(operand.Mem{Base: src, Index: lastRow, Scale: 1, Disp: -blake3.BlockBytes}, lastRow)
	rows := func(row, half int) operand.Mem {
		at := build.GP64()
		build.LEAQ(operand.Mem{Base: src, Disp: blake3.BlockBytes * row}, at)
		build.CMPQ(at, lastRow)
		build.CMOVQHI(lastRow, at)
		return operand.Mem{Base: at, Disp: 32 * half}
	}
	steps.Emit(transposeIn([9]reg.VecPhysical(zmm[16:25]), rows, storeWords(scratch)))
	steps.Emit(a.compress(), a.feedForward())
	transposeOut(a, c, storeRows(n, func(row int) operand.Mem {
		return operand.Mem{Base: dst, Disp: blake3.ValueBytes * row}
	}))
	build.Label("done")
	build.VZEROUPPER()
	build.RET()
}

// storeRows writes the first n rows, each where at says, and goes to the label
// "done" then.
func storeRows(n reg.Register, at func(row int) operand.Mem) func(pair int, v reg.VecPhysical) {
	return func(pair int, v reg.VecPhysical) {
		for i := range 2 {
			row := 2*pair + i
			build.CMPQ(n, operand.U8(row))
			build.JLE(operand.LabelRef("done"))
			if i == 0 {
				build.VMOVDQU64(v.AsY(), at(row))
			} else {
				build.VEXTRACTI64X4(operand.U8(1), v, at(row))
			}
		}
	}
}

// parentWords transposes the blocks of sixteen parents, offset bytes from src.
func parentWords(s set, tmp []reg.VecPhysical, src reg.Register, offset int, to operand.Mem) {
	rows := rowsApart(operand.Mem{Base: src, Disp: offset}, blake3.BlockBytes)
	steps.Emit(transposeIn([9]reg.VecPhysical(tmp), rows, storeWords(to)))
}

// parentState fills all words: parents have the key for a chaining value and
// the number 0.
func parentState(s set, c constants, key, flags reg.Register) {
	s.loadKey(operand.Mem{Base: key})
	s.loadIV(c)
	build.VPXORD(s.v[12].AsX(), s.v[12].AsX(), s.v[12].AsX())
	build.VPXORD(s.v[13].AsX(), s.v[13].AsX(), s.v[13].AsX())
	length := build.GP32()
	build.MOVL(operand.U32(blake3.BlockBytes), length)
	build.VPBROADCASTD(length, s.v[14])
	build.VPBROADCASTD(flags, s.v[15])
}
