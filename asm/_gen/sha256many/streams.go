package main

import (
	"fmt"
	"slices"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The SHA-NI instructions keep the working variables in two registers, "ABEF"
// and "CDGH", and do two rounds at a time: SHA256RNDS2 makes the new ABEF in
// the place of CDGH, and the old ABEF is the new CDGH. Two in a row, with the
// registers' parts exchanged, are four rounds and leave everything in place.
// Its third operand is X0: two schedule words, constants added.
//
// The schedule words of a stream lie in memory, four to a register's width, all
// but the newest four: through memory those would come too late for the next
// step. That leaves registers for four streams.

var xmm = []reg.Register{
	reg.X0, reg.X1, reg.X2, reg.X3, reg.X4, reg.X5, reg.X6, reg.X7,
	reg.X8, reg.X9, reg.X10, reg.X11, reg.X12, reg.X13, reg.X14, reg.X15,
}

// stream is one of several messages that a kernel compresses side by side.
type stream struct {
	t          tables
	number     int
	data       reg.Register // next block
	left       reg.Register // blocks before data moves to the other place
	abef, cdgh reg.Register
	newest     reg.Register   // the newest four schedule words
	spare      []reg.Register // temporary; shared by the streams
}

const streamBytes = 64 + 32 // of the frame: schedule words, hash value

func (s *stream) words(i int) operand.Mem { return at(scratch, streamBytes*s.number+16*(i%4)) }
func (s *stream) hash(i int) operand.Mem  { return at(scratch, streamBytes*s.number+64+16*i) }

// streams writes the kernel for n streams.
func streams(t tables, n int) {
	build.TEXT(fmt.Sprintf("manyStreams%d", n), 0, "func(state *[4]*[8]uint32, data, then *[4]*byte, first *[4]int, blocks int)")
	build.Doc(
		fmt.Sprintf("manyStreams%d compresses blocks into state[i], for the first %d i. They lie in a row", n, n),
		"at data[i], or if there are more than first[i], those that follow lie at",
		"then[i]. The words of a state are in the order F E B A H G D C.",
	)
	build.Pragma("noescape")
	frame := build.AllocLocal(streamBytes*n + 8)
	build.LEAQ(frame.Offset(15), scratch)
	build.ANDQ(operand.I8(-16), scratch)
	build.Load(build.Param("state"), reg.RAX)
	build.Load(build.Param("data"), reg.RBX)
	build.Load(build.Param("first"), reg.RCX)
	var all []*stream
	spare := slices.Clone(xmm[13:])
	for i := range n {
		all = append(all, &stream{
			t: t, number: i,
			data: []reg.Register{reg.R8, reg.R9, reg.R10, reg.R11}[i],
			left: []reg.Register{reg.R12, reg.R13, reg.RSI, reg.RDX}[i],
			abef: xmm[1+2*i], cdgh: xmm[2+2*i], newest: xmm[9+i], spare: spare,
		})
	}
	each := func(part func(*stream)) {
		for _, s := range all {
			part(s)
		}
	}
	each(func(s *stream) {
		build.MOVQ(at(reg.RAX, 8*s.number), s.data)
		build.MOVOU(at(s.data, 0), s.abef)
		build.MOVOU(at(s.data, 16), s.cdgh)
		build.MOVQ(at(reg.RBX, 8*s.number), s.data)
		build.MOVQ(at(reg.RCX, 8*s.number), s.left)
	})
	build.Load(build.Param("then"), reg.RBX)
	build.Load(build.Param("blocks"), reg.RCX)
	build.Label("block")
	each(func(s *stream) {
		build.MOVOA(s.abef, s.hash(0))
		build.MOVOA(s.cdgh, s.hash(1))
	})
	for i := range 16 {
		each(func(s *stream) { s.fourRounds(i) })
	}
	each(func(s *stream) {
		build.PADDD(s.hash(0), s.abef)
		build.PADDD(s.hash(1), s.cdgh)
		build.ADDQ(operand.U8(64), s.data)
		build.DECQ(s.left)
		build.CMOVQEQ(at(reg.RBX, 8*s.number), s.data)
	})
	build.DECQ(reg.RCX)
	build.JNZ(operand.LabelRef("block"))
	each(func(s *stream) {
		build.MOVQ(at(reg.RAX, 8*s.number), reg.RDX)
		build.MOVOU(s.abef, at(reg.RDX, 0))
		build.MOVOU(s.cdgh, at(reg.RDX, 16))
	})
	build.RET()
}

// fourRounds makes the schedule words 4i..4i+3 and does their rounds.
func (s *stream) fourRounds(i int) {
	if i < 4 {
		build.VMOVDQU(at(s.data, 16*i), s.newest)
		build.VPSHUFB(s.t.swap, s.newest, s.newest)
	} else {
		// The words 16, 15, 7 and 2 before: SHA256MSG1 adds sigma0 of the
		// second to the first, SHA256MSG2 sigma1 of the last to the sum.
		w, older := s.spare[0], s.spare[1]
		build.VMOVDQA(s.words(i), w)
		build.SHA256MSG1(s.words(i+1), w)
		build.VPALIGNR(operand.U8(4), s.words(i+2), s.newest, older)
		build.VPADDD(older, w, w)
		build.SHA256MSG2(s.newest, w)
		s.newest, s.spare[0], s.spare[1], s.spare[2] = w, s.spare[1], s.spare[2], s.newest
	}
	if i < 14 { // the last eight words are never read from memory
		build.VMOVDQA(s.newest, s.words(i))
	}
	build.VPADDD(s.t.k.Offset(16*i), s.newest, xmm[0])
	build.SHA256RNDS2(xmm[0], s.abef, s.cdgh)
	build.VPSHUFD(operand.U8(0x0e), xmm[0], xmm[0])
	build.SHA256RNDS2(xmm[0], s.cdgh, s.abef)
}
