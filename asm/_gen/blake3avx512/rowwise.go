package main

import (
	"github.com/chainweir/weir/asm/_gen/internal/blake3"
	"github.com/chainweir/weir/asm/_gen/internal/steps"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The row-wise kernels hold one state in four registers of four words, so that
// one instruction does a step of all four quarter rounds. A compression is then
// a chain of 168 dependent steps, twelve per half round, and everything else has
// to stay off that chain:
//
//   - The message words of all rounds are put in order up front, by one VPERMD
//     of the whole block per round. Only those of round 0 stay in registers;
//     the others go through scratch memory, where the additions find them.
//   - Message words are added to row a before row b is known.
//   - For the diagonals, rows a, c and d are rotated rather than b, c and d.
//     Row b is the last one that a half round computes and the first one that
//     the next half round needs.
var (
	rowA, rowB, rowC, rowD = reg.X0, reg.X1, reg.X2, reg.X3
	rowIV                  = reg.X4
	wholeBlock             = reg.Z8 // the block as it is in memory
	round0                 = reg.Z9 // its words in the order of round 0
	round0Parts            = [4]reg.VecPhysical{reg.X9, reg.X10, reg.X11, reg.X12}
	orders                 = zmm[16:23] // VPERMD indices of all rounds
)

// rowWiseOrder returns the message words of a round in the order that four
// additions of four words need them: both additions of the columns, both of the
// diagonals. Word i of row b meets diagonal i-1.
func rowWiseOrder(round int) [16]int {
	s := blake3.Schedule(round)
	var out [16]int
	for i := range 4 {
		out[i], out[4+i] = s[2*i], s[2*i+1]
		diagonal := (i + 3) % 4
		out[8+i], out[12+i] = s[8+2*diagonal], s[8+2*diagonal+1]
	}
	return out
}

// loadRowTables sets the registers that stay the same.
func loadRowTables(c constants) {
	for r, order := range orders {
		build.VMOVDQU64(c.rowOrder.Offset(64*r), order)
	}
	build.VMOVDQU(c.iv, rowIV)
}

// orderMessage prepares the message words of all rounds.
func orderMessage(scratch operand.Mem) {
	build.VPERMD(wholeBlock, orders[0], round0)
	for part := 1; part < 4; part++ {
		build.VEXTRACTI32X4(operand.U8(part), round0, round0Parts[part])
	}
	for r := 1; r < blake3.Rounds; r++ {
		build.VPERMD(wholeBlock, orders[r], reg.Z13)
		build.VMOVDQU64(reg.Z13, scratch.Offset(64*(r-1)))
	}
}

// counterRow sets row d, of which counter is the first half.
func counterRow(counter reg.VecPhysical, length, flags reg.GPVirtual) {
	both := build.GP64()
	build.MOVL(flags.As32(), both.As32())
	build.SHLQ(operand.U8(32), both)
	build.ORQ(length.As64(), both)
	build.VMOVQ(both, rowD)
	build.VPUNPCKLQDQ(rowD, counter, rowD)
}

// compressRows is the seven rounds. Rows a and b are the chaining value before
// and words 0 to 7 afterwards, rows c and d words 8 to 15.
func compressRows(scratch operand.Mem) {
	for r := range blake3.Rounds {
		var m [4]operand.Op
		for part := range m {
			m[part] = round0Parts[part]
			if r > 0 {
				m[part] = scratch.Offset(64*(r-1) + 16*part)
			}
		}
		c := rowC
		if r == 0 {
			c = rowIV // not written: the first addition has another destination
		}
		halfRound(0, m[0], m[1], c)
		halfRound(1, m[2], m[3], rowC)
	}
}

// halfRound is a half round of the columns (half 0) or diagonals (half 1), with
// the shuffles of rows a, c and d that lead to the next one: by VPSHUFD
// immediates that move words up by one (0x93), down by one (0x39) or by two.
func halfRound(half int, m0, m1 operand.Op, c0 reg.VecPhysical) {
	shuffleA, shuffleC := [2]uint64{0x93, 0x39}[half], [2]uint64{0x39, 0x93}[half]
	var all steps.List
	do := func(list ...steps.Step) { all = append(all, list...) }
	do(func() { build.VPADDD(m0, rowA, rowA) })
	do(func() { build.VPADDD(rowB, rowA, rowA) })
	do(xorRotate(rowA, rowD, 16)...)
	do(func() { build.VPADDD(m1, rowA, rowA) })
	do(func() { build.VPADDD(rowD, c0, rowC) })
	do(xorRotate(rowC, rowB, 12)...)
	do(func() { build.VPADDD(rowB, rowA, rowA) })
	do(xorRotate(rowA, rowD, 8)...)
	do(func() { build.VPSHUFD(operand.U8(shuffleA), rowA, rowA) })
	do(func() { build.VPADDD(rowD, rowC, rowC) })
	do(func() { build.VPSHUFD(operand.U8(0x4e), rowD, rowD) })
	do(xorRotate(rowC, rowB, 7)...)
	do(func() { build.VPSHUFD(operand.U8(shuffleC), rowC, rowC) })
	for _, i := range issueOrder[half] {
		all[i]()
	}
}

// issueOrder is the order in which the steps of a half round are written down.
// It matters on Zen 4: only two of its pipes shift and shuffle, and it seems to
// give instructions to pipes before they are ready, so that both shifts of
// xorRotate may go to the same pipe and one of them waits. These orders are the
// best of a random search by measurement, a tenth faster than the order above.
// All orders that keep steps behind those they depend on compute the same.
var issueOrder = [2][25]int{
	{0, 1, 2, 4, 3, 8, 5, 7, 6, 10, 9, 11, 13, 12, 14, 15, 16, 17, 20, 18, 22, 21, 24, 19, 23},
	{0, 1, 4, 3, 2, 6, 5, 8, 7, 9, 10, 11, 12, 15, 14, 13, 17, 16, 18, 22, 21, 24, 20, 19, 23},
}

// xorRotate is x = (x ^ late) rotated right by n. Where rotating takes two
// cycles but shifting one, what counts is that late passes through no rotation:
// x, which has been known for a while, is rotated, late is shifted both ways,
// and one instruction joins the three.
func xorRotate(late, x reg.VecPhysical, n uint64) steps.List {
	right, left := reg.X14, reg.X15
	return steps.List{
		func() { build.VPRORD(operand.U8(n), x, x) },
		func() { build.VPSRLD(operand.U8(n), late, right) },
		func() { build.VPSLLD(operand.U8(32-n), late, left) },
		func() { build.VPTERNLOGD(operand.U8(0x96), right, left, x) },
	}
}

// chunkRow hashes one chunk, with the chaining value in registers from block to
// block.
func chunkRow(c constants) {
	build.TEXT("chunkRow", 0, "func(out *[8]uint32, chunk *byte, bytes int, key *[8]uint32, "+
		"counter uint64, flags, start, end uint32)")
	build.Pragma("noescape")
	build.Doc("chunkRow hashes the blocks of a chunk of so many bytes, 0 to 1024. start and end are added",
		"to the flags of the first and of the last block: ChunkStart and ChunkEnd, or none for a parent.")
	src, bytes := build.Load(build.Param("chunk"), build.GP64()), build.Load(build.Param("bytes"), build.GP64()).(reg.GPVirtual)
	base, key := build.Load(build.Param("flags"), build.GP32()), build.Load(build.Param("key"), build.GP64())
	scratch := alignedScratch(6 * 64)
	counter := reg.X5
	build.VMOVQ(paramAddr("counter"), counter)
	loadRowTables(c)
	build.VMOVDQU(operand.Mem{Base: key}, rowA)
	build.VMOVDQU(operand.Mem{Base: key, Disp: 16}, rowB)
	flags := build.GP32()
	build.Load(build.Param("start"), flags)
	build.ORL(base, flags)
	length := build.GP64()

	// One place of the loop in memory for all programs: its speed depends on it.
	build.Instruction(&ir.Instruction{Opcode: "PCALIGN", Operands: []operand.Op{operand.Imm(64)}})
	build.Label("block")
	build.MOVL(operand.U32(blake3.BlockBytes), length.As32())
	build.CMPQ(bytes, operand.U8(blake3.BlockBytes))
	build.JLE(operand.LabelRef("last"))
	build.Label("whole")
	build.VMOVDQU64(operand.Mem{Base: src}, wholeBlock)
	build.Label("compress")
	orderMessage(scratch)
	counterRow(counter, length, flags)
	compressRows(scratch)
	build.VPXOR(rowC, rowA, rowA)
	build.VPXOR(rowD, rowB, rowB)
	build.MOVL(base, flags.As32())
	build.ADDQ(operand.U8(blake3.BlockBytes), src)
	build.SUBQ(operand.U8(blake3.BlockBytes), bytes)
	build.JG(operand.LabelRef("block"))

	out := build.Load(build.Param("out"), build.GP64())
	build.VMOVDQU(rowA, operand.Mem{Base: out})
	build.VMOVDQU(rowB, operand.Mem{Base: out, Disp: 16})
	build.VZEROUPPER()
	build.RET()

	build.Label("last")
	end := build.Load(build.Param("end"), build.GP32())
	build.ORL(end, flags)
	build.CMPQ(bytes, operand.U8(blake3.BlockBytes))
	build.JEQ(operand.LabelRef("whole"))
	mask := build.GP64()
	build.MOVQ(operand.I32(-1), mask)
	build.BZHIQ(bytes, mask, mask)
	build.KMOVQ(mask, reg.K1)
	build.MOVQ(bytes, length)
	build.VMOVDQU8_Z(operand.Mem{Base: src}, reg.K1, wholeBlock)
	build.JMP(operand.LabelRef("compress"))
}

// compressRow is a single compression.
func compressRow(c constants) {
	build.TEXT("compressRow", 0, "func(out *[16]uint32, cv *[8]uint32, block *[16]uint32, "+
		"counter uint64, blockLen, flags uint32)")
	build.Pragma("noescape")
	build.Doc("compressRow does what CompressGeneric does.")
	block, cv := build.Load(build.Param("block"), build.GP64()), build.Load(build.Param("cv"), build.GP64())
	build.VMOVDQU64(operand.Mem{Base: block}, wholeBlock)
	scratch := alignedScratch(6 * 64)
	loadRowTables(c)
	build.VMOVDQU(operand.Mem{Base: cv}, rowA)
	build.VMOVDQU(operand.Mem{Base: cv, Disp: 16}, rowB)
	build.VMOVDQU(rowA, reg.X6)
	build.VMOVDQU(rowB, reg.X7)
	length := build.Load(build.Param("blockLen"), build.GP32()).(reg.GPVirtual)
	flags := build.Load(build.Param("flags"), build.GP32()).(reg.GPVirtual)
	build.VMOVQ(paramAddr("counter"), reg.X5)
	orderMessage(scratch)
	counterRow(reg.X5, length, flags)
	compressRows(scratch)
	build.VPXOR(rowC, rowA, rowA)
	build.VPXOR(rowD, rowB, rowB)
	build.VPXOR(reg.X6, rowC, rowC)
	build.VPXOR(reg.X7, rowD, rowD)
	out := build.Load(build.Param("out"), build.GP64())
	for i, row := range []reg.VecPhysical{rowA, rowB, rowC, rowD} {
		build.VMOVDQU(row, operand.Mem{Base: out, Disp: 16 * i})
	}
	build.VZEROUPPER()
	build.RET()
}

// paramAddr is where an argument is, for instructions that avo's Load does not
// choose.
func paramAddr(name string) operand.Mem {
	p, err := build.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return p.Addr
}
