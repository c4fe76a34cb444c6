package main

import (
	"fmt"
	"slices"

	"github.com/chainweir/weir/asm/_gen/internal/fips180"
)

// The table of the kernels, in bytes from its start. The two runs of 64 words
// lie back to back, because a pair's second compression starts reading where
// its first one stopped.
const (
	tableName = "sha2Table<>"

	atK     = 0            // round constants
	atPad   = atK + 4*64   // K+W of the block that pads a 64-byte message
	atIV    = atPad + 4*64 // initial state, two vectors
	atTail  = atIV + 32    // words 8..15 of a block that holds a digest alone
	atNode  = atTail + 32  // words 4..15 of the second block of a node
	atFront = atNode + 48  // the byte 0x01 in front of a node, last in its vector
	tableSz = atFront + 16
)

// table writes the constants as read-only data.
func table(t *text) {
	t.raw("\n// Round constants, K+W of a pair's padding, initial state, ends of blocks.\n")
	padding := fips180.PairPadding()
	words := slices.Concat(fips180.K[:], padding[:], fips180.IV[:])
	words = append(words, fips180.EndBit, 0, 0, 0, 0, 0, 0, fips180.DigestBits)
	words = append(words, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, fips180.NodeBits)
	words = append(words, 0, 0, 0, 0x01<<24) // little-endian: the vector's last byte
	if 4*len(words) != tableSz {
		panic(fmt.Sprintf("the table has %d bytes, its layout %d", 4*len(words), tableSz))
	}
	for i, w := range words {
		fmt.Fprintf(t, "DATA %s+%d(SB)/4, $%#08x\n", tableName, 4*i, w)
	}
	fmt.Fprintf(t, "GLOBL %s(SB), RODATA|NOPTR, $%d\n", tableName, tableSz)
}
