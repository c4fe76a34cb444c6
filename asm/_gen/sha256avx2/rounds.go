package main

import (
	"github.com/chainweir/weir/asm/_gen/internal/steps"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
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

func inScratch(offset int) operand.Mem { return operand.Mem{Base: scratch, Disp: offset} }
func ring(t int) operand.Mem           { return inScratch(ringAt + t%16*32) }
func savedState(v int) operand.Mem     { return inScratch(stateAt + v*32) }

var ymm = [16]reg.VecPhysical{reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7, reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15}

// variable is the register of working variable v (0 for a, 7 for h) in round t.
func variable(v, t int) reg.VecPhysical { return ymm[((v-t)%8+8)%8] }

// majXor is the register that round t finds b^c in, and round t-1 left a^b in.
func majXor(t int) reg.VecPhysical { return ymm[8+(t&1)] }

// round is round t of a block, FIPS 180-4 §6.2.2 step 3, with the operations
// that add its constant and message word to h. It begins with what the next
// round waits for: the path from e over Σ1 to the next e.
func round(t int, addWord steps.List) steps.List {
	a, b := variable(0, t), variable(1, t)
	d, e, f, g, h := variable(3, t), variable(4, t), variable(5, t), variable(6, t), variable(7, t)
	x, y, z := ymm[10], ymm[11], ymm[12]
	maj, nextMaj := majXor(t), majXor(t+1)

	ops := bigSigma(e, x, y, z, 6, 11, 25)
	ops = append(ops, addWord...)
	ops = append(ops,
		// Ch(e,f,g) = e&(f^g) ^ g
		func() { build.VPXOR(f, g, y) },
		func() { build.VPAND(e, y, y) },
		func() { build.VPXOR(g, y, y) },
		func() { build.VPADDD(y, h, h) },
		func() { build.VPADDD(x, h, h) }, // h is T1
		func() { build.VPADDD(h, d, d) }, // d is the next e
	)
	ops = append(ops, bigSigma(a, x, y, z, 2, 13, 22)...)
	return append(ops,
		// Maj(a,b,c) = (a^b)&(b^c) ^ b
		func() { build.VPXOR(a, b, nextMaj) },
		func() { build.VPAND(nextMaj, maj, maj) },
		func() { build.VPXOR(b, maj, maj) },
		func() { build.VPADDD(maj, h, h) },
		func() { build.VPADDD(x, h, h) }, // h is the next a
	)
}

// beginMaj sets what the first round of a block finds in majXor.
func beginMaj() { build.VPXOR(variable(1, 0), variable(2, 0), majXor(0)) }

// bigSigma sets x to Σ(v), the exclusive or of three rotations to the right.
// AVX2 does not rotate: six shifts, of which two start in a cycle, and a tree
// of exclusive ors over them in the order in which they are done.
func bigSigma(v, x, y, z reg.Register, r1, r2, r3 int) steps.List {
	return steps.List{
		func() { build.VPSRLD(operand.Imm(uint64(r1)), v, x) },
		func() { build.VPSLLD(operand.Imm(uint64(32-r1)), v, y) },
		func() { build.VPXOR(y, x, x) },
		func() { build.VPSRLD(operand.Imm(uint64(r2)), v, y) },
		func() { build.VPSLLD(operand.Imm(uint64(32-r2)), v, z) },
		func() { build.VPXOR(z, y, y) },
		func() { build.VPXOR(y, x, x) },
		func() { build.VPSRLD(operand.Imm(uint64(r3)), v, y) },
		func() { build.VPSLLD(operand.Imm(uint64(32-r3)), v, z) },
		func() { build.VPXOR(z, y, y) },
		func() { build.VPXOR(y, x, x) },
	}
}

// smallSigma sets x to σ(v): two rotations and one shift to the right.
func smallSigma(v, x, y reg.Register, r1, r2, s3 int) steps.List {
	return steps.List{
		func() { build.VPSRLD(operand.Imm(uint64(s3)), v, x) },
		func() { build.VPSRLD(operand.Imm(uint64(r1)), v, y) },
		func() { build.VPXOR(y, x, x) },
		func() { build.VPSLLD(operand.Imm(uint64(32-r1)), v, y) },
		func() { build.VPXOR(y, x, x) },
		func() { build.VPSRLD(operand.Imm(uint64(r2)), v, y) },
		func() { build.VPXOR(y, x, x) },
		func() { build.VPSLLD(operand.Imm(uint64(32-r2)), v, y) },
		func() { build.VPXOR(y, x, x) },
	}
}

// schedule makes message word t+16 from words t, t+1, t+9 and t+14, and puts
// it into the slot of word t, §6.2.2 step 1. There are registers for one σ but
// none for a sum beside it, which waits in the slot.
func schedule(t int) steps.List {
	x, y, v := ymm[13], ymm[14], ymm[15]
	ops := steps.List{func() { build.VMOVDQA(ring(t+1), v) }}
	ops = append(ops, smallSigma(v, x, y, 7, 18, 3)...)
	ops = append(ops,
		func() { build.VPADDD(ring(t), x, x) },
		func() { build.VPADDD(ring(t+9), x, x) },
		func() { build.VMOVDQA(x, ring(t)) },
		func() { build.VMOVDQA(ring(t+14), v) },
	)
	ops = append(ops, smallSigma(v, x, y, 17, 19, 10)...)
	return append(ops,
		func() { build.VPADDD(ring(t), x, x) },
		func() { build.VMOVDQA(x, ring(t)) },
	)
}

// addConstant adds to h the constant of round t of a turn.
func addConstant(t int) steps.List {
	h := variable(7, t)
	return steps.List{func() { build.VPADDD(operand.Mem{Base: constants, Disp: 32 * t}, h, h) }}
}

// addRingWord adds word t and the constant of round t of a turn to h.
func addRingWord(t int) steps.List {
	h := variable(7, t)
	return append(addConstant(t), func() { build.VPADDD(ring(t), h, h) })
}

// roundAndSchedule writes both lists, each in its order and evenly spread over
// the whole. Unlike in steps.Mix, the second is never ahead of its share: a round
// reads its slot of the ring in its first half, and schedule writes to it in
// its second.
func roundAndSchedule(round, schedule steps.List) {
	done := 0
	for i, step := range round {
		step()
		for ; (done+1)*len(round) <= (i+1)*len(schedule); done++ {
			schedule[done]()
		}
	}
}
