package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A parent is one block that holds two chaining values. All blocks of a group
// are read before any value of the group is written, and values take half the
// room of blocks; so the output may overwrite the input from its start on.

// parents32 does 32 parents at a time in two sets, as chunks32 does chunks.
func parents32(c constants) {
	TEXT("parents32", 0, "func(dst, src *byte, groups int, key *[8]uint32, flags uint32)")
	Pragma("noescape")
	Doc("parents32 does what ParentsGeneric does for 32·groups parents. groups is not 0.",
		"flags must contain Parent.")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	groups, key := Load(Param("groups"), GP64()), Load(Param("key"), GP64())
	flags := Load(Param("flags"), GP32())
	scratch := alignedScratch(2 * 1024)
	a, b := setAt(0, scratch), setAt(16, scratch.Offset(1024))

	Label("group")
	parentWords(a, zmm[16:25], src, 0, scratch)
	parentWords(b, zmm[0:9], src, lanes*blockBytes, scratch.Offset(1024))
	parentState(a, c, key, flags)
	parentState(b, c, key, flags)
	emit(interleave(grain, a.compress(), b.compress()))
	emit(interleave(grain, a.feedForward(), b.feedForward()))
	transposeOut(a, c, storePairs(operand.Mem{Base: dst}))
	transposeOut(b, c, storePairs(operand.Mem{Base: dst, Disp: lanes * valueBytes}))
	ADDQ(operand.U32(2*lanes*blockBytes), src)
	ADDQ(operand.U32(2*lanes*valueBytes), dst)
	DECQ(groups)
	JNZ(operand.LabelRef("group"))
	VZEROUPPER()
	RET()
}

// parents16 is for what is left of a batch: one set, once.
func parents16(c constants) {
	TEXT("parents16", 0, "func(dst, src *byte, key *[8]uint32, flags uint32)")
	Pragma("noescape")
	Doc("parents16 does what ParentsGeneric does for 16 parents. flags must contain Parent.")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	key, flags := Load(Param("key"), GP64()), Load(Param("flags"), GP32())
	scratch := alignedScratch(1024)
	a := setAt(0, scratch)
	parentState(a, c, key, flags)
	parentWords(a, zmm[16:25], src, 0, scratch)
	emit(a.compress(), a.feedForward())
	transposeOut(a, c, storePairs(operand.Mem{Base: dst}))
	VZEROUPPER()
	RET()
}

// parentsRest is parents16 with fewer rows: the lanes without one read the last.
func parentsRest(c constants) {
	TEXT("parentsRest", 0, "func(dst, src *byte, n int, key *[8]uint32, flags uint32)")
	Pragma("noescape")
	Doc("parentsRest does what ParentsGeneric does for n parents, 1 to 15. flags must contain Parent.")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	n := Load(Param("n"), GP64())
	key, flags := Load(Param("key"), GP64()), Load(Param("flags"), GP32())
	scratch := alignedScratch(1024)
	a := setAt(0, scratch)
	parentState(a, c, key, flags)
	lastRow := GP64()
	MOVQ(n, lastRow)
	SHLQ(operand.U8(6), lastRow) // blockBytes is 1<<6
	LEAQ(operand.Mem{Base: src, Index: lastRow, Scale: 1, Disp: -blockBytes}, lastRow)
	rows := func(row, half int) operand.Mem {
		at := GP64()
		LEAQ(operand.Mem{Base: src, Disp: blockBytes * row}, at)
		CMPQ(at, lastRow)
		CMOVQHI(lastRow, at)
		return operand.Mem{Base: at, Disp: 32 * half}
	}
	emit(transposeIn([9]reg.VecPhysical(zmm[16:25]), rows, storeWords(scratch)))
	emit(a.compress(), a.feedForward())
	transposeOut(a, c, storeRows(n, func(row int) operand.Mem {
		return operand.Mem{Base: dst, Disp: valueBytes * row}
	}))
	Label("done")
	VZEROUPPER()
	RET()
}

// storeRows writes the first n rows, each where at says, and goes to the label
// "done" then.
func storeRows(n reg.Register, at func(row int) operand.Mem) func(pair int, v reg.VecPhysical) {
	return func(pair int, v reg.VecPhysical) {
		for i := range 2 {
			row := 2*pair + i
			CMPQ(n, operand.U8(row))
			JLE(operand.LabelRef("done"))
			if i == 0 {
				VMOVDQU64(v.AsY(), at(row))
			} else {
				VEXTRACTI64X4(operand.U8(1), v, at(row))
			}
		}
	}
}

func parentWords(s set, tmp []reg.VecPhysical, src reg.Register, offset int, to operand.Mem) {
	rows := rowsApart(operand.Mem{Base: src, Disp: offset}, blockBytes)
	emit(transposeIn([9]reg.VecPhysical(tmp), rows, storeWords(to)))
}

// parentState fills all words: parents have the key for a chaining value and
// the number 0.
func parentState(s set, c constants, key, flags reg.Register) {
	s.loadKey(operand.Mem{Base: key})
	s.loadIV(c)
	VPXORD(s.v[12].AsX(), s.v[12].AsX(), s.v[12].AsX())
	VPXORD(s.v[13].AsX(), s.v[13].AsX(), s.v[13].AsX())
	length := GP32()
	MOVL(operand.U32(blockBytes), length)
	VPBROADCASTD(length, s.v[14])
	VPBROADCASTD(flags, s.v[15])
}
