package verify

import (
	"sync"
	"sync/atomic"

	"github.com/oasisprotocol/curve25519-voi/curve"
)

// points keeps decompressed public keys, negated as the equations need them.
//
// What is kept is the point, 160 bytes, and not the table of its multiples that
// the library calls an expanded key, 1.5 KB: with more than 94 signatures at
// once the multi-scalar multiplication uses no such table, so the smaller form
// gains the same per signature for nine times as many accounts.
//
// The cache is set-associative. Eight neighbouring slots share a set, so that a
// chain whose accounts all fit has no conflicts and pays only for the accounts
// it has. Within a set, the entry to go is chosen by second chance (CLOCK): a
// key that comes once cannot push one out that comes again and again, and
// whoever sends from account after account gains nothing by it. Nothing is
// allocated after a set's chunk has been touched first.
type points struct {
	ways   int
	sets   uint32
	chunks []atomic.Pointer[setChunk]
	kept   atomic.Int64
}

const (
	waysPerSet    = 8
	setsPerChunk  = 32
	bytesPerPoint = 160
)

type setChunk [setsPerChunk]pointSet

// pointSet is locked for as long as it takes to copy one point.
type pointSet struct {
	mu    sync.Mutex
	slot  [waysPerSet]uint32 // with 1 added, 0 for a free way
	again uint8              // bit i: way i was found since the hand passed it
	hand  uint8
	fetch atomic.Uint32 // always 0; see Keys.touch
	point [waysPerSet]curve.EdwardsPoint
}

func (c *points) init(maxPoints int) {
	c.ways = min(maxPoints, waysPerSet)
	c.sets = uint32(max(0, maxPoints) / waysPerSet)
	if c.ways > 0 {
		c.sets = max(c.sets, 1)
	}
	c.chunks = make([]atomic.Pointer[setChunk], (c.sets+setsPerChunk-1)/setsPerChunk)
}

// set returns the set of a slot; nil when it holds nothing and create is false.
func (c *points) set(slot uint32, create bool) *pointSet {
	i := slot / waysPerSet % c.sets
	at := &c.chunks[i/setsPerChunk]
	chunk := at.Load()
	if chunk == nil {
		if !create {
			return nil
		}
		if chunk = new(setChunk); !at.CompareAndSwap(nil, chunk) {
			chunk = at.Load() // another worker was here
		}
	}
	return &chunk[i%setsPerChunk]
}

// get copies a slot's point, if it is kept.
func (c *points) get(slot uint32, p *curve.EdwardsPoint) bool {
	if c.ways <= 0 {
		return false
	}
	s := c.set(slot, false)
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, have := range s.slot {
		if have == slot+1 {
			s.again |= 1 << i
			p.Set(&s.point[i])
			return true
		}
	}
	return false
}

// put keeps a slot's point in place of the first one in its set, from the hand
// on, that was not asked for since the hand passed.
func (c *points) put(slot uint32, p *curve.EdwardsPoint) {
	if c.ways <= 0 || slot+1 == 0 {
		return
	}
	s := c.set(slot, true)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, have := range s.slot {
		if have == slot+1 {
			return // another worker kept it
		}
	}
	for s.again&(1<<s.hand) != 0 { // ends: every step clears a bit
		s.again &^= 1 << s.hand
		s.advance(c.ways)
	}
	if s.slot[s.hand] == 0 {
		c.kept.Add(1)
	}
	s.slot[s.hand] = slot + 1
	s.point[s.hand].Set(p)
	s.advance(c.ways)
}

func (s *pointSet) advance(ways int) { s.hand = uint8((int(s.hand) + 1) % ways) }
