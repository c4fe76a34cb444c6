package main

import (
	"github.com/chainweir/weir/asm/_gen/internal/sched"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Sizes in bytes, and lanes of a register.
const (
	lanes       = 16
	cellBytes   = 64 // one word in all lanes
	pairBytes   = 64
	digestBytes = 32
)

// Registers with one meaning throughout a function.
var (
	frameReg  = reg.RAX // scratch memory, 64-byte aligned
	tablesReg = reg.RBX // constants, see pool
	leftReg   = reg.RCX // pairs left
	roundKReg = reg.RDX // round constants of the present rounds, in loops
	srcReg    = reg.RSI // pairs that come next
	dstReg    = reg.RDI // digests that come next
	countReg  = reg.R8  // iterations left, in loops
	finalReg  = reg.R9  // not 0 in the last block
	fromReg   = reg.R10 // rows of the group: srcReg or a copy
	toReg     = reg.R11 // digests of the group: dstReg or a buffer
)

// layout hands out the cells of the scratch memory.
type layout struct{ cells int }

// take returns a function for n consecutive cells.
func (l *layout) take(n int) func(int) sched.Mem {
	first := l.cells
	l.cells += n
	return cellsAt(frameReg, first, 1+first)
}

// cellsAt returns a function for cells from a base register on, which the
// scheduler tells apart by their numbers from number on.
func cellsAt(base reg.Register, first, number int) func(int) sched.Mem {
	return func(i int) sched.Mem {
		return sched.Mem{Base: base, Disp: (first + i) * cellBytes, Cell: number + i}
	}
}

// begin declares a function over groups of pairs and loads its arguments. The
// frame's size is known only when the code is written, so the caller passes it.
func begin(name, doc string, cells int) {
	build.TEXT(name, 0, "func(dst, src *byte, pairs int)")
	build.Pragma("noescape")
	build.Doc(doc)
	local := build.AllocLocal(cells*cellBytes + cellBytes)
	build.LEAQ(local.Offset(cellBytes-1), frameReg)
	build.ANDQ(operand.I8(-cellBytes), frameReg)
	build.LEAQ(tableAddress(), tablesReg)
	build.Load(build.Param("dst"), dstReg)
	build.Load(build.Param("src"), srcReg)
	build.Load(build.Param("pairs"), leftReg)
}

func end() {
	build.VZEROUPPER()
	build.RET()
}

// frameAddress returns a cell as an operand of plain instructions.
func frameAddress(m sched.Mem) operand.Mem { return operand.Mem{Base: m.Base, Disp: m.Disp} }

// copyRows writes a loop that copies leftReg rows from one address to another,
// which it moves on, with the given 32-byte or 64-byte register between. It
// leaves countReg at 0.
func copyRows(label string, from, to reg.Register, through reg.Register) {
	bytes := operand.U8(through.Size())
	build.MOVQ(leftReg, countReg)
	build.Label(label)
	build.VMOVDQU64(operand.Mem{Base: from}, through)
	build.VMOVDQU64(through, operand.Mem{Base: to})
	build.ADDQ(bytes, from)
	build.ADDQ(bytes, to)
	build.DECQ(countReg)
	build.JNZ(operand.LabelRef(label))
}
