package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Scratch memory: the ring of the last 16 message words, the state that a block
// begins with and is added to its outcome, and the last bytes of the pairs,
// which are the second block of a node.
const (
	ringAt      = 0
	stateAt     = ringAt + 16*32
	lastByteAt  = stateAt + 8*32
	scratchSize = lastByteAt + 32
)

// kernel is the state of the generator inside one function.
type kernel struct {
	name   string
	tables *tables
	loops  int // labels given out
}

func (k *kernel) label(name string) string { return k.name + "_" + name }

func inScratch(offset int) Mem { return Mem{Base: scratch, Disp: offset} }
func ring(t int) Mem           { return inScratch(ringAt + t%16*32) }
func savedState(v int) Mem     { return inScratch(stateAt + v*32) }

var ymm = [16]VecPhysical{Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15}

// variable is the register of working variable v (0 for a, 7 for h) in round t.
func variable(v, t int) VecPhysical { return ymm[((v-t)%8+8)%8] }

// majXor is the register that round t finds b^c in, and round t-1 left a^b in.
func majXor(t int) VecPhysical { return ymm[8+(t&1)] }

// op is an instruction still to be written.
type op func()

// round is round t of a block, FIPS 180-4 §6.2.2 step 3, with the operations
// that add its constant and message word to h. It begins with what the next
// round waits for: the path from e over Σ1 to the next e.
func round(t int, addWord []op) []op {
	a, b := variable(0, t), variable(1, t)
	d, e, f, g, h := variable(3, t), variable(4, t), variable(5, t), variable(6, t), variable(7, t)
	x, y, z := ymm[10], ymm[11], ymm[12]
	maj, nextMaj := majXor(t), majXor(t+1)

	ops := bigSigma(e, x, y, z, 6, 11, 25)
	ops = append(ops, addWord...)
	ops = append(ops,
		// Ch(e,f,g) = e&(f^g) ^ g
		func() { VPXOR(f, g, y) },
		func() { VPAND(e, y, y) },
		func() { VPXOR(g, y, y) },
		func() { VPADDD(y, h, h) },
		func() { VPADDD(x, h, h) }, // h is T1
		func() { VPADDD(h, d, d) }, // d is the next e
	)
	ops = append(ops, bigSigma(a, x, y, z, 2, 13, 22)...)
	return append(ops,
		// Maj(a,b,c) = (a^b)&(b^c) ^ b
		func() { VPXOR(a, b, nextMaj) },
		func() { VPAND(nextMaj, maj, maj) },
		func() { VPXOR(b, maj, maj) },
		func() { VPADDD(maj, h, h) },
		func() { VPADDD(x, h, h) }, // h is the next a
	)
}

// beginMaj sets what the first round of a block finds in majXor.
func beginMaj() { VPXOR(variable(1, 0), variable(2, 0), majXor(0)) }

// bigSigma sets x to Σ(v), the exclusive or of three rotations to the right.
// AVX2 does not rotate: six shifts, of which two start in a cycle, and a tree
// of exclusive ors over them in the order in which they are done.
func bigSigma(v, x, y, z Register, r1, r2, r3 int) []op {
	return []op{
		func() { VPSRLD(Imm(uint64(r1)), v, x) },
		func() { VPSLLD(Imm(uint64(32-r1)), v, y) },
		func() { VPXOR(y, x, x) },
		func() { VPSRLD(Imm(uint64(r2)), v, y) },
		func() { VPSLLD(Imm(uint64(32-r2)), v, z) },
		func() { VPXOR(z, y, y) },
		func() { VPXOR(y, x, x) },
		func() { VPSRLD(Imm(uint64(r3)), v, y) },
		func() { VPSLLD(Imm(uint64(32-r3)), v, z) },
		func() { VPXOR(z, y, y) },
		func() { VPXOR(y, x, x) },
	}
}

// smallSigma sets x to σ(v): two rotations and one shift to the right.
func smallSigma(v, x, y Register, r1, r2, s3 int) []op {
	return []op{
		func() { VPSRLD(Imm(uint64(s3)), v, x) },
		func() { VPSRLD(Imm(uint64(r1)), v, y) },
		func() { VPXOR(y, x, x) },
		func() { VPSLLD(Imm(uint64(32-r1)), v, y) },
		func() { VPXOR(y, x, x) },
		func() { VPSRLD(Imm(uint64(r2)), v, y) },
		func() { VPXOR(y, x, x) },
		func() { VPSLLD(Imm(uint64(32-r2)), v, y) },
		func() { VPXOR(y, x, x) },
	}
}

// schedule makes message word t+16 from words t, t+1, t+9 and t+14, and puts
// it into the slot of word t, §6.2.2 step 1. There are registers for one σ but
// none for a sum beside it, which waits in the slot.
func schedule(t int) []op {
	x, y, v := ymm[13], ymm[14], ymm[15]
	ops := []op{func() { VMOVDQA(ring(t+1), v) }}
	ops = append(ops, smallSigma(v, x, y, 7, 18, 3)...)
	ops = append(ops,
		func() { VPADDD(ring(t), x, x) },
		func() { VPADDD(ring(t+9), x, x) },
		func() { VMOVDQA(x, ring(t)) },
		func() { VMOVDQA(ring(t+14), v) },
	)
	ops = append(ops, smallSigma(v, x, y, 17, 19, 10)...)
	return append(ops,
		func() { VPADDD(ring(t), x, x) },
		func() { VMOVDQA(x, ring(t)) },
	)
}

// addConstant adds to h the constant of round t of a turn.
func addConstant(t int) []op {
	h := variable(7, t)
	return []op{func() { VPADDD(Mem{Base: constants, Disp: 32 * t}, h, h) }}
}

// addRingWord adds word t and the constant of round t of a turn to h.
func addRingWord(t int) []op {
	h := variable(7, t)
	return append(addConstant(t), func() { VPADDD(ring(t), h, h) })
}

// interleave writes the operations of both lists, each list in its order and
// evenly spread over the whole. A round reads its slot of the ring in its first
// half, and schedule writes to it in its second.
func interleave(a, b []op) {
	for i, f := range a {
		f()
		for j := i * len(b) / len(a); j < (i+1)*len(b)/len(a); j++ {
			b[j]()
		}
	}
}
