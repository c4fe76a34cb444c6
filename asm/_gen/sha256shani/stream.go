package main

import (
	"slices"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

var xmm = [...]reg.Register{
	reg.X0, reg.X1, reg.X2, reg.X3, reg.X4, reg.X5, reg.X6, reg.X7,
	reg.X8, reg.X9, reg.X10, reg.X11, reg.X12, reg.X13, reg.X14, reg.X15,
}

// scratch is the aligned start of the frame.
var scratch = reg.RSI

const streamBytes = 64 + 32 // of the frame: schedule words, hash value

func at(base reg.Register, bytes int) operand.Mem { return operand.Mem{Base: base, Disp: bytes} }

// stream is one of several messages that a kernel hashes side by side.
type stream struct {
	t          tables
	number     int
	src, dst   reg.Register // its pair and its digest
	abef, cdgh reg.Register
	newest     reg.Register   // the newest four schedule words
	ring       []reg.Register // a lone stream has all sixteen in registers, else nil
	spare      []reg.Register // temporary; shared by the streams
}

// streams returns n of them, whose pairs and digests follow one another.
func streams(t tables, n int) []*stream {
	var list []*stream
	spare := slices.Clone(xmm[13:])
	for i := range n {
		list = append(list, &stream{
			t: t, number: i,
			src:  []reg.Register{reg.R8, reg.R9, reg.R10, reg.R11}[i],
			dst:  []reg.Register{reg.R12, reg.R13, reg.R14, reg.R15}[i],
			abef: xmm[1+2*i], cdgh: xmm[2+2*i], newest: xmm[9+i],
			spare: spare,
		})
	}
	if n == 1 {
		list[0].ring = slices.Clone(xmm[3:7])
	}
	return list
}

// words is where the schedule words 4i..4i+3 lie, a ring of 16.
func (s *stream) words(i int) operand.Mem { return at(scratch, streamBytes*s.number+16*(i%4)) }

// pair is a place in the pair.
func (s *stream) pair(bytes int) operand.Mem { return at(s.src, bytes) }

// hash is where the hash value before the block lies, i being 0 for ABEF and 1
// for CDGH.
func (s *stream) hash(i int) operand.Mem { return at(scratch, streamBytes*s.number+64+16*i) }

// begin sets the initial hash value.
func (s *stream) begin() {
	build.VMOVDQU(s.t.iv, s.abef)
	build.VMOVDQU(s.t.iv.Offset(16), s.cdgh)
}

// addIV ends the first block: what was there before it is a constant.
func (s *stream) addIV() {
	build.VPADDD(s.t.iv, s.abef, s.abef)
	build.VPADDD(s.t.iv.Offset(16), s.cdgh, s.cdgh)
}

// keep remembers the hash value before a block, and addKept adds it after.
func (s *stream) keep() {
	build.VMOVDQA(s.abef, s.hash(0))
	build.VMOVDQA(s.cdgh, s.hash(1))
}

func (s *stream) addKept() {
	build.VPADDD(s.hash(0), s.abef, s.abef)
	build.VPADDD(s.hash(1), s.cdgh, s.cdgh)
}

// message says where the words 4i..4i+3 of a block come from, for i of 0..3: it
// loads them into a register.
type message func(s *stream, i int, into reg.Register)

// rounds does the rounds 4i..4i+3 of a block and makes its schedule words. The
// words 16, 15, 7 and 2 before those to be made are sums of SHA256MSG1, which
// adds sigma0 of the second to the first, and SHA256MSG2, which adds sigma1 of
// the last to the sum.
func (s *stream) rounds(i int, m message) {
	if s.ring != nil {
		s.roundsInRegisters(i, m)
		return
	}
	if i < 4 {
		m(s, i, s.newest)
	} else {
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
	s.fourRounds()
}

// roundsInRegisters is rounds for a lone stream. With fewer instructions more
// of the next pair fits into what the processor looks ahead.
func (s *stream) roundsInRegisters(i int, m message) {
	w := s.ring[i%4]
	if i < 4 {
		m(s, i, w)
	} else {
		older := s.spare[0]
		build.SHA256MSG1(s.ring[(i+1)%4], w)
		build.VPALIGNR(operand.U8(4), s.ring[(i+2)%4], s.ring[(i+3)%4], older)
		build.VPADDD(older, w, w)
		build.SHA256MSG2(s.ring[(i+3)%4], w)
	}
	build.VPADDD(s.t.k.Offset(16*i), w, xmm[0])
	s.fourRounds()
}

// tabled does the rounds 4i..4i+3 with words from a table that has the
// constants added.
func (s *stream) tabled(table operand.Mem, i int) {
	build.VMOVDQU(table.Offset(16*i), xmm[0])
	s.fourRounds()
}

func (s *stream) fourRounds() {
	build.SHA256RNDS2(xmm[0], s.abef, s.cdgh)
	build.VPSHUFD(operand.U8(0x0e), xmm[0], xmm[0])
	build.SHA256RNDS2(xmm[0], s.cdgh, s.abef)
}

// digestWords puts the words 0..3 of the hash value, or 4..7, into a register,
// still in the order B A D C or F E H G.
func (s *stream) digestWords(half int, into reg.Register) {
	if half == 0 {
		build.VPUNPCKHQDQ(s.cdgh, s.abef, into)
	} else {
		build.VPUNPCKLQDQ(s.cdgh, s.abef, into)
	}
}

// store writes the digest.
func (s *stream) store() {
	for half := range 2 {
		t := s.spare[half]
		s.digestWords(half, t)
		build.VPSHUFB(s.t.output, t, t)
		build.VMOVDQU(t, at(s.dst, 16*half))
	}
}
