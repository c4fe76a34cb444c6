package main

import (
	"fmt"

	"github.com/chainweir/weir/asm/_gen/internal/shani"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// stream is one of several messages that a kernel compresses side by side.
type stream struct {
	*shani.Stream
	data reg.Register // next block
	left reg.Register // blocks before data moves to the other place
}

// streams writes the kernel for n streams.
func streams(t tables, n int) {
	build.TEXT(fmt.Sprintf("manyStreams%d", n), 0, "func(state *[4]*[8]uint32, data, then *[4]*byte, first *[4]int, blocks int)")
	build.Doc(
		fmt.Sprintf("manyStreams%d compresses blocks into state[i], for the first %d i. They lie in a row", n, n),
		"at data[i], or if there are more than first[i], those that follow lie at",
		"then[i]. The words of a state are in the order F E B A H G D C.",
	)
	build.Pragma("noescape")
	frame := build.AllocLocal(shani.StreamBytes*n + 8)
	build.LEAQ(frame.Offset(15), scratch)
	build.ANDQ(operand.I8(-16), scratch)
	build.Load(build.Param("state"), reg.RAX)
	build.Load(build.Param("data"), reg.RBX)
	build.Load(build.Param("first"), reg.RCX)
	var all []*stream
	for i, s := range shani.Streams(n, scratch) {
		all = append(all, &stream{
			Stream: s,
			data:   []reg.Register{reg.R8, reg.R9, reg.R10, reg.R11}[i],
			left:   []reg.Register{reg.R12, reg.R13, reg.RSI, reg.RDX}[i],
		})
	}
	each := func(part func(*stream)) {
		for _, s := range all {
			part(s)
		}
	}
	each(func(s *stream) {
		build.MOVQ(at(reg.RAX, 8*s.Number), s.data)
		build.MOVOU(at(s.data, 0), s.ABEF)
		build.MOVOU(at(s.data, 16), s.CDGH)
		build.MOVQ(at(reg.RBX, 8*s.Number), s.data)
		build.MOVQ(at(reg.RCX, 8*s.Number), s.left)
	})
	build.Load(build.Param("then"), reg.RBX)
	build.Load(build.Param("blocks"), reg.RCX)
	build.Label("block")
	each(func(s *stream) {
		build.MOVOA(s.ABEF, s.Hash(0))
		build.MOVOA(s.CDGH, s.Hash(1))
	})
	for i := range 16 {
		each(func(s *stream) { s.Rounds(i, t.k, s.load(t, i)) })
	}
	each(func(s *stream) {
		build.PADDD(s.Hash(0), s.ABEF)
		build.PADDD(s.Hash(1), s.CDGH)
		build.ADDQ(operand.U8(64), s.data)
		build.DECQ(s.left)
		build.CMOVQEQ(at(reg.RBX, 8*s.Number), s.data)
	})
	build.DECQ(reg.RCX)
	build.JNZ(operand.LabelRef("block"))
	each(func(s *stream) {
		build.MOVQ(at(reg.RAX, 8*s.Number), reg.RDX)
		build.MOVOU(s.ABEF, at(reg.RDX, 0))
		build.MOVOU(s.CDGH, at(reg.RDX, 16))
	})
	build.RET()
}

// load returns what reads the schedule words 4i..4i+3 of a block, i of 0..3.
func (s *stream) load(t tables, i int) func(into reg.Register) {
	return func(into reg.Register) {
		build.VMOVDQU(at(s.data, 16*i), into)
		build.VPSHUFB(t.swap, into, into)
	}
}
