package merkle

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrUpdate marks indices and leaves that do not make an update.
var ErrUpdate = errors.New("merkle: indices and leaves do not make an update")

// updater is the memory of updates, kept by the Tree between them. The nodes
// that change are called dirty.
type updater struct {
	order, spare []change
	fresh        []byte // the new leaves' nodes, in the order they came
	old          []byte // what the dirty leaves' nodes were, for going back
	places       []int  // of the dirty nodes in their layer, rising
	hashes       []byte // the dirty nodes
	pairs        []byte // a block of them and their siblings, side by side
	touched      byte   // see touch
}

// change says that leaf index of the tree becomes leaf from of the input.
type change struct {
	index uint64
	from  int
}

// Update replaces leaf indices[i] by leaf i of in, for each i, and hashes the
// nodes above them anew: once each, layer by layer in batches. Indices may come
// in any order.
//
// All or nothing: on any error, that of the context too, the tree is as before.
// ErrUpdate: an index comes twice, or there are more indices than leaves or
// fewer. ErrIndexRange, ErrEmptyTree: there is no such leaf. ErrMutated: the new
// list is ambiguous. Update runs on one core, allocates nothing from the second
// update of a size on and must not run while the tree is used otherwise.
func (t *Tree) Update(ctx context.Context, indices []uint64, in Input) error {
	in, n, err := in.normal(t.scheme)
	if err != nil {
		return err
	}
	if n != len(indices) {
		return fmt.Errorf("%w: %d indices for %d leaves", ErrUpdate, len(indices), n)
	}
	if n == 0 {
		return nil
	}
	for _, index := range indices {
		if err := checkIndex(index, t.Size()); err != nil {
			return err
		}
	}
	u := &t.updater
	if err := u.sort(indices, t.Size()); err != nil {
		return err
	}
	u.reserve(n)
	leaves, err := in.level0(ctx, t.scheme, u.fresh, 0, n)
	if err != nil {
		return fmt.Errorf("merkle: update of %d leaves: %w", n, err)
	}
	u.start(t, n, leaves)
	level, err := t.rehash(ctx, n, t.levels)
	if err != nil {
		u.undo(n)
		// What was hashed once is hashed again: the old tree has no fault.
		_, undoErr := t.rehash(context.WithoutCancel(ctx), n, level)
		return fmt.Errorf("merkle: update of a tree of %d leaves: %w", t.size, errors.Join(err, undoErr))
	}
	return nil
}

// sort fills u.order with the changes in the order of their indices, all below
// size. It goes by digits, without the branches of a comparison, of which a
// processor would guess half wrong.
func (u *updater) sort(indices []uint64, size uint64) error {
	n := len(indices)
	if len(u.order) < n {
		u.order, u.spare = make([]change, n), make([]change, n)
	}
	from, to := u.order[:n], u.spare[:n]
	sorted := true
	for i, index := range indices {
		from[i] = change{index, i}
		sorted = sorted && (i == 0 || indices[i-1] < index)
	}
	for shift := uint(0); !sorted && (size-1)>>shift > 0; shift += 8 {
		var next [256]int // where the next change with that digit goes
		for _, c := range from {
			next[byte(c.index>>shift)]++
		}
		sum := 0
		for digit, count := range next {
			next[digit] = sum
			sum += count
		}
		for _, c := range from {
			digit := byte(c.index >> shift)
			to[next[digit]] = c
			next[digit]++
		}
		from, to = to, from
	}
	u.order, u.spare = from[:cap(from)], to[:cap(to)]
	for i := 1; i < n; i++ {
		if from[i].index == from[i-1].index {
			return fmt.Errorf("%w: index %d comes twice, for leaves %d and %d",
				ErrUpdate, from[i].index, from[i-1].from, from[i].from)
		}
	}
	return nil
}

// reserve makes room for n dirty leaves; no layer above them has more dirty
// nodes.
func (u *updater) reserve(n int) {
	if len(u.places) < n {
		u.places = make([]int, n)
		u.fresh = make([]byte, n*HashSize)
		u.old = make([]byte, n*HashSize)
		u.hashes = make([]byte, n*HashSize)
		u.pairs = make([]byte, min(n, updateBlock+1)*2*HashSize)
	}
}

// start makes the leaves of u.order the dirty nodes and keeps what they were.
func (u *updater) start(t *Tree, n int, leaves []byte) {
	for i, c := range u.order[:n] {
		u.places[i] = int(c.index)
		*(*Hash)(u.hashes[i*HashSize:]) = *(*Hash)(leaves[c.from*HashSize:])
	}
	for lo := 0; lo < n; lo += updateBlock {
		hi := min(n, lo+updateBlock)
		u.touch(t.nodes, lo, hi)
		for i, at := range u.places[lo:hi] {
			*(*Hash)(u.old[(lo+i)*HashSize:]) = *(*Hash)(t.nodes[at*HashSize:])
		}
	}
}

