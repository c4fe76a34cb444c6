package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// firstBlock compresses the message words in the ring into the initial state.
func (k *kernel) firstBlock() {
	for v := range 8 {
		VMOVDQU(k.tables.iv(v), variable(v, 0))
	}
	beginMaj()
	LEAQ(k.tables.k(0), constants)
	k.scheduledRounds(48)
	for v := range 8 {
		VPADDD(k.tables.iv(v), variable(v, 0), variable(v, 0))
	}
}

// scheduledRounds are the last rounds of a block whose words are all in the
// ring: n that make a later word as well, then 16 that do not.
func (k *kernel) scheduledRounds(n int) {
	k.turns(n/16, func() {
		for t := range 16 {
			_, ops := k.schedule(&[16]word{}, t)
			interleave(round(t, addRingWord(t)), ops)
		}
	})
	for t := range 16 {
		interleave(round(t, addRingWord(t)), nil)
	}
}

// turns writes a loop of n turns of 16 rounds.
func (k *kernel) turns(n int, body func()) {
	k.loops++
	start := k.label(fmt.Sprintf("rounds%d", k.loops))
	MOVL(U32(n), iterations.As32())
	Label(start)
	body()
	ADDQ(U32(16*32), constants)
	DECL(iterations.As32())
	JNZ(LabelRef(start))
}

// paddingBlock compresses the block that follows a message of 64 bytes: a one
// bit, zeros and the length.
func (k *kernel) paddingBlock() {
	saveState()
	beginMaj()
	LEAQ(k.tables.padding(0), constants)
	k.turns(4, func() {
		for t := range 16 {
			h := variable(7, t)
			interleave(round(t, []op{func() { VPADDD(Mem{Base: constants, Disp: 32 * t}, h, h) }}), nil)
		}
	})
	addSavedState()
}

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
