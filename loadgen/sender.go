package loadgen

import (
	"context"
	"fmt"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A transaction's sent word holds when its write began, in ns, and on which
// connection, from 1; 0 says that it was not sent.
const (
	connBits = 8
	connMask = 1<<connBits - 1
)

// sender writes frames to one connection.
type sender struct {
	r     *run
	conn  int64
	to    Conn
	tally *tally

	lag    *hdrhistogram.Histogram // start of the write minus intended time
	early  int64                   // lags below zero
	frames int64
	missed int64 // transactions that the source did not have ready in time

	// The frame whose write failed: the node cannot have read it to its end.
	failedFirst, failedCount int
}

// loop sends what is due until the schedule ends, the run fails or ctx is done.
func (s *sender) loop(ctx context.Context) {
	r := s.r
	for {
		first, n, now, ok := r.pacer.claim(ctx)
		if !ok {
			return
		}
		txs, have := r.cfg.Corpus.Piece(r.cfg.FirstTx+first, n, 0)
		if have == 0 && r.mayMiss {
			s.missed += int64(n) // never sent, so it counts as dropped
			continue
		}
		word := now<<connBits | s.conn
		for i := first; i < first+n; i++ {
			r.sent[i].Store(word) // before the write: the answer may come before it returns
			if lag := now - r.times[i]; lag < 0 {
				s.early++
			} else if s.lag.RecordValue(lag/unitNS) != nil {
				s.tally.tooLong++
			}
		}
		err := fmt.Errorf("%w: %d of %d transactions from %d", ErrCorpusSmall, have, n, r.cfg.FirstTx+first)
		if have == n {
			err = s.to.Submit(uint64(first), n, txs)
		}
		if err != nil {
			s.failedFirst, s.failedCount = first, n
			r.fail(fmt.Errorf("connection %d cannot send: %w", s.conn, err))
			return
		}
		done := r.clock()
		slot := s.tally.at(done)
		for i := first; i < first+n; i++ {
			s.tally.record(slot, stageSubmit, done-r.times[i])
		}
		s.frames++
		r.live.sent.Add(int64(n))
	}
}
