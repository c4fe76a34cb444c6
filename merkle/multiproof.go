package merkle

import (
	"context"
	"fmt"
	"math/bits"
)

// A multi-proof says of k leaves of a tree of n that they are in it. Its path is
// shorter than k inclusion paths together: it holds only those siblings that
// the verifier cannot compute from the leaves. For leaves 2, 3 and 6 of seven,
// in a tree where the last node of an odd layer moves up, these are a and b:
//
//	           root
//	         /      \
//	       *          *
//	     /   \      /   \
//	    a     *    b    [6]
//	   / \   / \  / \
//	  0   1[2] [3]4  5
//
// The order is canonical: layer by layer from the leaves up, each from left to
// right. What a scheme pairs the last node of an odd layer with is computed too,
// and so is never in the path. A path of another length than the indices and the
// size ask for is refused, so leaves and size have one proof and no other.

// VerifyMulti checks that leaf i of in is leaf indices[i] of the tree of size
// leaves whose root is root, for every i. path is what Tree.MultiPath returned.
// nil: all of them are proven. It allocates a buffer of 40 bytes a leaf; a
// caller with many proofs keeps a Verifier, which has the errors too.
func VerifyMulti(scheme *Scheme, root Hash, in Input, indices []uint64, size uint64, path []Hash) error {
	return NewVerifier(scheme).Multi(context.Background(), root, in, indices, size, path)
}

