package merkle

import (
	"fmt"
	"math/bits"
)

// VerifyInclusion checks that leaf is leaf index of the tree of size leaves
// whose root is root. path comes from the leaf's sibling up. nil: it is proven.
//
// The check is strict: a path with a node too few or too many, an index that is
// not below size and a size of 0 fail with their own errors, whatever the nodes
// are. root and size must come from a trusted place: a proof holds for every
// size that gives the leaf's way up the same shape. Nothing is allocated unless
// the check fails.
func VerifyInclusion(scheme *Scheme, root Hash, leaf []byte, index, size uint64, path []Hash) error {
	h, err := scheme.HashLeaf(leaf)
	if err != nil {
		return err
	}
	return VerifyInclusionHash(scheme, root, h, index, size, path)
}

// VerifyInclusionHash is VerifyInclusion for a leaf that is hashed already.
func VerifyInclusionHash(scheme *Scheme, root, leafHash Hash, index, size uint64, path []Hash) error {
	if err := scheme.check(); err != nil {
		return err
	}
	if err := checkIndex(index, size); err != nil {
		return err
	}
	if err := scheme.checkSize(size); err != nil {
		return err
	}
	if want := scheme.pathLen(index, size); len(path) != want {
		return fmt.Errorf("%w: leaf %d of %d has a path of %d nodes, this one has %d",
			ErrPathLength, index, size, want, len(path))
	}
	got, err := scheme.climbPath(leafHash, index, size, path)
	if err != nil {
		return err
	}
	if got != root {
		return fmt.Errorf("%w: leaf %d of %d leads to %x, not to %x", ErrRootMismatch, index, size, got, root)
	}
	return nil
}

func checkIndex(index, size uint64) error {
	if size == 0 {
		return fmt.Errorf("%w: it has no leaf %d to prove", ErrEmptyTree, index)
	}
	if index >= size {
		return fmt.Errorf("%w: leaf %d of %d; the last one is %d", ErrIndexRange, index, size, size-1)
	}
	return nil
}

// movesUp says that the node at place at of a layer that ends with place last
// has no sibling: it is even and the last.
func movesUp(at, last uint64) bool { return at == last && at&1 == 0 }

// pathLen returns the number of nodes in the inclusion path of a leaf: one for
// each layer below the root, but for those where its ancestor moves up. That
// happens only once the way up has met that of the last leaf, and there where
// the place, now the same for both, is even.
func (s *Scheme) pathLen(index, size uint64) int {
	if s.partner != nil {
		return s.levels(size) // nothing moves up
	}
	last := size - 1
	meet := bits.Len64(index ^ last)
	return meet + bits.OnesCount64(last>>meet)
}

// climbPath returns the root that a path of the right length leads to.
func (s *Scheme) climbPath(h Hash, index, size uint64, path []Hash) (Hash, error) {
	levels := uint(s.levels(size))
	for at, last, level := index, size-1, uint(0); level < levels; at, last, level = at>>1, last>>1, level+1 {
		alone := movesUp(at, last)
		if alone && s.partner == nil {
			continue
		}
		sibling := path[0]
		path = path[1:]
		switch {
		case alone && sibling != s.partner(level, h):
			return Hash{}, fmt.Errorf("%w: at level %d the last node of an odd layer is paired with %x, not with %x",
				ErrPathNode, level, s.partner(level, h), sibling)
		case !alone && s.refuseTwins && sibling == h:
			return Hash{}, fmt.Errorf("%w: the path pairs equal nodes at level %d", ErrMutated, level)
		case at&1 == 0:
			h = s.node(h, sibling)
		default:
			h = s.node(sibling, h)
		}
	}
	return h, nil
}
