// Command blake3scalar writes the BLAKE3 compression for amd64 without vector
// instructions.
//
// One compression has four quarter rounds to do at a time, no more. A processor
// whose vector instructions take two cycles, but that starts five or six
// ordinary ones in each cycle with results after one, does them faster in
// general-purpose registers, one word in each: 168 dependent instructions are
// then 168 cycles rather than 336.
//
// There are sixteen words of state and fifteen registers besides the stack
// pointer. Words 0 to 7 and 12 to 15 have a register each; of words 8 to 11,
// which a quarter round uses least, one waits in the frame:
//
//	columns:    quarter rounds 0, 1 with words 8, 9; swap 8 for 11; 2, 3 with 10, 11
//	diagonals:  quarter rounds 0, 1 with words 10, 11; swap 11 for 8; 2, 3 with 8, 9
//
// The message is copied into the frame, where the stack pointer is its address,
// so that it needs no register; so are chaining value and arguments.
package main

//go:generate go run . -out ../../blake3x/scalar_asm_amd64.s -stubs ../../blake3x/scalar_asm_amd64.go -pkg blake3x

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	build.ConstraintExpr("amd64,gc,!purego")
	blocksScalar()
	compressScalar()
	build.Generate()
}

// blocksScalar keeps the chaining value in its frame from block to block.
func blocksScalar() {
	build.TEXT("blocksScalar", 0, "func(cv *[8]uint32, src *byte, blocks int, counter uint64, length, flags, first, last uint32)")
	build.Pragma("noescape")
	build.Doc("blocksScalar compresses so many blocks (not 0) of 64 bytes one after the other, from the",
		"chaining value cv to the chaining value cv. length is that of each block; first and last",
		"are added to the flags of the first and of the last block.")
	f := newFrame()
	f.copyCV(param("cv"))
	build.MOVL(param("flags"), reg.EAX)
	build.ORL(reg.EAX, param("first"))

	build.Label("block")
	build.MOVQ(param("src"), reg.RAX)
	f.copyMessage(reg.RAX)
	build.ADDQ(operand.U8(64), reg.RAX)
	build.MOVQ(reg.RAX, param("src"))
	f.load(param("counter"), param("length"), param("first"))
	build.CMPQ(param("blocks"), operand.U8(1))
	build.JNE(operand.LabelRef("compress"))
	build.ORL(param("last"), f.v[15])
	build.Label("compress")
	f.compress()
	for i := range 8 {
		f.foldUpper(i)
	}
	free := reg.R9 // word 8, done with
	build.DECQ(param("blocks"))
	build.JZ(operand.LabelRef("done"))
	for i := range 8 {
		build.MOVL(f.v[i], f.cv.Offset(4*i))
	}
	build.MOVL(param("flags"), free.As32())
	build.MOVL(free.As32(), param("first"))
	build.JMP(operand.LabelRef("block"))

	build.Label("done")
	build.MOVQ(param("cv"), free)
	for i := range 8 {
		build.MOVL(f.v[i], operand.Mem{Base: free, Disp: 4 * i})
	}
	build.RET()
}

// compressScalar also computes words 8 to 15 of the output.
func compressScalar() {
	build.TEXT("compressScalar", 0, "func(out *[16]uint32, cv *[8]uint32, block *[16]uint32, counter uint64, blockLen, flags uint32)")
	build.Pragma("noescape")
	build.Doc("compressScalar does what CompressGeneric does.")
	f := newFrame()
	f.copyCV(param("cv"))
	build.MOVQ(param("block"), reg.RAX)
	f.copyMessage(reg.RAX)
	f.load(param("counter"), param("blockLen"), param("flags"))
	f.compress()
	for i := range 8 {
		f.foldUpper(i)
	}
	// Only registers whose word has been written are free for what follows.
	out, word := operand.Mem{Base: reg.R9}, reg.EAX
	build.XORL(f.cv, f.v[8])
	build.MOVL(f.v[8], f.spill)
	build.MOVQ(param("out"), out.Base)
	for i := range 8 {
		build.MOVL(f.v[i], out.Offset(4*i))
	}
	for i := range 8 {
		high := f.v[8+i]
		if i == 0 || high == nil { // those two are in the frame
			high = word
			build.MOVL(f.spill.Offset(4*i), word)
		}
		if i > 0 {
			build.XORL(f.cv.Offset(4*i), high)
		}
		build.MOVL(high, out.Offset(32+4*i))
	}
	build.RET()
}

// param is where an argument is.
func param(name string) operand.Mem {
	p, err := build.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return p.Addr
}
