package merkle

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// crew spreads numbered pieces of work over a bounded number of goroutines, the
// caller being one of them, and returns only when all have ended. It keeps its
// function value, so that starting goroutines again allocates nothing.
type crew struct {
	workers int
	task    func(ctx context.Context, worker, piece int) error
	loop    func() // worker bound once

	ctx    context.Context // of the current run only
	pieces int
	next   atomic.Int64 // first piece that nobody has taken
	joined atomic.Int64 // workers numbered so far
	wg     sync.WaitGroup

	mu     sync.Mutex
	err    error
	failed int // piece that err belongs to
}

// maxWorkers bounds the scratch memory that a slip of a digit asks for.
const maxWorkers = 1024

// resolveWorkers turns 0 or less into as many workers as Go uses processors.
func resolveWorkers(n int) int {
	if n < 1 {
		n = runtime.GOMAXPROCS(0)
	}
	return min(n, maxWorkers)
}

func newCrew(workers int, task func(ctx context.Context, worker, piece int) error) *crew {
	c := &crew{workers: resolveWorkers(workers), task: task}
	c.loop = c.work
	return c
}

// run does pieces 0 to pieces-1. Pieces are handed out in order and a failure
// stops the handing out, so of several failures the one of the lowest piece is
// returned whatever the number of workers.
func (c *crew) run(ctx context.Context, pieces int) error {
	if pieces == 0 {
		return nil
	}
	c.ctx, c.pieces, c.err = ctx, pieces, nil
	c.next.Store(0)
	c.joined.Store(0)
	shared := workersOf(ctx)
	others := shared.take(min(c.workers, pieces) - 1)
	c.wg.Add(1 + others)
	for range others {
		go c.loop()
	}
	c.work()
	c.wg.Wait()
	shared.give(others)
	c.ctx = nil
	return c.err
}

func (c *crew) work() {
	defer c.wg.Done()
	worker := int(c.joined.Add(1)) - 1
	for {
		piece := int(c.next.Add(1)) - 1
		if piece >= c.pieces {
			return
		}
		err := c.ctx.Err()
		if err == nil {
			err = c.task(c.ctx, worker, piece)
		}
		if err != nil {
			c.fail(piece, err)
			return
		}
	}
}

func (c *crew) fail(piece int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil || piece < c.failed {
		c.err, c.failed = err, piece
	}
	c.next.Store(int64(c.pieces)) // hand out no more
}
