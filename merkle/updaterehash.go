package merkle

import (
	"context"
	"fmt"
)

// rehasher is what one worker of an update has to itself.
type rehasher struct {
	pairs   []byte // a block of dirty nodes and their siblings, side by side
	touched byte   // see touch
}

// span is a run of dirty nodes: lo to hi of updater.places and updater.hashes.
type span struct{ lo, hi int }

const (
	// updateBlock is the number of dirty nodes that are written and paired, and
	// their parents hashed, in one go. What they touch stays in the second
	// cache, and kernels, whose pipelines must fill first, are at their best.
	updateBlock = 1024
	// touchFrom is the size of a layer in bytes that no longer is in a core's
	// own cache anyway.
	touchFrom = 256 << 10
)

// rehash puts the dirty nodes s of layer from into the tree, and those above
// them below layer to, and makes s those of layer to, from s.lo on. It returns
// how many there are. Equal siblings that the scheme refuses end it.
func (t *Tree) rehash(ctx context.Context, r *rehasher, s span, from, to int) (int, twins, error) {
	u := &t.updater
	if need := min(s.hi-s.lo, updateBlock+1) * 2 * HashSize; len(r.pairs) < need {
		r.pairs = make([]byte, need)
	}
	var seen twins
	for level := from; level < to; level++ {
		if err := ctx.Err(); err != nil {
			return 0, seen, err
		}
		above := s.lo
		for lo := s.lo; lo < s.hi; {
			hi := min(s.hi, lo+updateBlock)
			if hi < s.hi && u.places[hi-1]^1 == u.places[hi] {
				hi++ // siblings stay together
			}
			more, err := t.rehashBlock(r, level, span{lo, hi}, above, &seen)
			if err != nil || seen.found {
				return 0, seen, err
			}
			lo, above = hi, above+more
		}
		s.hi = above
	}
	return s.hi - s.lo, seen, nil
}

// rehashBlock writes dirty nodes s into their layer and makes their parents the
// dirty nodes from above on, which is s.lo or less. It returns the number of
// parents.
func (t *Tree) rehashBlock(r *rehasher, level int, s span, above int, seen *twins) (int, error) {
	u := &t.updater
	layer := t.layer(level)
	r.touch(layer, u.places[s.lo:s.hi])
	last := len(layer)/HashSize - 1
	alone := movesUp(uint64(u.places[s.hi-1]), uint64(last))
	if alone {
		s.hi--
		put(layer, u.hashes[s.hi*HashSize:], u.places[s.hi:s.hi+1])
	}
	pairs := u.pair(r.pairs, layer, s, above)
	src := r.pairs[:pairs*2*HashSize]
	if t.scheme.refuseTwins {
		if seen.scan(src, uint(level), 0); seen.found {
			seen.pair = u.places[above+seen.pair]
			return 0, nil
		}
	}
	if pairs > 0 {
		if err := t.scheme.nodes(u.hashes[above*HashSize:][:pairs*HashSize], src); err != nil {
			return 0, fmt.Errorf("%s: hashing %d pairs of level %d: %w", t.scheme.name, pairs, level, err)
		}
	}
	if !alone {
		return pairs, nil
	}
	u.places[above+pairs] = last / 2
	*(*Hash)(u.hashes[(above+pairs)*HashSize:]) = t.scheme.alone(uint(level), Hash(layer[last*HashSize:]))
	return pairs + 1, nil
}

// touch reads a byte of each node at places. In a large tree each is far away
// in memory; as nothing waits for what is read, a processor fetches dozens at a
// time, where moving whole nodes to and fro lets it look only a few ahead.
func (r *rehasher) touch(layer []byte, places []int) {
	if len(layer) < touchFrom {
		return
	}
	sum := byte(0)
	for _, at := range places {
		sum ^= layer[at*HashSize]
	}
	r.touched ^= sum // so that the reads are not optimised away
}

// The loops that move nodes do nothing beside, in functions that are not large,
// so that all they need is in registers. They move halves of nodes: for a whole
// one, which might overlap, the compiler would call a function.

// pair writes dirty nodes s into their layer, them and their siblings to pairs,
// and their parents' places from above on. It returns the number of parents.
func (u *updater) pair(pairs, layer []byte, s span, above int) int {
	places := u.places[s.lo:s.hi]
	put(layer, u.hashes[s.lo*HashSize:s.hi*HashSize], places)
	n := parents(u.places[above:][:len(places)], places)
	gather(pairs, layer, u.places[above:above+n])
	return n
}

// put writes nodes to their places in a layer.
func put(layer, nodes []byte, places []int) {
	for _, at := range places {
		if len(nodes) < HashSize {
			return
		}
		d, s := (*Hash)(layer[at*HashSize:]), (*Hash)(nodes)
		copy(d[:16], s[:16])
		copy(d[16:], s[16:])
		nodes = nodes[HashSize:]
	}
}

// parents fills above with the places of the nodes above those at places, which
// rise, and returns how many there are. above may begin where places does, or
// before.
func parents(above, places []int) int {
	n, prev := 0, -1
	for _, at := range places {
		parent := at >> 1
		if parent != prev {
			n++
		}
		prev = parent
		above[n-1] = parent
	}
	return n
}

// gather copies the pairs of a layer at places side by side.
func gather(pairs, layer []byte, places []int) {
	for _, at := range places {
		if len(pairs) < 2*HashSize {
			return
		}
		d, s := (*[2 * HashSize]byte)(pairs), (*[2 * HashSize]byte)(layer[at*2*HashSize:])
		copy(d[:16], s[:16])
		copy(d[16:32], s[16:32])
		copy(d[32:48], s[32:48])
		copy(d[48:], s[48:])
		pairs = pairs[2*HashSize:]
	}
}
