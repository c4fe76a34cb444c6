// Package shani writes SHA-256 rounds with SHA-NI, amd64's SHA instructions,
// for several streams side by side: messages that do not depend on each other.
//
// # The instructions
//
// The working variables of a stream lie in two registers, "ABEF" and "CDGH",
// named from the highest dword down. SHA256RNDS2 does two rounds: it makes the
// new ABEF in the register of the old CDGH, and the old ABEF is the new CDGH.
// So two of them, with the registers' parts exchanged, are four rounds and
// leave everything where it was. The third operand is always X0: two schedule
// words with their constants added.
//
// SHA256MSG1 and SHA256MSG2 make four new schedule words between them, from
// the words 16, 15, 7 and 2 before: SHA256MSG1 adds σ0 of the second to the
// first, SHA256MSG2 adds σ1 of the last to the sum.
//
// # Registers
//
//	X0        operand of SHA256RNDS2
//	X1-X8     ABEF and CDGH of four streams
//	X9-X12    the newest four schedule words of each stream
//	X13-X15   temporary
//	frame     per stream: 16 schedule words, the hash value before the block
//
// The newest words are in a register because through memory they would come too
// late for the next step. That leaves registers for four streams.
package shani

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// X are the registers.
var X = [...]reg.Register{
	reg.X0, reg.X1, reg.X2, reg.X3, reg.X4, reg.X5, reg.X6, reg.X7,
	reg.X8, reg.X9, reg.X10, reg.X11, reg.X12, reg.X13, reg.X14, reg.X15,
}

// MostStreams is what the registers allow.
const MostStreams = 4

// StreamBytes of the frame belong to each stream: schedule words, hash value.
const StreamBytes = 64 + 32

// Stream is one of several messages that a kernel compresses side by side.
type Stream struct {
	Number     int
	ABEF, CDGH reg.Register
	// Spare are temporary registers, shared by the streams. They change their
	// places with every step, so look into the slice when they are needed.
	Spare []reg.Register

	newest reg.Register // the newest four schedule words
	frame  reg.Register
}

// Streams returns n of them, whose memory begins where frame points to, at a
// multiple of 16.
func Streams(n int, frame reg.Register) []*Stream {
	spare := append([]reg.Register{}, X[1+3*MostStreams:]...)
	list := make([]*Stream, n)
	for i := range list {
		list[i] = &Stream{
			Number: i,
			ABEF:   X[1+2*i], CDGH: X[2+2*i], newest: X[1+2*MostStreams+i],
			Spare: spare, frame: frame,
		}
	}
	return list
}

// Words is where the schedule words 4i..4i+3 lie, a ring of 16.
func (s *Stream) Words(i int) operand.Mem { return s.memory(16 * (i % 4)) }

// Hash is where the hash value before the block lies, i being 0 for ABEF and 1
// for CDGH.
func (s *Stream) Hash(i int) operand.Mem { return s.memory(64 + 16*i) }

func (s *Stream) memory(offset int) operand.Mem {
	return operand.Mem{Base: s.frame, Disp: StreamBytes*s.Number + offset}
}

// Rounds makes the schedule words 4i..4i+3 and does their rounds, i of 0..15.
// The first 16 words come from load, four at a time. k are the round constants.
func (s *Stream) Rounds(i int, k operand.Mem, load func(into reg.Register)) {
	if i < 4 {
		load(s.newest)
	} else {
		w, older := s.Spare[0], s.Spare[1]
		build.VMOVDQA(s.Words(i), w)
		build.SHA256MSG1(s.Words(i+1), w)
		build.VPALIGNR(operand.U8(4), s.Words(i+2), s.newest, older)
		build.VPADDD(older, w, w)
		build.SHA256MSG2(s.newest, w)
		s.newest, s.Spare[0], s.Spare[1], s.Spare[2] = w, s.Spare[1], s.Spare[2], s.newest
	}
	if i < 14 { // the last eight words are never read from memory
		build.VMOVDQA(s.newest, s.Words(i))
	}
	build.VPADDD(k.Offset(16*i), s.newest, X[0])
	s.FourRounds()
}

// FourRounds does four rounds with what is in X0, four schedule words with
// their constants added.
func (s *Stream) FourRounds() {
	build.SHA256RNDS2(X[0], s.ABEF, s.CDGH)
	build.VPSHUFD(operand.U8(0x0e), X[0], X[0])
	build.SHA256RNDS2(X[0], s.CDGH, s.ABEF)
}
