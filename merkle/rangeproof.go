package merkle

import (
	"context"
	"fmt"
)

// A range proof says of leaves that lie side by side that they are in a tree. It
// is a multi-proof without a list of indices, and its path has at most two nodes
// a layer: the ones that bound the known nodes on the left and on the right.
// For leaves 3 to 5 of eight these are 2, a and b:
//
//	             root
//	         /          \
//	        *            *
//	     /    \        /    \
//	    a      *      *      b
//	   / \    / \    / \    / \
//	  0   1  2  [3] [4][5] 6   7
//
// The order is canonical: layer by layer from the leaves up, left before right.

// VerifyRange checks that the n leaves of in are leaves first to first+n-1 of
// the tree of size leaves whose root is root. path is what Tree.RangePath
// returned. nil: all of them are proven. It allocates a buffer of 32 bytes a
// leaf; a caller with many proofs keeps a Verifier, which has the errors too.
func VerifyRange(scheme *Scheme, root Hash, in Input, first, size uint64, path []Hash) error {
	return NewVerifier(scheme).Range(context.Background(), root, in, first, size, path)
}

// Range is VerifyRange with the buffers of the Verifier and a context, whose
// error ends it early.
//
// The check is strict, and made before anything is hashed: ErrLeafCount for no
// leaves; ErrEmptyTree and ErrIndexRange for leaves outside the tree;
// ErrPathLength. What follows is ErrMutated for equal siblings in a scheme that
// refuses them, and ErrRootMismatch. root and size must come from a trusted
// place.
func (v *Verifier) Range(ctx context.Context, root Hash, in Input, first, size uint64, path []Hash) error {
	in, n, err := in.normal(v.scheme)
	if err != nil {
		return err
	}
	if err := checkRange(first, uint64(n), size); err != nil {
		return err
	}
	if err := v.scheme.checkSize(size); err != nil {
		return err
	}
	if want := rangePathLen(first, uint64(n), size); len(path) != want {
		return fmt.Errorf("%w: %d leaves from %d of %d have a path of %d nodes, this one has %d",
			ErrPathLength, n, first, size, want, len(path))
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	got, err := v.climbRange(ctx, in, n, first, size, path)
	if err != nil {
		return err
	}
	if got != root {
		return fmt.Errorf("%w: %d leaves from %d of %d lead to %x, not to %x",
			ErrRootMismatch, n, first, size, got, root)
	}
	return nil
}

func checkRange(first, count, size uint64) error {
	if count == 0 {
		return fmt.Errorf("%w: a proof about no leaves proves nothing", ErrLeafCount)
	}
	if err := checkIndex(first, size); err != nil {
		return err
	}
	if count > size-first { // first+count may not fit into 64 bits
		return fmt.Errorf("%w: %d leaves from %d of %d; the last one is %d", ErrIndexRange, count, first, size, size-1)
	}
	return nil
}

// rangePathLen returns the number of nodes in the path of count leaves.
func rangePathLen(first, count, size uint64) int {
	n := 0
	for lo, hi, last := first, first+count-1, size-1; last > 0; lo, hi, last = lo>>1, hi>>1, last>>1 {
		if lo&1 == 1 {
			n++
		}
		if hi&1 == 0 && hi != last {
			n++
		}
	}
	return n
}

// climbRange returns the root that a path of the right length leads to. The
// known nodes of a layer lie side by side, so most of them are hashed where they
// are; only the pairs at the two ends take a node from the path.
func (v *Verifier) climbRange(ctx context.Context, in Input, n int, first, size uint64, path []Hash) (Hash, error) {
	v.reserve(n)
	layer, err := in.level0(ctx, v.scheme, v.nodes, 0, n)
	if err != nil {
		return Hash{}, fmt.Errorf("merkle: %d leaves from %d of %d: %w", n, first, size, err)
	}
	b := rangeBounds{scheme: v.scheme, lo: first, hi: first + uint64(n) - 1, last: size - 1, path: path}
	for range v.scheme.levels(size) {
		if err := ctx.Err(); err != nil {
			return Hash{}, fmt.Errorf("merkle: %d leaves from %d of %d: %w", n, first, size, err)
		}
		if layer, err = b.fold(v.nodes, layer); err != nil {
			return Hash{}, err
		}
	}
	return Hash(layer), nil
}

// rangeBounds says where in its layer a range lies: from place lo to hi of 0 to
// last.
type rangeBounds struct {
	scheme       *Scheme
	level        uint
	lo, hi, last uint64
	path         []Hash // what is left of it
}

// fold hashes a layer into the one above, at the start of dst, which it returns.
// dst may be where the layer lies, or another place.
func (b *rangeBounds) fold(dst, layer []byte) ([]byte, error) {
	s, done := b.scheme, 0
	var head, tail Hash // nodes above the two ends, written when layer is read
	hasHead, hasTail := b.lo&1 == 1, b.hi&1 == 0
	var err error
	if hasHead {
		if head, err = b.join(b.next(), Hash(layer)); err != nil {
			return nil, err
		}
		layer, done = layer[HashSize:], HashSize
	}
	if hasTail {
		node := Hash(layer[len(layer)-HashSize:])
		layer = layer[:len(layer)-HashSize]
		switch {
		case b.hi != b.last:
			tail, err = b.join(node, b.next())
		case s.partner != nil:
			tail = s.node(node, s.partner(b.level, node))
		default:
			tail = node
		}
		if err != nil {
			return nil, err
		}
	}
	if s.refuseTwins {
		if err := b.refuseTwins(layer); err != nil {
			return nil, err
		}
	}
	end := done + len(layer)/2
	if err := s.hashPairs(dst[done:end], layer, b.level); err != nil {
		return nil, err
	}
	if hasHead {
		copy(dst, head[:])
	}
	if hasTail {
		end += copy(dst[end:], tail[:])
	}
	b.lo, b.hi, b.last, b.level = b.lo>>1, b.hi>>1, b.last>>1, b.level+1
	return dst[:end], nil
}

func (b *rangeBounds) next() Hash {
	node := b.path[0]
	b.path = b.path[1:]
	return node
}

// join hashes a pair of which one node came from the path.
func (b *rangeBounds) join(left, right Hash) (Hash, error) {
	if b.scheme.refuseTwins && left == right {
		return Hash{}, fmt.Errorf("%w: the path pairs equal nodes at level %d", ErrMutated, b.level)
	}
	return b.scheme.node(left, right), nil
}

// refuseTwins looks at the pairs inside the range.
func (b *rangeBounds) refuseTwins(pairs []byte) error {
	var t twins
	t.scan(pairs, b.level, 0)
	if !t.found {
		return nil
	}
	at := (b.lo+1)&^1 + 2*uint64(t.pair)
	return fmt.Errorf("%w: nodes %d and %d of level %d are equal", ErrMutated, at, at+1, b.level)
}

// RangePath returns the path of a range proof of leaves first to first+count-1:
// see VerifyRange. ErrLeafCount, ErrIndexRange and ErrEmptyTree are as there.
func (t *Tree) RangePath(first, count uint64) ([]Hash, error) {
	if err := checkRange(first, count, t.Size()); err != nil {
		return nil, err
	}
	path := make([]Hash, 0, rangePathLen(first, count, t.Size()))
	lo, hi := first, first+count-1
	for level := range t.levels {
		layer := t.layer(level)
		last := uint64(len(layer)/HashSize - 1)
		if lo&1 == 1 {
			path = append(path, Hash(layer[(lo-1)*HashSize:]))
		}
		if hi&1 == 0 && hi != last {
			path = append(path, Hash(layer[(hi+1)*HashSize:]))
		}
		lo, hi = lo>>1, hi>>1
	}
	return path, nil
}
