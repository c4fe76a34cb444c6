package core_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
)

// deadline bounds every wait. No test depends on how long something takes.
const deadline = 60 * time.Second

type place struct {
	height uint64
	index  uint32
}

// recorder writes down what became of each transaction, as a Sink in the node's
// process or as the Handler of a client.
type recorder struct {
	mu      sync.Mutex
	acks    map[uint64]tx.Status
	commits map[uint64]place
	rejects map[uint64]tx.Status
	taken   map[place]uint64 // which transaction a place was promised to
	headers []tx.Header
	wrong   []string // what the protocol forbids
	changed chan struct{}
	closed  bool
}

func newRecorder() *recorder {
	return &recorder{
		acks: map[uint64]tx.Status{}, commits: map[uint64]place{}, rejects: map[uint64]tx.Status{},
		taken: map[place]uint64{}, changed: make(chan struct{}),
	}
}

// event changes the record and wakes whoever waits.
func (r *recorder) event(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *recorder) complain(format string, args ...any) {
	r.wrong = append(r.wrong, fmt.Sprintf(format, args...))
}

func (r *recorder) ack(seq uint64, s tx.Status) {
	if old, twice := r.acks[seq]; twice {
		r.complain("%d was acknowledged twice: %s, %s", seq, old, s)
	}
	r.acks[seq] = s
}

func (r *recorder) commit(height uint64, rg wire.Range) {
	for i := range rg.Count {
		seq, p := rg.Seq+uint64(i), place{height, rg.Index + i}
		if s, acked := r.acks[seq]; !acked || s != tx.StatusOK {
			r.complain("%d was committed and acknowledged as %s (%v)", seq, s, acked)
		}
		if old, twice := r.commits[seq]; twice {
			r.complain("%d was committed twice: %v, %v", seq, old, p)
		}
		if other, taken := r.taken[p]; taken {
			r.complain("%d and %d were committed in the same place %v", seq, other, p)
		}
		r.commits[seq], r.taken[p] = p, seq
	}
}

func (r *recorder) reject(seq uint64, s tx.Status) {
	if a, acked := r.acks[seq]; !acked || a != tx.StatusOK {
		r.complain("%d was rejected and acknowledged as %s (%v)", seq, a, acked)
	}
	if _, twice := r.rejects[seq]; twice {
		r.complain("%d was rejected twice", seq)
	}
	if _, committed := r.commits[seq]; committed {
		r.complain("%d was committed and rejected", seq)
	}
	r.rejects[seq] = s
}

// Acked implements core.Sink.
func (r *recorder) Acked(base uint64, status []tx.Status) {
	r.event(func() {
		for i, s := range status {
			r.ack(base+uint64(i), s)
		}
	})
}

// Committed implements core.Sink.
func (r *recorder) Committed(height, _ uint64, ranges []wire.Range) {
	r.event(func() {
		for _, rg := range ranges {
			r.commit(height, rg)
		}
	})
}

// Rejected implements core.Sink.
func (r *recorder) Rejected(rs []wire.Rejection) {
	r.event(func() {
		for _, rj := range rs {
			r.reject(rj.Seq, rj.Status)
		}
	})
}

// handler makes the recorder a client's.
func (r *recorder) handler() client.Handler {
	return client.Handler{
		Ack: func(seq uint64, count int, s tx.Status) {
			r.event(func() {
				for i := range count {
					r.ack(seq+uint64(i), s)
				}
			})
		},
		Commit: func(height, _ uint64, rg wire.Range) { r.event(func() { r.commit(height, rg) }) },
		Reject: func(seq uint64, s tx.Status) { r.event(func() { r.reject(seq, s) }) },
		Block:  func(h tx.Header) { r.event(func() { r.headers = append(r.headers, h) }) },
		Closed: func(error) { r.event(func() { r.closed = true }) },
	}
}

// until waits for a condition, which is asked with the record locked.
func (r *recorder) until(t testing.TB, what string, cond func() bool) {
	t.Helper()
	limit := time.After(deadline)
	for {
		r.mu.Lock()
		ok, ch, closed := cond(), r.changed, r.closed
		r.mu.Unlock()
		switch {
		case ok:
			return
		case closed:
			t.Fatalf("the connection ended before %s", what)
		}
		select {
		case <-ch:
		case <-limit:
			t.Fatalf("%s did not happen", what)
		}
	}
}

// outcome is what finally became of a transaction. The record is locked.
func (r *recorder) outcome(seq uint64) (s tx.Status, final bool) {
	if s, ok := r.acks[seq]; !ok || s != tx.StatusOK {
		return s, ok
	}
	if s, ok := r.rejects[seq]; ok {
		return s, true
	}
	_, ok := r.commits[seq]
	return tx.StatusOK, ok
}

// settled waits until the transactions from..to-1 have an outcome and fails the
// test if the node broke the protocol on the way.
func (r *recorder) settled(t testing.TB, from, to uint64) {
	t.Helper()
	r.until(t, fmt.Sprintf("an outcome of %d to %d", from, to-1), func() bool {
		for ; from < to; from++ {
			if _, final := r.outcome(from); !final {
				return false
			}
		}
		return true
	})
	r.noWrongs(t)
}

func (r *recorder) noWrongs(t testing.TB) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.wrong {
		t.Error(w)
	}
}

// committed copies the places of what has been committed so far.
func (r *recorder) committed() map[uint64]place {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := make(map[uint64]place, len(r.commits))
	for seq, p := range r.commits {
		m[seq] = p
	}
	return m
}
