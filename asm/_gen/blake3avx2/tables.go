package main

import (
	"encoding/binary"

	"github.com/chainweir/weir/asm/_gen/internal/blake3"
	"github.com/chainweir/weir/asm/_gen/internal/table"
	"github.com/mmcloughlin/avo/operand"
)

// Offsets in the table of constants, which are multiples of 32 so that no
// operand crosses a cache line.
const (
	rotate16At    = 0
	rotate8At     = rotate16At + 32
	ivVectorAt    = rotate8At + 32     // the first word in every lane
	ivRowAt       = ivVectorAt + 32    // for rows: the first four words, twice each
	rotateDup16At = ivRowAt + 32       // for rows: rotate the low word, into both
	rotateDup8At  = rotateDup16At + 32 // and by 8
	lowRowAt      = rotateDup8At + 32  // for rows: indices of words 0–3, twice each
	highRowAt     = lowRowAt + 32      // and of words 4–7
	packedAt      = highRowAt + 32     // and back
	nextAt        = packedAt + 32      // for rows: four index vectors
	wholeWordsAt  = nextAt + 4*32      // for rows: sixteen ones, sixteen zeros
	partialWordAt = wholeWordsAt + 128 // for rows: the 17th of 32 is all ones
	ivWordsAt     = partialWordAt + 128
	blockLengthAt = ivWordsAt + 32
	tableBytes    = blockLengthAt + 32
)

const tableName = "avx2_blake3"

func constant(at int) operand.Mem {
	return table.Address(tableName, at)
}

func rotate16() operand.Mem    { return constant(rotate16At) }
func rotate8() operand.Mem     { return constant(rotate8At) }
func ivVector() operand.Mem    { return constant(ivVectorAt) }
func ivWord(i int) operand.Mem { return constant(ivWordsAt + 4*i) }
func blockLength() operand.Mem { return constant(blockLengthAt) }

// tables writes the table of constants.
func tables() {
	var bytes [tableBytes]byte
	words := func(at int, w ...uint32) {
		for i, v := range w {
			binary.LittleEndian.PutUint32(bytes[at+4*i:], v)
		}
	}
	shuffle := func(at int, from func(i int) int) {
		for i := range 32 {
			bytes[at+i] = byte(from(i))
		}
	}
	// Byte i of a 32-bit lane comes from n bytes further up, around the lane.
	shuffle(rotate16At, func(i int) int { return i%16&^3 | (i+2)&3 })
	shuffle(rotate8At, func(i int) int { return i%16&^3 | (i+1)&3 })
	for i := range lanes {
		words(ivVectorAt+4*i, blake3.IV[0])
		words(ivRowAt+4*i, blake3.IV[laneWord[i/2]])
	}
	shuffle(rotateDup16At, func(i int) int { return i%16&^7 | (i+2)&3 })
	shuffle(rotateDup8At, func(i int) int { return i%16&^7 | (i+1)&3 })
	for lane, word := range laneWord {
		for half := range 2 {
			words(lowRowAt+8*lane+4*half, uint32(word))
			words(highRowAt+8*lane+4*half, uint32(4+word))
			// VSHUFPS leaves the low words of two rows in the order of lanes,
			// two by two.
			words(packedAt+4*(4*half+word), uint32(lane&1+4*(lane>>1)+2*half))
		}
	}
	for i, index := range nextIndices() {
		words(nextAt+32*i, index[:]...)
	}
	for i := range 32 {
		whole, partial := uint32(0), uint32(0)
		if i < 16 {
			whole = 0xffffffff
		}
		if i == 16 {
			partial = 0xffffffff
		}
		words(wholeWordsAt+4*i, whole)
		words(partialWordAt+4*i, partial)
	}
	words(ivWordsAt, blake3.IV[:]...)
	words(blockLengthAt, blake3.BlockBytes)

	qwords := make([]uint64, tableBytes/8)
	for i := range qwords {
		qwords[i] = binary.LittleEndian.Uint64(bytes[8*i:])
	}
	table.Qwords(tableName, qwords)
}
