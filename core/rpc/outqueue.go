package rpc

import "sync"

// outQueue collects frames for a connection's writer. It holds at most max
// bytes: a client that falls further behind is cut off, because waiting for it
// would stall the node and forgetting frames would lie to it.
type outQueue struct {
	mu     sync.Mutex
	wake   sync.Cond
	buf    []byte
	max    int
	closed bool // write what is there, then end
	over   bool // the client fell behind
	dead   bool // drop everything
	cut    func()
}

// init sets the limit and what is called when the client fell behind.
func (q *outQueue) init(limit int, cut func()) {
	q.max, q.cut = limit, cut
	q.wake.L = &q.mu
}

// put appends a frame. It never blocks; after the end it does nothing.
func (q *outQueue) put(frame func([]byte) []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.dead {
		return
	}
	if len(q.buf) > q.max {
		q.over, q.dead = true, true
		q.buf = nil
		q.cut()
	} else {
		q.buf = frame(q.buf)
	}
	q.wake.Signal()
}

// take waits for frames and returns them; spare is a buffer that can be filled
// meanwhile. It returns false when nothing more will come.
func (q *outQueue) take(spare []byte) ([]byte, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.buf) == 0 && !q.closed && !q.dead {
		q.wake.Wait()
	}
	if q.dead || len(q.buf) == 0 {
		return spare, false
	}
	out := q.buf
	q.buf = spare[:0]
	return out, true
}

func (q *outQueue) close() {
	q.mu.Lock()
	q.closed = true
	q.wake.Signal()
	q.mu.Unlock()
}

// abandon drops what is queued: the connection cannot be written to.
func (q *outQueue) abandon() {
	q.mu.Lock()
	q.dead, q.buf = true, nil
	q.wake.Signal()
	q.mu.Unlock()
}

func (q *outQueue) overflowed() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.over
}
