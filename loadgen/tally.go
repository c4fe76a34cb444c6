package loadgen

import (
	"fmt"
	"strings"

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

// tally counts events per window. It belongs to one goroutine, so that nothing
// is locked while load is offered; tallies are added up afterwards.
type tally struct {
	windowNS int64
	highest  int64 // largest latency that a histogram holds, in units
	slots    []slot
	tooLong  int64 // samples above highest
	name     func(code uint8) string
}

// slot is one window of a tally. Histograms are made when first needed, a few
// times a second at most.
type slot struct {
	accepted, committed, expired int64
	rejected                     *[512]int64 // by code, those of execution from execCode on
	hist                         [numStages]*hdrhistogram.Histogram
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

func (t *tally) at(ns int64) *slot { return &t.slots[t.index(ns)] }

// record adds a latency. One below zero is counted apart, never made zero.
func (t *tally) record(s *slot, st stage, latencyNS int64) {
	if latencyNS < 0 {
		s.negative[st]++
		return
	}
	h := s.hist[st]
	if h == nil {
		h = hdrhistogram.New(1, t.highest, hdrDigits)
		s.hist[st] = h
	}
	if h.RecordValue(latencyNS/unitNS) != nil {
		t.tooLong++
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

// add adds another tally of the same shape to t.
func (t *tally) add(o *tally) {
	t.tooLong += o.tooLong
	for i := range o.slots {
		t.slots[i].add(&o.slots[i])
	}
}

func (s *slot) add(o *slot) {
	s.accepted += o.accepted
	s.committed += o.committed
	s.expired += o.expired
	if o.rejected != nil {
		for st, n := range o.rejected {
			if n > 0 {
				if s.rejected == nil {
					s.rejected = new([512]int64)
				}
				s.rejected[st] += n
			}
		}
	}
	for st, h := range o.hist {
		s.negative[st] += o.negative[st]
		switch {
		case h == nil:
		case s.hist[st] == nil:
			s.hist[st] = h // the other tally is not used any more
		default:
			s.hist[st].Merge(h)
		}
	}
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

// histograms returns the window's histograms in the form of a record.
func (s *slot) histograms() ([]results.Histogram, error) {
	var out []results.Histogram
	for st, h := range s.hist {
		if h == nil && s.negative[st] == 0 {
			continue
		}
		if h == nil {
			h = hdrhistogram.New(1, 2, hdrDigits)
		}
		enc, err := results.EncodeHistogram(h, stageNames[st], unitNS, s.negative[st])
		if err != nil {
			return nil, fmt.Errorf("latency of stage %s: %w", stageNames[st], err)
		}
		out = append(out, enc)
	}
	return out, nil
}

// total adds the histograms of all windows up, into new ones.
func (t *tally) total() slot {
	var sum slot
	for i := range t.slots {
		for st, h := range t.slots[i].hist {
			sum.negative[st] += t.slots[i].negative[st]
			if h == nil {
				continue
			}
			if sum.hist[st] == nil {
				sum.hist[st] = hdrhistogram.New(1, t.highest, hdrDigits)
			}
			sum.hist[st].Merge(h)
		}
	}
	return sum
}
