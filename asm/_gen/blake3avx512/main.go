// Command blake3avx512 writes the AVX-512 assembly of package blake3x.
//
// Two ways to put BLAKE3's sixteen state words into vector registers are used:
//
//   - Lane-wise: register i holds word i of sixteen independent compressions,
//     one per 32-bit lane. A set of sixteen registers is the state of sixteen
//     compressions; two sets, of 32 compressions, fill all of the machine's
//     registers. Message words must first be transposed from sixteen rows in
//     memory; they are then memory operands of the additions. This is for
//     throughput: files chunks.go, parents.go, lanes.go and xof.go, built from
//     rounds.go and transpose.go.
//   - Row-wise: one register holds four words of one state. This is for the
//     latency of a single chunk or block: rowwise.go.
//
// avo's register allocator sees general-purpose registers only; vector
// registers are numbered here, because the kernels use all of them.
package main

//go:generate go run . -out ../../blake3x/avx512_asm_amd64.s -stubs ../../blake3x/avx512_asm_amd64.go -pkg blake3x

import (
	"github.com/chainweir/weir/asm/_gen/internal/blake3"
	"github.com/mmcloughlin/avo/build"
)

const (
	blocksPerChunk = blake3.ChunkBytes / blake3.BlockBytes
	lanes          = 16 // 32-bit lanes of a register
)

func main() {
	build.ConstraintExpr("amd64,gc,!purego")
	tables := newConstants()
	chunks32(tables)
	chunks16(tables)
	parents32(tables)
	parents16(tables)
	parentsRest(tables)
	lanes16(tables)
	xof16(tables)
	chunkRow(tables)
	compressRow(tables)
	build.Generate()
}
