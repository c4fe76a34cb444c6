package merkle

import (
	"context"
	"fmt"
	"math/bits"
	"sync"
)

// Tree holds every layer of a Merkle tree in one allocation, for any number of
// proofs. Only Update changes it; without that it is safe for concurrent use.
type Tree struct {
	scheme *Scheme
	size   int
	levels int                // layers above the leaves
	nodes  []byte             // layer after layer, the leaves' hashes first
	start  [maxLevels + 2]int // of each layer, the last entry being their end

	workers int // of Build, for Update
	updater updater
}

// Build hashes in into a Tree with at most workers goroutines (0: one for each
// processor), none of which outlives the call; Update uses as many. A tree of n
// leaves takes about n×64 bytes. ErrMutated: an ambiguous list gets no tree.
func Build(ctx context.Context, scheme *Scheme, in Input, workers int) (*Tree, error) {
	return build(ctx, scheme, in, workers, defaultSizes)
}

func build(ctx context.Context, scheme *Scheme, in Input, workers int, sizes pieceSizes) (*Tree, error) {
	in, n, err := in.normal(scheme)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("merkle: tree of %d leaves: %w", n, err)
	}
	if n == 0 {
		return &Tree{scheme: scheme}, nil
	}
	t := newTree(scheme, n)
	workers = resolveWorkers(workers)
	t.workers = workers
	g := grower{tree: t, in: in, plan: sizes.cut(n, workers)}
	if err := newCrew(workers, g.growPiece).run(ctx, g.plan.pieces); err != nil {
		return nil, fmt.Errorf("merkle: tree of %d leaves: %w", n, err)
	}
	if err := g.climb(0, n, g.plan.levels, t.levels); err != nil {
		return nil, err
	}
	if err := g.twins.err(scheme, n); err != nil {
		return nil, err
	}
	return t, nil
}

func newTree(scheme *Scheme, n int) *Tree {
	t := &Tree{scheme: scheme, size: n, levels: scheme.levels(uint64(n))}
	total := 0
	for level := 0; level <= t.levels; level++ {
		t.start[level] = total
		total += layerLen(n, uint(level)) * HashSize
	}
	t.start[t.levels+1] = total
	t.nodes = make([]byte, total)
	return t
}

// grower fills a tree, piece by piece.
type grower struct {
	tree *Tree
	in   Input
	plan plan

	mu    sync.Mutex
	twins twins
}

func (g *grower) growPiece(ctx context.Context, _, piece int) error {
	t := g.tree
	lo, hi := g.plan.span(piece, t.size)
	dst := t.span(0, lo, hi)
	src, err := g.in.level0(ctx, t.scheme, dst, lo, hi)
	if err != nil {
		return err
	}
	copy(dst, src) // only where src is the caller's memory does it move anything
	return g.climb(lo, hi, 0, g.plan.levels)
}

// climb fills the nodes above leaves lo to hi of the layers after from, up to
// layer to.
func (g *grower) climb(lo, hi, from, to int) error {
	t := g.tree
	var seen twins
	for level := uint(from); level < uint(to); level++ {
		layer := t.span(level, lo, hi)
		if t.scheme.refuseTwins {
			seen.scan(layer, level, lo>>level)
		}
		if _, err := t.scheme.fold(t.span(level+1, lo, hi), layer, level); err != nil {
			return err
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.twins.merge(seen)
	return nil
}

// span returns the nodes of a layer that lie above leaves lo to hi.
func (t *Tree) span(level uint, lo, hi int) []byte {
	base := t.start[level]
	return t.nodes[base+lo>>level*HashSize : base+((hi-1)>>level+1)*HashSize]
}

// layer returns all nodes of a layer.
func (t *Tree) layer(level int) []byte { return t.nodes[t.start[level]:t.start[level+1]] }

// Scheme returns the scheme that the tree was built with.
func (t *Tree) Scheme() *Scheme { return t.scheme }

// Size returns the number of leaves.
func (t *Tree) Size() uint64 { return uint64(t.size) }

// Root returns the root, which for a tree without leaves is the scheme's own.
func (t *Tree) Root() Hash {
	if t.size == 0 {
		return t.scheme.empty
	}
	return Hash(t.layer(t.levels))
}

// LeafHash returns the level-0 node of leaf index. ErrIndexRange: not below
// the size.
func (t *Tree) LeafHash(index uint64) (Hash, error) {
	if err := checkIndex(index, t.Size()); err != nil {
		return Hash{}, err
	}
	return Hash(t.nodes[index*HashSize:]), nil
}

// Path returns the inclusion path of leaf index, from the leaf's sibling up.
func (t *Tree) Path(index uint64) ([]Hash, error) {
	if err := checkIndex(index, t.Size()); err != nil {
		return nil, err
	}
	c := capture{index: int(index)}
	for level := range t.levels {
		c.take(t.scheme, t.layer(level), uint(level), 0)
	}
	return c.nodes(), nil
}

// ConsistencyPath returns the proof of RFC 6962 section 2.1.2 that the tree of
// the first size leaves, 1 ≤ size ≤ t.Size(), is a beginning of this one. It is
// empty where the two are equal.
func (t *Tree) ConsistencyPath(size uint64) ([]Hash, error) {
	if t.scheme.partner != nil {
		return nil, fmt.Errorf("%w: %s", ErrNoConsistency, t.scheme.name)
	}
	if size == 0 {
		return nil, fmt.Errorf("%w: every tree continues the empty one; ask for size 1 or more", ErrEmptyTree)
	}
	if size > t.Size() {
		return nil, fmt.Errorf("%w: %d leaves cannot be the beginning of %d", ErrSizeRange, size, t.size)
	}
	path := make([]Hash, 0, maxLevels)
	return t.subproof(path, int(size), 0, t.size, true), nil
}

// subproof appends SUBPROOF(m, D[lo:hi], whole) of RFC 6962 to path. whole says
// that the verifier knows the root of the first m leaves of the range.
func (t *Tree) subproof(path []Hash, m, lo, hi int, whole bool) []Hash {
	if m == hi-lo {
		if whole {
			return path
		}
		return append(path, t.subtree(lo, hi))
	}
	k := floorPowerOfTwo(uint(hi - lo - 1)) // the largest below the range's length
	if m <= k {
		path = t.subproof(path, m, lo, lo+k, whole)
		return append(path, t.subtree(lo+k, hi))
	}
	path = t.subproof(path, m-k, lo+k, hi, false)
	return append(path, t.subtree(lo, lo+k))
}

// subtree returns the node above leaves lo to hi, which must be a full subtree
// or end with the tree.
func (t *Tree) subtree(lo, hi int) Hash {
	level := bits.Len(uint(hi - lo - 1))
	return Hash(t.layer(level)[lo>>level*HashSize:])
}
