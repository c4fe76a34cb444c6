package main

import (
	"slices"

	"github.com/chainweir/weir/asm/_gen/internal/shani"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// step is something done to a pair on its way through a pipeline.
type step struct {
	do func(p *pipeline, s *stage)
	// making is whether the pair has its newest words in a register afterwards.
	making bool
}

// The courses are all that is done to a pair, from the first step to the last.

func pairCourse(t tables) []step {
	return slices.Concat(
		one((*stream).begin),
		opening{load: wholePair}.block(),
		one((*stream).endFirst),
		tabledBlock(t.pairEnd),
		one((*stream).addKept), one((*stream).store),
	)
}

// nodeCourse takes a node's last byte along from the beginning, because the
// pointer to the pair goes on with every turn.
func nodeCourse(t tables) []step {
	second := opening{
		load:   func(s *stream, _ int, into reg.Register) { build.VMOVDQA(reminder(s), into) },
		fixed:  [4]bool{1: true, 2: true, 3: true}, // 1 and 2 are zero
		plain:  [4]operand.Mem{3: t.nodeEnd.Offset(16)},
		summed: [4]operand.Mem{1: t.k.Offset(16), 2: t.k.Offset(32), 3: t.nodeSum},
		lacks:  map[int]terms{4: sigma0Of15 | word7, 5: sigma0Of15 | word16, 6: sigma0Of15 | word16},
	}
	return slices.Concat(
		one((*stream).begin), one(remind),
		opening{load: nodeHead}.block(),
		one((*stream).endFirst),
		second.block(),
		one((*stream).addKept), one((*stream).store),
	)
}

func doublePairCourse(t tables) []step {
	second := opening{
		load:   func(s *stream, i int, into reg.Register) { build.VMOVDQA(s.Words(i), into) },
		fixed:  [4]bool{2: true, 3: true},
		plain:  [4]operand.Mem{2: t.digestEnd, 3: t.digestEnd.Offset(16)},
		summed: [4]operand.Mem{2: t.digestSum, 3: t.digestSum.Offset(16)},
		lacks:  map[int]terms{4: word7, 6: sigma0Of15},
	}
	return slices.Concat(
		one((*stream).begin),
		opening{load: wholePair}.block(),
		one((*stream).endFirst),
		tabledBlock(t.pairEnd),
		one((*stream).addKept), one(rehash), one((*stream).begin),
		second.block(),
		one((*stream).addIV), one((*stream).store),
	)
}

func one(do func(*stream)) []step {
	return []step{{do: func(_ *pipeline, s *stage) { do(&s.stream) }}}
}

// tabledBlock returns the steps of a block whose schedule is a table. Each
// SHA256RNDS2 is a step, so that those of other pairs come between two of one.
func tabledBlock(table operand.Mem) []step {
	var steps []step
	for r := range 32 {
		steps = append(steps, step{do: func(_ *pipeline, s *stage) {
			build.VMOVQ(table.Offset(8*r), xmm[0])
			s.twoRounds(r)
		}})
	}
	return steps
}

// opening says how the schedule of a block begins. Four words that are the same
// for all pairs are not loaded, and what they would add to later words is left
// out where it is nothing.
type opening struct {
	load message // of the words that vary
	// fixed are the words 4i..4i+3 that are the same for all pairs, and plain
	// and summed are where they lie, as they are and with the constants added.
	fixed         [4]bool
	plain, summed [4]operand.Mem
	// lacks are the terms that are nothing in the words 4i..4i+3.
	lacks map[int]terms
}

// terms are some of the terms in the sum that a schedule word is, FIPS 180-4
// §6.2.2, named by how far before it they come from.
type terms int

const (
	word7 terms = 1 << iota
	sigma0Of15
	word16
)

// block returns the steps of a block's rounds.
func (o opening) block() []step {
	var steps []step
	for i := range 16 {
		if i < 4 && o.fixed[i] {
			steps = append(steps, step{func(p *pipeline, s *stage) {
				p.fourRounds(s,
					func() { build.VMOVQ(o.summed[i], xmm[0]) },
					func() { build.VMOVQ(o.summed[i].Offset(8), xmm[0]) })
			}, true})
			continue
		}
		steps = append(steps,
			step{func(p *pipeline, s *stage) { o.words(p, s, i) }, true},
			step{func(p *pipeline, s *stage) { p.rounds(s, i) }, i < 15})
	}
	return steps
}

// words puts the words 4i..4i+3 into the stage's register for the newest.
func (o opening) words(p *pipeline, s *stage, i int) {
	switch {
	case i == 0:
		s.newest = p.take()
		o.load(&s.stream, i, s.newest)
	case i < 4:
		o.load(&s.stream, i, s.newest)
	default:
		w := p.take()
		o.expand(s, i, w)
		p.give(s.newest)
		s.newest = w
	}
	if i < 14 { // the last eight words are never read from memory
		build.VMOVDQA(s.newest, s.Words(i))
	}
}

// expand makes the words 4i..4i+3 in w.
func (o opening) expand(s *stage, i int, w reg.Register) {
	lacks := o.lacks[i]
	sum := w // of the words 7 before
	if lacks&word16 == 0 {
		build.VMOVDQA(o.at(s, i-4), w)
		sum = xmm[0]
	}
	if lacks&sigma0Of15 == 0 {
		build.SHA256MSG1(o.at(s, i-3), w)
	}
	if lacks&word7 == 0 {
		build.VPALIGNR(operand.U8(4), o.at(s, i-2), s.newest, sum)
	}
	if lacks&(word7|word16) == 0 {
		build.VPADDD(sum, w, w)
	}
	if i == 4 && o.fixed[3] {
		build.SHA256MSG2(o.plain[3], w)
	} else {
		build.SHA256MSG2(s.newest, w)
	}
}

// at is where the words 4i..4i+3 lie.
func (o opening) at(s *stage, i int) operand.Mem {
	if i < 4 && o.fixed[i] {
		return o.plain[i]
	}
	return s.Words(i)
}

// rounds does the rounds 4i..4i+3 with the stage's newest words.
func (p *pipeline) rounds(s *stage, i int) {
	constants := s.t.k.Offset(16 * i)
	if len(p.free) > 1 { // one must be left for new words
		sums := p.take()
		build.VPADDD(constants, s.newest, sums)
		p.fourRounds(s,
			func() { build.VMOVDQA(sums, xmm[0]) },
			func() {
				build.VPSHUFD(operand.U8(0x0e), sums, xmm[0])
				p.give(sums)
			})
	} else {
		build.VPADDD(constants, s.newest, xmm[0])
		s.FourRounds()
	}
	if i == 15 {
		p.give(s.newest)
		s.newest = nil
	}
}

// reminder is where remind puts the first words of a node's second block.
func reminder(s *stream) operand.Mem {
	m := s.Words(0)
	return m.Offset(shani.StreamBytes)
}

func remind(s *stream) {
	s.nodeByte(xmm[0])
	build.VMOVDQA(xmm[0], reminder(s))
}

// rehash puts the digest where the first words of the block to come belong.
func rehash(s *stream) {
	for half := range 2 {
		s.digestWords(half, xmm[0])
		build.VPSHUFD(operand.U8(0xb1), xmm[0], xmm[0]) // B A D C becomes A B C D
		build.VMOVDQA(xmm[0], s.Words(half))
	}
}
