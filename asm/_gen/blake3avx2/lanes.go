package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
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

var (
	scratch = RAX
	offset  = RBX
	flags   = RDX
	lane    = [lanes]GPPhysical{R8, R9, R10, R11, R12, R13, R14, R15}
)

func inScratch(at int) Mem { return Mem{Base: scratch, Disp: at} }
func message(i int) Mem    { return inScratch(messageAt + 32*i) }

// begin loads the parameters that both kernels have and makes room.
func begin() {
	Load(Param("dst"), RDI)
	Load(Param("src"), RSI)
	Load(Param("n"), RCX)
	frame := AllocLocal(scratchSize + 32)
	LEAQ(frame.Offset(31), scratch)
	ANDQ(I32(-32), scratch)
}

// chunks writes the kernel for whole chunks.
func chunks() {
	TEXT("chunksAVX2", 0, "func(dst, src *byte, n int, key *[8]uint32, counter uint64, flags uint32)")
	Doc("chunksAVX2 sets n ≥ 1 values at dst to the chaining values of the chunks at src.")
	Pragma("noescape")
	begin()
	Load(Param("counter"), RBX)
	MOVQ(RBX, inScratch(baseAt))
	Load(Param("flags"), EBX)
	for i, extra := range []uint32{flagChunkStart, 0, flagChunkEnd} {
		MOVL(EBX, EDX)
		ORL(U32(extra), EDX)
		VMOVD(EDX, X0)
		VPBROADCASTD(X0, Y0)
		VMOVDQA(Y0, inScratch(flagsAt+32*i))
	}

	Label("chunksAVX2_group")
	lanePointers(chunkBytes)
	laneCounters()
	loadKey()
	XORL(EBX, EBX)

	Label("chunksAVX2_block")
	transposeBlock()
	LEAQ(inScratch(flagsAt+32), flags)
	LEAQ(inScratch(flagsAt), RSI)
	TESTQ(offset, offset)
	CMOVQEQ(RSI, flags)
	LEAQ(inScratch(flagsAt+2*32), RSI)
	CMPQ(offset, U32(chunkBytes-blockBytes))
	CMOVQEQ(RSI, flags)
	VMOVDQA(inScratch(counterAt), Y12)
	VMOVDQA(inScratch(counterAt+32), Y13)
	VMOVDQA(Mem{Base: flags}, Y15)
	compressLanes()
	ADDQ(Imm(blockBytes), offset)
	CMPQ(offset, U32(chunkBytes))
	JNE(LabelRef("chunksAVX2_block"))

	storeValues("chunksAVX2_stored")
	LEAQ(Mem{Base: lane[lanes-1], Disp: chunkBytes}, RSI)
	ADDQ(Imm(lanes), inScratch(baseAt))
	ADDQ(U32(lanes*outBytes), RDI)
	SUBQ(Imm(lanes), RCX)
	JG(LabelRef("chunksAVX2_group"))
	VZEROUPPER()
	RET()
}

// parents writes the kernel for parents.
func parents() {
	TEXT("parentsAVX2", 0, "func(dst, src *byte, n int, key *[8]uint32, flags uint32)")
	Doc("parentsAVX2 sets n ≥ 1 values at dst to the chaining values of the parents of the pairs at src.")
	Pragma("noescape")
	begin()
	Load(Param("flags"), EBX)
	ORL(U32(flagParent), EBX)
	VMOVD(EBX, X0)
	VPBROADCASTD(X0, Y0)
	VMOVDQA(Y0, inScratch(flagsAt))
	XORL(EBX, EBX)

	Label("parentsAVX2_group")
	lanePointers(blockBytes)
	loadKey()
	transposeBlock()
	VPXOR(Y12, Y12, Y12)
	VPXOR(Y13, Y13, Y13)
	VMOVDQA(inScratch(flagsAt), Y15)
	compressLanes()
	storeValues("parentsAVX2_stored")
	ADDQ(U32(lanes*blockBytes), RSI)
	ADDQ(U32(lanes*outBytes), RDI)
	SUBQ(Imm(lanes), RCX)
	JG(LabelRef("parentsAVX2_group"))
	VZEROUPPER()
	RET()
}

// lanePointers points the lanes at their inputs, those past the end at the last.
func lanePointers(stride int) {
	MOVQ(RSI, lane[0])
	for i := 1; i < lanes; i++ {
		LEAQ(Mem{Base: lane[i-1], Disp: stride}, lane[i])
		CMPQ(RCX, Imm(uint64(i)))
		CMOVQLE(lane[i-1], lane[i])
	}
}

// laneCounters numbers the lanes, with the carry into the high words.
func laneCounters() {
	MOVQ(inScratch(baseAt), RBX)
	for i := range lanes {
		LEAQ(Mem{Base: RBX, Disp: i}, RDX)
		MOVL(EDX, inScratch(counterAt+4*i))
		SHRQ(Imm(32), RDX)
		MOVL(EDX, inScratch(counterAt+32+4*i))
	}
}

// loadKey starts all lanes with the key.
func loadKey() {
	Load(Param("key"), RDX)
	for i := range 8 {
		VPBROADCASTD(Mem{Base: RDX, Disp: 4 * i}, ymm[i])
	}
}

// compressLanes is the compression function, §2.2, on the chaining values in
// Y0–Y7, counters in Y12 and Y13, flags in Y15 and the message in scratch. The
// new chaining values replace the old.
func compressLanes() {
	for i := 1; i < 4; i++ {
		VPBROADCASTD(ivWord(i), ymm[8+i])
	}
	VPBROADCASTD(blockLength(), Y14)
	for r, m := range schedules {
		quarterRounds([4][4]int{{0, 4, 8, 12}, {1, 5, 9, 13}, {2, 6, 10, 14}, {3, 7, 11, 15}}, m[:8], r == 0)
		quarterRounds([4][4]int{{0, 5, 10, 15}, {1, 6, 11, 12}, {2, 7, 8, 13}, {3, 4, 9, 14}}, m[8:], false)
	}
	for i := range 8 {
		if i == 0 {
			VPXOR(inScratch(v8At), ymm[0], ymm[0])
		} else {
			VPXOR(ymm[8+i], ymm[i], ymm[i])
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
		func() { VPADDD(message(m), a, a) },
		func() { VPADDD(b, a, a) },
		func() { VPXOR(a, d, d) },
		func() { VPSHUFB(rotation, d, d) },
		func() {
			if v[2] == 8 {
				VPADDD(oldV8, d, c) // c is the temporary
				VMOVDQA(c, inScratch(v8At))
			} else {
				VPADDD(d, c, c)
			}
			VPXOR(c, b, b)
		},
		func() {
			VPSRLD(Imm(right), b, t)
			VPSLLD(Imm(32-right), b, b)
			VPOR(t, b, b)
		},
	}
}
