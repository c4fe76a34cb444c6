package main

import (
	"math/bits"

	"github.com/chainweir/weir/asm/_gen/internal/fips180"
	"github.com/chainweir/weir/asm/_gen/internal/sched"
)

// word is one 32-bit word of the computation in all sixteen lanes: a value
// plus a constant. The constant waits, so that constants add up here and not
// in the kernel; with no value (0) the word is known before the kernel runs.
type word struct {
	v sched.Value
	c uint32
}

func constant(c uint32) word { return word{c: c} }

// source is where a word of the message comes from: a constant if known, else
// a cell of the ring of the last sixteen words.
type source struct {
	known bool
	c     uint32
	mem   sched.Mem
}

// builder writes SHA-256 rounds (FIPS 180-4 §6.2.2) into a block.
type builder struct {
	*sched.Block
	pool  *pool
	short bool // short paths rather than few operations
}

// fix adds the constant of w, if any, so that a value remains.
func (b builder) fix(w word) word {
	switch {
	case w.v == 0:
		return word{v: b.Load(b.pool.word(w.c))}
	case w.c != 0:
		return word{v: b.AddMem(w.v, b.pool.word(w.c))}
	}
	return w
}

func (b builder) add(x, y word) word {
	switch {
	case x.v == 0:
		return word{y.v, x.c + y.c}
	case y.v == 0:
		return word{x.v, x.c + y.c}
	}
	return word{b.Add(x.v, y.v), x.c + y.c}
}

// sub returns x - y.
func (b builder) sub(x, y word) word {
	if y.v == 0 {
		return word{x.v, x.c - y.c}
	}
	x = b.fix(x)
	return word{b.Sub(x.v, y.v), -y.c}
}

// addSource adds a word of the message, which mostly stays in memory.
func (b builder) addSource(x word, s source) word {
	switch {
	case s.known:
		return word{x.v, x.c + s.c}
	case x.v == 0:
		return word{b.Load(s.mem), x.c}
	}
	return word{b.AddMem(x.v, s.mem), x.c}
}

// Truth tables of the functions of three operands, for Ternary.
const (
	choose   = 0xca // x&y ^ ^x&z
	majority = 0xe8 // x&y ^ x&z ^ y&z
	parity   = 0x96 // x ^ y ^ z
)

// ternary returns the function imm of three words. Known words come last,
// where the instruction takes one from memory.
func (b builder) ternary(imm int, x, y, z word) word {
	w := [3]word{x, y, z}
	if x.v == 0 && y.v == 0 && z.v == 0 {
		return constant(evaluate(imm, x.c, y.c, z.c))
	}
	for i := range w {
		if w[i].v != 0 {
			w[i] = b.fix(w[i])
		}
	}
	if w[0].v == 0 {
		// A known word in front changes places with the last one that is not.
		k := 1
		if w[2].v != 0 {
			k = 2
		}
		w[0], w[k] = w[k], w[0]
		imm = sched.SwapOperands(imm, k)
	}
	if w[1].v == 0 {
		if w[2].v == 0 {
			w[1] = b.fix(w[1])
		} else {
			// Operands 1 and 2 change places by three swaps with operand 0.
			w[1], w[2] = w[2], w[1]
			imm = sched.SwapOperands(sched.SwapOperands(sched.SwapOperands(imm, 1), 2), 1)
		}
	}
	if w[2].v == 0 {
		return word{v: b.TernaryMem(imm, w[0].v, w[1].v, b.pool.word(w[2].c))}
	}
	return word{v: b.Ternary(imm, w[0].v, w[1].v, w[2].v)}
}

func evaluate(imm int, x, y, z uint32) uint32 {
	r := uint32(0)
	for bit := range 32 {
		i := x>>bit&1<<2 | y>>bit&1<<1 | z>>bit&1
		r |= uint32(imm>>i&1) << bit
	}
	return r
}

