package main

import (
	"slices"

	"github.com/chainweir/weir/asm/_gen/internal/shani"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

var xmm = shani.X

// scratch is the aligned start of the frame.
var scratch = reg.RSI

func at(base reg.Register, bytes int) operand.Mem { return operand.Mem{Base: base, Disp: bytes} }

// stream is one of several messages that a kernel hashes side by side.
type stream struct {
	*shani.Stream
	t        tables
	src, dst reg.Register   // its pair and its digest
	ring     []reg.Register // a lone stream has all sixteen schedule words in registers, else nil
}

// streams returns n of them, whose pairs and digests follow one another.
func streams(t tables, n int) []*stream {
	var list []*stream
	for i, s := range shani.Streams(n, scratch) {
		list = append(list, &stream{
			Stream: s, t: t,
			src: []reg.Register{reg.R8, reg.R9, reg.R10, reg.R11}[i],
			dst: []reg.Register{reg.R12, reg.R13, reg.R14, reg.R15}[i],
		})
	}
	if n == 1 {
		list[0].ring = slices.Clone(xmm[3:7])
	}
	return list
}

// pair is a place in the pair.
func (s *stream) pair(bytes int) operand.Mem { return at(s.src, bytes) }

// begin sets the initial hash value.
func (s *stream) begin() {
	build.VMOVDQU(s.t.iv, s.ABEF)
	build.VMOVDQU(s.t.iv.Offset(16), s.CDGH)
}

// addIV ends the first block: what was there before it is a constant.
func (s *stream) addIV() {
	build.VPADDD(s.t.iv, s.ABEF, s.ABEF)
	build.VPADDD(s.t.iv.Offset(16), s.CDGH, s.CDGH)
}

// keep remembers the hash value before a block, and addKept adds it after.
func (s *stream) keep() {
	build.VMOVDQA(s.ABEF, s.Hash(0))
	build.VMOVDQA(s.CDGH, s.Hash(1))
}

func (s *stream) addKept() {
	build.VPADDD(s.Hash(0), s.ABEF, s.ABEF)
	build.VPADDD(s.Hash(1), s.CDGH, s.CDGH)
}

// message says where the words 4i..4i+3 of a block come from, for i of 0..3: it
// loads them into a register.
type message func(s *stream, i int, into reg.Register)

// rounds does the rounds 4i..4i+3 of a block and makes its schedule words.
func (s *stream) rounds(i int, m message) {
	if s.ring != nil {
		s.roundsInRegisters(i, m)
		return
	}
	s.Rounds(i, s.t.k, func(into reg.Register) { m(s, i, into) })
}

// roundsInRegisters is rounds for a lone stream. With fewer instructions more
// of the next pair fits into what the processor looks ahead.
func (s *stream) roundsInRegisters(i int, m message) {
	w := s.ring[i%4]
	if i < 4 {
		m(s, i, w)
	} else {
		older := s.Spare[0]
		build.SHA256MSG1(s.ring[(i+1)%4], w)
		build.VPALIGNR(operand.U8(4), s.ring[(i+2)%4], s.ring[(i+3)%4], older)
		build.VPADDD(older, w, w)
		build.SHA256MSG2(s.ring[(i+3)%4], w)
	}
	build.VPADDD(s.t.k.Offset(16*i), w, xmm[0])
	s.FourRounds()
}

// tabled does the rounds 4i..4i+3 with words from a table that has the
// constants added.
func (s *stream) tabled(table operand.Mem, i int) {
	build.VMOVDQU(table.Offset(16*i), xmm[0])
	s.FourRounds()
}

// twoRounds is SHA256RNDS2 number r of a block, with what is in X0.
func (s *stream) twoRounds(r int) {
	if r%2 == 0 {
		build.SHA256RNDS2(xmm[0], s.ABEF, s.CDGH)
	} else {
		build.SHA256RNDS2(xmm[0], s.CDGH, s.ABEF)
	}
}

// digestWords puts the words 0..3 of the hash value, or 4..7, into a register,
// still in the order B A D C or F E H G.
func (s *stream) digestWords(half int, into reg.Register) {
	if half == 0 {
		build.VPUNPCKHQDQ(s.CDGH, s.ABEF, into)
	} else {
		build.VPUNPCKLQDQ(s.CDGH, s.ABEF, into)
	}
}

// store writes the digest.
func (s *stream) store() {
	for half := range 2 {
		t := s.Spare[half]
		s.digestWords(half, t)
		build.VPSHUFB(s.t.output, t, t)
		build.VMOVDQU(t, at(s.dst, 16*half))
	}
}
