package main

import (
	"github.com/chainweir/weir/asm/_gen/internal/sched"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The four ways through the rolled code, in finalReg: it serves the first two
// groups and the last two, one at a time. In the last way nodes go through the
// loop a second time, for their second block, as wayFinal.
const (
	wayFirst  = iota // group 0, from the start to stage C
	waySecond        // group 1, from the start to stage B
	wayNext          // group n-2, from stage C to the end
	wayLast          // group n-1, from stage B to the end
	wayFinal
)

func setWay(w int) { build.MOVL(operand.U32(w), finalReg.As32()) }

// branch jumps to label if the way is w.
func branch(w int, label string) {
	build.CMPL(finalReg.As32(), operand.U8(w))
	build.JE(operand.LabelRef(label))
}

// fill writes what comes before the first body.
func (k *pipeline) fill() {
	for i, r := range []reg.GPPhysical{aReg, nextReg, cReg, bReg} {
		build.LEAQ(operand.Mem{Base: frameReg, Disp: i * slotCells * cellBytes}, r)
	}
	setWay(wayFirst)
	build.JMP(operand.LabelRef("single"))

	build.Label("firstdone")
	k.block("park group 0", false, func(b builder, _ int) { b.keep(b.enter(0), k.parked) })
	k.rotate()
	setWay(waySecond)
	build.JMP(operand.LabelRef("single"))

	build.Label("seconddone")
	k.rotate()
	build.MOVL(operand.U32(lanes), toReg.As32())
	k.nextRows("fill")
	k.block("fill stages B and C", false, func(b builder, _ int) {
		b.leave(0, b.enter(0))
		b.leave(1, b.kept(k.parked))
		b.gather(sched.Mem{Base: fromReg}, k.tmp[0], k.a.ring)
		if k.what == nodes {
			b.shiftIn(k.a.ring, k.a.last)
		}
	})
}

// drain writes what comes after the last body, when stage B is empty.
func (k *pipeline) drain() {
	build.MOVQ(cReg, aReg)
	k.block("drain stage C", false, func(b builder, _ int) {
		b.keep(b.enter(0), k.parked)
		b.leave(0, b.enter(1))
		if k.what == nodes {
			b.complete(k.known, k.a.ring)
		}
	})
	build.MOVQ(toReg, leftReg) // the size of the last group
	build.MOVQ(dstReg, toReg)
	setWay(wayNext)
	if k.what == nodes {
		roundK(false, stageC-64)
		count((64 - 16 - (stageC - 64)) / 16)
		build.JMP(operand.LabelRef("rounds"))
	} else {
		roundK(true, stageC-64)
		count((128 - stageC) / 8)
		build.JMP(operand.LabelRef("padding"))
	}

	build.Label("nextdone")
	build.MOVQ(bReg, aReg)
	k.block("drain stage B", false, func(b builder, _ int) { b.leave(0, b.kept(k.parked)) })
	build.ADDQ(operand.I32(digestBytes*lanes), dstReg)
	build.MOVQ(dstReg, toReg)
	build.CMPQ(leftReg, operand.I8(lanes))
	build.JE(operand.LabelRef("complete"))
	build.LEAQ(frameAddress(k.rows), toReg)
	build.Label("complete")
	setWay(wayLast)
	roundK(false, stageB)
	count((48 - stageB) / 16)
	build.JMP(operand.LabelRef("rounds"))
}

// single writes the rolled code for one group, in the slot of stage A, and the
// function's end.
func (k *pipeline) single() {
	k.gatherAll(srcReg)
	build.ADDQ(operand.I32(pairBytes*lanes), srcReg)
	build.SUBQ(operand.I8(lanes), leftReg)
	roundK(false, 0)
	count(3)
	build.SUBL(finalReg.As32(), countReg.As32()) // one round of the loop less for group 1

	k.scheduledRounds()
	branch(waySecond, "seconddone")
	k.lastRounds()
	if k.what == nodes {
		branch(wayNext, "finish")
		branch(wayFinal, "finish")
	}
	k.middle()
	if k.what == nodes {
		k.secondFirst()
		branch(wayFirst, "firstdone")
		roundK(false, 16)
		count(2)
		setWay(wayFinal)
		build.JMP(operand.LabelRef("rounds"))
	} else {
		roundK(true, 0)
		count((stageC - 64) / 8)
		branch(wayFirst, "padding")
		count(64 / 8)
		k.paddingRounds()
		branch(wayFirst, "firstdone")
	}

	build.Label("finish")
	k.finish()
	branch(wayNext, "nextdone")
	build.CMPQ(leftReg, operand.I8(lanes))
	build.JE(operand.LabelRef("return"))
	copyRows("copyout", toReg, dstReg, reg.Y31)
	build.Label("return")
	end()
}
