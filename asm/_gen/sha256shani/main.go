// Command sha256shani writes the kernels that hash pairs of digests with
// SHA-NI, amd64's SHA instructions, and those that hash a single stream.
//
// Package internal/shani describes the instructions and the registers. A lone
// stream has its schedule words in X3-X6, where else the second and the third
// stream have their working variables.
//
// # Streams
//
// One SHA256RNDS2 takes four cycles. The unit can start another after two
// cycles, or after one, depending on the processor, so a single stream leaves
// half or three quarters of it idle. The kernels for pairs therefore hash several
// pairs side by side. A few go step by step (kernels.go):
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
// In longer runs the pairs are at different points of their way, so that they
// do not all want the same unit: two and two (staggered.go), or each at another,
// in a pipeline (pipeline.go) for which the way is cut into stages (courses.go).
// Pairs need not lie in a row for that (picked.go).
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
	pipelineKernel(t, pairs, pairCourse(t), 5)
	pipelineKernel(t, nodes, nodeCourse(t), 4) // five leave no register for new words
	pipelineKernel(t, doublePairs, doublePairCourse(t), 5)
	pickedPairs(t)
	pickedRecords(t)
	build.Generate()
}
