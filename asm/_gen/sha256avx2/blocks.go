package main

import (
	"fmt"

	"github.com/chainweir/weir/asm/_gen/internal/fips180"
	"github.com/chainweir/weir/asm/_gen/internal/steps"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// beginHash makes the initial value the saved state.
func (k *kernel) beginHash() {
	for v := range 8 {
		build.VMOVDQU(k.tables.iv(v), ymm[v])
		build.VMOVDQA(ymm[v], savedState(v))
	}
}

// messageBlock compresses the words in the ring into the saved state. The new
// state is in the working variables.
func (k *kernel) messageBlock() {
	for v := range 8 {
		build.VMOVDQA(savedState(v), variable(v, 0))
	}
	beginMaj()
	build.LEAQ(k.tables.k(), constants)
	k.turns(3, func(t int) { roundAndSchedule(round(t, addRingWord(t)), schedule(t)) })
	for t := range 16 {
		steps.Emit(round(t, addRingWord(t)))
	}
	addSavedState()
}

// paddingBlock compresses the block that follows a message of 64 bytes: a one
// bit, zeros and the length.
func (k *kernel) paddingBlock() {
	saveState()
	beginMaj()
	build.LEAQ(k.tables.padding(), constants)
	k.turns(4, func(t int) { steps.Emit(round(t, addConstant(t))) })
	addSavedState()
}

// turns writes a loop of n turns of 16 rounds.
func (k *kernel) turns(n int, round func(t int)) {
	k.loops++
	start := k.label(fmt.Sprintf("rounds%d", k.loops))
	build.MOVL(operand.U32(n), iterations.As32())
	build.Label(start)
	for t := range 16 {
		round(t)
	}
	build.ADDQ(operand.U32(16*32), constants)
	build.DECL(iterations.As32())
	build.JNZ(operand.LabelRef(start))
}

// saveState makes the working variables the saved state.
func saveState() {
	for v := range 8 {
		build.VMOVDQA(variable(v, 0), savedState(v))
	}
}

// addSavedState ends a block: the sum is the new state.
func addSavedState() {
	for v := range 8 {
		build.VPADDD(savedState(v), variable(v, 0), variable(v, 0))
	}
}

// nodeTail puts the second block of 0x01 ‖ pair into the ring: the pair's last
// byte, a one bit, zeros and the length.
func (k *kernel) nodeTail() {
	build.VMOVDQA(inScratch(lastByteAt), ymm[15])
	build.VPAND(k.tables.broadcast(0xff000000), ymm[15], ymm[15])
	build.VPOR(k.tables.broadcast(0x00800000), ymm[15], ymm[15])
	build.VMOVDQA(ymm[15], ring(0))
	k.fillRing(1, 0, fips180.NodeBits)
}

// digestMessage puts the digests in the working variables into the ring, as
// messages of 32 bytes.
func (k *kernel) digestMessage() {
	for v := range 8 {
		build.VMOVDQA(variable(v, 0), ring(v))
	}
	k.fillRing(8, fips180.EndBit, fips180.DigestBits)
}

// fillRing sets the word at from, then zeros, and the length in bits.
func (k *kernel) fillRing(from int, first, bits uint32) {
	set := func(t int, v uint32) {
		build.VMOVDQU(k.tables.broadcast(v), ymm[15])
		build.VMOVDQA(ymm[15], ring(t))
	}
	set(from, first)
	build.VPXOR(ymm[15], ymm[15], ymm[15])
	for t := from + 1; t < 15; t++ {
		build.VMOVDQA(ymm[15], ring(t))
	}
	set(15, bits)
}
