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
// word in each 64-bit lane (rows.go), which makes the chain of dependent
// operations shorter than 32-bit lanes would.
package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"
)

//go:generate go run . -out ../../blake3x/avx2_asm_amd64.s -stubs ../../blake3x/avx2_asm_amd64.go -pkg blake3x

func main() {
	build.ConstraintExpr("amd64,gc,!purego")
	chunks()
	parents()
	chunk()
	compress()
	tables()
	build.Generate()
}

const lanes = 8 // 32-bit lanes of a register

var ymm = [16]reg.VecPhysical{reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7, reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15}

func xmm(i int) reg.Register { return ymm[i].(reg.Vec).AsX() }
