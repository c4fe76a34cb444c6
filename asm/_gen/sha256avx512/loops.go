package main

import (
	"github.com/chainweir/weir/asm/_gen/internal/fips180"
	"github.com/chainweir/weir/asm/_gen/internal/sched"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// initial is the state before the first block.
func initial() state {
	var s state
	for i := range s {
		s[i] = constant(fips180.IV[i])
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

// addInitial returns s plus the initial state.
func (b builder) addInitial(s state) state {
	for i := range s {
		s[i] = b.fix(word{s[i].v, fips180.IV[i]})
	}
	return s
}

// keep stores a state.
func (b builder) keep(s state, cells func(int) sched.Mem) {
	for i, w := range s {
		b.Store(w.v, cells(i))
	}
}

// kept loads a state that was stored by keep.
func (b builder) kept(cells func(int) sched.Mem) (s state) {
	for i := range s {
		s[i] = word{v: b.Load(cells(i))}
	}
	return s
}

// scheduledRounds writes countReg times 16 rounds that also make the words to
// come. The first 16 words are in the ring. The code may be entered again, at
// label rounds, for another block.
func (k *inStep) scheduledRounds() {
	build.Label("rounds")
	k.stateBlock("16 rounds with schedule", k.groups == 1, func(b builder, g int, s state) state {
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
}

// lastRounds writes the last 16 rounds of a block, which need no more words.
func (k *inStep) lastRounds() {
	k.stateBlock("last 16 rounds of a block", true, func(b builder, g int, s state) state {
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
	k.stateBlock("middle", false, func(b builder, g int, s state) state {
		s = b.addInitial(s)
		b.keep(s, k.mid[g])
		return s
	})
}

// paddingRounds writes countReg times 8 rounds of the padding's block: round
// constant and message word are one operand.
func (k *inStep) paddingRounds() {
	build.Label("padding")
	k.stateBlock("8 rounds of the padding", true, func(b builder, g int, s state) state {
		for t := range 8 {
			s = b.round(s, source{known: true}, tableK(t))
		}
		return s
	})
	build.ADDQ(operand.I8(8*4), roundKReg)
	build.DECL(countReg.As32())
	build.JNZ(operand.LabelRef("padding"))
}

// roundK points roundKReg to the constants of round t of the message's blocks
// or of the padding's.
func roundK(padding bool, t int) {
	disp := 4 * (t - 64)
	if padding {
		disp = 4 * t
	}
	build.LEAQ(operand.Mem{Base: tablesReg, Disp: disp}, roundKReg)
}

func count(n int) { build.MOVL(operand.U32(n), countReg.As32()) }

// secondFirst writes the first 16 rounds of another block of the message. The
// words that are known make these cheaper. For the rest, the ring is complete.
func (k *inStep) secondFirst() {
	k.stateBlock("first 16 rounds of another block", k.groups == 1, func(b builder, g int, s state) state {
		if k.what == dpairs {
			s = initial()
		}
		w := k.secondWords(k.ring[g], k.last[g])
		s = b.rounds(s, &w, k.ring[g], 0, 16)
		b.complete(w, k.ring[g])
		return s
	})
}

// secondWords are the first 16 words of the second message: in the ring, at
// last, or known.
func (k *inStep) secondWords(ring func(int) sched.Mem, last sched.Mem) (w [16]source) {
	for t := range w {
		w[t] = source{known: true}
	}
	switch k.what {
	case nodes: // the last byte, 0x80 behind it; the length
		w[0] = source{mem: last}
		w[15].c = fips180.NodeBits
	case dpairs: // the digest; 0x80, the length
		for t := range 8 {
			w[t] = source{mem: ring(t)}
		}
		w[8].c, w[15].c = fips180.EndBit, fips180.DigestBits
	}
	return w
}

// complete stores the known words in the ring, where the loops look for them.
func (b builder) complete(w [16]source, ring func(int) sched.Mem) {
	for t := range w {
		if w[t].known {
			b.Store(b.fix(constant(w[t].c)).v, ring(t))
		}
	}
}

// digestToRing ends the inner of two hashes: its digest is the message of the
// outer.
func (k *inStep) digestToRing() {
	k.block("digest to ring", false, func(b builder, g int) {
		b.keep(b.addState(b.enter(g), k.mid[g]), k.ring[g])
	})
}

// finish adds the state before the last block and writes the digests.
func (k *inStep) finish() {
	k.block("finish", false, func(b builder, g int) {
		s := b.enter(g)
		if k.what == dpairs {
			s = b.addInitial(s)
		} else {
			s = b.addState(s, k.mid[g])
		}
		b.scatter(sched.Mem{Base: toReg, Disp: digestBytes * lanes * g}, s)
	})
}
