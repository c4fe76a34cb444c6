package merkle

import (
	"context"
	"errors"
	"fmt"
)

// ErrUpdate marks indices and leaves that do not make an update.
var ErrUpdate = errors.New("merkle: indices and leaves do not make an update")

// updater is the memory of updates, kept by the Tree between them. The nodes
// that change are called dirty.
type updater struct {
	order, spare []change
	places       []int  // of dirty nodes in their layers, layer after layer
	old          []byte // what those nodes were, for going back
	hashes       []byte // the dirty nodes of the layer in work
	pairs        []byte // they and their siblings, side by side
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
	u.reserve(t, n)
	leaves, err := in.level0(ctx, t.scheme, u.pairs, 0, n)
	if err != nil {
		return fmt.Errorf("merkle: update of %d leaves: %w", n, err)
	}
	for i, c := range u.order {
		u.places[i] = int(c.index)
		*(*Hash)(u.hashes[i*HashSize:]) = Hash(leaves[c.from*HashSize:])
	}
	return t.rehash(ctx, n)
}

// sort fills u.order with the changes in the order of their indices, all below
// size. Going by digits takes a tenth of the time of the hashes, where a sort
// by comparison, with half its branches guessed wrong, takes a quarter.
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
	u.order, u.spare = from[:n], to[:n]
	for i := 1; i < n; i++ {
		if from[i].index == from[i-1].index {
			return fmt.Errorf("%w: index %d comes twice, for leaves %d and %d",
				ErrUpdate, from[i].index, from[i-1].from, from[i].from)
		}
	}
	return nil
}

// reserve makes room for n dirty leaves and as many nodes above them as there
// can be.
func (u *updater) reserve(t *Tree, n int) {
	dirty := 0
	for level := range t.levels + 1 {
		dirty += min(n, len(t.layer(level))/HashSize)
	}
	if len(u.places) < dirty {
		u.places = make([]int, dirty)
		u.old = make([]byte, dirty*HashSize)
	}
	if len(u.hashes) < n*HashSize {
		u.hashes = make([]byte, n*HashSize)
		u.pairs = make([]byte, 2*n*HashSize)
	}
}

// rehash puts the n dirty leaves, whose places and hashes are at the start of
// their buffers, into the tree and then every node above them.
func (t *Tree) rehash(ctx context.Context, n int) error {
	u := &t.updater
	var ends [maxLevels + 2]int // of the layers' places
	for level := 0; ; level++ {
		first := ends[level]
		ends[level+1] = first + n
		layer := t.layer(level)
		for lo := 0; lo < n; lo += updateBlock {
			hi := min(n, lo+updateBlock)
			u.touch(layer, u.places[first+lo:first+hi])
			u.put(layer, first+lo, u.hashes[lo*HashSize:hi*HashSize])
		}
		if level == t.levels {
			return nil
		}
		err := ctx.Err()
		if err == nil {
			n, err = t.rehashAbove(level, u.places[first:first+n], u.places[first+n:])
		}
		if err != nil {
			t.restore(ends[:level+2])
			return fmt.Errorf("merkle: update of a tree of %d leaves: %w", t.size, err)
		}
	}
}

// updateBlock is the number of dirty nodes whose cache lines stay in the first
// cache between touch and put.
const updateBlock = 128

// touch reads a byte of each node. In a large tree each is far away in memory;
// as nothing waits for what is read, a processor fetches dozens at a time, where
// moving 32 bytes to and fro lets it look only a few nodes ahead.
func (u *updater) touch(layer []byte, places []int) {
	sum := byte(0)
	for _, at := range places {
		sum ^= layer[at*HashSize]
	}
	u.touched ^= sum // so that the reads are not optimised away
}

// put replaces the nodes at u.places[first:] and keeps what they were.
func (u *updater) put(layer []byte, first int, hashes []byte) {
	places := u.places[first : first+len(hashes)/HashSize]
	old := u.old[first*HashSize:][:len(hashes)]
	for i, at := range places {
		node := (*Hash)(layer[at*HashSize:])
		*(*Hash)(old[i*HashSize:]) = *node
		*node = Hash(hashes[i*HashSize:])
	}
}

// rehashAbove hashes the parents of the dirty nodes of a layer into u.hashes,
// writes their places to above and returns their number.
func (t *Tree) rehashAbove(level int, places, above []int) (int, error) {
	u := &t.updater
	layer := t.layer(level)
	last := len(layer)/HashSize - 1
	alone := movesUp(uint64(places[len(places)-1]), uint64(last))
	if alone {
		places = places[:len(places)-1]
	}
	n, prev := 0, -1
	for _, at := range places {
		parent := at / 2
		if parent == prev {
			continue
		}
		prev = parent
		above[n] = parent
		*(*[2 * HashSize]byte)(u.pairs[n*2*HashSize:]) = [2 * HashSize]byte(layer[parent*2*HashSize:])
		n++
	}
	pairs := u.pairs[:n*2*HashSize]
	if t.scheme.refuseTwins {
		var seen twins
		if seen.scan(pairs, uint(level), 0); seen.found {
			seen.pair = above[seen.pair]
			return 0, seen.err(t.scheme, t.size)
		}
	}
	if n > 0 {
		if err := t.scheme.nodes(u.hashes[:n*HashSize], pairs); err != nil {
			return 0, fmt.Errorf("%s: hashing %d pairs of level %d: %w", t.scheme.name, n, level, err)
		}
	}
	if alone {
		above[n] = last / 2
		*(*Hash)(u.hashes[n*HashSize:]) = t.scheme.alone(uint(level), Hash(layer[last*HashSize:]))
		n++
	}
	return n, nil
}

// restore undoes what was put into layers 0 to level.
func (t *Tree) restore(starts []int) {
	u := &t.updater
	for level := range len(starts) - 1 {
		layer := t.layer(level)
		for i := starts[level]; i < starts[level+1]; i++ {
			*(*Hash)(layer[u.places[i]*HashSize:]) = Hash(u.old[i*HashSize:])
		}
	}
}
