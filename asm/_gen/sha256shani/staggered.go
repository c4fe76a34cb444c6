package main

import (
	"github.com/chainweir/weir/asm/_gen/internal/shani"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// staggered writes the kernel for runs of pairs that are too short for a
// pipeline, which takes longer to fill. The two blocks of a pair
// need different things: the first makes schedule words, the second reads them
// from a table and leaves all but the SHA unit idle. So two duos of streams
// work half a pair apart, and one makes its words while the other does not:
//
//	duo A   pair 0,1: words │ table │ pair 4,5: words │ table │ …
//	duo B                   │ pair 2,3: words │ table │ pair 6,7: words │ …
//	                        └────── one turn of the loop ──────┘
func staggered(t tables) {
	build.TEXT("shaniPairsDuos", 0, "func(dst, src *byte, groups int)")
	build.Doc("shaniPairsDuos sets digest i of dst to SHA-256(pair i of src), for 4 × groups pairs, at least one group.")
	build.Pragma("noescape")
	frame := build.AllocLocal(shani.StreamBytes*4 + 16)
	build.LEAQ(frame.Offset(15), scratch)
	build.ANDQ(operand.I8(-16), scratch)
	dst, src, left := reg.RAX, reg.RBX, reg.RCX
	build.Load(build.Param("dst"), dst)
	build.Load(build.Param("src"), src)
	build.Load(build.Param("groups"), left)
	all := streams(t, 4)
	for i, s := range all {
		build.LEAQ(at(src, 64*i), s.src)
		build.LEAQ(at(dst, 32*i), s.dst)
	}
	a, b := all[:2], all[2:]

	each(a, func(s *stream) { s.begin() })
	for i := range 16 {
		each(a, func(s *stream) { s.rounds(i, wholePair) })
	}
	build.Label("turn")
	side(a, b)
	build.DECQ(left)
	build.JZ(operand.LabelRef("drain"))
	side(b, a)
	build.JMP(operand.LabelRef("turn"))
	build.Label("drain")
	each(b, func(s *stream) { s.endFirst() })
	for i := range 16 {
		each(b, func(s *stream) { s.tabled(t.pairEnd, i) })
	}
	each(b, func(s *stream) { s.finish() })
	build.RET()
}

// side does the second block of one duo beside the first block of the other.
func side(second, first []*stream) {
	each(second, func(s *stream) { s.endFirst() })
	each(first, func(s *stream) { s.begin() })
	for i := range 16 {
		for j := range second {
			first[j].rounds(i, wholePair)
			second[j].tabled(second[j].t.pairEnd, i)
		}
	}
	each(second, func(s *stream) { s.finish() })
}

// endFirst ends the first block and remembers the hash value.
func (s *stream) endFirst() {
	s.addIV()
	s.keep()
}

// finish ends the second block, writes the digest and goes to the next pair.
func (s *stream) finish() {
	s.addKept()
	s.store()
	build.ADDQ(operand.U32(4*64), s.src)
	build.ADDQ(operand.U32(4*32), s.dst)
}
