//go:build amd64 && gc && !purego

package sha256x

import "math/bits"

// A pool puts messages in the order of their length, longest first, so that
// messages that are hashed side by side end at about the same time. It sees a
// window of poolSize messages: enough that neighbours differ little, and small
// enough for the stack.
type pool struct {
	next   int                        // messages taken from the batch
	size   int                        // messages in the pool
	order  [poolSize + laneMax]uint32 // their numbers, longest first; and room to fill up lanes
	items  [poolSize]uint32           // for sorting: bucket of the length above, number below
	starts [poolBuckets]uint16        // for sorting: counts, then positions
}

const (
	poolSize       = 1024
	poolBuckets    = 1024
	poolNumberBits = 20
	poolRun        = 1 << poolNumberBits // messages that numbers can tell apart
)

// bucket sorts block counts: one bucket for each up to 63, then 32 to an
// octave, so that those in one bucket differ by 3 % at most.
func bucket(blocks int) uint32 {
	if blocks < 64 {
		return uint32(blocks)
	}
	octave := bits.Len(uint(blocks)) - 6
	return uint32(min(32*octave+blocks>>octave, poolBuckets-1))
}

// number is which message place i of the pool holds.
func (p *pool) number(i int) int { return int(p.order[i]) }

// blocks is how many blocks that message has.
func (p *pool) blocks(b *batch, i int) int { return b.blocks(p.number(i)) }

// fill takes messages of the batch until the pool is full, and sorts it: a
// stable counting sort over the buckets that occur.
func (p *pool) fill(b *batch) {
	for ; p.size < poolSize && p.next < b.n; p.size++ {
		p.order[p.size] = uint32(p.next)
		p.next++
	}
	items := p.items[:p.size]
	lo, hi := uint32(poolBuckets), uint32(0)
	for i := range items {
		number := p.order[i]
		k := bucket(b.blocks(int(number)))
		lo, hi = min(lo, k), max(hi, k)
		items[i] = k<<poolNumberBits | number
	}
	if lo >= hi {
		return
	}
	starts := p.starts[lo : hi+1]
	clear(starts)
	for _, item := range items {
		starts[item>>poolNumberBits-lo]++
	}
	position := uint16(0)
	for i := len(starts) - 1; i >= 0; i-- {
		starts[i], position = position, position+starts[i]
	}
	for _, item := range items {
		k := item>>poolNumberBits - lo
		p.order[starts[k]] = item % poolRun
		starts[k]++
	}
}
