package state

import (
	"sync"
	"sync/atomic"
)

// crew spreads numbered pieces of work over goroutines, the caller being one of
// them. It keeps its function value, so that starting them allocates nothing.
type crew struct {
	task   func(worker, piece int)
	loop   func() // work, bound once
	pieces int
	next   atomic.Int64 // first piece that nobody has taken
	joined atomic.Int64 // workers numbered so far
	wg     sync.WaitGroup
}

// run calls task for pieces 0 to pieces-1 on at most the given number of
// workers and returns when all have ended. A worker's number is below workers.
func (c *crew) run(workers, pieces int, task func(worker, piece int)) {
	if workers = min(workers, pieces); workers <= 1 {
		for i := range pieces {
			task(0, i)
		}
		return
	}
	if c.loop == nil {
		c.loop = c.work
	}
	c.task, c.pieces = task, pieces
	c.next.Store(0)
	c.joined.Store(0)
	c.wg.Add(workers)
	for range workers - 1 {
		go c.loop()
	}
	c.work()
	c.wg.Wait()
}

func (c *crew) work() {
	defer c.wg.Done()
	worker := int(c.joined.Add(1)) - 1
	for {
		piece := int(c.next.Add(1)) - 1
		if piece >= c.pieces {
			return
		}
		c.task(worker, piece)
	}
}
