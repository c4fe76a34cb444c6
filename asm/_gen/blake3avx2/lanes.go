package main

import (
	"github.com/chainweir/weir/asm/_gen/internal/blake3"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Scratch memory of the kernels with lanes.
const (
	messageAt   = 0                 // sixteen message vectors
	v8At        = messageAt + 16*32 // the state word without a register
	counterAt   = v8At + 32         // low words of the lanes' counters, then high
	flagsAt     = counterAt + 2*32  // flags of the first, a middle, the last block
	baseAt      = flagsAt + 3*32    // counter of the group's first lane
	scratchSize = baseAt + 32       // a multiple of 32
)

// General registers, see main.go.
var (
	scratch = reg.RAX
	offset  = reg.RBX
	flags   = reg.RDX
	lane    = [lanes]reg.GPPhysical{reg.R8, reg.R9, reg.R10, reg.R11, reg.R12, reg.R13, reg.R14, reg.R15}
)

func inScratch(at int) operand.Mem { return operand.Mem{Base: scratch, Disp: at} }
func message(i int) operand.Mem    { return inScratch(messageAt + 32*i) }

// begin loads the parameters that both kernels have and makes room.
func begin() {
	build.Load(build.Param("dst"), reg.RDI)
	build.Load(build.Param("src"), reg.RSI)
	build.Load(build.Param("n"), reg.RCX)
	frame := build.AllocLocal(scratchSize + 32)
	build.LEAQ(frame.Offset(31), scratch)
	build.ANDQ(operand.I32(-32), scratch)
}

// chunks writes the kernel for whole chunks.
func chunks() {
	build.TEXT("chunksAVX2", 0, "func(dst, src *byte, n int, key *[8]uint32, counter uint64, flags uint32)")
	build.Doc("chunksAVX2 sets n ≥ 1 values at dst to the chaining values of the chunks at src.")
	build.Pragma("noescape")
	begin()
	build.Load(build.Param("counter"), reg.RBX)
	build.MOVQ(reg.RBX, inScratch(baseAt))
	build.Load(build.Param("flags"), reg.EBX)
	for i, extra := range []uint32{blake3.FlagChunkStart, 0, blake3.FlagChunkEnd} {
		build.MOVL(reg.EBX, reg.EDX)
		build.ORL(operand.U32(extra), reg.EDX)
		build.VMOVD(reg.EDX, reg.X0)
		build.VPBROADCASTD(reg.X0, reg.Y0)
		build.VMOVDQA(reg.Y0, inScratch(flagsAt+32*i))
	}

	build.Label("chunksAVX2_group")
	lanePointers(blake3.ChunkBytes)
	laneCounters()
	loadKey()
	build.XORL(reg.EBX, reg.EBX)

	build.Label("chunksAVX2_block")
	transposeBlock()
	build.LEAQ(inScratch(flagsAt+32), flags)
	build.LEAQ(inScratch(flagsAt), reg.RSI)
	build.TESTQ(offset, offset)
	build.CMOVQEQ(reg.RSI, flags)
	build.LEAQ(inScratch(flagsAt+2*32), reg.RSI)
	build.CMPQ(offset, operand.U32(blake3.ChunkBytes-blake3.BlockBytes))
	build.CMOVQEQ(reg.RSI, flags)
	build.VMOVDQA(inScratch(counterAt), reg.Y12)
	build.VMOVDQA(inScratch(counterAt+32), reg.Y13)
	build.VMOVDQA(operand.Mem{Base: flags}, reg.Y15)
	compressLanes()
	build.ADDQ(operand.Imm(blake3.BlockBytes), offset)
	build.CMPQ(offset, operand.U32(blake3.ChunkBytes))
	build.JNE(operand.LabelRef("chunksAVX2_block"))

	storeValues("chunksAVX2_stored")
	build.LEAQ(operand.Mem{Base: lane[lanes-1], Disp: blake3.ChunkBytes}, reg.RSI)
	build.ADDQ(operand.Imm(lanes), inScratch(baseAt))
	build.ADDQ(operand.U32(lanes*blake3.ValueBytes), reg.RDI)
	build.SUBQ(operand.Imm(lanes), reg.RCX)
	build.JG(operand.LabelRef("chunksAVX2_group"))
	build.VZEROUPPER()
	build.RET()
}

// parents writes the kernel for parents.
func parents() {
	build.TEXT("parentsAVX2", 0, "func(dst, src *byte, n int, key *[8]uint32, flags uint32)")
	build.Doc("parentsAVX2 sets n ≥ 1 values at dst to the chaining values of the parents of the pairs at src.")
	build.Pragma("noescape")
	begin()
	build.Load(build.Param("flags"), reg.EBX)
	build.ORL(operand.U32(blake3.FlagParent), reg.EBX)
	build.VMOVD(reg.EBX, reg.X0)
	build.VPBROADCASTD(reg.X0, reg.Y0)
	build.VMOVDQA(reg.Y0, inScratch(flagsAt))
	build.XORL(reg.EBX, reg.EBX)

	build.Label("parentsAVX2_group")
	lanePointers(blake3.BlockBytes)
	loadKey()
	transposeBlock()
	build.VPXOR(reg.Y12, reg.Y12, reg.Y12)
	build.VPXOR(reg.Y13, reg.Y13, reg.Y13)
	build.VMOVDQA(inScratch(flagsAt), reg.Y15)
	compressLanes()
	storeValues("parentsAVX2_stored")
	build.ADDQ(operand.U32(lanes*blake3.BlockBytes), reg.RSI)
	build.ADDQ(operand.U32(lanes*blake3.ValueBytes), reg.RDI)
	build.SUBQ(operand.Imm(lanes), reg.RCX)
	build.JG(operand.LabelRef("parentsAVX2_group"))
	build.VZEROUPPER()
	build.RET()
}

// lanePointers points the lanes at their inputs, those past the end at the last.
func lanePointers(stride int) {
	build.MOVQ(reg.RSI, lane[0])
	for i := 1; i < lanes; i++ {
		build.LEAQ(operand.Mem{Base: lane[i-1], Disp: stride}, lane[i])
		build.CMPQ(reg.RCX, operand.Imm(uint64(i)))
		build.CMOVQLE(lane[i-1], lane[i])
	}
}

// laneCounters numbers the lanes, with the carry into the high words.
func laneCounters() {
	build.MOVQ(inScratch(baseAt), reg.RBX)
	for i := range lanes {
		build.LEAQ(operand.Mem{Base: reg.RBX, Disp: i}, reg.RDX)
		build.MOVL(reg.EDX, inScratch(counterAt+4*i))
		build.SHRQ(operand.Imm(32), reg.RDX)
		build.MOVL(reg.EDX, inScratch(counterAt+32+4*i))
	}
}

// loadKey starts all lanes with the key.
func loadKey() {
	build.Load(build.Param("key"), reg.RDX)
	for i := range 8 {
		build.VPBROADCASTD(operand.Mem{Base: reg.RDX, Disp: 4 * i}, ymm[i])
	}
}

// compressLanes is the compression function, §2.2, on the chaining values in
// Y0–Y7, counters in Y12 and Y13, flags in Y15 and the message in scratch. The
// new chaining values replace the old.
func compressLanes() {
	for i := 1; i < 4; i++ {
		build.VPBROADCASTD(ivWord(i), ymm[8+i])
	}
	build.VPBROADCASTD(blockLength(), reg.Y14)
	for r := range blake3.Rounds {
		m := blake3.Schedule(r)
		quarterRounds([4][4]int{{0, 4, 8, 12}, {1, 5, 9, 13}, {2, 6, 10, 14}, {3, 7, 11, 15}}, m[:8], r == 0)
		quarterRounds([4][4]int{{0, 5, 10, 15}, {1, 6, 11, 12}, {2, 7, 8, 13}, {3, 4, 9, 14}}, m[8:], false)
	}
	for i := range 8 {
		if i == 0 {
			build.VPXOR(inScratch(v8At), ymm[0], ymm[0])
		} else {
			build.VPXOR(ymm[8+i], ymm[i], ymm[i])
		}
	}
}

// quarterRounds is G on four columns or diagonals of the state. One alone is a
// chain without parallelism; the four are written beside each other, each a
// step behind the one before, so that not all want shifts or byte shuffles,
// which start two in a cycle, at the same time. v8 is still the initial value
// when first is set.
func quarterRounds(g [4][4]int, m []int, first bool) {
	var steps [4][]func()
	for j, v := range g {
		for half := range 2 {
			steps[j] = append(steps[j], halfSteps(v, m[2*j+half], half, first && half == 0)...)
		}
	}
	for t := range len(steps[0]) + len(g) - 1 {
		for j := range g {
			if i := t - j; i >= 0 && i < len(steps[j]) {
				steps[j][i]()
			}
		}
	}
}

// halfSteps is one half of G on the state words v. Instructions that use the
// temporary make up one step.
func halfSteps(v [4]int, m, half int, firstV8 bool) []func() {
	a, b, c, d, t := ymm[v[0]], ymm[v[1]], ymm[v[2]], ymm[v[3]], ymm[8]
	rotation, right := rotate16(), uint64(12)
	if half == 1 {
		rotation, right = rotate8(), 7
	}
	oldV8 := inScratch(v8At)
	if firstV8 {
		oldV8 = ivVector()
	}
	return []func(){
		func() { build.VPADDD(message(m), a, a) },
		func() { build.VPADDD(b, a, a) },
		func() { build.VPXOR(a, d, d) },
		func() { build.VPSHUFB(rotation, d, d) },
		func() {
			if v[2] == 8 {
				build.VPADDD(oldV8, d, c) // c is the temporary
				build.VMOVDQA(c, inScratch(v8At))
			} else {
				build.VPADDD(d, c, c)
			}
			build.VPXOR(c, b, b)
		},
		func() {
			build.VPSRLD(operand.Imm(right), b, t)
			build.VPSLLD(operand.Imm(32-right), b, b)
			build.VPOR(t, b, b)
		},
	}
}
