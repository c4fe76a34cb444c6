package main

import (
	"slices"

	"github.com/chainweir/weir/asm/_gen/internal/blake3"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
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
// A row's words lie in the order 0, 2 | 1, 3 (| between the 128-bit halves). b
// stays where it is when columns become diagonals; the others move around it,
// since they are ready earlier: d by two words, which in this order is a quick
// shuffle inside the halves, a and c by one, for which the time of a shuffle
// across the halves is left. The message vectors have the two words of a column
// in the two halves of its lane, so that they are added where they lie, then
// shifted down and added.
//
//	Y0 a   Y1 b   Y2 bd   Y3 c   Y4 d
//	Y5, Y6   words for the columns and for the diagonals of this round
//	Y7–Y9    temporaries
//	Y10–Y13  indices that make the next round's words
//	Y14, Y15 byte orders that rotate by 16 and by 8
var (
	rowA, rowB, rowBD, rowC, rowD = reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4
	columnWords, diagonalWords    = reg.Y5, reg.Y6
	nextIndex                     = [4]reg.VecPhysical{reg.Y10, reg.Y11, reg.Y12, reg.Y13}
	order                         = [2]reg.VecPhysical{reg.Y14, reg.Y15}
)

// laneWord is the word of a row that each lane holds.
var laneWord = [4]int{0, 2, 1, 3}

// moved is the immediate of VPERMQ that puts word i+by where word i is.
func moved(by int) operand.U8 {
	var imm int
	for lane, word := range laneWord {
		imm |= laneOf(word+by) << (2 * lane)
	}
	return operand.U8(imm)
}

func laneOf(word int) int { return slices.Index(laneWord[:], word&3) }

// columnOrder and diagonalOrder are the positions in a round's schedule of the
// words in columnWords and diagonalWords. Diagonal i is where b's word i+1 is.
var columnOrder, diagonalOrder = func() (columns, diagonals [8]int) {
	for lane, word := range laneWord {
		for half := range 2 {
			columns[2*lane+half] = 2*word + half
			diagonals[2*lane+half] = 8 + 2*((word+3)&3) + half
		}
	}
	return columns, diagonals
}()

// loadRowConstants sets the registers that stay the same.
func loadRowConstants() {
	for i, r := range nextIndex {
		build.VMOVDQU(constant(nextAt+32*i), r)
	}
	build.VMOVDQU(constant(rotateDup16At), order[0])
	build.VMOVDQU(constant(rotateDup8At), order[1])
}

// compressRows compresses the message in Y5 and Y6 into the state in a, b, bd
// and d. c is set here.
func compressRows() {
	build.VMOVDQU(constant(ivRowAt), rowC)
	for r := range blake3.Rounds {
		halfRound(columnWords, moved(-1), moved(1))
		if r < blake3.Rounds-1 {
			nextMessage(0)
		}
		halfRound(diagonalWords, moved(1), moved(-1))
		if r < blake3.Rounds-1 {
			nextMessage(1)
		}
	}
}

// halfRound is G on the four columns, or diagonals; it then moves a, c and d
// around b, each as soon as it is ready.
func halfRound(words reg.Register, moveA, moveC operand.U8) {
	build.VPADDD(words, rowA, rowA)
	build.VPSRLQ(operand.Imm(32), words, reg.Y7)
	for half, right := range []uint64{12, 7} {
		last := half == 1
		build.VPADDD(rowB, rowA, rowA)
		build.VPXOR(rowA, rowD, rowD)
		build.VPSHUFB(order[half], rowD, rowD)
		if last {
			build.VPERMQ(moveA, rowA, rowA)
		} else {
			build.VPADDD(reg.Y7, rowA, rowA)
		}
		build.VPADDD(rowD, rowC, rowC)
		build.VPXOR(rowC, rowBD, rowBD)
		if last {
			build.VPSHUFD(operand.Imm(0x4e), rowD, rowD)
		}
		build.VPSRLQ(operand.Imm(right), rowBD, rowB)
		if last {
			build.VPERMQ(moveC, rowC, rowC)
		}
		build.VPSHUFD(operand.Imm(0xa0), rowB, rowBD)
	}
}

// nextMessage makes the next round's words from this one's.
func nextMessage(i int) {
	target := []reg.Register{reg.Y8, reg.Y9}[i]
	build.VPERMD(columnWords, nextIndex[2*i], target)
	build.VPERMD(diagonalWords, nextIndex[2*i+1], reg.Y7)
	build.VPBLENDD(operand.Imm(uint64(nextFromDiagonals(i))), reg.Y7, target, target)
	if i == 1 {
		build.VMOVDQA(reg.Y8, columnWords)
		build.VMOVDQA(reg.Y9, diagonalWords)
	}
}

// nextSource says where word j of the next round's vector i (0 columns, 1
// diagonals) is in this round's vectors.
func nextSource(i, j int) (vector, at int) {
	orders := [2][8]int{columnOrder, diagonalOrder}
	for vector, order := range orders {
		for at, position := range order {
			if position == blake3.Permutation[orders[i][j]] {
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
