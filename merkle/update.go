package merkle

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
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
	pieces       []updatePiece
	rehashers    []rehasher // one for each worker

	preparing, climbing *crew

	tree   *Tree // of the update in work, and its input
	in     Input
	leaves []byte // the new leaves' nodes: fresh, or the caller's memory
	cut    int    // layer up to which pieces climb
}

// change says that leaf index of the tree becomes leaf from of the input.
type change struct {
	index uint64
	from  int
}

// updatePiece is a run of changes that share no node below layer cut with
// others.
type updatePiece struct {
	lo, hi int // in the order of indices
	dirty  int // nodes that the piece has left in layer cut
	twins  twins
}

const (
	// updateParallel is the number of leaves from which an update is spread over
	// the workers, and updateShare the least of a piece: below that, what is
	// done once for all pieces and handing them over weigh too much.
	updateParallel = 4096
	updateShare    = 1024
	// updateKeep is the number of nodes that a piece keeps in layer cut: the
	// batches below it are near the kernels' best.
	updateKeep = 64
)

// Update replaces leaf indices[i] by leaf i of in, for each i, and hashes the
// nodes above them anew: once each, layer by layer in batches. Indices may come
// in any order.
//
// All or nothing: on any error, that of the context too, the tree is as before.
// ErrUpdate: an index comes twice, or there are more indices than leaves or
// fewer. ErrIndexRange, ErrEmptyTree: there is no such leaf. ErrMutated: the new
// list is ambiguous. Thousands of leaves are spread over as many goroutines as
// the tree was built with, none of which outlives the call. Update allocates
// nothing from the second update of a size on and must not run while the tree
// is used otherwise.
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
	defer func() { u.tree, u.in, u.leaves = nil, Input{}, nil }() // do not keep the caller's memory
	u.reserve(t, in, n)
	if err := u.preparing.run(ctx, len(u.pieces)); err != nil {
		return fmt.Errorf("merkle: update of %d leaves: %w", n, err)
	}
	if err := u.climb(ctx); err != nil {
		return fmt.Errorf("merkle: update of a tree of %d leaves: %w", t.size, errors.Join(err, u.undo(ctx, n)))
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

// reserve makes room for n dirty leaves, which u.order has, and cuts them into
// pieces. No layer above them has more dirty nodes.
func (u *updater) reserve(t *Tree, in Input, n int) {
	if len(u.places) < n {
		u.places = make([]int, n)
		u.fresh = make([]byte, n*HashSize)
		u.old = make([]byte, n*HashSize)
		u.hashes = make([]byte, n*HashSize)
	}
	if u.preparing == nil {
		u.preparing, u.climbing = newCrew(t.workers, u.prepare), newCrew(t.workers, u.climbPiece)
	}
	u.tree, u.in, u.leaves = t, in, u.fresh
	if in.kind == inputNodes {
		u.leaves = in.flat
	}
	u.split(n)
	for len(u.rehashers) < min(t.workers, len(u.pieces)) {
		u.rehashers = append(u.rehashers, rehasher{})
	}
}

// split cuts the n changes of u.order into pieces of about the same number and
// finds the layer below which no node is above two of them.
func (u *updater) split(n int) {
	u.pieces, u.cut = append(u.pieces[:0], updatePiece{hi: n}), 0
	if u.tree.workers == 1 || n < updateParallel {
		return
	}
	pieces := min(n/updateShare, u.tree.workers*defaultSizes.perWorker)
	var meet [maxLevels + 1]int // ways that meet their left neighbour's in that layer
	order := u.order[:n]
	for i := 1; i < n; i++ {
		meet[bits.Len64(order[i].index^order[i-1].index)]++
	}
	for dirty := n - meet[1]; dirty >= pieces*updateKeep && u.cut+1 < u.tree.levels; dirty -= meet[u.cut+1] {
		u.cut++
	}
	u.pieces = u.pieces[:0]
	for lo := 0; lo < n; {
		hi := max(lo+1, min(n, (len(u.pieces)+1)*n/pieces))
		for hi < n && order[hi].index>>u.cut == order[hi-1].index>>u.cut {
			hi++
		}
		u.pieces = append(u.pieces, updatePiece{lo: lo, hi: hi})
		lo = hi
	}
}

// prepare hashes the new leaves of a piece of the input and keeps what a piece
// of the dirty leaves were. The tree does not change yet.
func (u *updater) prepare(ctx context.Context, worker, piece int) error {
	p := u.pieces[piece]
	if _, err := u.in.level0(ctx, u.tree.scheme, u.fresh[p.lo*HashSize:], p.lo, p.hi); err != nil {
		return err
	}
	for i, c := range u.order[p.lo:p.hi] {
		u.places[p.lo+i] = int(c.index)
	}
	places, nodes := u.places[p.lo:p.hi], u.tree.layer(0)
	u.rehashers[worker].touch(nodes, places)
	for i, at := range places {
		*(*Hash)(u.old[(p.lo+i)*HashSize:]) = *(*Hash)(nodes[at*HashSize:])
	}
	return nil
}

// climb rehashes the tree above all pieces.
func (u *updater) climb(ctx context.Context) error {
	t := u.tree
	if err := u.climbing.run(ctx, len(u.pieces)); err != nil {
		return err
	}
	var seen twins
	n := 0
	for _, p := range u.pieces {
		seen.merge(p.twins)
		copy(u.places[n:], u.places[p.lo:p.lo+p.dirty])
		copy(u.hashes[n*HashSize:], u.hashes[p.lo*HashSize:(p.lo+p.dirty)*HashSize])
		n += p.dirty
	}
	if seen.found {
		return seen.err(t.scheme, t.size)
	}
	n, seen, err := t.rehash(ctx, &u.rehashers[0], span{0, n}, u.cut, t.levels)
	if err != nil {
		return err
	}
	if seen.found {
		return seen.err(t.scheme, t.size)
	}
	put(t.layer(t.levels), u.hashes, u.places[:n])
	return nil
}

// climbPiece rehashes the tree above a piece, up to layer cut.
func (u *updater) climbPiece(ctx context.Context, worker, piece int) error {
	p := &u.pieces[piece]
	for i, c := range u.order[p.lo:p.hi] {
		*(*Hash)(u.hashes[(p.lo+i)*HashSize:]) = *(*Hash)(u.leaves[c.from*HashSize:])
	}
	var err error
	p.dirty, p.twins, err = u.tree.rehash(ctx, &u.rehashers[worker], span{p.lo, p.hi}, 0, u.cut)
	return err
}

// undo makes the n leaves of u.order what they were. What was hashed once is
// hashed again: the old tree has no fault.
func (u *updater) undo(ctx context.Context, n int) error {
	for i, c := range u.order[:n] {
		u.places[i] = int(c.index)
	}
	copy(u.hashes, u.old[:n*HashSize])
	n, _, err := u.tree.rehash(context.WithoutCancel(ctx), &u.rehashers[0], span{0, n}, 0, u.tree.levels)
	put(u.tree.layer(u.tree.levels), u.hashes, u.places[:n])
	return err
}
