package agent

import (
	"time"

	"github.com/chainweir/weir/results"
)

// clockSamples is how many of the last round trips are kept. The best of them
// decides, so that a queue on the path costs precision only while it lasts.
const clockSamples = 64

// exchange is one question and answer with its four times (RFC 5905 §8): sent
// and received by the asker's clock, received and sent by the answerer's.
type exchange struct{ t1, t2, t3, t4 int64 }

// delay is the time that the question and the answer spent on the way.
func (x exchange) delay() int64 { return (x.t4 - x.t1) - (x.t3 - x.t2) }

// offset is the answerer's clock minus the asker's, if both ways took the same
// time. If they did not, it is wrong by at most half of the delay.
func (x exchange) offset() int64 { return ((x.t2 - x.t1) + (x.t3 - x.t4)) / 2 }

// driftPPM is how far two clocks may go apart, in millionths of the time: each
// crystal is good for about 50. An exchange tells less the older it is.
const driftPPM = 100

// errorAt bounds, at a later time of the asker's clock, how far the offset is
// from the truth: rounded up, half of an odd delay is between two nanoseconds.
func (x exchange) errorAt(now int64) int64 {
	return (x.delay()+1)/2 + max(0, now-x.t1)/(1e6/driftPPM) + 1
}

// clockFilter estimates the offset from the exchange with the smallest error.
type clockFilter struct {
	ring [clockSamples]exchange
	n    int // exchanges seen
}

// add takes an exchange. One that contradicts itself is left out: an answer
// cannot arrive before it was sent.
func (f *clockFilter) add(x exchange) {
	if x.t3 < x.t2 || x.delay() < 0 {
		return
	}
	f.ring[f.n%clockSamples] = x
	f.n++
}

// best is the estimate at a time of the asker's clock, nil before the first
// exchange.
func (f *clockFilter) best(now int64) *results.Clock {
	kept := f.ring[:min(f.n, clockSamples)]
	if len(kept) == 0 {
		return nil
	}
	b := kept[0]
	for _, x := range kept[1:] {
		if x.errorAt(now) < b.errorAt(now) {
			b = x
		}
	}
	return &results.Clock{OffsetNS: b.offset(), ErrorNS: b.errorAt(now), RTTNS: b.delay(), Samples: len(kept)}
}

// steadyClock is the wall clock as it was once, and the monotonic clock since:
// it does not jump when somebody sets the time in the middle of a run.
func steadyClock() func() time.Time {
	start := time.Now()
	wall := start.Round(0)
	return func() time.Time { return wall.Add(time.Since(start)) }
}
