package main

import (
	"github.com/chainweir/weir/asm/_gen/internal/shani"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The kernels of this file hash one stream, whose blocks cannot be hashed side
// by side: each SHA256RNDS2 waits for the one before.

// blocks writes the kernel that compresses blocks.
func blocks(t tables) {
	build.TEXT("shaniBlocks", 0, "func(state *[8]uint32, p *byte, n int)")
	build.Doc("shaniBlocks compresses n blocks of p, at least 1, into state.")
	build.Pragma("noescape")
	s := oneStream(t)
	state, left := reg.RAX, reg.RCX
	build.Load(build.Param("state"), state)
	build.Load(build.Param("p"), reg.R8)
	build.Load(build.Param("n"), left)
	s.loadState(state)
	s.compress("block", left)
	for half := range 2 {
		s.digestWords(half, xmm[13])
		build.VPSHUFD(operand.U8(0xb1), xmm[13], xmm[13])
		build.VMOVDQU(xmm[13], at(state, 16*half))
	}
	build.RET()
}

// sum writes the kernel that ends a message. It takes the whole blocks and the
// padded end in one call, so that the end, which Go has just put together from
// small pieces, is not read before those stores have left the processor's
// store queue: a wide load from several of them would have to wait.
func sum(t tables) {
	build.TEXT("shaniSum", 0, "func(digest *[32]byte, state *[8]uint32, p *byte, n int, end *[128]byte, endBlocks int)")
	build.Doc(
		"shaniSum sets digest to the digest of a message: state is the hash value before",
		"the n blocks of p, 0 or more, which endBlocks padded blocks of end follow, at least 1.",
	)
	build.Pragma("noescape")
	s := oneStream(t)
	state, left := reg.RAX, reg.RCX
	build.Load(build.Param("state"), state)
	s.loadState(state)
	build.Load(build.Param("p"), reg.R8)
	build.Load(build.Param("n"), left)
	build.TESTQ(left, left)
	build.JZ(operand.LabelRef("end"))
	s.compress("block", left)
	build.Label("end")
	build.Load(build.Param("end"), reg.R8)
	build.Load(build.Param("endBlocks"), left)
	s.compress("endBlock", left)
	build.Load(build.Param("digest"), reg.R12)
	s.store()
	build.RET()
}

// oneStream makes the frame of a kernel with a single stream.
func oneStream(t tables) *stream {
	frame := build.AllocLocal(shani.StreamBytes + 16)
	build.LEAQ(frame.Offset(15), scratch)
	build.ANDQ(operand.I8(-16), scratch)
	return streams(t, 1)[0]
}

// loadState reads a hash value in the order of its words.
func (s *stream) loadState(state reg.Register) {
	build.VPSHUFD(operand.U8(0x1b), at(state, 0), xmm[13])  // A B C D, highest dword first
	build.VPSHUFD(operand.U8(0x1b), at(state, 16), xmm[14]) // E F G H
	build.VPUNPCKHQDQ(xmm[13], xmm[14], s.ABEF)
	build.VPUNPCKLQDQ(xmm[13], xmm[14], s.CDGH)
}

// compress writes a loop over whole blocks from s.src on.
func (s *stream) compress(label string, left reg.Register) {
	build.Label(label)
	s.keep()
	block([]*stream{s}, wholePair)
	s.addKept()
	build.ADDQ(operand.U8(64), s.src)
	build.DECQ(left)
	build.JNZ(operand.LabelRef(label))
}
