package main

import (
	"github.com/chainweir/weir/asm/_gen/internal/sched"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// hashing is what a function computes from a pair of digests, m.
type hashing int

const (
	pairs  hashing = iota // SHA-256(m): the pair's block, the padding's block
	nodes                 // SHA-256(0x01‖m): two blocks, shifted by a byte
	dpairs                // SHA-256(SHA-256(m)): as pairs, and the digest's block
)

// inStep writes kernels that take one or two groups at a time through the same
// rounds, rolled into loops of sixteen rounds (eight where the schedule is a
// table): small, with nothing to fill or drain.
//
//	gather                      rows -> ring of 16 words
//	3 x 16 rounds               each also makes the word 16 rounds ahead
//	16 rounds                   the last ones, without a schedule
//	add the initial value       the state after the first block: mid
//	8 x 8 rounds                the padding's block (pairs, dpairs)
//	add mid, scatter            state -> rows
//
// Nodes and double hashes have one more block whose words are not all the
// same. Its first sixteen rounds are written out, because many of its words
// are known; for the others the kernel goes back to the first block's loop.
//
// Between the blocks of straight-line code, word i of the state of group g is
// in register Z(8g+i).
type inStep struct {
	name   string
	what   hashing
	groups int
	model  sched.Model
	ahead  float64 // see sched.Limits; 0 keeps the program's order

	pool           *pool
	ring, tmp, mid []func(int) sched.Mem // by group
	last           []sched.Mem           // nodes: first word of the second block
	rows           sched.Mem             // copy of the rows of an incomplete group
	cells          int
	sections       []section
}

func (k *inStep) layOut() {
	var l layout
	for range k.groups {
		k.ring = append(k.ring, l.take(16))
		k.mid = append(k.mid, l.take(8))
		k.last = append(k.last, l.take(1)(0))
	}
	for range k.groups {
		k.tmp = append(k.tmp, l.take(16))
	}
	k.rows = l.take(lanes * k.groups)(0)
	k.cells = l.cells
}

// block writes straight-line code that does the same to every group. Short
// paths pay where the operations of its rounds do not fill the time: always
// with one group, and with two in rounds that make no message words.
func (k *inStep) block(name string, short bool, f func(b builder, g int)) {
	b := builder{sched.NewBlock(), k.pool, short}
	for g := range k.groups {
		b.Stream()
		f(b, g)
	}
	k.emit(name, b)
}

// stateBlock is block for code that takes the state and leaves the state.
func (k *inStep) stateBlock(name string, short bool, f func(b builder, g int, s state) state) {
	k.block(name, short, func(b builder, g int) { b.leave(g, f(b, g, b.enter(g))) })
}

// enter is the state that the block before left.
func (b builder) enter(g int) (s state) {
	for i := range s {
		s[i] = word{v: b.In(8*g + i)}
	}
	return s
}

// emit schedules a block, allocates its registers and writes it.
func (k *inStep) emit(name string, b builder) {
	order := b.ProgramOrder()
	if k.ahead > 0 {
		var err error
		order, err = b.BestOrder(k.model, k.ahead)
		must(err)
	}
	code, err := order.Allocate()
	must(err)
	build.Commentf("%s: %d instructions, %d of them for the vector units.", name, code.Instructions(), code.Slots())
	must(code.Emit())
	k.sections = append(k.sections, section{name, code})
}

// leave puts a state where the next block expects it.
func (b builder) leave(g int, s state) {
	for i, w := range s {
		b.Out(b.fix(w).v, 8*g+i)
	}
}

// tableK is the round constant of round t of a loop.
func tableK(t int) source {
	return source{mem: sched.Mem{Base: roundKReg, Disp: 4 * t, Bcst: true}}
}

// write writes the function.
func (k *inStep) write(doc string) {
	k.layOut()
	begin(k.name, doc, k.cells)
	full := operand.U8(lanes * k.groups)
	build.Label("groups")
	build.MOVQ(srcReg, fromReg)
	build.MOVQ(dstReg, toReg)
	build.CMPQ(leftReg, full)
	build.JGE(operand.LabelRef("gather"))
	build.LEAQ(frameAddress(k.rows), toReg)
	copyRows("copyin", fromReg, toReg, reg.Z31)
	build.LEAQ(frameAddress(k.rows), fromReg)
	build.MOVQ(fromReg, toReg)

	build.Label("gather")
	k.hash()

	build.Label("done")
	build.CMPQ(leftReg, full)
	build.JLT(operand.LabelRef("partial"))
	build.ADDQ(operand.I32(pairBytes*lanes*k.groups), srcReg)
	build.ADDQ(operand.I32(digestBytes*lanes*k.groups), dstReg)
	build.SUBQ(full, leftReg)
	build.JNZ(operand.LabelRef("groups"))
	end()
	build.Label("partial")
	copyRows("copyout", toReg, dstReg, reg.Y31)
	end()
}

// hash writes the kernel proper: groups at fromReg to digests at toReg.
func (k *inStep) hash() {
	k.gatherAll(fromReg)
	roundK(false, 0)
	count(3)
	if k.what != pairs {
		build.XORL(finalReg.As32(), finalReg.As32())
	}
	k.scheduledRounds()
	k.lastRounds()
	if k.what != pairs {
		build.TESTL(finalReg.As32(), finalReg.As32())
		build.JNZ(operand.LabelRef("finish"))
	}
	k.middle()
	if k.what != nodes {
		roundK(true, 0)
		count(8)
		k.paddingRounds()
	}
	if k.what == dpairs {
		k.digestToRing()
	}
	if k.what != pairs {
		k.secondFirst()
		roundK(false, 16)
		count(2)
		build.MOVL(operand.U32(1), finalReg.As32())
		build.JMP(operand.LabelRef("rounds"))
	}
	build.Label("finish")
	k.finish()
}

// gatherAll writes the beginning of every group: its rows into the ring, and
// the initial state.
func (k *inStep) gatherAll(from reg.Register) {
	k.block("gather", false, func(b builder, g int) {
		b.gather(sched.Mem{Base: from, Disp: pairBytes * lanes * g}, k.tmp[g], k.ring[g])
		if k.what == nodes {
			b.shiftIn(k.ring[g], k.last[g])
		}
		b.leave(g, initial())
	})
}