// Multi is VerifyMulti with the buffers of the Verifier and a context, whose
// error ends it early.
//
// The check is strict, and made before anything is hashed: ErrLeafCount unless
// there is an index for each leaf, and at least one; ErrIndexOrder unless
// indices rise, each above the one before; ErrEmptyTree and ErrIndexRange for
// indices outside the tree; ErrPathLength. What follows is ErrMutated for equal
// siblings in a scheme that refuses them, and ErrRootMismatch.
//
// root and size must come from a trusted place. Time and memory follow from the
// number of leaves, never from size.
func (v *Verifier) Multi(ctx context.Context, root Hash, in Input, indices []uint64, size uint64, path []Hash) error {
	s := v.scheme
	in, n, err := in.normal(s)
	if err != nil {
		return err
	}
	if n != len(indices) {
		return fmt.Errorf("%w: %d leaves for %d indices", ErrLeafCount, n, len(indices))
	}
	if err := checkIndices(indices, size); err != nil {
		return err
	}
	if err := s.checkSize(size); err != nil {
		return err
	}
	if want := s.multiPathLen(indices, size); len(path) != want {
		return fmt.Errorf("%w: %d leaves of %d have a path of %d nodes, this one has %d",
			ErrPathLength, n, size, want, len(path))
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	got, err := v.climbMulti(ctx, in, indices, size, path)
	if err != nil {
		return err
	}
	if got != root {
		return fmt.Errorf("%w: %d leaves of %d lead to %x, not to %x", ErrRootMismatch, n, size, got, root)
	}
	return nil
}

func checkIndices(indices []uint64, size uint64) error {
	if len(indices) == 0 {
		return fmt.Errorf("%w: a proof about no leaves proves nothing", ErrLeafCount)
	}
	for i, index := range indices[1:] {
		if index <= indices[i] {
			return fmt.Errorf("%w: leaf %d comes after leaf %d; sort them and name each once", ErrIndexOrder, index, indices[i])
		}
	}
	return checkIndex(indices[len(indices)-1], size)
}

// multiPathLen returns the number of nodes in the path of rising indices. Two
// neighbours have one ancestor from the layer on that is the length of what
// their indices differ in, so one pass counts the known nodes of all layers.
func (s *Scheme) multiPathLen(indices []uint64, size uint64) int {
	var meetings [maxLevels + 1]int
	for i, index := range indices[1:] {
		meetings[bits.Len64(index^indices[i])]++
	}
	at, last := indices[len(indices)-1], size-1
	known, want := len(indices), 0
	for level := range s.levels(size) {
		above := known - meetings[level+1]
		want += 2*above - known // nodes whose sibling is not known
		if movesUp(at, last) {
			want-- // nor in the tree
		}
		known, at, last = above, at>>1, last>>1
	}
	return want
}

// climbMulti returns the root that a path of the right length leads to.
func (v *Verifier) climbMulti(ctx context.Context, in Input, indices []uint64, size uint64, path []Hash) (Hash, error) {
	s, n := v.scheme, len(indices)
	v.reserve(n)
	src, err := in.level0(ctx, s, v.nodes, 0, n)
	if err != nil {
		return Hash{}, fmt.Errorf("merkle: %d leaves of %d: %w", n, size, err)
	}
	copy(v.nodes, src) // only where src is the caller's memory does it move anything
	v.places = append(v.places[:0], indices...)
	for level := range uint(s.levels(size)) {
		if err := ctx.Err(); err != nil {
			return Hash{}, fmt.Errorf("merkle: %d leaves of %d: %w", n, size, err)
		}
		if path, err = v.climbLayer(level, (size-1)>>level, path); err != nil {
			return Hash{}, err
		}
	}
	return Hash(v.nodes), nil
}

// climbLayer replaces the known nodes of a layer that ends with place last by
// their parents, and returns what is left of the path. Pairs are collected in
// batches; parents never overtake the nodes that are still to be read.
func (v *Verifier) climbLayer(level uint, last uint64, path []Hash) ([]Hash, error) {
	s, places := v.scheme, v.places
	done, held := 0, 0 // parents that are hashed, and pairs that wait
	flush := func() error {
		dst := v.nodes[done*HashSize : (done+held)*HashSize]
		err := s.hashPairs(dst, v.pairs[:2*held*HashSize], level)
		done, held = done+held, 0
		return err
	}
	for i := 0; i < len(places); {
		at := places[i]
		node := (*Hash)(v.nodes[i*HashSize:])
		i++
		var left, right *Hash
		var partner Hash
		switch {
		case at&1 == 1:
			left, right, path = &path[0], node, path[1:]
		case at == last && s.partner == nil: // moves up, the last of the layer
			if err := flush(); err != nil {
				return nil, err
			}
			copy(v.nodes[done*HashSize:], node[:])
			v.places[done] = at >> 1
			v.places = v.places[:done+1]
			return path, nil
		case at == last:
			partner = s.partner(level, *node)
			left, right = node, &partner
		case i < len(places) && places[i] == at+1:
			left, right = node, (*Hash)(v.nodes[i*HashSize:])
			i++
		default:
			left, right, path = node, &path[0], path[1:]
		}
		if s.refuseTwins && *left == *right && at|1 <= last {
			return nil, fmt.Errorf("%w: nodes %d and %d of level %d are equal", ErrMutated, at&^1, at|1, level)
		}
		pair := (*[2 * HashSize]byte)(v.pairs[2*held*HashSize:])
		moveNode((*Hash)(pair[:HashSize]), left)
		moveNode((*Hash)(pair[HashSize:]), right)
		places[done+held] = at >> 1
		if held++; held == batchLanes {
			if err := flush(); err != nil {
				return nil, err
			}
		}
	}
	if err := flush(); err != nil {
		return nil, err
	}
	v.places = v.places[:done]
	return path, nil
}

// hashPairs hashes whole pairs of one layer, or none.
func (s *Scheme) hashPairs(dst, src []byte, level uint) error {
	if len(src) == 0 {
		return nil
	}
	if err := s.nodes(dst, src); err != nil {
		return fmt.Errorf("merkle: %s: hashing %d pairs of level %d: %w", s.name, len(dst)/HashSize, level, err)
	}
	return nil
}

// MultiPath returns the path of a multi-proof of the leaves that indices name,
// in rising order, each once: see VerifyMulti. ErrLeafCount, ErrIndexOrder,
// ErrIndexRange and ErrEmptyTree are as there.
func (t *Tree) MultiPath(indices []uint64) ([]Hash, error) {
	if err := checkIndices(indices, t.Size()); err != nil {
		return nil, err
	}
	path := make([]Hash, 0, t.scheme.multiPathLen(indices, t.Size()))
	places := append([]uint64(nil), indices...)
	for level := range t.levels {
		layer, known := t.layer(level), places
		last := uint64(len(layer)/HashSize - 1)
		places = places[:0]
		for i := 0; i < len(known); i++ {
			at := known[i]
			switch {
			case at&1 == 0 && i+1 < len(known) && known[i+1] == at+1:
				i++
			case !movesUp(at, last):
				path = append(path, Hash(layer[(at^1)*HashSize:]))
			}
			places = append(places, at>>1)
		}
	}
	return path, nil
}
