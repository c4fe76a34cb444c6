// Package solo orders batches on a single node: in the order in which they
// arrive, cut into blocks by size or by time. Nobody has to agree, so a decision
// is final when it is made.
package solo

import (
	"context"
	"errors"
	"fmt"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chainweir/weir/core/engine"
)

// Config says when a block is cut and where numbers and times go on. Its Queue is
// 4096 by default.
type Config = engine.Config

const defaultQueue = 4096

// Engine implements engine.Engine.
type Engine struct {
	cfg  Config
	in   chan engine.Ref
	app  engine.App
	done chan struct{} // closed when run has ended; nil before Start
	err  error         // readable once done is closed

	closing sync.Once

	number            atomic.Uint64
	proposed, decided atomic.Int64
	now               func() time.Time

	// Of the goroutine that cuts.
	refs   []engine.Ref
	txs    int
	bytes  int
	timeNS uint64
}

var _ engine.Engine = (*Engine)(nil)

// New returns an engine that has not started.
func New(cfg Config) *Engine {
	if cfg.Queue <= 0 {
		cfg.Queue = defaultQueue
	}
	e := &Engine{cfg: cfg, in: make(chan engine.Ref, cfg.Queue), now: time.Now, timeNS: cfg.TimeNS}
	e.number.Store(cfg.Number)
	return e
}

// Start implements engine.Engine.
func (e *Engine) Start(ctx context.Context, app engine.App) error {
	if e.done != nil {
		return fmt.Errorf("the solo engine was started before: make a new one")
	}
	e.app, e.done = app, make(chan struct{})
	go pprof.Do(ctx, pprof.Labels("weir_stage", "order"), func(ctx context.Context) {
		defer close(e.done)
		e.err = e.run(ctx)
	})
	return nil
}

// Propose implements engine.Engine.
func (e *Engine) Propose(ref engine.Ref) error {
	if e.done == nil {
		return fmt.Errorf("%w: it was not started", engine.ErrClosed)
	}
	if !e.app.Check(ref) {
		return fmt.Errorf("%w: digest %x", engine.ErrUnknown, ref.Digest[:8])
	}
	select {
	case e.in <- ref:
		e.proposed.Add(1)
		return nil
	case <-e.done:
		if e.err != nil {
			return e.err
		}
		return engine.ErrClosed
	}
}

// Status implements engine.Engine.
func (e *Engine) Status() engine.Status {
	s := engine.Status{
		Name: "solo", Number: e.number.Load(), Proposed: e.proposed.Load(), Decided: e.decided.Load(),
		QueueCap: cap(e.in),
	}
	s.Queue = max(0, int(s.Proposed-s.Decided)) // two counters, read one after the other
	select {
	case <-e.done: // nil before Start: never
		s.Err = e.err
	default:
	}
	return s
}

// Close implements engine.Engine.
func (e *Engine) Close() error {
	if e.done == nil {
		return nil
	}
	e.closing.Do(func() { close(e.in) })
	<-e.done
	if errors.Is(e.err, context.Canceled) {
		return nil
	}
	return e.err
}

// run cuts blocks until the queue is closed and everything in it is decided,
// ctx ends, or Commit fails. A reference larger than a block's limits makes a
// block by itself.
func (e *Engine) run(ctx context.Context) error {
	timer := time.NewTimer(e.cfg.Interval)
	timer.Stop()
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			if err := e.cut(ctx); err != nil {
				return err
			}
		case ref, ok := <-e.in:
			if !ok {
				return e.cut(ctx)
			}
			if e.txs+int(ref.Txs) > e.cfg.MaxTxs || e.bytes+int(ref.Bytes) > e.cfg.MaxBytes {
				if err := e.cut(ctx); err != nil {
					return err
				}
			}
			if len(e.refs) == 0 {
				timer.Reset(e.cfg.Interval)
			}
			e.refs = append(e.refs, ref)
			e.txs += int(ref.Txs)
			e.bytes += int(ref.Bytes)
			if e.txs >= e.cfg.MaxTxs || e.bytes >= e.cfg.MaxBytes {
				if err := e.cut(ctx); err != nil {
					return err
				}
			}
			if len(e.refs) == 0 {
				timer.Stop()
			}
		}
	}
}

// cut decides what has been collected. While Commit blocks, references wait in
// the queue, and when that is full, in Propose.
func (e *Engine) cut(ctx context.Context) error {
	if len(e.refs) == 0 {
		return nil
	}
	// A clock that stands still or goes back must not give two blocks one time.
	e.timeNS = max(uint64(e.now().UnixNano()), e.timeNS+1)
	err := e.app.Commit(ctx, engine.Decision{Number: e.number.Load() + 1, TimeNS: e.timeNS, Refs: e.refs})
	if err != nil {
		return err
	}
	e.number.Add(1)
	e.decided.Add(int64(len(e.refs)))
	e.refs, e.txs, e.bytes = e.refs[:0], 0, 0
	return nil
}
