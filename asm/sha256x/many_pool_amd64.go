//go:build amd64 && gc && !purego

package sha256x

import "math/bits"

// A pool puts messages in the order of their length, longest first, so that
// messages that are hashed side by side end at about the same time. It sees a
// window of poolSize messages: enough that neighbours differ little, and small
// enough for the stack.
//
// A message in the pool is one uint32: the bucket of its length above, its
// number below. Sorting is by bucket, one pass to count and one to place.
type pool struct {
	next   int                 // messages taken from the batch
	size   int                 // messages in sorted
	sorted [poolSize]uint32    // longest first
	spare  [poolSize]uint32    // the sort's output
	starts [poolBuckets]uint16 // the sort's counts, then positions
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

// number is which message place i of the sorted pool holds.
func (p *pool) number(i int) int { return int(p.sorted[i] & (poolRun - 1)) }

// blocks is how many blocks that message has.
func (p *pool) blocks(b *batch, i int) int { return b.blocks(p.number(i)) }

// fill takes messages of the batch until the pool is full, and sorts it.
func (p *pool) fill(b *batch) {
	n := min(poolSize-p.size, b.n-p.next)
	for i := range n {
		p.sorted[p.size+i] = bucket(b.blocks(p.next+i))<<poolNumberBits | uint32(p.next+i)
	}
	p.next += n
	p.size += n
	p.sort()
}

// sort is a stable counting sort over the buckets that occur.
func (p *pool) sort() {
	lo, hi := uint32(poolBuckets), uint32(0)
	for _, item := range p.sorted[:p.size] {
		b := item >> poolNumberBits % poolBuckets
		lo, hi = min(lo, b), max(hi, b)
	}
	if lo >= hi {
		return
	}
	starts := p.starts[lo : hi+1]
	clear(starts)
	for _, item := range p.sorted[:p.size] {
		starts[item>>poolNumberBits-lo]++
	}
	position := uint16(0)
	for i := len(starts) - 1; i >= 0; i-- {
		starts[i], position = position, position+starts[i]
	}
	for _, item := range p.sorted[:p.size] {
		b := item>>poolNumberBits - lo
		p.spare[starts[b]%poolSize] = item
		starts[b]++
	}
	copy(p.sorted[:p.size], p.spare[:])
}

// keep throws all messages but the first n out of the pool.
func (p *pool) keep(n int) { p.size = n }
