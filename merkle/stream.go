package merkle

import (
	"context"
	"fmt"
	"io"
	"iter"
	"sync"
)

// A stream is cut into batches that stay in a core's own cache from the hashing
// of the leaves to the last pair of nodes.
const (
	streamBatchBytes  = 512 << 10
	streamBatchLeaves = 8192 // their nodes take half that
	streamFirstBytes  = 32 << 10
)

// maxEmptyReads is how often a reader may return nothing and no error.
const maxEmptyReads = 100

// RootReader returns the root over what r holds, cut into leaves of size bytes,
// and the number of leaves. The last leaf may be shorter, except where leaves
// are nodes already (ErrLeafSize).
//
// Memory is one buffer of about 1 MiB and another for each worker, or of a leaf
// where that is larger, whatever the length of the stream. workers bounds the
// goroutines beside the caller's, which reads; 0 means one for each processor,
// and with 1 the caller does everything itself. Where they are slower than r, r
// waits. No goroutine outlives the call.
//
// The context is looked at between batches: a Read that blocks is for r to end.
// An error of r is wrapped. ErrMutated comes with the root, as from Builder.Root.
func RootReader(ctx context.Context, scheme *Scheme, r io.Reader, size, workers int) (Hash, uint64, error) {
	if err := scheme.check(); err != nil {
		return Hash{}, 0, err
	}
	if size < 1 {
		return Hash{}, 0, fmt.Errorf("%w: %d bytes; a leaf of a stream has 1 or more", ErrLeafSize, size)
	}
	if scheme.LeavesAreNodes() && size != HashSize {
		return Hash{}, 0, scheme.leafSizeError(size)
	}
	st := newStream(ctx, scheme, workers)
	defer st.stop()
	leaves := min(streamBatchLeaves, floorPowerOfTwo(uint(streamBatchBytes/size)))
	for {
		b := st.batch
		b.size = size
		err := b.read(r, leaves*size)
		if err != nil && err != io.EOF { //nolint:errorlint // Read returns io.EOF itself
			return Hash{}, 0, fmt.Errorf("merkle: reading leaf %d of a stream: %w", st.leaves+uint64(len(b.data)/size), err)
		}
		if tail := len(b.data) % size; tail > 0 && scheme.LeavesAreNodes() {
			return Hash{}, 0, fmt.Errorf("last leaf: %w", scheme.leafSizeError(tail))
		}
		if err != nil {
			return st.finish()
		}
		if err := st.flush(); err != nil {
			return Hash{}, 0, err
		}
	}
}

// RootSeq returns the root over a sequence of leaves of any lengths, and their
// number. A leaf is copied before the next is asked for, so a producer may use
// its memory again. An error in the sequence ends it and is wrapped. All else is
// as for RootReader; for leaves from a channel see ReceiveLeaves.
func RootSeq(ctx context.Context, scheme *Scheme, leaves iter.Seq2[[]byte, error], workers int) (Hash, uint64, error) {
	if err := scheme.check(); err != nil {
		return Hash{}, 0, err
	}
	st := newStream(ctx, scheme, workers)
	defer st.stop()
	n := uint64(0)
	for leaf, err := range leaves {
		if err != nil {
			return Hash{}, 0, fmt.Errorf("merkle: leaf %d of a stream: %w", n, err)
		}
		if scheme.LeavesAreNodes() && len(leaf) != HashSize {
			return Hash{}, 0, fmt.Errorf("leaf %d: %w", n, scheme.leafSizeError(len(leaf)))
		}
		if !st.batch.fits(leaf) {
			if err := st.flush(); err != nil {
				return Hash{}, 0, err
			}
		}
		st.batch.add(leaf)
		n++
	}
	return st.finish()
}

// ReceiveLeaves is the sequence of leaves that come from a channel until it is
// closed. It ends with the context's error when that comes first.
func ReceiveLeaves(ctx context.Context, ch <-chan []byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for {
			select {
			case leaf, ok := <-ch:
				if !ok || !yield(leaf, nil) {
					return
				}
			case <-ctx.Done():
				yield(nil, ctx.Err())
				return
			}
		}
	}
}

