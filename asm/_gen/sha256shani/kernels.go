package main

import (
	"fmt"

	"github.com/chainweir/weir/asm/_gen/internal/shani"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// job is what is computed of a pair.
type job struct {
	name, doc string
	first     message // the block that is the pair, or most of it
	rest      func(t tables, all []*stream)
}

var (
	pairs       = job{"Pairs", "SHA-256(pair)", wholePair, pairPadding}
	nodes       = job{"Nodes", "SHA-256(0x01 ‖ pair)", nodeHead, nodeTail}
	doublePairs = job{"DPairs", "SHA-256(SHA-256(pair))", wholePair, func(t tables, all []*stream) {
		pairPadding(t, all)
		secondHash(all)
	}}
)

// pairKernel writes the kernel for n streams.
func pairKernel(t tables, j job, n int) {
	name := fmt.Sprintf("shani%s%d", j.name, n)
	build.TEXT(name, 0, "func(dst, src *byte, n int)")
	build.Doc(fmt.Sprintf("%s sets digest i of dst to %s for pair i of src, n of them, at least 1.", name, j.doc))
	build.Pragma("noescape")
	frame := build.AllocLocal(shani.StreamBytes*n + 16)
	build.LEAQ(frame.Offset(15), scratch)
	build.ANDQ(operand.I8(-16), scratch)
	dst, src, left := reg.RAX, reg.RBX, reg.RCX
	build.Load(build.Param("dst"), dst)
	build.Load(build.Param("src"), src)
	build.Load(build.Param("n"), left)
	build.Label("group")
	all := streams(t, n)
	point(all, dst, src, left)
	each(all, func(s *stream) { s.begin() })
	block(all, j.first)
	each(all, func(s *stream) { s.addIV() })
	j.rest(t, all)
	each(all, func(s *stream) { s.store() })
	build.ADDQ(operand.U32(64*n), src)
	build.ADDQ(operand.U32(32*n), dst)
	build.SUBQ(operand.U8(n), left)
	build.JG(operand.LabelRef("group"))
	build.RET()
}

func each(all []*stream, part func(*stream)) {
	for _, s := range all {
		part(s)
	}
}

// point sets the streams' pointers. With fewer pairs left than streams, the
// ones too many do the last pair again and write the same digest once more:
// nothing outside the buffers is touched. No digest is written before every
// stream has read its pair, so dst may lie over src.
func point(all []*stream, dst, src, left reg.GPPhysical) {
	build.MOVQ(src, all[0].src)
	build.MOVQ(dst, all[0].dst)
	for i, s := range all[1:] {
		before := all[i]
		build.LEAQ(at(src, 64*s.Number), s.src)
		build.LEAQ(at(dst, 32*s.Number), s.dst)
		build.CMPQ(left, operand.U8(s.Number))
		build.CMOVQLE(before.src, s.src)
		build.CMOVQLE(before.dst, s.dst)
	}
}

// block does the 64 rounds of a block.
func block(all []*stream, m message) {
	for i := range 16 {
		each(all, func(s *stream) { s.rounds(i, m) })
	}
}

// wholePair is the block that is the pair.
func wholePair(s *stream, i int, into reg.Register) {
	build.VMOVDQU(s.pair(16*i), into)
	build.VPSHUFB(s.t.swap, into, into)
}

// pairPadding compresses the block behind a pair, which is padding alone.
func pairPadding(t tables, all []*stream) {
	each(all, func(s *stream) { s.keep() })
	for i := range 16 {
		each(all, func(s *stream) { s.tabled(t.pairEnd, i) })
	}
	each(all, func(s *stream) { s.addKept() })
}

// nodeHead is the first block of an RFC 6962 node: the prefix and all of the
// pair but its last byte. Every load stays inside the pair.
func nodeHead(s *stream, i int, into reg.Register) {
	if i > 0 {
		build.VMOVDQU(s.pair(16*i-1), into)
		build.VPSHUFB(s.t.swap, into, into)
		return
	}
	build.VMOVDQU(s.pair(0), into)
	build.VPSHUFB(s.t.shifted, into, into)
	build.VPOR(s.t.prefix, into, into)
}

// nodeTail compresses the second block of a node: the last byte of the pair,
// and padding.
func nodeTail(_ tables, all []*stream) {
	each(all, func(s *stream) { s.keep() })
	block(all, func(s *stream, i int, into reg.Register) {
		switch i {
		case 0:
			s.nodeByte(into)
		case 3:
			build.VMOVDQU(s.t.nodeEnd.Offset(16), into)
		default:
			build.VPXOR(into, into, into)
		}
	})
	each(all, func(s *stream) { s.addKept() })
}

// nodeByte loads the first words of a node's second block: the last byte of the
// pair and the bit behind it.
func (s *stream) nodeByte(into reg.Register) {
	build.MOVBLZX(s.pair(63), reg.EDX)
	build.SHLL(operand.U8(24), reg.EDX)
	build.VMOVD(reg.EDX, into)
	build.VPOR(s.t.nodeEnd, into, into)
}

// secondHash hashes the digests. Their words are put where the words 0..7 of the
// block under way belong.
func secondHash(all []*stream) {
	each(all, func(s *stream) {
		for half := range 2 {
			s.digestWords(half, s.Spare[half])
			// B A D C becomes A B C D.
			build.VPSHUFD(operand.U8(0xb1), s.Spare[half], s.Spare[half])
			if s.ring != nil {
				build.VMOVDQA(s.Spare[half], s.ring[half])
				continue
			}
			build.VMOVDQA(s.Spare[half], s.Words(half))
		}
		s.begin()
	})
	block(all, func(s *stream, i int, into reg.Register) {
		switch {
		case i >= 2:
			build.VMOVDQU(s.t.digestEnd.Offset(16*(i-2)), into)
		case s.ring == nil:
			build.VMOVDQA(s.Words(i), into)
		}
	})
	each(all, func(s *stream) { s.addIV() })
}
