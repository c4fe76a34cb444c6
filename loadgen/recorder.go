package loadgen

import (
	"fmt"
	"sync/atomic"
)

// What is known of a transaction, as bits.
const (
	bitAcked     = 1 << iota // the node has answered
	bitAccepted              // … and said yes
	bitCommitted             // final: in a durable block
	bitFailed                // final: rejected or expired
	bitsFinal    = bitCommitted | bitFailed
)

// Contradictions in a node's answers. Each makes the record worthless.
type anomaly int

const (
	anomalyStray anomaly = iota
	anomalyAckedTwice
	anomalyCommittedTwice
	anomalyFailedTwice
	anomalyCommittedAndFailed
	anomalyAcceptedAndFailed
	anomalyRejectedAsOK
	numAnomalies
)

var anomalyNames = [numAnomalies]string{
	"answered without having been sent on that connection",
	"acknowledged twice",
	"committed twice",
	"refused twice",
	"both committed and refused",
	"refused in the acknowledgement after a final outcome",
	"rejected with the status ok",
}

// live counts what has happened so far, for whoever looks while the run goes on.
type live struct {
	sent, accepted, committed, failed atomic.Int64
	failedAccepted                    atomic.Int64 // failed after having been accepted
}

// finished is the number of transactions with a final outcome.
func (l *live) finished() int64 { return l.committed.Load() + l.failed.Load() }

// recorder notes what one connection hears: its Events. Their calls never
// overlap, and nothing else touches it before the connection is closed.
type recorder struct {
	r     *run
	conn  int64 // number of the connection, from 1
	tally *tally

	lastCommitNS int64
	anomalies    [numAnomalies]int64
	firstAnomaly [numAnomalies]uint64
}

func (c *recorder) anomaly(a anomaly, seq uint64) {
	if c.anomalies[a] == 0 {
		c.firstAnomaly[a] = seq
	}
	c.anomalies[a]++
}

// own returns the sent time of transaction seq, if this connection sent it.
// Only then is its state this recorder's to change.
func (c *recorder) own(seq uint64) (sentNS int64, ok bool) {
	if !c.r.started.Load() || seq >= uint64(len(c.r.sent)) {
		c.anomaly(anomalyStray, seq)
		return 0, false
	}
	word := c.r.sent[seq].Load()
	if word&connMask != c.conn {
		c.anomaly(anomalyStray, seq)
		return 0, false
	}
	return word >> connBits, true
}

// span bounds a range that a node names: a few bytes of nonsense must not make
// the recorder count to 2^32.
func (c *recorder) span(seq uint64, count int) int {
	if n := uint64(len(c.r.sent)); seq >= n || uint64(count) > n-seq {
		c.anomaly(anomalyStray, seq)
		if seq >= n {
			return 0
		}
		return int(n - seq)
	}
	return count
}

// Ack is part of Events.
func (c *recorder) Ack(seq uint64, count int, code uint8) {
	now := c.r.clock()
	c.tally.mu.Lock()
	defer c.tally.mu.Unlock()
	s := c.tally.at(now)
	var n int64
	for i := range uint64(c.span(seq, count)) {
		if c.ackOne(s, seq+i, code, now) {
			n++
		}
	}
	if code == CodeOK {
		s.accepted += n
		c.r.live.accepted.Add(n)
	} else if n > 0 {
		s.reject(code, n, false)
		c.r.live.failed.Add(n)
	}
}

func (c *recorder) ackOne(s *slot, seq uint64, code uint8, now int64) bool {
	if _, ok := c.own(seq); !ok {
		return false
	}
	st := &c.r.state[seq]
	if *st&bitAcked != 0 {
		c.anomaly(anomalyAckedTwice, seq)
		return false
	}
	*st |= bitAcked
	if code == CodeOK {
		*st |= bitAccepted
		c.tally.record(s, stageAccept, now-c.r.times[seq])
		return true
	}
	if *st&bitsFinal != 0 {
		c.anomaly(anomalyAcceptedAndFailed, seq)
		return false
	}
	*st |= bitFailed
	return true
}

// Commit is part of Events.
func (c *recorder) Commit(from uint64, count int) {
	now := c.r.clock()
	c.tally.mu.Lock()
	defer c.tally.mu.Unlock()
	s := c.tally.at(now)
	var n int64
	for i := range uint64(c.span(from, count)) {
		seq := from + i
		sentNS, ok := c.own(seq)
		if !ok {
			continue
		}
		st := &c.r.state[seq]
		if *st&bitsFinal != 0 {
			c.twice(*st, bitCommitted, anomalyCommittedTwice, seq)
			continue
		}
		*st |= bitCommitted
		c.tally.record(s, stageCommit, now-c.r.times[seq])
		c.tally.record(s, stageCommitFromSend, now-sentNS)
		n++
	}
	if n > 0 {
		s.committed += n
		c.lastCommitNS = now
		c.r.live.committed.Add(n)
	}
}

// Reject is part of Events.
func (c *recorder) Reject(seq uint64, code uint8) {
	now := c.r.clock()
	c.tally.mu.Lock()
	defer c.tally.mu.Unlock()
	if _, ok := c.own(seq); !ok {
		return
	}
	if code == CodeOK {
		c.anomaly(anomalyRejectedAsOK, seq)
		return
	}
	st := &c.r.state[seq]
	if *st&bitsFinal != 0 {
		c.twice(*st, bitFailed, anomalyFailedTwice, seq)
		return
	}
	*st |= bitFailed
	c.tally.at(now).reject(code, 1, true)
	if *st&bitAccepted != 0 {
		c.r.live.failedAccepted.Add(1)
	}
	c.r.live.failed.Add(1)
}

// twice notes a second final outcome: the same again, or the opposite.
func (c *recorder) twice(state, now uint8, same anomaly, seq uint64) {
	if state&now != 0 {
		c.anomaly(same, seq)
	} else {
		c.anomaly(anomalyCommittedAndFailed, seq)
	}
}

// Closed is part of Events.
func (c *recorder) Closed(err error) {
	c.r.fail(fmt.Errorf("connection %d to the node broke: %w", c.conn, err))
}
