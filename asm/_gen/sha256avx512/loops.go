package main

import (
	"github.com/chainweir/weir/asm/_gen/sched"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// initial is the state before the first block.
func initial() state {
	var s state
	for i := range s {
		s[i] = constant(iv[i])
	}
	return s
}

// addState returns s plus the state in memory.
func (b builder) addState(s state, mid func(int) sched.Mem) state {
	for i := range s {
		s[i] = b.addSource(s[i], source{mem: mid(i)})
	}
	return s
}

// scheduledRounds writes the rounds of a block of the message whose first 16
// words are in the ring: countReg times 16 that also make the words to come,
// then the last 16. The code may be entered again for another block.
func (k *inStep) scheduledRounds() {
	build.Label("rounds")
	k.stateBlock(func(b builder, g int, s state) state {
		w := ringWords(k.ring[g])
		for t := range 16 {
			s = b.round(s, w[t], tableK(t))
			w[t] = b.schedule(k.ring[g](t), w[t], w[(t+1)%16], w[(t+9)%16], w[(t+14)%16])
		}
		return s
	})
	build.ADDQ(operand.I8(16*4), roundKReg)
	build.DECL(countReg.As32())
	build.JNZ(operand.LabelRef("rounds"))
	k.stateBlock(func(b builder, g int, s state) state {
		for t := range 16 {
			s = b.round(s, source{mem: k.ring[g](t)}, tableK(t))
		}
		return s
	})
}

func ringWords(ring func(int) sched.Mem) (w [16]source) {
	for t := range w {
		w[t] = source{mem: ring(t)}
	}
	return w
}

// middle adds the initial value and keeps the sum.
func (k *inStep) middle() {
	k.stateBlock(func(b builder, g int, s state) state {
		for i := range s {
			s[i] = b.fix(word{s[i].v, iv[i]})
			b.Store(s[i].v, k.mid[g](i))
		}
		return s
	})
}

// paddingRounds writes the 64 rounds of the padding's block: constant and
// message word are one operand.
func (k *inStep) paddingRounds() {
	build.MOVQ(tablesReg, roundKReg)
	build.MOVL(operand.U32(8), countReg.As32())
	build.Label("padding")
	k.stateBlock(func(b builder, g int, s state) state {
		for t := range 8 {
			s = b.round(s, source{known: true}, tableK(t))
		}
		return s
	})
	build.ADDQ(operand.I8(8*4), roundKReg)
	build.DECL(countReg.As32())
	build.JNZ(operand.LabelRef("padding"))
}

// secondBlock writes the first 16 rounds of another block of the message,
// whose words are partly known, and goes back to the loop for the other 48.
func (k *inStep) secondBlock(first func(g, t int) source) {
	k.stateBlock(func(b builder, g int, s state) state {
		if k.what == dpairs {
			s = initial()
		}
		var w [16]source
		for t := range w {
			w[t] = first(g, t)
		}
		for t := range w {
			s = b.round(s, w[t], source{known: true, c: sha256K[t]})
			w[t] = b.schedule(k.ring[g](t), w[t], w[(t+1)%16], w[(t+9)%16], w[(t+14)%16])
		}
		for t := range w {
			if w[t].known { // the loop looks for it in the ring
				b.Store(b.fix(constant(w[t].c)).v, k.ring[g](t))
			}
		}
		return s
	})
	build.LEAQ(operand.Mem{Base: tablesReg, Disp: -4 * (64 - 16)}, roundKReg)
	build.MOVL(operand.U32(2), countReg.As32())
	build.MOVL(operand.U32(1), finalReg.As32())
	build.JMP(operand.LabelRef("rounds"))
}

// ifFinal writes code for after the last block and leaves the function's
// kernel there.
func (k *inStep) ifFinal(f func()) {
	build.TESTL(finalReg.As32(), finalReg.As32())
	build.JZ(operand.LabelRef("middle"))
	f()
	build.JMP(operand.LabelRef("done"))
	build.Label("middle")
}

// finish adds the state before the last block and writes the digests.
func (k *inStep) finish() {
	k.block(func(b builder, g int) {
		var s state
		for i := range s {
			s[i] = word{v: b.In(8*g + i)}
			if k.what == dpairs {
				s[i] = b.fix(word{s[i].v, iv[i]})
			} else {
				s[i] = b.addSource(s[i], source{mem: k.mid[g](i)})
			}
		}
		b.scatter(sched.Mem{Base: toReg, Disp: digestBytes * lanes * g}, s)
	})
}
