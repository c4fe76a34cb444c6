//go:build amd64 && gc && !purego

package sha256x

// This file brings messages of different lengths to the lanes. All lanes of a
// call move together, so the art is to put messages side by side that end
// together:
//
//	messages ──> pool, sorted by length ──┬─> 32 similar ones ──> 32 lanes
//	                  ^                   ├─> outliers: wait for similar ones
//	                  └───────────────────┘
//	             when all have been seen: └─> 16 lanes; the ends of the longest,
//	                                          and the last few: SHA-NI streams

// mixed hashes messages of different lengths, poolRun at most. It is a function
// of its own because the pool makes its frame large.
func (b *batch) mixed() {
	var p pool
	for p.next < b.n {
		p.fill(b)
		b.similar(&p)
	}
	b.rest(&p)
}

// similar hashes those messages of the pool of which there are 32 of similar
// length. Outliers stay, unless they fill half of the pool.
func (b *batch) similar(p *pool) {
	var g groups
	kept := 0
	for i := 0; i < p.size; {
		if i+laneMax <= p.size && closeTo(p.blocks(b, i), p.blocks(b, i+laneMax-1)) {
			g.add(b, p, i, laneMax, laneMax)
			i += laneMax
			continue
		}
		g.run(b, p) // before their places are taken
		p.order[kept] = p.order[i]
		kept++
		i++
	}
	g.run(b, p)
	p.size = kept
	if kept > poolSize/2 {
		b.rest(p)
	}
}

// closeTo says whether messages of so many blocks may share a call: no more
// than an eighth is lost, or one block.
func closeTo(more, less int) bool { return more-less <= max(1, less/8) }

// rest hashes all messages of the pool.
func (b *batch) rest(p *pool) {
	var g groups
	i := 0
	for width := lanesFor(p.size); width > 0; width = lanesFor(p.size - i) {
		used := min(width, p.size-i)
		if width == laneMax && haveStreams() && !closeTo(p.blocks(b, i), p.blocks(b, i+used-1)) {
			width, used = laneSet, min(laneSet, used)
		}
		g.add(b, p, i, used, width)
		i += used
	}
	g.run(b, p)
	var s streams
	for ; i < p.size; i++ {
		s.push(b, p.number(i), 0, &streamIV)
	}
	s.drain(b)
	p.size = 0
}

// groups are lanes whose messages lie in a row in the pool.
type groups struct {
	lanes
	start int // place of the first
}

// run hashes them.
func (g *groups) run(b *batch, p *pool) { g.lanes.run(b, p.order[g.start:]) }

// add takes used messages from place i on for so many lanes. If few of them are
// so much longer than the others that streams had better end them, it hashes
// them at once.
func (g *groups) add(b *batch, p *pool, i, used, width int) {
	numbers := p.order[i:][:width]
	repeat(numbers, used)
	few := laneFew * width / laneSet
	longest, level, excess := 0, 0, 0
	for lane := used - 1; lane >= 0; lane-- {
		blocks := b.blocks(int(numbers[lane]))
		longest = max(longest, blocks)
		if lane >= few {
			level = max(level, blocks)
		} else {
			excess += max(0, blocks-level)
		}
	}
	if few*(longest-level)-excess > laneSwitch && haveStreams() {
		g.run(b, p)
		finish(b, numbers, used, level)
		return
	}
	if !g.fit(width, longest) {
		g.run(b, p)
	}
	if g.groups == 0 {
		g.start = i
	}
	g.lanes.add(width, longest)
}

// finish hashes the first blocks of as many messages as there are numbers, and
// what is left of the used ones in streams.
func finish(b *batch, numbers []uint32, used, blocks int) {
	var state [laneRows * laneMax]uint32
	longGroup(b, numbers, len(numbers), blocks, &state)
	var s streams
	for lane, number := range numbers[:used] {
		if b.blocks(int(number)) <= blocks {
			continue
		}
		var hash [8]uint32
		for word, at := range streamWord {
			hash[at] = state[lane/laneSet*laneSet*laneRows+word*laneSet+lane%laneSet]
		}
		s.push(b, int(number), blocks*BlockSize, &hash)
	}
	s.drain(b)
}
