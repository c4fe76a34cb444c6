package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// picked is the path through pairs that lie anywhere, as the changed nodes of a
// large tree do. They are read and their digests written where they are: copying
// them to and fro would cost a fifth of the time of hashing them. Memory that a
// turn will write to some turns later is fetched meanwhile, since a store that
// misses the caches holds up all those behind it. Of pairs only the digests'
// memory is: that is the next level's pairs, and theirs was fetched a level
// before. Records are fetched too.
//
// Registers: runDst goes through the list of places with the pair in the last
// stage; runFirst and runEnd are the list's first and last entry, runLast is
// where pair 0 lies.
type picked struct {
	stages int
	both   bool // fetch the pairs too
}

// pickedDst is where digest 0 goes.
var pickedDst = reg.R15

// pickedAhead is for how many turns memory is fetched before a digest is
// written: at 20 ns a turn about twice what memory takes.
const pickedAhead = 16

// pickedPrefix is where the frame holds a record's prefix.
func pickedPrefix() operand.Mem { return at(runNowhere, 32) }

// pickedPairs writes the kernel for pairs that lie anywhere.
func pickedPairs(t tables) {
	const name, stages = "shaniPairsPicked", 5
	p := newPipeline(t, picked{stages, false}, stages)
	build.TEXT(name, 0, "func(dst, src *byte, places *uint32, n int)")
	build.Doc(fmt.Sprintf("%s sets digest p of dst to SHA-256(pair p of src) for each p of n places, at least 1.", name))
	build.Pragma("noescape")
	p.write(pairCourse(t))
}

// pickedRecords writes the kernel for records of 64 bytes, which with a prefix
// are what an RFC 6962 node is.
func pickedRecords(t tables) {
	const name, stages = "shaniRecordsPicked", 4
	t.prefix = pickedPrefix()
	p := newPipeline(t, picked{stages, true}, stages)
	build.TEXT(name, 0, "func(dst, src *byte, places *uint32, n int, prefix uint32)")
	build.Doc(fmt.Sprintf("%s sets digest p of dst to SHA-256(prefix ‖ record p of src), of a byte and", name),
		"64 bytes, for each p of n places, at least 1.")
	build.Pragma("noescape")
	p.write(nodeCourse(t))
}

func (w picked) enter() {
	if w.both {
		build.Load(build.Param("prefix"), reg.EDX)
		build.SHLL(operand.U8(24), reg.EDX)
		build.VMOVD(reg.EDX, xmm[0])
		build.VMOVDQA(xmm[0], pickedPrefix())
	}
	build.Load(build.Param("dst"), pickedDst)
	build.Load(build.Param("src"), runLast)
	build.Load(build.Param("places"), runFirst)
	build.Load(build.Param("n"), runEnd)
	build.LEAQ(operand.Mem{Base: runFirst, Index: runEnd, Scale: 4, Disp: -4}, runEnd)
	build.MOVQ(runFirst, runDst)
	build.Label("fetch") // what the first turns are too late for
	build.MOVL(at(runDst, 0), reg.EBX)
	build.SHLQ(operand.U8(5), runOut)
	w.fetch(runOut)
	build.ADDQ(operand.U8(4), runDst)
	build.LEAQ(at(runFirst, 4*(w.stages-1+pickedAhead)), runSpare)
	build.CMPQ(runDst, runSpare)
	build.JCC(operand.LabelRef("fetched"))
	build.CMPQ(runDst, runEnd)
	build.JLS(operand.LabelRef("fetch"))
	build.Label("fetched")
	build.LEAQ(at(runFirst, -4*(w.stages-1)), runDst)
	build.MOVL(at(runFirst, 0), reg.ESI)
	build.SHLQ(operand.U8(6), runSrc)
	build.ADDQ(runLast, runSrc)
}

func (w picked) aim() {
	w.clamped(w.stages-1+pickedAhead, reg.EDX)
	build.SHLQ(operand.U8(5), runSpare)
	w.fetch(runSpare)
	build.MOVQ(runDst, runSpare)
	build.CMPQ(runDst, runFirst)
	build.CMOVQCS(runFirst, runSpare)
	build.MOVL(at(runSpare, 0), reg.EBX)
	build.SHLQ(operand.U8(5), runOut)
	build.ADDQ(pickedDst, runOut)
	build.CMPQ(runDst, runFirst)
	build.CMOVQCS(runNowhere, runOut)
}

// fetch asks for the memory of the place whose digest is so many bytes behind
// the first.
func (w picked) fetch(offset reg.Register) {
	build.PREFETCHT0(operand.Mem{Base: pickedDst, Index: offset, Scale: 1})
	if w.both {
		build.PREFETCHT0(operand.Mem{Base: runLast, Index: offset, Scale: 2})
	}
}

func (w picked) advance() {
	build.ADDQ(operand.U8(4), runDst)
	w.clamped(w.stages-1, reg.ESI)
	build.SHLQ(operand.U8(6), runSrc)
	build.ADDQ(runLast, runSrc)
}

// clamped loads the place that comes some turns after that of the pair in the
// last stage, or the last place there is.
func (picked) clamped(turns int, into reg.Register) {
	build.LEAQ(at(runDst, 4*turns), runSpare)
	build.CMPQ(runSpare, runEnd)
	build.CMOVQHI(runEnd, runSpare)
	build.MOVL(at(runSpare, 0), into)
}

func (picked) loop(label operand.LabelRef) {
	build.CMPQ(runDst, runEnd)
	build.JLS(label)
}
