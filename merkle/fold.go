package merkle

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// maxLevels bounds the height of any tree: sizes are 64-bit numbers.
const maxLevels = 64

// fold hashes the nodes of one layer, src, into the layer above, the start of
// dst, and returns that. dst may alias src from its start.
func (s *Scheme) fold(dst, src []byte, level uint) ([]byte, error) {
	n := len(src) / HashSize
	pairs := n / 2
	if pairs > 0 {
		if err := s.nodes(dst[:pairs*HashSize], src[:2*pairs*HashSize]); err != nil {
			return nil, fmt.Errorf("merkle: %s: hashing %d pairs of level %d: %w", s.name, pairs, level, err)
		}
	}
	if n%2 == 1 {
		// The pairs' hashes end where the last node starts, or before.
		last := Hash(src[(n-1)*HashSize:])
		if s.partner != nil {
			last = s.node(last, s.partner(level, last))
		}
		copy(dst[pairs*HashSize:], last[:])
	}
	return dst[:(pairs+n%2)*HashSize], nil
}

// twins is the first place where two equal siblings were hashed together, in
// the order of levels, then of pairs: the same for any number of workers.
type twins struct {
	found bool
	level uint
	pair  int
}

func (t *twins) note(level uint, pair int) {
	if !t.found || level < t.level || level == t.level && pair < t.pair {
		*t = twins{true, level, pair}
	}
}

func (t *twins) merge(u twins) {
	if u.found {
		t.note(u.level, u.pair)
	}
}

// scan looks for equal siblings in one layer, whose first node is node base of
// the whole layer.
func (t *twins) scan(layer []byte, level uint, base int) {
	for at := 0; at+2*HashSize <= len(layer); at += 2 * HashSize {
		l, r := layer[at:at+HashSize], layer[at+HashSize:at+2*HashSize]
		// The first word settles it but for a forgery; the call is for those.
		if binary.LittleEndian.Uint64(l) == binary.LittleEndian.Uint64(r) && bytes.Equal(l, r) {
			t.note(level, (base+at/HashSize)/2)
			return
		}
	}
}

func (t twins) err(s *Scheme, size int) error {
	if !t.found {
		return nil
	}
	return fmt.Errorf("%w: %s, %d leaves: nodes %d and %d of level %d are equal; reject the list, or drop its repeated leaves",
		ErrMutated, s.name, size, 2*t.pair, 2*t.pair+1, t.level)
}

// capture collects the inclusion path of one leaf while layers pass by. Layers
// come in any order and in pieces; each level's entry is written by the one
// piece that holds the leaf's ancestor.
type capture struct {
	index int
	path  [maxLevels]Hash
	have  [maxLevels]bool
}

// take stores the sibling of the leaf's ancestor if it is in this piece of a
// layer, whose first node is node base of the whole layer. A piece starts at an
// even node and ends at an odd one or with the layer, so the sibling is in it.
func (c *capture) take(s *Scheme, layer []byte, level uint, base int) {
	at := c.index>>level - base
	n := len(layer) / HashSize
	if at < 0 || at >= n {
		return
	}
	if sib := at ^ 1; sib < n {
		c.path[level], c.have[level] = Hash(layer[sib*HashSize:]), true
	} else if s.partner != nil {
		c.path[level], c.have[level] = s.partner(level, Hash(layer[at*HashSize:])), true
	}
}

func (c *capture) nodes() []Hash {
	path := make([]Hash, 0, maxLevels)
	for level, ok := range c.have {
		if ok {
			path = append(path, c.path[level])
		}
	}
	return path
}

// levelsAbove returns how many layers lie above the leaves of a tree of n ≥ 1.
func levelsAbove(n uint64) int { return bits.Len64(n - 1) }
