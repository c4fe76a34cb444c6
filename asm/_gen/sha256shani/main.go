// Command sha256shani writes the kernels that hash pairs of digests with
// SHA-NI, amd64's SHA instructions, and the one that compresses a single
// stream.
//
// # The instructions
//
// The working variables of a stream lie in two registers, "ABEF" and "CDGH",
// named from the highest dword down. SHA256RNDS2 does two rounds: it makes the
// new ABEF in the register of the old CDGH, and the old ABEF is the new CDGH.
// So two of them, with the registers' parts exchanged, are four rounds and
// leave everything where it was. The third operand is always X0: two schedule
// words with their constants added. SHA256MSG1 and SHA256MSG2 make four new
// schedule words between them.
//
// # Streams
//
// One SHA256RNDS2 takes four cycles. The unit can start another after two
// cycles, or after one, depending on the processor, so a single stream leaves
// half or three quarters of it idle. The kernels for pairs therefore hash four
// pairs side by side (stream.go), step by step:
//
//	step       0         1          …   15        16 …               31
//	stream 0   4 rounds  4 rounds   …   4 rounds  the padding's block
//	stream 1    4 rounds  4 rounds  …
//	stream 2     4 rounds  4 rounds …
//	stream 3      4 rounds  4 rounds…
//
// The second block of a pair is padding, the same for every pair, so its 64
// schedule words with their constants are a table (tables.go).
//
// # Registers
//
//	X0        operand of SHA256RNDS2
//	X1-X8     ABEF and CDGH of the four streams
//	X9-X12    the newest four schedule words of each stream
//	X13-X15   temporary
//	frame     per stream: 16 schedule words, the hash value before the block
//
// A lone stream has its schedule words in X3-X6.
package main

import "github.com/mmcloughlin/avo/build"

//go:generate go run . -out ../../sha256x/shani_asm_amd64.s -stubs ../../sha256x/shani_asm_amd64.go -pkg sha256x

func main() {
	build.ConstraintExpr("amd64,gc,!purego")
	t := newTables()
	blocks(t)
	sum(t)
	for _, job := range []job{pairs, nodes, doublePairs} {
		for _, n := range []int{1, 2, 4} {
			pairKernel(t, job, n)
		}
	}
	staggered(t)
	build.Generate()
}
