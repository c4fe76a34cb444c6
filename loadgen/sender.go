package loadgen

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A transaction's sent word holds when its write began, in ns, and on which
// connection, from 1; 0 says that it was not sent.
const (
	connBits = 8
	connMask = 1<<connBits - 1
)

// sender writes frames to one connection. It belongs to whoever has taken it by
// its state.
type sender struct {
	r     *run
	conn  int64
	to    Conn
	tally *tally

	state   atomic.Int32
	beganNS atomic.Int64 // begin of the last write

	frames   int64
	missed   int64                   // transactions that the source did not have ready in time
	frameTxs *hdrhistogram.Histogram // transactions per frame

	// The frame whose write failed: the node cannot have read it to its end.
	failedFirst, failedCount int
}

// sendLoop sends what is due whenever it has the token, until the schedule
// ends, the run fails or ctx is done. Each connection has a goroutine that runs
// it, on any connection.
func (r *run) sendLoop(ctx context.Context) {
	// The thread's settings for waking up on time must not outlive the run: a
	// thread ends with the goroutine that is locked to it.
	runtime.LockOSThread()
	punctual()
	p := r.pacer
	for {
		select {
		case <-p.token:
		case <-ctx.Done():
			return
		}
		for leads := true; leads; {
			first, n, now, ok := p.claim(ctx)
			if !ok {
				p.pass() // the others end as well
				return
			}
			s := p.pick()
			s.beganNS.Store(now)
			p.writing.Store(s)
			ok = s.send(first, n, now)
			leads = s.state.Swap(senderFree) == senderLeads
			if !ok {
				if leads {
					p.pass()
				}
				return
			}
		}
	}
}

// send writes one frame, claimed at time now. It returns false when the run
// has failed.
func (s *sender) send(first, n int, now int64) bool {
	r := s.r
	txs, have := r.cfg.Corpus.Piece(r.cfg.FirstTx+first, n, 0)
	if have == 0 && r.mayMiss {
		s.missed += int64(n) // never sent, so it counts as dropped
		return true
	}
	word := now<<connBits | s.conn
	for i := first; i < first+n; i++ {
		r.sent[i].Store(word) // before the write: the answer may come before it returns
	}
	err := fmt.Errorf("%w: %d of %d transactions from %d", ErrCorpusSmall, have, n, r.cfg.FirstTx+first)
	if have == n {
		err = s.to.Submit(uint64(first), n, txs)
	}
	if err != nil {
		s.failedFirst, s.failedCount = first, n
		r.fail(fmt.Errorf("connection %d cannot send: %w", s.conn, err))
		return false
	}
	done := r.clock()
	slot := s.tally.at(done)
	for i := first; i < first+n; i++ {
		s.tally.record(slot, stageSubmit, done-r.times[i])
	}
	s.frames++
	_ = s.frameTxs.RecordValue(int64(n)) // n is at most MaxFrameTxs, its bound
	r.live.sent.Add(int64(n))
	return true
}
