package rpc

import (
	"sync"

	"github.com/chainweir/weir/core/wire"
)

// outQueue collects frames for a connection's writer. It holds at most max bytes
// of frames, those being written included: a client that falls further behind is
// cut off, because waiting for it would stall the node and forgetting frames would
// lie to it. Large answers are kept as they are, not copied; the room for them was
// taken before they were made (see questions), so they do not count here.
type outQueue struct {
	mu      sync.Mutex
	wake    sync.Cond
	parts   []part // in order, before buf
	buf     []byte
	bytes   int // of frames here and in the writer's hands
	max     int
	session *Session // nil: no bound over all clients
	closed  bool     // write what is there, then end
	over    bool     // the client fell behind
	dead    bool     // drop everything
	cut     func()
}

// part is frames, then perhaps an answer that belongs to the last of them.
type part struct {
	frames, answer []byte
	turn           *Turn
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
	q.append(frame)
}

// append does it, with the lock held, and tells whether the frame waits now.
func (q *outQueue) append(frame func([]byte) []byte) bool {
	if q.closed || q.dead {
		return false
	}
	had := len(q.buf)
	q.buf = frame(q.buf)
	n := len(q.buf) - had
	if q.bytes+n > q.max || q.session != nil && !q.session.Hold(q.bytes, n, 1) {
		q.over, q.dead = true, true
		q.buf = nil
		q.cut()
		q.wake.Signal()
		return false
	}
	q.bytes += n
	q.wake.Signal()
	return true
}

// putAnswer appends a reply and sees to it that the turn gets its Sent.
func (q *outQueue) putAnswer(t *Turn, id uint32, code uint8, answer []byte) {
	if len(answer) <= SmallAnswerBytes {
		q.put(func(b []byte) []byte { return wire.AppendReply(b, id, code, answer) })
		t.Sent()
		return
	}
	q.mu.Lock()
	ok := q.append(func(b []byte) []byte { return wire.AppendReplyHeader(b, id, code, len(answer)) })
	if ok {
		q.parts = append(q.parts, part{q.buf, answer, t})
		q.buf = nil
	}
	q.mu.Unlock()
	if !ok {
		t.Sent()
	}
}

// take waits for frames and returns them; spare is memory that can be filled
// meanwhile. It returns false when nothing more will come.
func (q *outQueue) take(spare []part) ([]part, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.parts) == 0 && len(q.buf) == 0 && !q.closed && !q.dead {
		q.wake.Wait()
	}
	if q.dead || len(q.parts) == 0 && len(q.buf) == 0 {
		return nil, false
	}
	out := append(q.parts, part{frames: q.buf})
	q.buf = nil
	if len(spare) > 0 {
		q.buf = spare[len(spare)-1].frames[:0]
	}
	clear(spare)
	q.parts = spare[:0]
	return out, true
}

// wrote says that n bytes of frames are no longer here.
func (q *outQueue) wrote(n int) {
	q.mu.Lock()
	q.bytes -= n
	q.mu.Unlock()
	if q.session != nil {
		q.session.Release(n)
	}
}

func (q *outQueue) close() {
	q.mu.Lock()
	q.closed = true
	q.wake.Signal()
	q.mu.Unlock()
}

// abandon drops what is queued and gives back what that held: the connection
// cannot be written to.
func (q *outQueue) abandon() {
	q.mu.Lock()
	parts, n := q.parts, q.bytes
	q.dead, q.buf, q.parts, q.bytes = true, nil, nil, 0
	q.wake.Signal()
	q.mu.Unlock()
	if q.session != nil {
		q.session.Release(n)
	}
	for _, p := range parts {
		p.sent()
	}
}

func (p *part) sent() {
	if p.turn != nil {
		p.turn.Sent()
	}
}

func (q *outQueue) overflowed() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.over
}