// sigma returns the exclusive or of x rotated right by r[0] and r[1] and, if
// shift, shifted right by r[2], or else rotated by it: the functions of §4.1.2.
func (b builder) sigma(x word, r [3]int, shift bool) word {
	if x.v == 0 {
		third := bits.RotateLeft32(x.c, -r[2])
		if shift {
			third = x.c >> r[2]
		}
		return constant(bits.RotateLeft32(x.c, -r[0]) ^ bits.RotateLeft32(x.c, -r[1]) ^ third)
	}
	v := b.fix(x).v
	var result sched.Value
	b.Unit(func() {
		p, q := b.Ror(v, r[0]), b.Ror(v, r[1])
		if shift {
			result = b.Ternary(parity, p, q, b.Shr(v, r[2]))
		} else {
			result = b.Ternary(parity, p, q, b.Ror(v, r[2]))
		}
	})
	return word{v: result}
}

func (b builder) bigSigma0(x word) word { return b.sigma(x, [3]int{2, 13, 22}, false) }
func (b builder) bigSigma1(x word) word { return b.sigma(x, [3]int{6, 11, 25}, false) }
func (b builder) sigma0(x word) word    { return b.sigma(x, [3]int{7, 18, 3}, true) }
func (b builder) sigma1(x word) word    { return b.sigma(x, [3]int{17, 19, 10}, true) }

// state is the working variables a to h.
type state [8]word

// round does one round on s with the message word w and the round constant k.
// In terms of vector units: 6 rotations, 4 ternary functions and 6 additions,
// and one more if the message word is not known.
//
// h + k + w is there long before the rest, as h was e three rounds ago. The
// path from one round to the next is e, its rotations, their parity, and two
// additions. Where nothing else can fill the time, one more operation makes
// that a single addition (short): e' = (d + h + k + w + ch) + s1, and then
// a' = (e' + (maj - d)) + s0, which does the same for the path through a.
func (b builder) round(s state, w, k source) state {
	x := b.addSource(b.addSource(s[7], w), k)
	ch := b.ternary(choose, s[4], s[5], s[6])
	s1 := b.bigSigma1(s[4])
	if x.v != 0 && s1.v != 0 {
		x = b.fix(x)
	}
	maj := b.ternary(majority, s[0], s[1], s[2])
	s0 := b.bigSigma0(s[0])
	var a, e word
	if b.short {
		e = b.settled(b.add(b.add(b.add(s[3], x), ch), s1))
		a = b.add(b.add(e, b.sub(maj, s[3])), s0)
	} else {
		t1 := b.add(b.add(x, ch), s1)
		e = b.settled(b.add(s[3], t1))
		a = b.add(t1, b.add(s0, maj))
	}
	return state{b.settled(a), s[0], s[1], s[2], e, s[4], s[5], s[6]}
}

// settled is fix for what may stay known.
func (b builder) settled(w word) word {
	if w.v == 0 {
		return w
	}
	return b.fix(w)
}

// schedule returns word t+16 of the message schedule from words t, t+1, t+9
// and t+14, and writes it to cell unless it is known: 3 additions and 4
// operations for each sigma, if nothing is known.
func (b builder) schedule(cell sched.Mem, w0, w1, w9, w14 source) source {
	early, late := b.sigma0(b.fetch(w1)), b.sigma1(b.fetch(w14))
	if early.v == 0 && late.v == 0 && w9.known && early.c+late.c+w9.c == 0 && w0.mem == cell {
		return w0 // word t+16 is word t, which is in its cell already
	}
	sum := b.addSource(b.addSource(early, w0), w9)
	sum = b.settled(b.add(sum, late))
	if sum.v == 0 {
		return source{known: true, c: sum.c}
	}
	b.Store(sum.v, cell)
	return source{mem: cell}
}

// rounds does the rounds from start to end of a block of the message and makes
// the words to come. w are the sixteen words from round start on, and then
// those from round end on.
func (b builder) rounds(s state, w *[16]source, ring func(int) sched.Mem, start, end int) state {
	for t := start; t < end; t++ {
		i := t % 16
		s = b.round(s, w[i], source{known: true, c: fips180.K[t]})
		if t < 48 {
			w[i] = b.schedule(ring(i), w[i], w[(i+1)%16], w[(i+9)%16], w[(i+14)%16])
		}
	}
	return s
}

// fetch brings a word of the message into a register, unless it is known.
func (b builder) fetch(s source) word {
	if s.known {
		return constant(s.c)
	}
	return word{v: b.Load(s.mem)}
}
