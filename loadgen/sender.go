package loadgen

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A transaction's sent word holds when its write began, in ns, and on which
// connection, from 1; 0 says that it was not sent.
const (
	connBits = 16
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

// sendLoop sends what is due while it has a token, until the schedule ends, the
// run fails or ctx is done. There are as many goroutines that run it as
// connections, each for any of these.
func (r *run) sendLoop(ctx context.Context) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer punctual()()
	p := r.pacer
	d := newDriver(p)
	for more := true; more; {
		select {
		case d.token = <-p.tokens:
			more = r.drive(ctx, d)
		case <-ctx.Done():
			more = false
		}
	}
}

// drive sends while d has its token. It returns false when nothing more is to
// be sent.
func (r *run) drive(ctx context.Context, d *driver) bool {
	stayOn(r.cores[d.token : d.token+1])
	defer stayOn(r.cores)
	for {
		f, ok := d.claim(ctx)
		drives := true
		if ok {
			ok = f.to.send(f.first, f.n, f.nowNS)
			drives = f.to.release()
		}
		if !ok && drives {
			r.pacer.tokens <- d.token // the others end as well
		}
		if !ok || !drives {
			return ok
		}
	}
}

// release gives the sender back after a write. It tells whether the token is
// still there.
func (s *sender) release() bool { return s.state.Swap(senderFree) > senderFree }

// procs counts the runs that asked for spare procs.
var procs struct {
	sync.Mutex
	runs, before int
}

// spareProcs gives the Go scheduler two places more than it has, until the
// returned function is called. Whoever returns from a sleep needs one: when
// every place belongs to a thread that waits for a processor, the sender would
// wait for them too, whatever its own priority. No more threads run for it.
func spareProcs() (restore func()) {
	procs.Lock()
	defer procs.Unlock()
	if procs.runs++; procs.runs == 1 {
		procs.before = runtime.GOMAXPROCS(0)
		runtime.GOMAXPROCS(procs.before + 2)
	}
	return func() {
		procs.Lock()
		defer procs.Unlock()
		if procs.runs--; procs.runs == 0 {
			runtime.GOMAXPROCS(procs.before)
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
	s.tally.submitted(r.times[first:first+n], r.clock())
	s.frames++
	_ = s.frameTxs.RecordValue(int64(n)) // n is at most MaxFrameTxs, its bound
	r.live.sent.Add(int64(n))
	return true
}
