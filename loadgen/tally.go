package loadgen

import (
	"strings"
	"sync"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/chainweir/weir/results"
)

// stage is a point of a transaction's way at which a latency is taken.
type stage int

const (
	stageSubmit stage = iota
	stageAccept
	stageCommit
	stageCommitFromSend
	numStages
)

var stageNames = [numStages]string{"submit", "accept", "commit", "commit_from_send"}

// unitNS is the unit of all histograms: 1 µs, recorded with three digits.
const (
	unitNS    = 1000
	hdrDigits = 3
)

// tally counts events per window. A few connections share one, so that there are
// not as many as connections; whoever writes holds its lock, for one frame or one
// answer and never across I/O. Tallies are added up afterwards.
//
// Only the window that is open has histograms, 170 kB each. When an event of a
// later window comes they are packed, which takes some 0.1 ms, so that a run may
// have as many windows as seconds.
type tally struct {
	mu       sync.Mutex
	windowNS int64
	highest  int64 // largest latency that a histogram holds, in units
	slots    []slot
	tooLong  int64 // samples above highest
	name     func(code uint8) string

	open   int // the window that hist belongs to
	hist   [numStages]*hdrhistogram.Histogram
	packed [numStages][]packed
}

// slot is one window of a tally.
type slot struct {
	accepted, committed, expired int64
	rejected                     *[512]int64 // by code, those of execution from execCode on
	negative                     [numStages]int64
}

// newTally makes room for all windows up to totalNS, the longest that a run can
// last, and for latencies as long as that.
func newTally(windowNS, totalNS int64, name func(code uint8) string) *tally {
	return &tally{windowNS: windowNS, name: name, highest: totalNS / unitNS, slots: make([]slot, totalNS/windowNS+2)}
}

// index is the window of a time. What comes later than all of them (a machine
// that was suspended) goes into the last.
func (t *tally) index(ns int64) int {
	return int(min(max(ns, 0)/t.windowNS, int64(len(t.slots)-1)))
}

// at is the window of a time, and opens it.
func (t *tally) at(ns int64) *slot {
	i := t.index(ns)
	if i != t.open {
		t.pack()
		t.open = i
	}
	return &t.slots[i]
}

// record adds a latency to the window that at returned last. One below zero is
// counted apart, never made zero.
func (t *tally) record(s *slot, st stage, latencyNS int64) {
	if latencyNS < 0 {
		s.negative[st]++
		return
	}
	h := t.hist[st]
	if h == nil {
		h = hdrhistogram.New(1, t.highest, hdrDigits)
		t.hist[st] = h
	}
	if h.RecordValue(latencyNS/unitNS) != nil {
		t.tooLong++
	}
}

// submitted notes that a frame was written at a time.
func (t *tally) submitted(intendedNS []int64, nowNS int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.at(nowNS)
	for _, ns := range intendedNS {
		t.record(s, stageSubmit, nowNS-ns)
	}
}

// execCode is added to the code of an accepted transaction that failed
// later: a record tells these from those refused at the door.
const execCode = 256

// reason names a slot of rejected.
func (t *tally) reason(i int) string {
	name := t.name(uint8(i % execCode))
	if i >= execCode && !strings.HasPrefix(name, "exec:") {
		return "exec:" + name
	}
	return name
}

// reject counts refused transactions; an expired one is not a refusal of its
// kind but has a count of its own.
func (s *slot) reject(code uint8, n int64, executed bool) {
	if code == CodeExpired {
		s.expired += n
		return
	}
	if s.rejected == nil {
		s.rejected = new([512]int64)
	}
	i := int(code)
	if executed {
		i += execCode
	}
	s.rejected[i] += n
}

// addCounts adds the counts of another tally of the same shape to t.
func (t *tally) addCounts(o *tally) {
	t.tooLong += o.tooLong
	for i := range o.slots {
		t.slots[i].add(&o.slots[i])
	}
}

func (s *slot) add(o *slot) {
	s.accepted += o.accepted
	s.committed += o.committed
	s.expired += o.expired
	for st, n := range o.negative {
		s.negative[st] += n
	}
	if o.rejected == nil {
		return
	}
	if s.rejected == nil {
		s.rejected = new([512]int64)
	}
	for st, n := range o.rejected {
		s.rejected[st] += n
	}
}

// touched tells whether anything happened in the window.
func (s *slot) touched() bool {
	return s.accepted+s.committed+s.expired > 0 || s.rejected != nil || s.negative != [numStages]int64{}
}

// counts is the part of a window's counts that recorders know.
func (t *tally) counts(s *slot) results.Counts {
	c := results.Counts{Accepted: s.accepted, Committed: s.committed, Expired: s.expired, Rejected: results.Rejections{}}
	if s.rejected != nil {
		for st, n := range s.rejected {
			if n > 0 {
				c.Rejected[t.reason(st)] = n
			}
		}
	}
	return c
}
