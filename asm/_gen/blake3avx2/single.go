package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// chunk writes the kernel for one chunk of any length.
//
//	SI, CX   rest of the chunk and its length, DI result
//	R8       flags of the mode, R9 flags of this block, R10 counter
//	Y0–Y15   see rows.go
func chunk() {
	TEXT("chunkAVX2", NOSPLIT, "func(out *[8]uint32, chunk *byte, n int, key *[8]uint32, counter uint64, flags uint32)")
	Doc("chunkAVX2 sets out to the chaining value, or with the root flag the digest, of the n bytes at chunk.")
	Pragma("noescape")
	Load(Param("key"), RDX)
	loadState(RDX)
	Load(Param("out"), RDI)
	Load(Param("chunk"), RSI)
	Load(Param("n"), RCX)
	Load(Param("flags"), R8L)
	Load(Param("counter"), R10)
	MOVL(R8L, R9L)
	ANDL(I32(^flagRoot), R9L)
	ORL(Imm(flagChunkStart), R9L)
	loadRowConstants()

	Label("chunkAVX2_block")
	MOVL(U32(blockBytes), EDX)
	CMPQ(RCX, Imm(blockBytes))
	JGT(LabelRef("chunkAVX2_whole"))
	ANDL(Imm(flagRoot), R8L)
	ORL(Imm(flagChunkEnd), R8L)
	ORL(R8L, R9L)
	MOVL(ECX, EDX)
	CMPQ(RCX, Imm(blockBytes))
	JLT(LabelRef("chunkAVX2_partial"))
	Label("chunkAVX2_whole")
	VPERMQ(columnPairs(), Mem{Base: RSI}, columnWords)
	VPERMQ(diagonalPairs(), Mem{Base: RSI, Disp: 32}, diagonalWords)
	Label("chunkAVX2_compress")
	rowDFrom(R10, RDX, R9)
	compressRows()
	VPXOR(rowC, rowA, rowA)
	VPXOR(rowD, rowB, rowB)
	VPSHUFD(Imm(0xa0), rowB, rowBD)
	ANDL(I32(^flagChunkStart), R9L)
	ADDQ(Imm(blockBytes), RSI)
	SUBQ(Imm(blockBytes), RCX)
	JG(LabelRef("chunkAVX2_block"))
	packRows(rowA, rowB, Y0)
	VMOVDQU(Y0, Mem{Base: RDI})
	VZEROUPPER()
	RET()

	Label("chunkAVX2_partial")
	loadPartial()
	JMP(LabelRef("chunkAVX2_compress"))
}

// compress writes the kernel for one block with all sixteen words of output.
func compress() {
	TEXT("compressAVX2", NOSPLIT,
		"func(out *[16]uint32, cv *[8]uint32, block *[16]uint32, counter uint64, blockLen, flags uint32)")
	Doc("compressAVX2 sets out to the output of the compression function.")
	Pragma("noescape")
	Load(Param("cv"), RDX)
	Load(Param("block"), RSI)
	loadState(RDX)
	VPERMQ(columnPairs(), Mem{Base: RSI}, columnWords)
	VPERMQ(diagonalPairs(), Mem{Base: RSI, Disp: 32}, diagonalWords)
	Load(Param("out"), RDI)
	Load(Param("counter"), R10)
	Load(Param("blockLen"), ECX)
	Load(Param("flags"), R9L)
	loadRowConstants()
	rowDFrom(R10, RCX, R9)
	compressRows()
	VPXOR(rowC, rowA, rowA)
	VPXOR(rowD, rowB, rowB)
	packRows(rowA, rowB, Y5)
	packRows(rowC, rowD, Y6)
	VPXOR(Mem{Base: RDX}, Y6, Y6)
	VMOVDQU(Y5, Mem{Base: RDI})
	VMOVDQU(Y6, Mem{Base: RDI, Disp: 32})
	VZEROUPPER()
	RET()
}

