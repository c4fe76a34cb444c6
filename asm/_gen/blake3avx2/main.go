// Command blake3avx2 writes the AVX2 kernels of package blake3x. There are two
// designs, one for throughput and one for latency.
//
// # Lanes: eight compressions at a time
//
// chunksAVX2 and parentsAVX2 hold word i of eight states in one ymm register,
// a lane each (lanes.go). Lanes have an address each; in the last group those
// without work of their own repeat the last chunk or parent and store nothing.
// A chunk kernel goes through the sixteen blocks of its eight chunks together:
// it transposes a block of each into sixteen message vectors in scratch memory,
// then takes them from there in the order of each round.
//
//	Y0–Y7    v0–v7 of the compression; between blocks the chaining values
//	Y8       temporary of the rotations. v8 lives in scratch memory: sixteen
//	         state words and a temporary are one too many for sixteen registers
//	Y9–Y15   v9–v15; between blocks temporaries of the transposition
//	R8–R15   lane addresses
//	DI, CX   next result and the results left; SI next input
//	AX       scratch, BX offset of the block in its chunk, DX flags or other
//
// # Rows: one compression
//
// chunkAVX2 and compressAVX2 hold a row of the 4×4 state in one ymm register, a
// word in each 64-bit half-lane (rows.go), which makes the chain of dependent
// operations shorter than 32-bit lanes would.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/reg"
)

//go:generate go run . -out ../../blake3x/avx2_asm_amd64.s -stubs ../../blake3x/avx2_asm_amd64.go -pkg blake3x

func main() {
	ConstraintExpr("amd64,gc,!purego")
	chunks()
	parents()
	chunk()
	compress()
	tables()
	Generate()
}

// The parameters of the hash, as in the BLAKE3 paper, §2.2.
const (
	lanes      = 8
	blockBytes = 64
	chunkBytes = 1024
	outBytes   = 32
	rounds     = 7

	flagChunkStart = 1 << 0
	flagChunkEnd   = 1 << 1
	flagParent     = 1 << 2
	flagRoot       = 1 << 3
)

var initial = [8]uint32{
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
}

// permutation reorders the message words between rounds.
var permutation = [16]int{2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8}

// schedules are the message words in the order of use, round by round.
var schedules = func() (s [rounds][16]int) {
	for i := range 16 {
		s[0][i] = i
	}
	for r := 1; r < rounds; r++ {
		for i, from := range permutation {
			s[r][i] = s[r-1][from]
		}
	}
	return s
}()

var ymm = [16]VecPhysical{Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15}

func xmm(i int) Register { return ymm[i].(Vec).AsX() }
