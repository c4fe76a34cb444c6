package merkle

import (
	"fmt"
	"math/bits"
)

// VerifyConsistency checks that the tree of size1 leaves with root1 is a
// beginning of the tree of size2 leaves with root2, after RFC 9162 section
// 2.1.4.2. nil: it is proven.
//
// 1 ≤ size1 ≤ size2; every tree continues the empty one, so a proof from size 0
// says nothing and is refused with ErrEmptyTree. Equal sizes take an empty path
// and equal roots. Schemes that pair a lone node with something have no such
// proofs (ErrNoConsistency). Nothing is allocated unless the check fails.
func VerifyConsistency(scheme *Scheme, size1, size2 uint64, root1, root2 Hash, path []Hash) error {
	if err := scheme.check(); err != nil {
		return err
	}
	if scheme.partner != nil {
		return fmt.Errorf("%w: %s", ErrNoConsistency, scheme.name)
	}
	if size1 == 0 {
		return fmt.Errorf("%w: every tree continues the empty one, so this proves nothing", ErrEmptyTree)
	}
	if size1 > size2 {
		return fmt.Errorf("%w: %d leaves cannot be the beginning of %d", ErrSizeRange, size1, size2)
	}
	if want := consistencyLen(size1, size2); len(path) != want {
		return fmt.Errorf("%w: from %d to %d leaves takes %d nodes, this path has %d",
			ErrPathLength, size1, size2, want, len(path))
	}
	got1, got2 := scheme.climbBoth(size1, size2, root1, path)
	if got1 != root1 {
		return fmt.Errorf("%w: the path leads to %x for %d leaves, not to %x", ErrRootMismatch, got1, size1, root1)
	}
	if got2 != root2 {
		return fmt.Errorf("%w: the path leads to %x for %d leaves, not to %x", ErrRootMismatch, got2, size2, root2)
	}
	return nil
}

// borderStart returns the places, in their layer, of the smaller and the larger
// tree's last node, in the lowest layer where the smaller tree's is a whole
// subtree: what is below is the same in both trees.
func borderStart(size1, size2 uint64) (fn, sn uint64) {
	low := bits.TrailingZeros64(size1)
	return (size1 - 1) >> low, (size2 - 1) >> low
}

// consistencyLen returns the number of nodes in a proof between two sizes.
func consistencyLen(size1, size2 uint64) int {
	if size1 == size2 {
		return 0
	}
	fn, sn := borderStart(size1, size2)
	n := 0
	if fn > 0 { // the smaller tree is not one subtree whose root is known
		n++
	}
	for ; sn > 0; fn, sn = fn>>1, sn>>1 {
		if !movesUp(fn, sn) {
			n++
		}
	}
	return n
}

// climbBoth returns the two roots that a path of the right length leads to.
func (s *Scheme) climbBoth(size1, size2 uint64, root1 Hash, path []Hash) (got1, got2 Hash) {
	if size1 == size2 {
		return root1, root1
	}
	fn, sn := borderStart(size1, size2)
	start := root1
	if fn > 0 {
		start, path = path[0], path[1:]
	}
	got1, got2 = start, start
	for ; sn > 0; fn, sn = fn>>1, sn>>1 {
		if movesUp(fn, sn) {
			continue
		}
		sibling := path[0]
		path = path[1:]
		if fn&1 == 1 { // it lies to the left, so in both trees
			got1 = s.node(sibling, got1)
			got2 = s.node(sibling, got2)
		} else {
			got2 = s.node(got2, sibling)
		}
	}
	return got1, got2
}
