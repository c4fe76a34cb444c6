package main

import (
	"math/bits"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/reg"
)

// word is a message word as the generator sees it: known now, or in the ring.
type word struct {
	known bool
	value uint32
}

func known(v uint32) word { return word{true, v} }

// nodeTail compresses the second block of 0x01 ‖ pair: the pair's last byte, a
// one bit, zeros and the length.
func (k *kernel) nodeTail() {
	VMOVDQA(inScratch(lastByteAt), Y15)
	VPAND(k.tables.broadcast(0xff000000), Y15, Y15)
	VPOR(k.tables.broadcast(0x00800000), Y15, Y15)
	VMOVDQA(Y15, ring(0))
	saveState()
	var w [16]word
	for t := 1; t < 16; t++ {
		w[t] = known(0)
	}
	w[15] = known(65 * 8)
	k.foldedBlock(w)
	addSavedState()
}

// digestBlock compresses the digests in Y0–Y7, as messages of 32 bytes, into
// the initial state.
func (k *kernel) digestBlock() {
	for v := range 8 {
		VMOVDQA(variable(v, 0), ring(v))
	}
	for v := range 8 {
		VMOVDQU(k.tables.iv(v), variable(v, 0))
	}
	var w [16]word
	for t := 8; t < 16; t++ {
		w[t] = known(0)
	}
	w[8] = known(0x80000000)
	w[15] = known(32 * 8)
	k.foldedBlock(w)
	for v := range 8 {
		VPADDD(k.tables.iv(v), variable(v, 0), variable(v, 0))
	}
}

// foldedBlock is a block some of whose first words are known. Its first 16
// rounds are written out; of the words they make, what can be computed now is.
func (k *kernel) foldedBlock(w [16]word) {
	beginMaj()
	for t := range 16 {
		h := variable(7, t)
		constant := k.tables.k(t)
		if w[t].known {
			constant = k.tables.broadcast(roundConstants[t] + w[t].value)
		}
		add := []op{func() { VPADDD(constant, h, h) }}
		if !w[t].known {
			add = append(add, func() { VPADDD(ring(t), h, h) })
		}
		made, ops := k.schedule(&w, t)
		w[t] = made
		interleave(round(t, add), ops)
	}
	LEAQ(k.tables.k(16), constants)
	k.scheduledRounds(32)
}

// schedule makes message word t+16 from words t, t+1, t+9 and t+14, and puts
// it into the slot of word t, §6.2.2 step 1. What is known of it is computed
// here; it also returns what is known of it afterwards.
func (k *kernel) schedule(w *[16]word, t int) (word, []op) {
	x, y, v := ymm[13], ymm[14], ymm[15]
	var sum uint32 // of the known terms
	var ops []op   // for the others
	inX, inSlot := false, false
	sigma := func(i int, r1, r2, s3 int) {
		if source := w[i%16]; source.known {
			sum += sigmaOf(source.value, r1, r2, s3)
			return
		}
		if inX { // there are registers for one σ, and none for a sum beside it
			ops = append(ops, func() { VMOVDQA(x, ring(t)) })
			inSlot = true
		}
		ops = append(ops, func() { VMOVDQA(ring(i), v) })
		ops = append(ops, smallSigma(v, x, y, r1, r2, s3)...)
		inX = true
	}
	add := func(i int) {
		switch source := w[i%16]; {
		case source.known:
			sum += source.value
		case inX:
			ops = append(ops, func() { VPADDD(ring(i), x, x) })
		default:
			ops = append(ops, func() { VMOVDQA(ring(i), x) })
			inX = true
		}
	}
	sigma(t+1, 7, 18, 3)
	add(t)
	add(t + 9)
	sigma(t+14, 17, 19, 10)
	if inSlot {
		ops = append(ops, func() { VPADDD(ring(t), x, x) })
	}
	switch {
	case !inX: // later blocks of code look for it in the ring all the same
		ops = append(ops, func() { VMOVDQU(k.tables.broadcast(sum), x) })
	case sum != 0:
		ops = append(ops, func() { VPADDD(k.tables.broadcast(sum), x, x) })
	}
	ops = append(ops, func() { VMOVDQA(x, ring(t)) })
	return word{known: !inX, value: sum}, ops
}

func sigmaOf(n uint32, r1, r2, s3 int) uint32 {
	return bits.RotateLeft32(n, -r1) ^ bits.RotateLeft32(n, -r2) ^ n>>s3
}
