package main

import (
	"github.com/chainweir/weir/asm/_gen/internal/sched"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// pipeline writes the kernels for many groups. One group cannot keep a wide
// core busy: each round waits for the one before. Two groups in the same
// rounds help, but then both are in the first block at a time, with 28
// operations per round, and both in the second, with 16, which are too few
// again. So three groups go through the loop in different stages, and the rows
// of a fourth come in:
//
//	body i   gather   group i+1   rows -> ring
//	         stage A  group i     rounds 0-31 of the first block
//	         stage B  group i-1   rounds 32-63, rounds 0-15 of the second block
//	         stage C  group i-2   rounds 16-63, digests -> rows
//
// A body is straight-line code in which the scheduler spreads the four streams
// evenly. Stages hand over the state in registers, Z0 to Z7 from A to B, Z8 to
// Z15 from B to C, and the rest in the group's slot of memory; slots do not
// move, their four registers do.
//
// To fill and drain the pipeline, the rolled code of inStep takes single
// groups to where they enter, and from where they leave:
//
//	group 0 up to stage C, group 1 up to stage B, gather group 2,
//	bodies 2 to n-1,
//	group n-2 from stage C on, group n-1 from stage B on
//
// So there must be three groups at least; the last may be incomplete.
type pipeline struct {
	inStep
	next, a, b, c slot
	parked        func(int) sched.Mem
	known         [16]source // words of the second block where stage C begins
}

// slot is the memory of one group, at a register.
type slot struct {
	at        reg.GPPhysical
	ring, mid func(int) sched.Mem
	last      sched.Mem
}

// Where stages begin, counting rounds through both blocks. The rolled code can
// stop and start there.
const (
	stageB = 32
	stageC = 64 + 16
)

// Registers of the slots.
var (
	nextReg = reg.R12
	aReg    = reg.R13
	bReg    = reg.R14
	cReg    = reg.R15
)

const slotCells = 16 + 8 + 1

func (k *pipeline) layOut() {
	var l layout
	k.groups = 1
	slots := l.take(4 * slotCells)
	k.tmp = []func(int) sched.Mem{l.take(16)}
	k.rows = l.take(lanes)(0)
	k.parked = l.take(8)
	k.cells = l.cells
	for i, s := range []struct {
		slot *slot
		at   reg.GPPhysical
	}{{&k.next, nextReg}, {&k.a, aReg}, {&k.b, bReg}, {&k.c, cReg}} {
		first := slots(i * slotCells).Cell // cells by role, not by place
		*s.slot = slot{s.at, cellsAt(s.at, 0, first), cellsAt(s.at, 16, first+16), cellsAt(s.at, 24, first+24)(0)}
	}
	// The rolled code works on the slot of stage A.
	k.ring, k.mid, k.last = append(k.ring, k.a.ring), append(k.mid, k.a.mid), append(k.last, k.a.last)
}

func (k *pipeline) write(doc string) {
	k.layOut()
	begin(k.name, doc, k.cells)
	k.fill()
	build.Label("body")
	k.nextRows("body")
	k.writeBody()
	build.ADDQ(operand.I32(digestBytes*lanes), dstReg)
	k.rotate()
	build.TESTQ(leftReg, leftReg)
	build.JGE(operand.LabelRef("body"))
	k.drain()
	build.Label("single")
	k.single()
}

// rotate moves every group on by one stage.
func (k *pipeline) rotate() {
	build.MOVQ(cReg, fromReg)
	build.MOVQ(bReg, cReg)
	build.MOVQ(aReg, bReg)
	build.MOVQ(nextReg, aReg)
	build.MOVQ(fromReg, nextReg)
}

// nextRows writes code that points fromReg to the next group's rows. An
// incomplete group is copied, toReg keeps its size until the end. Behind the
// last group come rows that nobody wants, and leftReg becomes negative.
func (k *pipeline) nextRows(label string) {
	build.MOVQ(srcReg, fromReg)
	build.ADDQ(operand.I32(pairBytes*lanes), srcReg)
	build.SUBQ(operand.I8(lanes), leftReg)
	build.JGE(operand.LabelRef(label + "ready"))
	build.ADDQ(operand.I8(lanes), leftReg)
	build.LEAQ(frameAddress(k.rows), srcReg) // the last use of srcReg
	build.JZ(operand.LabelRef(label + "none"))
	build.MOVQ(leftReg, toReg)
	copyRows(label+"copy", fromReg, srcReg, reg.Z31)
	build.XORL(leftReg.As32(), leftReg.As32())
	build.LEAQ(frameAddress(k.rows), fromReg)
	build.JMP(operand.LabelRef(label + "ready"))
	build.Label(label + "none")
	build.MOVQ(operand.I32(-1), leftReg)
	build.MOVQ(srcReg, fromReg)
	build.Label(label + "ready")
}

// writeBody writes the body of the pipeline.
func (k *pipeline) writeBody() {
	b := builder{sched.NewBlock(), k.pool, false}

	b.gather(sched.Mem{Base: fromReg}, k.tmp[0], k.next.ring)
	if k.what == nodes {
		b.shiftIn(k.next.ring, k.next.last)
	}

	b.Stream() // A
	s := initial()
	w := ringWords(k.a.ring)
	s = b.rounds(s, &w, k.a.ring, 0, stageB)
	b.leave(0, s)

	b.Stream() // B
	s = b.enter(0)
	w = ringWords(k.b.ring)
	s = b.rounds(s, &w, k.b.ring, stageB, 64)
	s = b.addInitial(s)
	b.keep(s, k.b.mid)
	w = k.secondWords(k.b.ring, k.b.last)
	s = k.secondRounds(b, s, &w, k.b.ring, 0, stageC-64)
	b.leave(1, s)

	b.Stream() // C
	s = b.enter(1)
	for t := range w {
		if !w[t].known {
			w[t].mem = k.c.ring(t)
		}
	}
	k.known = w
	s = k.secondRounds(b, s, &w, k.c.ring, stageC-64, 64)
	b.scatter(sched.Mem{Base: dstReg}, b.addState(s, k.c.mid))

	k.emit("body", b)
}

// secondRounds does rounds of the second block: the padding's, whose words are
// all known, or one that is partly known.
func (k *pipeline) secondRounds(b builder, s state, w *[16]source, ring func(int) sched.Mem, start, end int) state {
	if k.what == nodes {
		return b.rounds(s, w, ring, start, end)
	}
	for t := start; t < end; t++ {
		s = b.round(s, source{known: true}, source{known: true, c: paddingK[t]})
	}
	return s
}
