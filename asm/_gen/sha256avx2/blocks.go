package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// beginHash makes the initial value the saved state.
func (k *kernel) beginHash() {
	for v := range 8 {
		VMOVDQU(k.tables.iv(v), ymm[v])
		VMOVDQA(ymm[v], savedState(v))
	}
}

// messageBlock compresses the words in the ring into the saved state. The new
// state is in the working variables.
func (k *kernel) messageBlock() {
	for v := range 8 {
		VMOVDQA(savedState(v), variable(v, 0))
	}
	beginMaj()
	LEAQ(k.tables.k(), constants)
	k.turns(3, func(t int) { interleave(round(t, addRingWord(t)), schedule(t)) })
	for t := range 16 {
		interleave(round(t, addRingWord(t)), nil)
	}
	addSavedState()
}

// paddingBlock compresses the block that follows a message of 64 bytes: a one
// bit, zeros and the length.
func (k *kernel) paddingBlock() {
	saveState()
	beginMaj()
	LEAQ(k.tables.padding(), constants)
	k.turns(4, func(t int) { interleave(round(t, addConstant(t)), nil) })
	addSavedState()
}

// turns writes a loop of n turns of 16 rounds.
func (k *kernel) turns(n int, round func(t int)) {
	k.loops++
	start := k.label(fmt.Sprintf("rounds%d", k.loops))
	MOVL(U32(n), iterations.As32())
	Label(start)
	for t := range 16 {
		round(t)
	}
	ADDQ(U32(16*32), constants)
	DECL(iterations.As32())
	JNZ(LabelRef(start))
}

// saveState makes the working variables the saved state.
func saveState() {
	for v := range 8 {
		VMOVDQA(variable(v, 0), savedState(v))
	}
}

func addSavedState() {
	for v := range 8 {
		VPADDD(savedState(v), variable(v, 0), variable(v, 0))
	}
}

// nodeTail puts the second block of 0x01 ‖ pair into the ring: the pair's last
// byte, a one bit, zeros and the length.
func (k *kernel) nodeTail() {
	VMOVDQA(inScratch(lastByteAt), ymm[15])
	VPAND(k.tables.broadcast(0xff000000), ymm[15], ymm[15])
	VPOR(k.tables.broadcast(0x00800000), ymm[15], ymm[15])
	VMOVDQA(ymm[15], ring(0))
	k.fillRing(1, 0, 65*8)
}

// digestMessage puts the digests in the working variables into the ring, as
// messages of 32 bytes.
func (k *kernel) digestMessage() {
	for v := range 8 {
		VMOVDQA(variable(v, 0), ring(v))
	}
	k.fillRing(8, 0x80000000, 32*8)
}

// fillRing sets the word at from, then zeros, and the length in bits.
func (k *kernel) fillRing(from int, first, bits uint32) {
	set := func(t int, v uint32) {
		VMOVDQU(k.tables.broadcast(v), ymm[15])
		VMOVDQA(ymm[15], ring(t))
	}
	set(from, first)
	VPXOR(ymm[15], ymm[15], ymm[15])
	for t := from + 1; t < 15; t++ {
		VMOVDQA(ymm[15], ring(t))
	}
	set(15, bits)
}
