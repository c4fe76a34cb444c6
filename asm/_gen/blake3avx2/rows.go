package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// One compression cannot fill the processor: its time is the length of the
// chain of dependent operations, 7 rounds of 4 half quarter-rounds, in which b
// goes through a, d and c to the next b. In 32-bit lanes, a rotation by 12 or 7
// is two operations of the chain, shifts and an or. Here each word of a row has
// a 64-bit lane, and is in both halves of it when it is to be rotated by 12 or
// 7: one 64-bit shift then leaves the result in the low half. What puts it in
// both halves is not in the chain: of d the byte shuffle that rotates it by 16
// or 8, of c the addition of such a d, and of b a copy (bd) made long before
// its use, which is after those of a, d and c.
//
// b stays where it is when columns become diagonals; a, c and d move around it,
// since they are ready earlier. The message vectors have the two words of a
// column in the two halves of its lane, so that they are added where they lie,
// then shifted down and added.
//
//	Y0 a   Y1 b   Y2 bd   Y3 c   Y4 d
//	Y5, Y6   words for the columns and for the diagonals of this round
//	Y7–Y9    temporaries
//	Y10–Y13  indices that make the next round's words
//	Y14, Y15 byte orders that rotate by 16 and by 8
var (
	rowA, rowB, rowBD, rowC, rowD = Y0, Y1, Y2, Y3, Y4
	columnWords, diagonalWords    = Y5, Y6
	nextIndex                     = [4]VecPhysical{Y10, Y11, Y12, Y13}
	order                         = [2]VecPhysical{Y14, Y15}
)

// Rotations of the four 64-bit lanes, for VPERMQ: by so many lanes upwards.
var up = [4]U8{1: 0x93, 2: 0x4e, 3: 0x39}

// columnOrder and diagonalOrder are the positions in a round's schedule of the
// words in columnWords and diagonalWords. Diagonal i is where b's word i+1 is.
var (
	columnOrder   = [8]int{0, 1, 2, 3, 4, 5, 6, 7}
	diagonalOrder = [8]int{14, 15, 8, 9, 10, 11, 12, 13}
)

// loadRowConstants sets the registers that stay the same.
func loadRowConstants() {
	for i, r := range nextIndex {
		VMOVDQU(constant(nextAt+32*i), r)
	}
	VMOVDQU(constant(rotateDup16At), order[0])
	VMOVDQU(constant(rotateDup8At), order[1])
}

// compressRows compresses the message in Y5 and Y6 (see arrangeMessage) into
// the state in a, b, bd and d. c is set here.
func compressRows() {
	VMOVDQU(constant(ivRowAt), rowC)
	for r := range rounds {
		halfRound(columnWords)
		diagonal(up[1], up[3])
		halfRound(diagonalWords)
		diagonal(up[3], up[1])
		if r < rounds-1 {
			nextMessage()
		}
	}
}

// halfRound is G on the four columns. The second word's addition waits for
// nothing but a.
func halfRound(words Register) {
	VPADDD(words, rowA, rowA)
	VPSRLQ(Imm(32), words, Y7)
	for half, right := range []uint64{12, 7} {
		VPADDD(rowB, rowA, rowA)
		VPXOR(rowA, rowD, rowD)
		VPSHUFB(order[half], rowD, rowD)
		if half == 0 {
			VPADDD(Y7, rowA, rowA)
		}
		VPADDD(rowD, rowC, rowC)
		VPXOR(rowC, rowBD, rowBD)
		VPSRLQ(Imm(right), rowBD, rowB)
		VPSHUFD(Imm(0xa0), rowB, rowBD)
	}
}

// diagonal moves a and c around b; d moves by two lanes either way.
func diagonal(a, c U8) {
	VPERMQ(a, rowA, rowA)
	VPERMQ(up[2], rowD, rowD)
	VPERMQ(c, rowC, rowC)
}

// nextMessage makes the next round's words from this one's.
func nextMessage() {
	for i, target := range []Register{Y8, Y9} {
		VPERMD(columnWords, nextIndex[2*i], target)
		VPERMD(diagonalWords, nextIndex[2*i+1], Y7)
		VPBLENDD(Imm(uint64(nextFromDiagonals(i))), Y7, target, target)
	}
	VMOVDQA(Y8, columnWords)
	VMOVDQA(Y9, diagonalWords)
}

// nextSource says where word j of the next round's vector i (0 columns, 1
// diagonals) is in this round's vectors.
func nextSource(i, j int) (vector, at int) {
	orders := [2][8]int{columnOrder, diagonalOrder}
	for vector, order := range orders {
		for at, position := range order {
			if position == permutation[orders[i][j]] {
				return vector, at
			}
		}
	}
	panic("a permutation leaves no word out")
}

// nextIndices are the indices for VPERMD: for each of the next round's vectors,
// those into this round's columns and into its diagonals.
func nextIndices() (index [4][8]uint32) {
	for i := range 2 {
		for j := range 8 {
			vector, at := nextSource(i, j)
			index[2*i+vector][j] = uint32(at)
		}
	}
	return index
}

// nextFromDiagonals are the words of the next round's vector i that come from
// this round's diagonals, as a mask.
func nextFromDiagonals(i int) (mask int) {
	for j := range 8 {
		if vector, _ := nextSource(i, j); vector == 1 {
			mask |= 1 << j
		}
	}
	return mask
}
