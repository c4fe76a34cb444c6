package main

import (
	"github.com/chainweir/weir/asm/_gen/internal/blake3"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// chunk writes the kernel for one chunk of any length.
//
//	SI, CX   rest of the chunk and its length, DI result
//	R8       flags of the mode, R9 flags of this block, R10 counter
//	Y0–Y15   see rows.go
func chunk() {
	build.TEXT("chunkAVX2", build.NOSPLIT, "func(out *[8]uint32, chunk *byte, n int, key *[8]uint32, counter uint64, flags uint32)")
	build.Doc("chunkAVX2 sets out to the chaining value, or with the root flag the digest, of the n bytes at chunk.")
	build.Pragma("noescape")
	build.Load(build.Param("key"), reg.RDX)
	loadState(reg.RDX)
	build.Load(build.Param("out"), reg.RDI)
	build.Load(build.Param("chunk"), reg.RSI)
	build.Load(build.Param("n"), reg.RCX)
	build.Load(build.Param("flags"), reg.R8L)
	build.Load(build.Param("counter"), reg.R10)
	build.MOVL(reg.R8L, reg.R9L)
	build.ANDL(operand.I32(^blake3.FlagRoot), reg.R9L)
	build.ORL(operand.Imm(blake3.FlagChunkStart), reg.R9L)
	loadRowConstants()

	build.Label("chunkAVX2_block")
	build.MOVL(operand.U32(blake3.BlockBytes), reg.EDX)
	build.CMPQ(reg.RCX, operand.Imm(blake3.BlockBytes))
	build.JGT(operand.LabelRef("chunkAVX2_whole"))
	build.ANDL(operand.Imm(blake3.FlagRoot), reg.R8L)
	build.ORL(operand.Imm(blake3.FlagChunkEnd), reg.R8L)
	build.ORL(reg.R8L, reg.R9L)
	build.MOVL(reg.ECX, reg.EDX)
	build.CMPQ(reg.RCX, operand.Imm(blake3.BlockBytes))
	build.JLT(operand.LabelRef("chunkAVX2_partial"))
	build.Label("chunkAVX2_whole")
	build.VPERMQ(columnPairs(), operand.Mem{Base: reg.RSI}, columnWords)
	build.VPERMQ(diagonalPairs(), operand.Mem{Base: reg.RSI, Disp: 32}, diagonalWords)
	build.Label("chunkAVX2_compress")
	rowDFrom(reg.R10, reg.RDX, reg.R9)
	compressRows()
	build.VPXOR(rowC, rowA, rowA)
	build.VPXOR(rowD, rowB, rowB)
	build.VPSHUFD(operand.Imm(0xa0), rowB, rowBD)
	build.ANDL(operand.I32(^blake3.FlagChunkStart), reg.R9L)
	build.ADDQ(operand.Imm(blake3.BlockBytes), reg.RSI)
	build.SUBQ(operand.Imm(blake3.BlockBytes), reg.RCX)
	build.JG(operand.LabelRef("chunkAVX2_block"))
	packRows(rowA, rowB, reg.Y0)
	build.VMOVDQU(reg.Y0, operand.Mem{Base: reg.RDI})
	build.VZEROUPPER()
	build.RET()

	build.Label("chunkAVX2_partial")
	loadPartial()
	build.JMP(operand.LabelRef("chunkAVX2_compress"))
}

// compress writes the kernel for one block with all sixteen words of output.
func compress() {
	build.TEXT("compressAVX2", build.NOSPLIT,
		"func(out *[16]uint32, cv *[8]uint32, block *[16]uint32, counter uint64, blockLen, flags uint32)")
	build.Doc("compressAVX2 sets out to the output of the compression function.")
	build.Pragma("noescape")
	build.Load(build.Param("cv"), reg.RDX)
	build.Load(build.Param("block"), reg.RSI)
	loadState(reg.RDX)
	build.VPERMQ(columnPairs(), operand.Mem{Base: reg.RSI}, columnWords)
	build.VPERMQ(diagonalPairs(), operand.Mem{Base: reg.RSI, Disp: 32}, diagonalWords)
	build.Load(build.Param("out"), reg.RDI)
	build.Load(build.Param("counter"), reg.R10)
	build.Load(build.Param("blockLen"), reg.ECX)
	build.Load(build.Param("flags"), reg.R9L)
	loadRowConstants()
	rowDFrom(reg.R10, reg.RCX, reg.R9)
	compressRows()
	build.VPXOR(rowC, rowA, rowA)
	build.VPXOR(rowD, rowB, rowB)
	packRows(rowA, rowB, reg.Y5)
	packRows(rowC, rowD, reg.Y6)
	build.VPXOR(operand.Mem{Base: reg.RDX}, reg.Y6, reg.Y6)
	build.VMOVDQU(reg.Y5, operand.Mem{Base: reg.RDI})
	build.VMOVDQU(reg.Y6, operand.Mem{Base: reg.RDI, Disp: 32})
	build.VZEROUPPER()
	build.RET()
}

// columnPairs and diagonalPairs are the immediates of VPERMQ that put the eight
// words for the columns and the eight for the diagonals, in message order, into
// the lanes.
func columnPairs() operand.U8   { return pairs(0) }
func diagonalPairs() operand.U8 { return pairs(-1) }

func pairs(by int) operand.U8 {
	var imm int
	for lane, word := range laneWord {
		imm |= (word + by) & 3 << (2 * lane)
	}
	return operand.U8(imm)
}

// loadState sets a and b to the eight words at cv.
func loadState(cv reg.GPPhysical) {
	build.VMOVDQU(operand.Mem{Base: cv}, rowD)
	build.VMOVDQU(constant(lowRowAt), rowA)
	build.VMOVDQU(constant(highRowAt), rowB)
	build.VPERMD(rowD, rowA, rowA)
	build.VPERMD(rowD, rowB, rowB)
	build.VMOVDQA(rowB, rowBD)
}

// rowDFrom sets d from the counter, the block's length and its flags. It
// changes the register of the length.
func rowDFrom(counter, length, flags reg.GPPhysical) {
	build.SHLQ(operand.Imm(32), length)
	build.MOVL(counter.As32(), reg.R11L)
	build.ORQ(reg.R11, length)
	build.VMOVQ(length, reg.X4)
	build.MOVQ(flags, reg.R11)
	build.SHLQ(operand.Imm(32), reg.R11)
	build.MOVQ(counter, reg.R12)
	build.SHRQ(operand.Imm(32), reg.R12)
	build.ORQ(reg.R12, reg.R11)
	build.VPINSRQ(operand.Imm(1), reg.R11, reg.X4, reg.X4)
	build.VPMOVZXDQ(reg.X4, rowD) // words 0, 2 | 1, 3
}

// packRows sets to to the eight words of two rows.
func packRows(low, high, to reg.Register) {
	build.VSHUFPS(operand.Imm(0x88), high, low, to)
	build.VMOVDQU(constant(packedAt), reg.Y7)
	build.VPERMD(to, reg.Y7, to)
}

// loadPartial loads a block of RCX < 64 bytes, filled up with zeros. It touches
// no byte behind them: whole words come by masked loads, which do not fault
// where the mask is clear, and the last one to three bytes one by one.
func loadPartial() {
	// The window into the table of masks: as many of its sixteen ones as there
	// are whole words lie behind R11, then zeros.
	build.MOVQ(reg.RCX, reg.R12)
	build.SHRQ(operand.Imm(2), reg.R12)
	build.LEAQ(operand.Mem{Base: reg.RSI, Index: reg.R12, Scale: 4}, reg.R13)
	build.NEGQ(reg.R12)
	build.LEAQ(constant(wholeWordsAt+64), reg.R11)
	build.LEAQ(operand.Mem{Base: reg.R11, Index: reg.R12, Scale: 4}, reg.R11)
	build.VMOVDQU(operand.Mem{Base: reg.R11}, reg.Y7)
	build.VMOVDQU(operand.Mem{Base: reg.R11, Disp: 32}, reg.Y8)
	build.VPMASKMOVD(operand.Mem{Base: reg.RSI}, reg.Y7, columnWords)
	build.VPMASKMOVD(operand.Mem{Base: reg.RSI, Disp: 32}, reg.Y8, diagonalWords)
	build.MOVQ(reg.RCX, reg.R12)
	build.ANDQ(operand.Imm(3), reg.R12)
	build.JZ(operand.LabelRef("chunkAVX2_loaded"))
	build.MOVBLZX(operand.Mem{Base: reg.R13}, reg.EAX)
	build.CMPQ(reg.R12, operand.Imm(2))
	build.JLT(operand.LabelRef("chunkAVX2_word"))
	build.MOVWLZX(operand.Mem{Base: reg.R13}, reg.EAX)
	build.JEQ(operand.LabelRef("chunkAVX2_word"))
	build.MOVBLZX(operand.Mem{Base: reg.R13, Disp: 2}, reg.R12L)
	build.SHLL(operand.Imm(16), reg.R12L)
	build.ORL(reg.R12L, reg.EAX)
	build.Label("chunkAVX2_word")
	build.VMOVD(reg.EAX, reg.X7)
	build.VPBROADCASTD(reg.X7, reg.Y7)
	build.VPAND(operand.Mem{Base: reg.R11, Disp: partialWordAt - wholeWordsAt}, reg.Y7, reg.Y8)
	build.VPOR(reg.Y8, columnWords, columnWords)
	build.VPAND(operand.Mem{Base: reg.R11, Disp: partialWordAt - wholeWordsAt + 32}, reg.Y7, reg.Y8)
	build.VPOR(reg.Y8, diagonalWords, diagonalWords)
	build.Label("chunkAVX2_loaded")
	build.VPERMQ(columnPairs(), columnWords, columnWords)
	build.VPERMQ(diagonalPairs(), diagonalWords, diagonalWords)
}
