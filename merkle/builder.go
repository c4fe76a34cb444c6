package merkle

import (
	"context"
	"fmt"
	"sync"
)

// Builder computes roots and inclusion paths. It never holds a whole layer:
// each worker folds one subtree after another in its own scratch buffer, and
// what the subtrees leave over, about one node for 128 leaves, is folded last.
//
// A Builder keeps its buffers: from the second call of a size on, Root and
// RootRecords allocate nothing. It is safe for concurrent use, but calls wait
// for each other; a goroutine that must not wait has its own Builder. No
// goroutine outlives a call, and leaves are not kept or written to.
type Builder struct {
	scheme *Scheme
	sizes  pieceSizes
	crew   *crew

	mu      sync.Mutex // one call at a time; guards what follows
	scratch []byte     // one part for each worker
	part    int        // bytes of a part
	top     []byte     // what the pieces were folded down to
	job     job
}

// job is the tree in work.
type job struct {
	in      Input
	n       int
	plan    plan
	capture *capture // nil where no path is wanted

	mu    sync.Mutex
	twins twins
}

// NewBuilder returns a Builder for scheme. workers bounds the goroutines of a
// call; 0 means one for each processor. Small trees use one core in any case.
func NewBuilder(scheme *Scheme, workers int) *Builder {
	b := &Builder{scheme: scheme, sizes: defaultSizes}
	b.crew = newCrew(workers, b.foldPiece)
	return b
}

// Root returns the root of the tree over leaves.
//
// ErrMutated comes with the root: it is what a node that does not check would
// have computed, and the list must be rejected. Other errors come without.
func (b *Builder) Root(leaves [][]byte) (Hash, error) {
	return b.RootOf(context.Background(), Leaves(leaves))
}

// RootRecords is Root over leaves of size bytes each that lie side by side.
func (b *Builder) RootRecords(src []byte, size int) (Hash, error) {
	return b.RootOf(context.Background(), Records(src, size))
}

// RootOf is Root over any Input. It ends early with the context's error.
func (b *Builder) RootOf(ctx context.Context, in Input) (Hash, error) {
	return b.fold(ctx, in, nil)
}

// Path returns the root and the inclusion path of leaf index, from the leaf's
// sibling up, at the price of one root. Many paths are cheaper from a Tree.
// ErrMutated: no proof is made from an ambiguous list.
func (b *Builder) Path(ctx context.Context, in Input, index uint64) (Hash, []Hash, error) {
	_, n, err := in.normal(b.scheme)
	if err != nil {
		return Hash{}, nil, err
	}
	if err := checkIndex(index, uint64(n)); err != nil {
		return Hash{}, nil, err
	}
	c := &capture{index: int(index)}
	root, err := b.fold(ctx, in, c)
	if err != nil {
		return Hash{}, nil, err
	}
	return root, c.nodes(), nil
}

// Proof is Path over leaves with everything a verifier needs beside it.
func (b *Builder) Proof(ctx context.Context, leaves [][]byte, index uint64) (Proof, error) {
	root, path, err := b.Path(ctx, Leaves(leaves), index)
	if err != nil {
		return Proof{}, err
	}
	return Proof{
		Scheme: b.scheme,
		Root:   root,
		Index:  index,
		Size:   uint64(len(leaves)),
		Leaf:   leaves[index],
		Path:   path,
	}, nil
}

// Root returns the root of the tree over in, with at most workers goroutines
// (0: one for each processor). A caller with many trees keeps a Builder.
func Root(ctx context.Context, scheme *Scheme, in Input, workers int) (Hash, error) {
	return NewBuilder(scheme, workers).RootOf(ctx, in)
}

func (b *Builder) fold(ctx context.Context, in Input, c *capture) (Hash, error) {
	in, n, err := in.normal(b.scheme)
	if err != nil {
		return Hash{}, err
	}
	if err := ctx.Err(); err != nil {
		return Hash{}, fmt.Errorf("merkle: root of %d leaves: %w", n, err)
	}
	if n == 0 {
		return b.scheme.empty, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	j := &b.job
	j.in, j.n, j.plan, j.capture, j.twins = in, n, b.sizes.cut(n, b.crew.workers), c, twins{}
	defer func() { j.in, j.capture = Input{}, nil }() // do not keep the caller's memory
	b.reserve()
	if err := b.crew.run(ctx, j.plan.pieces); err != nil {
		return Hash{}, fmt.Errorf("merkle: root of %d leaves: %w", n, err)
	}
	layer := b.top[:layerLen(n, uint(j.plan.levels))*HashSize]
	layer, err = b.climb(b.top, layer, 0, j.plan.levels, b.scheme.levels(uint64(n)))
	if err != nil {
		return Hash{}, err
	}
	return Hash(layer), j.twins.err(b.scheme, n)
}

// reserve grows the buffers to what the job needs. Powers of two keep blocks
// that grow slowly from allocating each time.
func (b *Builder) reserve() {
	p := b.job.plan
	b.part = max(b.part, ceilPowerOfTwo(p.leaves)*HashSize)
	if need := b.part * min(p.pieces, b.crew.workers); len(b.scratch) < need {
		b.scratch = make([]byte, need)
	}
	if need := ceilPowerOfTwo(p.pieces*p.keep) * HashSize; len(b.top) < need {
		b.top = make([]byte, need)
	}
}

// foldPiece hashes the leaves of one piece and folds them as far as the plan
// says, in the worker's part of the scratch buffer.
func (b *Builder) foldPiece(ctx context.Context, worker, piece int) error {
	j := &b.job
	lo, hi := j.plan.span(piece, j.n)
	part := b.scratch[worker*b.part : (worker+1)*b.part]
	layer, err := j.in.level0(ctx, b.scheme, part, lo, hi)
	if err != nil {
		return err
	}
	if layer, err = b.climb(part, layer, lo, 0, j.plan.levels); err != nil {
		return err
	}
	copy(b.top[piece*j.plan.keep*HashSize:], layer)
	return nil
}

// climb folds a piece of layer from, whose first leaf is leaf lo of the tree,
// up to layer to, in place in buf. layer may be the caller's memory.
func (b *Builder) climb(buf, layer []byte, lo, from, to int) ([]byte, error) {
	j := &b.job
	var seen twins
	for level := uint(from); level < uint(to); level++ {
		base := lo >> level
		if b.scheme.refuseTwins {
			seen.scan(layer, level, base)
		}
		if j.capture != nil {
			j.capture.take(b.scheme, layer, level, base)
		}
		var err error
		if layer, err = b.scheme.fold(buf, layer, level); err != nil {
			return nil, err
		}
	}
	if seen.found {
		j.mu.Lock()
		j.twins.merge(seen)
		j.mu.Unlock()
	}
	return layer, nil
}
