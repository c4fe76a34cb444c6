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

// scheduledRounds writes countReg times 16 rounds that also make the words to
// come. The first 16 words are in the ring. The code may be entered again, at
// label rounds, for another block.
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
}

// lastRounds writes the last 16 rounds of a block, which need no more words.
func (k *inStep) lastRounds() {
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

// paddingRounds writes countReg times 8 rounds of the padding's block: round
// constant and message word are one operand.
func (k *inStep) paddingRounds() {
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
	k.stateBlock(func(b builder, g int, s state) state {
		if k.what == dpairs {
			s = initial()
		}
		w := k.secondWords(k.ring[g], k.last[g])
		s = b.secondRounds(s, &w, k.ring[g], 0, 16)
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
		w[15].c = 8 * (1 + pairBytes)
	case dpairs: // the digest; 0x80, the length
		for t := range 8 {
			w[t] = source{mem: ring(t)}
		}
		w[8].c, w[15].c = 0x80000000, 8*digestBytes
	}
	return w
}

// secondRounds does the rounds from start to end of a block whose words are
// partly known. w are the sixteen from start on, and then those from end on.
func (b builder) secondRounds(s state, w *[16]source, ring func(int) sched.Mem, start, end int) state {
	for t := start; t < end; t++ {
		i := t % 16
		s = b.round(s, w[i], source{known: true, c: sha256K[t]})
		if t < 48 {
			w[i] = b.schedule(ring(i), w[i], w[(i+1)%16], w[(i+9)%16], w[(i+14)%16])
		}
	}
	return s
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
	k.block(func(b builder, g int) {
		for i := range 8 {
			h := b.addSource(word{v: b.In(8*g + i)}, source{mem: k.mid[g](i)})
			b.Store(h.v, k.ring[g](i))
		}
	})
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
