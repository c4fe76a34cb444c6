package core

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/chainweir/weir/core/engine"
)

// batchesMax is how many batches wait for the engine's decision at most. It is
// above what one block can hold of batches with a few transactions each; the
// mempool's bytes bound the larger ones.
const batchesMax = 1 << 15

// shelf keeps verified batches by digest until the engine has decided on them.
type shelf struct {
	room chan struct{} // one entry per batch; full: put waits

	mu    sync.Mutex
	batch map[[32]byte]*Batch
}

func newShelf(limit int) *shelf {
	return &shelf{room: make(chan struct{}, limit), batch: make(map[[32]byte]*Batch)}
}

// put waits for room and keeps the batch.
func (s *shelf) put(ctx context.Context, b *Batch) error {
	select {
	case s.room <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, twice := s.batch[b.ref.Digest]; twice {
		// The mempool lets no transaction wait twice.
		<-s.room
		return fmt.Errorf("batch %x is on its way already", b.ref.Digest[:8])
	}
	s.batch[b.ref.Digest] = b
	return nil
}

// has tells whether the batch of the reference is here, with its counts.
func (s *shelf) has(ref engine.Ref) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.batch[ref.Digest]
	return ok && b.ref == ref
}

// take removes the batches of the references and appends them to dst. It takes
// all or none.
func (s *shelf) take(dst []*Batch, refs []engine.Ref) ([]*Batch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from := len(dst)
	for i, r := range refs {
		b, ok := s.batch[r.Digest]
		if !ok || b.ref != r {
			for _, b := range dst[from:] {
				s.batch[b.ref.Digest] = b
			}
			return dst[:from], fmt.Errorf("reference %d of %d, batch %x: %w", i, len(refs), r.Digest[:8], engine.ErrUnknown)
		}
		delete(s.batch, r.Digest)
		dst = append(dst, b)
	}
	for range refs {
		<-s.room
	}
	return dst, nil
}

func (s *shelf) len() int { return len(s.room) }

// orderLoop gives verified batches to the engine. When the last one is given,
// it ends the engine, which decides what it has.
func (n *Node) orderLoop() {
	c := n.stOrder.clock()
	for b := range n.readyCh {
		n.stOrder.saw(len(n.readyCh) + 1)
		c.waited()
		err := n.batches.put(n.ctx, b)
		if err == nil {
			// Waiting for the engine's queue counts as blocked: there is nothing
			// else in Propose that takes time.
			c.worked()
			if n.foreign != nil {
				n.foreign.from.Publish(b.ref, b.content())
			}
			if err = n.engine.Propose(b.ref); err != nil {
				_, takeErr := n.batches.take(nil, []engine.Ref{b.ref})
				must(takeErr)
			}
			n.stOrder.items.Add(1)
			c.blocked()
		}
		if err != nil {
			n.fail(err)
			n.release(b)
		}
	}
	n.fail(n.engine.Close())
}

// takeOr is take for a node whose engine carries batches: what is missing is
// fetched.
func (s *shelf) takeOr(dst []*Batch, refs []engine.Ref, fetch func(engine.Ref) (*Batch, error)) ([]*Batch, error) {
	for i, r := range refs {
		var err error
		if s.has(r) {
			dst, err = s.take(dst, refs[i:i+1])
		} else {
			var b *Batch
			if b, err = fetch(r); err == nil {
				dst = append(dst, b)
			}
		}
		if err != nil {
			return dst, fmt.Errorf("reference %d of %d: %w", i, len(refs), err)
		}
	}
	return dst, nil
}

// app is the node as its engine sees it.
type app struct{ *Node }

var _ engine.App = app{}

// Check implements engine.App.
func (a app) Check(ref engine.Ref) bool { return a.batches.has(ref) }

// Commit implements engine.App.
func (a app) Commit(ctx context.Context, d engine.Decision) error {
	if d.TimeNS <= a.decidedNS {
		return nil // delivered again after a restart
	}
	blk := a.takeBlock()
	var err error
	if f := a.foreign; f == nil {
		blk.batches, err = a.batches.take(blk.batches[:0], d.Refs)
	} else {
		blk.batches, err = a.batches.takeOr(blk.batches[:0], d.Refs, func(r engine.Ref) (*Batch, error) { return f.fetch(ctx, r) })
		blk.ran = make(chan struct{})
		f.ran = blk.ran
	}
	if err != nil {
		a.fail(fmt.Errorf("decision %d of the %s engine: %w", d.Number, a.engine.Status().Name, err))
		return err
	}
	a.decidedNS = d.TimeNS
	blk.header.TimeNS, blk.decision = d.TimeNS, d.Number
	select {
	case a.execCh <- blk:
		a.stExec.saw(len(a.execCh))
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Snapshot implements engine.App.
func (a app) Snapshot(w io.Writer) (engine.Point, error) { return a.sendSnapshot(a.ctx, w) }

// Restore implements engine.App.
func (a app) Restore(r io.Reader) error { return a.takeSnapshot(r) }
