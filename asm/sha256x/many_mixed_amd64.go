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
	kept := 0
	for i := 0; i < p.size; {
		if i+laneMax <= p.size && closeTo(p.blocks(b, i), p.blocks(b, i+laneMax-1)) {
			b.together(p, i, laneMax, laneMax)
			i += laneMax
			continue
		}
		p.sorted[kept] = p.sorted[i]
		kept++
		i++
	}
	p.keep(kept)
	if kept > poolSize/2 {
		b.rest(p)
	}
}

// closeTo says whether messages of so many blocks may share a call: no more
// than an eighth is lost, or one block.
func closeTo(more, less int) bool { return more-less <= max(1, less/8) }

// rest hashes all messages of the pool.
func (b *batch) rest(p *pool) {
	i := 0
	for width := lanesFor(p.size); width > 0; width = lanesFor(p.size - i) {
		used := min(width, p.size-i)
		if width == laneMax && haveStreams && !closeTo(p.blocks(b, i), p.blocks(b, i+used-1)) {
			width, used = laneSet, min(laneSet, used)
		}
		b.together(p, i, used, width)
		i += used
	}
	var s streams
	for ; i < p.size; i++ {
		s.push(b, p.number(i), 0, &streamIV)
	}
	s.drain(b)
	p.keep(0)
}

// together hashes used messages of the pool, from place i on, in width lanes.
// The lanes stop when those messages that have not ended are so few that
// streams are faster.
func (b *batch) together(p *pool, i, used, width int) {
	var l lanes
	longest, level := 0, 0
	for lane := range used {
		l.number[lane] = p.number(i + lane)
		blocks := p.blocks(b, i+lane)
		longest = max(longest, blocks)
		if lane >= laneFew {
			level = max(level, blocks)
		}
	}
	l.repeat(used, width)
	if longest <= level+laneSlack || !haveStreams {
		l.run(b, width, longest)
		return
	}
	l.finish(b, width, used, level)
}

// finish hashes the first blocks of the messages of used lanes, and what is
// left of them in streams.
func (l *lanes) finish(b *batch, width, used, blocks int) {
	var state [laneRows * laneMax]uint32
	l.runState(b, width, blocks, &state)
	var s streams
	for lane, number := range l.number[:used] {
		if b.blocks(number) <= blocks {
			continue
		}
		var hash [8]uint32
		for word, at := range streamWord {
			hash[at] = state[lane/laneSet*laneSet*laneRows+word*laneSet+lane%laneSet]
		}
		s.push(b, number, blocks*BlockSize, &hash)
	}
	s.drain(b)
}