// undo makes the leaves of u.order the dirty nodes again, as they were.
func (u *updater) undo(n int) {
	for i, c := range u.order[:n] {
		u.places[i] = int(c.index)
	}
	copy(u.hashes, u.old[:n*HashSize])
}

// updateBlock is the number of dirty nodes that are written and paired, and
// their parents hashed, in one go: what they touch stays in the first cache, and
// kernels are near their best.
const updateBlock = 128

// rehash puts the n dirty leaves into the tree and then the nodes above them, up
// to layer top. On an error it returns the last layer that it changed.
func (t *Tree) rehash(ctx context.Context, n, top int) (int, error) {
	u := &t.updater
	for level := 0; ; level++ {
		if err := ctx.Err(); err != nil {
			return max(0, level-1), err
		}
		if level == top {
			for lo := 0; lo < n; lo += updateBlock {
				hi := min(n, lo+updateBlock)
				u.touch(t.layer(level), lo, hi)
				u.put(t.layer(level), lo, hi)
			}
			return level, nil
		}
		above := 0
		for lo := 0; lo < n; {
			hi := min(n, lo+updateBlock)
			if hi < n && u.places[hi-1]^1 == u.places[hi] {
				hi++ // siblings stay together
			}
			u.touch(t.layer(level), lo, hi)
			more, err := t.rehashBlock(level, lo, hi, above)
			if err != nil {
				return level, err
			}
			lo, above = hi, above+more
		}
		n = above
	}
}

// touch reads a byte of dirty nodes lo to hi. In a large tree each is far away
// in memory; as nothing waits for what is read, a processor fetches dozens at a
// time, where moving whole nodes to and fro lets it look only a few ahead.
func (u *updater) touch(layer []byte, lo, hi int) {
	sum := byte(0)
	for _, at := range u.places[lo:hi] {
		sum ^= layer[at*HashSize]
	}
	u.touched ^= sum // so that the reads are not optimised away
}

// put writes dirty nodes lo to hi into their layer.
func (u *updater) put(layer []byte, lo, hi int) {
	for i, at := range u.places[lo:hi] {
		*(*Hash)(layer[at*HashSize:]) = *(*Hash)(u.hashes[(lo+i)*HashSize:])
	}
}

// rehashBlock writes dirty nodes lo to hi into their layer and makes their
// parents the dirty nodes from above on, which is lo or less. It returns the
// number of parents.
func (t *Tree) rehashBlock(level, lo, hi, above int) (int, error) {
	u := &t.updater
	layer := t.layer(level)
	last := len(layer)/HashSize - 1
	alone := movesUp(uint64(u.places[hi-1]), uint64(last))
	end := hi
	if alone {
		end--
		u.put(layer, end, hi)
	}
	pairs := u.pair(layer, lo, end, above)
	src := u.pairs[:pairs*2*HashSize]
	if t.scheme.refuseTwins {
		var seen twins
		if seen.scan(src, uint(level), 0); seen.found {
			seen.pair = u.places[above+seen.pair]
			return 0, seen.err(t.scheme, t.size)
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

// pair writes dirty nodes lo to hi into their layer, them and their siblings to
// u.pairs, and their parents' places from above on. It returns the number of
// parents.
func (u *updater) pair(layer []byte, lo, hi, above int) int {
	places, hashes, parents := u.places[lo:hi], u.hashes[lo*HashSize:hi*HashSize], u.places[above:]
	pairs, prev := 0, -1
	for i, at := range places {
		parent := at >> 1
		if parent != prev {
			parents[pairs] = parent
			pairs++
		}
		prev = parent
		// Where both nodes are dirty the pair is written twice, and is right
		// when the second one finds the first in the layer.
		pair := u.pairs[(pairs-1)*2*HashSize:][:2*HashSize]
		side := at & 1 * HashSize
		copyNode(pair[side^HashSize:], layer[(at^1)*HashSize:])
		node := hashes[i*HashSize:]
		copyNode(pair[side:], node)
		copyNode(layer[at*HashSize:], node)
	}
	return pairs
}

// copyNode copies a node in words. An assignment of arrays that might overlap
// would be a call.
func copyNode(dst, src []byte) {
	d, s := (*Hash)(dst), (*Hash)(src)
	le := binary.LittleEndian
	w0, w1, w2, w3 := le.Uint64(s[0:]), le.Uint64(s[8:]), le.Uint64(s[16:]), le.Uint64(s[24:])
	le.PutUint64(d[0:], w0)
	le.PutUint64(d[8:], w1)
	le.PutUint64(d[16:], w2)
	le.PutUint64(d[24:], w3)
}
