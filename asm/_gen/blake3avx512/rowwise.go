package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The row-wise kernels hold one state in four registers of four words, so that
// one instruction does a step of all four quarter rounds. A compression is then
// a chain of 168 dependent instructions, twelve per half round, and everything
// else has to stay off that chain:
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
	s := schedule(round)
	var out [16]int
	for i := range 4 {
		out[i], out[4+i] = s[2*i], s[2*i+1]
		diagonal := (i + 3) % 4
		out[8+i], out[12+i] = s[8+2*diagonal], s[8+2*diagonal+1]
	}
	return out
}

func loadRowTables(c constants) {
	for r, order := range orders {
		VMOVDQU64(c.rowOrder.Offset(64*r), order)
	}
	VMOVDQU(c.iv, rowIV)
}

// orderMessage prepares the message words of all rounds.
func orderMessage(scratch operand.Mem) {
	VPERMD(wholeBlock, orders[0], round0)
	for part := 1; part < 4; part++ {
		VEXTRACTI32X4(operand.U8(part), round0, round0Parts[part])
	}
	for r := 1; r < rounds; r++ {
		VPERMD(wholeBlock, orders[r], reg.Z13)
		VMOVDQU64(reg.Z13, scratch.Offset(64*(r-1)))
	}
}

// counterRow sets row d, of which counter is the first half.
func counterRow(counter reg.VecPhysical, length, flags reg.GPVirtual) {
	both := GP64()
	MOVL(flags.As32(), both.As32())
	SHLQ(operand.U8(32), both)
	ORQ(length.As64(), both)
	VMOVQ(both, rowD)
	VPUNPCKLQDQ(rowD, counter, rowD)
}

// compressRows is the seven rounds. Rows a and b are the chaining value before
// and words 0 to 7 afterwards, rows c and d words 8 to 15.
func compressRows(scratch operand.Mem) {
	for r := range rounds {
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
		quarterRows(m[0], m[1], c, [3]uint64{0x93, 0x39, 0x4e})
		quarterRows(m[2], m[3], rowC, [3]uint64{0x39, 0x93, 0x4e})
	}
}

// quarterRows is a half round, with the rotations of rows a, c and d that lead
// to the next one: VPSHUFD immediates by which words move up by one (0x93),
// down by one (0x39) or by two (0x4e).
func quarterRows(m0, m1 operand.Op, c0 reg.VecPhysical, turn [3]uint64) {
	VPADDD(m0, rowA, rowA)
	VPADDD(rowB, rowA, rowA)
	VPXOR(rowA, rowD, rowD)
	VPADDD(m1, rowA, rowA)
	VPRORD(operand.U8(16), rowD, rowD)
	VPADDD(rowD, c0, rowC)
	VPXOR(rowC, rowB, rowB)
	VPRORD(operand.U8(12), rowB, rowB)
	VPADDD(rowB, rowA, rowA)
	VPXOR(rowA, rowD, rowD)
	VPSHUFD(operand.U8(turn[0]), rowA, rowA)
	VPRORD(operand.U8(8), rowD, rowD)
	VPADDD(rowD, rowC, rowC)
	VPSHUFD(operand.U8(turn[2]), rowD, rowD)
	VPXOR(rowC, rowB, rowB)
	VPSHUFD(operand.U8(turn[1]), rowC, rowC)
	VPRORD(operand.U8(7), rowB, rowB)
}

// chunkRow hashes one chunk, with the chaining value in registers from block to
// block.
func chunkRow(c constants) {
	TEXT("chunkRow", 0, "func(out *[8]uint32, chunk *byte, bytes int, key *[8]uint32, "+
		"counter uint64, flags, end uint32)")
	Pragma("noescape")
	Doc("chunkRow does what ChunkGeneric does for a chunk of so many bytes, 0 to 1024. end is",
		"added to the flags of the last block and must contain ChunkEnd.")
	src, bytes := Load(Param("chunk"), GP64()), Load(Param("bytes"), GP64()).(reg.GPVirtual)
	base, key := Load(Param("flags"), GP32()), Load(Param("key"), GP64())
	scratch := alignedScratch(6 * 64)
	counter := reg.X5
	VMOVQ(paramAddr("counter"), counter)
	loadRowTables(c)
	VMOVDQU(operand.Mem{Base: key}, rowA)
	VMOVDQU(operand.Mem{Base: key, Disp: 16}, rowB)
	flags := startFlags(base)
	length := GP64()

	Label("block")
	MOVL(operand.U32(blockBytes), length.As32())
	CMPQ(bytes, operand.U8(blockBytes))
	JG(operand.LabelRef("whole"))
	end := Load(Param("end"), GP32())
	ORL(end, flags)
	CMPQ(bytes, operand.U8(blockBytes))
	JEQ(operand.LabelRef("whole"))
	Comment("A last block that is not whole")
	mask := GP64()
	MOVQ(operand.I32(-1), mask)
	BZHIQ(bytes, mask, mask)
	KMOVQ(mask, reg.K1)
	MOVQ(bytes, length)
	VMOVDQU8_Z(operand.Mem{Base: src}, reg.K1, wholeBlock)
	JMP(operand.LabelRef("compress"))
	Label("whole")
	VMOVDQU64(operand.Mem{Base: src}, wholeBlock)

	Label("compress")
	orderMessage(scratch)
	counterRow(counter, length, flags)
	compressRows(scratch)
	VPXOR(rowC, rowA, rowA)
	VPXOR(rowD, rowB, rowB)
	MOVL(base, flags.As32())
	ADDQ(operand.U8(blockBytes), src)
	SUBQ(operand.U8(blockBytes), bytes)
	JG(operand.LabelRef("block"))

	out := Load(Param("out"), GP64())
	VMOVDQU(rowA, operand.Mem{Base: out})
	VMOVDQU(rowB, operand.Mem{Base: out, Disp: 16})
	VZEROUPPER()
	RET()
}

// compressRow is a single compression.
func compressRow(c constants) {
	TEXT("compressRow", 0, "func(out *[16]uint32, cv *[8]uint32, block *[16]uint32, "+
		"counter uint64, blockLen, flags uint32)")
	Pragma("noescape")
	Doc("compressRow does what CompressGeneric does.")
	block, cv := Load(Param("block"), GP64()), Load(Param("cv"), GP64())
	VMOVDQU64(operand.Mem{Base: block}, wholeBlock)
	scratch := alignedScratch(6 * 64)
	loadRowTables(c)
	VMOVDQU(operand.Mem{Base: cv}, rowA)
	VMOVDQU(operand.Mem{Base: cv, Disp: 16}, rowB)
	VMOVDQU(rowA, reg.X6)
	VMOVDQU(rowB, reg.X7)
	length := Load(Param("blockLen"), GP32()).(reg.GPVirtual)
	flags := Load(Param("flags"), GP32()).(reg.GPVirtual)
	VMOVQ(paramAddr("counter"), reg.X5)
	orderMessage(scratch)
	counterRow(reg.X5, length, flags)
	compressRows(scratch)
	VPXOR(rowC, rowA, rowA)
	VPXOR(rowD, rowB, rowB)
	VPXOR(reg.X6, rowC, rowC)
	VPXOR(reg.X7, rowD, rowD)
	out := Load(Param("out"), GP64())
	for i, row := range []reg.VecPhysical{rowA, rowB, rowC, rowD} {
		VMOVDQU(row, operand.Mem{Base: out, Disp: 16 * i})
	}
	VZEROUPPER()
	RET()
}

// paramAddr is where an argument is, for instructions that avo's Load does not
// choose.
func paramAddr(name string) operand.Mem {
	p, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return p.Addr
}
