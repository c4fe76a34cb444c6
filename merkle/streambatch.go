package merkle

import (
	"context"
	"io"
	"slices"
)

// streamBatch is some consecutive leaves of a stream on their way to the roots
// of the complete subtrees that they fall into. Either all leaves have size
// bytes, but for the last of the stream, or size is 0 and ends says where each
// ends.
type streamBatch struct {
	lo   uint64 // number of the first leaf
	data []byte // the leaves, end to end
	size int
	ends []int

	views [][]byte
	nodes []byte
	roots []subtree
	twins twins
	err   error

	busy bool          // handed to a worker; the stream's own
	done chan struct{} // the worker's answer
}

// len returns the number of leaves.
func (b *streamBatch) len() int {
	if b.size > 0 {
		n := len(b.data) / b.size // not rounded up by adding: a size may be the largest int
		if len(b.data)%b.size > 0 {
			n++
		}
		return n
	}
	return len(b.ends)
}

// fits says whether the batch has room for a leaf; an empty one always has.
func (b *streamBatch) fits(leaf []byte) bool {
	return len(b.ends) == 0 || len(b.ends) < streamBatchLeaves && len(b.data)+len(leaf) <= streamBatchBytes
}

func (b *streamBatch) add(leaf []byte) {
	b.data = append(b.data, leaf...)
	b.ends = append(b.ends, len(b.data))
}

// read fills data up to n bytes, or to r's error. It asks for memory as bytes
// come in, so a huge leaf size costs nothing on a short stream.
func (b *streamBatch) read(r io.Reader, n int) error {
	for empty := 0; len(b.data) < n; {
		if len(b.data) == cap(b.data) {
			b.data = slices.Grow(b.data, min(n-len(b.data), max(len(b.data), streamFirstBytes)))
		}
		got, err := r.Read(b.data[len(b.data):min(cap(b.data), n)])
		b.data = b.data[:len(b.data)+got]
		if err != nil {
			return err
		}
		if empty++; got > 0 {
			empty = 0
		}
		if empty == maxEmptyReads {
			return io.ErrNoProgress
		}
	}
	return nil
}

// hash sets roots and twins, or err.
func (b *streamBatch) hash(ctx context.Context, s *Scheme) {
	if need := b.len() * HashSize; len(b.nodes) < need {
		b.nodes = make([]byte, ceilPowerOfTwo(need))
	}
	nodes, err := b.level0(ctx, s)
	if err == nil {
		b.roots, err = s.collapse(b.roots, nodes, b.lo, &b.twins)
	}
	b.err = err
}

// level0 returns the nodes of the leaves, in memory of the batch.
func (b *streamBatch) level0(ctx context.Context, s *Scheme) ([]byte, error) {
	if b.size == 0 {
		at := 0
		for _, end := range b.ends {
			b.views = append(b.views, b.data[at:end])
			at = end
		}
		return Leaves(b.views).level0(ctx, s, b.nodes, 0, len(b.views))
	}
	whole := len(b.data) / b.size
	in, _, err := Records(b.data[:whole*b.size], b.size).normal(s)
	if err != nil {
		return nil, err
	}
	nodes, err := in.level0(ctx, s, b.nodes, 0, whole)
	if err != nil || whole == b.len() {
		return nodes, err
	}
	b.views = append(b.views, b.data[whole*b.size:])
	_, err = Leaves(b.views).level0(ctx, s, b.nodes[whole*HashSize:], 0, 1)
	return b.nodes[:(whole+1)*HashSize], err
}

// reset empties the batch; memory for a huge leaf is not kept.
func (b *streamBatch) reset() {
	b.data, b.ends = b.data[:0], b.ends[:0]
	if cap(b.data) > 2*streamBatchBytes && b.size <= streamBatchBytes {
		b.data = nil
	}
	clear(b.views)
	b.views, b.roots = b.views[:0], b.roots[:0]
	b.twins = twins{}
}