// columnPairs and diagonalPairs are the immediates of VPERMQ that put the eight
// words for the columns and the eight for the diagonals, in message order, into
// the lanes.
func columnPairs() U8   { return pairs(0) }
func diagonalPairs() U8 { return pairs(-1) }

func pairs(by int) U8 {
	var imm int
	for lane, word := range laneWord {
		imm |= (word + by) & 3 << (2 * lane)
	}
	return U8(imm)
}

// loadState sets a and b to the eight words at cv.
func loadState(cv GPPhysical) {
	VMOVDQU(Mem{Base: cv}, rowD)
	VMOVDQU(constant(lowRowAt), rowA)
	VMOVDQU(constant(highRowAt), rowB)
	VPERMD(rowD, rowA, rowA)
	VPERMD(rowD, rowB, rowB)
	VMOVDQA(rowB, rowBD)
}

// rowDFrom sets d from the counter, the block's length and its flags. It
// changes the register of the length.
func rowDFrom(counter, length, flags GPPhysical) {
	SHLQ(Imm(32), length)
	MOVL(counter.As32(), R11L)
	ORQ(R11, length)
	VMOVQ(length, X4)
	MOVQ(flags, R11)
	SHLQ(Imm(32), R11)
	MOVQ(counter, R12)
	SHRQ(Imm(32), R12)
	ORQ(R12, R11)
	VPINSRQ(Imm(1), R11, X4, X4)
	VPMOVZXDQ(X4, rowD) // words 0, 2 | 1, 3
}

// packRows sets to to the eight words of two rows.
func packRows(low, high, to Register) {
	VSHUFPS(Imm(0x88), high, low, to)
	VMOVDQU(constant(packedAt), Y7)
	VPERMD(to, Y7, to)
}

// loadPartial loads a block of RCX < 64 bytes, filled up with zeros. It touches
// no byte behind them: whole words come by masked loads, which do not fault
// where the mask is clear, and the last one to three bytes one by one.
func loadPartial() {
	// The window into the table of masks: as many of its sixteen ones as there
	// are whole words lie behind R11, then zeros.
	MOVQ(RCX, R12)
	SHRQ(Imm(2), R12)
	LEAQ(Mem{Base: RSI, Index: R12, Scale: 4}, R13)
	NEGQ(R12)
	LEAQ(constant(wholeWordsAt+64), R11)
	LEAQ(Mem{Base: R11, Index: R12, Scale: 4}, R11)
	VMOVDQU(Mem{Base: R11}, Y7)
	VMOVDQU(Mem{Base: R11, Disp: 32}, Y8)
	VPMASKMOVD(Mem{Base: RSI}, Y7, columnWords)
	VPMASKMOVD(Mem{Base: RSI, Disp: 32}, Y8, diagonalWords)
	MOVQ(RCX, R12)
	ANDQ(Imm(3), R12)
	JZ(LabelRef("chunkAVX2_loaded"))
	MOVBLZX(Mem{Base: R13}, EAX)
	CMPQ(R12, Imm(2))
	JLT(LabelRef("chunkAVX2_word"))
	MOVWLZX(Mem{Base: R13}, EAX)
	JEQ(LabelRef("chunkAVX2_word"))
	MOVBLZX(Mem{Base: R13, Disp: 2}, R12L)
	SHLL(Imm(16), R12L)
	ORL(R12L, EAX)
	Label("chunkAVX2_word")
	VMOVD(EAX, X7)
	VPBROADCASTD(X7, Y7)
	VPAND(Mem{Base: R11, Disp: partialWordAt - wholeWordsAt}, Y7, Y8)
	VPOR(Y8, columnWords, columnWords)
	VPAND(Mem{Base: R11, Disp: partialWordAt - wholeWordsAt + 32}, Y7, Y8)
	VPOR(Y8, diagonalWords, diagonalWords)
	Label("chunkAVX2_loaded")
	VPERMQ(columnPairs(), columnWords, columnWords)
	VPERMQ(diagonalPairs(), diagonalWords, diagonalWords)
}