// stream hands batches to workers and puts together what they make of them, in
// order. There is one batch more than workers: the one that is being filled.
type stream struct {
	ctx     context.Context
	scheme  *Scheme
	workers int
	ring    []*streamBatch
	batch   *streamBatch // the one being filled
	at      int          // its place in ring
	leaves  uint64       // in the batches before it
	front   frontier
	twins   twins

	started int      // goroutines
	shared  *Workers // that they were taken from; nil for no bound
	work    chan *streamBatch
	wg      sync.WaitGroup
}

func newStream(ctx context.Context, scheme *Scheme, workers int) *stream {
	st := &stream{ctx: ctx, scheme: scheme, workers: resolveWorkers(workers), shared: workersOf(ctx)}
	n := 1
	if st.workers > 1 {
		n += st.workers
	}
	st.ring = make([]*streamBatch, n)
	st.batch = st.slot(0)
	st.work = make(chan *streamBatch, n) // sending never waits
	return st
}

func (st *stream) slot(i int) *streamBatch {
	if st.ring[i] == nil {
		st.ring[i] = &streamBatch{done: make(chan struct{}, 1)}
	}
	return st.ring[i]
}

// flush has the current batch hashed and makes the next one current, for which
// it waits while workers are busy with all of them.
func (st *stream) flush() error {
	if err := st.ctx.Err(); err != nil {
		return st.fault(err)
	}
	b := st.batch
	b.lo = st.leaves
	st.leaves += uint64(b.len())
	// A stream without end must not be read for ever because its list is full.
	if err := st.scheme.checkSize(st.leaves); err != nil {
		return err
	}
	if st.started < st.workers && st.workers > 1 && st.shared.take(1) == 1 {
		st.started++
		st.wg.Go(st.loop)
	}
	if st.started == 0 {
		b.hash(st.ctx, st.scheme)
		return st.merge(b)
	}
	b.busy = true
	st.work <- b
	st.at = (st.at + 1) % len(st.ring)
	st.batch = st.slot(st.at)
	return st.await(st.batch)
}

func (st *stream) loop() {
	for b := range st.work {
		b.hash(st.ctx, st.scheme)
		b.done <- struct{}{}
	}
}

// await takes back the batch if a worker has it. Batches are awaited in the
// order in which they were handed out.
func (st *stream) await(b *streamBatch) error {
	if !b.busy {
		return nil
	}
	<-b.done
	b.busy = false
	return st.merge(b)
}

// merge adds a hashed batch to the tree and empties it.
func (st *stream) merge(b *streamBatch) error {
	if b.err != nil {
		return st.fault(b.err)
	}
	for _, t := range b.roots {
		st.front.push(st.scheme, t, &st.twins)
	}
	st.twins.merge(b.twins)
	b.reset()
	return nil
}

// finish hashes the last batch and returns the root.
func (st *stream) finish() (Hash, uint64, error) {
	if err := st.ctx.Err(); err != nil {
		return Hash{}, 0, st.fault(err)
	}
	last := st.batch
	last.lo = st.leaves
	st.leaves += uint64(last.len())
	last.hash(st.ctx, st.scheme)
	for i := range st.ring[1:] {
		if b := st.ring[(st.at+1+i)%len(st.ring)]; b != nil {
			if err := st.await(b); err != nil {
				return Hash{}, 0, err
			}
		}
	}
	if err := st.merge(last); err != nil {
		return Hash{}, 0, err
	}
	n := st.front.size
	if err := st.scheme.checkSize(n); err != nil {
		return Hash{}, 0, err
	}
	root := st.front.root(st.scheme, st.scheme.levels(max(1, n)), &st.twins)
	return root, n, st.twins.err(st.scheme, int(n))
}

// stop ends the workers and waits for them.
func (st *stream) stop() {
	close(st.work)
	st.wg.Wait()
	st.shared.give(st.started)
}

func (st *stream) fault(err error) error {
	return fmt.Errorf("merkle: root of a stream, after %d leaves: %w", st.front.size, err)
}
