package cpu

import (
	"fmt"
	"math"
	"time"
)

// Limits of one kernel's measurement. Noise on a machine only ever adds time,
// so the minimum of a few samples is the figure to compare by.
const (
	minSampleNS    = 3_000                // a shorter sample would mostly time the clock
	maxSamples     = 7                    // of each implementation at each rung, interleaved
	minSamples     = 5                    // below that the figure of a contender does not count
	hopelessFactor = 2                    // after two samples, this far behind the best is out for the rung
	progress       = 0.8                  // of the time per unit one rung below: more is a plateau
	maxLookNS      = 60_000               // so long may one call of what stands on a hopeless plateau take
	budget         = 6 * time.Millisecond // per kernel; the rungs not reached keep the last choice
	margin         = 0.97                 // a newcomer has to be 3 % faster, or noise would make crossovers
	maxRepetitions = 1 << 12
)

// Rung is the measurement at one size of the ladder.
type Rung struct {
	N       int       `json:"n"`     // size of the job, in the kernel's unit
	Times   []Timed   `json:"times"` // of the implementations that ran
	Skipped []Skipped `json:"skipped,omitempty"`
}

// Timed is the best time of one implementation: the minimum of five samples or
// more, or of two for one that is over twice as slow as the best.
type Timed struct {
	Impl      string  `json:"impl"`
	NSPerCall float64 `json:"ns_per_call"` // nanoseconds for the whole job of N units
}

// Skipped is an implementation that could run but was not tried at a rung.
type Skipped struct {
	Impl string `json:"impl"`
	Why  string `json:"why"` // in words
}

// candidate is an implementation on its way up the ladder.
//
// Some will never win, and their jobs at the upper rungs would take longer than
// everybody else's together. But being slow so far proves little: a batch
// kernel does one item in the time of sixteen, and others do small jobs with
// somebody else's code and show what they can do only later. So a candidate is
// given up when it was hopeless at two rungs running, did not get better per
// unit between them, and would be expensive to look at again.
type candidate struct {
	impl int

	// At the last rung where it was timed.
	n         int
	nsPerUnit float64
	behind    float64 // its time over the best one
	stuck     int     // rungs running without being near the best or getting nearer
}

// note takes in the time ns at size n, where the best one took bestNS.
func (c *candidate) note(n int, ns, bestNS float64) {
	before := c.nsPerUnit
	c.n, c.nsPerUnit, c.behind = n, ns/float64(n), ns/bestNS
	switch {
	case ns <= hopelessFactor*bestNS:
		c.stuck = 0
	case c.nsPerUnit < progress*before:
		c.stuck = 1
	default:
		c.stuck++
	}
}

// givenUp says why the candidate is not tried at size n; it is empty when it
// is.
func (c *candidate) givenUp(n int) string {
	callNS := c.nsPerUnit * float64(n)
	if c.stuck < 2 || callNS <= maxLookNS {
		return ""
	}
	return fmt.Sprintf("%.1f times the best at %d and no faster per unit than at the size below it; a call here would take %.0f µs",
		c.behind, c.n, callNS/1e3)
}

// trial is a candidate at one rung.
type trial struct {
	*candidate
	reps    int // calls in one sample
	samples int
	best    float64 // nanoseconds per call
}

func (t *trial) hopeless(bestNS float64) bool { return t.best > hopelessFactor*bestNS }

// measure climbs the ladder. The owner's lock is held, so that two kernels are
// never measured at once.
func (k *Kernel) measure() *choice {
	var field []*candidate
	for i, impl := range k.spec.Impls {
		if impl.Unavailable == "" {
			field = append(field, &candidate{impl: i})
		}
	}
	c := &choice{source: Measured}
	if len(field) == 1 {
		return c // nothing to compare: the specification it is
	}
	deadline := k.owner.now() + budget
	current := 0
	for i, n := range k.spec.Ladder {
		// The first rung is always finished, or nothing would be known.
		trials, skipped, complete := k.climb(n, field, deadline, i == 0)
		if i > 0 && !complete {
			break
		}
		c.ladder = append(c.ladder, k.rung(n, trials, skipped))
		next := fastest(current, trials)
		switch {
		case i == 0:
			c.first = next
		case next != current:
			c.rest = append(c.rest, step{n, next})
		}
		current = next
		bestNS := least(trials)
		for _, t := range trials {
			t.note(n, t.best, bestNS)
		}
	}
	return c
}

// climb times the candidates at size n. Samples alternate, so that a change of
// clock frequency hits all of them alike. What was measured is complete when
// the deadline left every contender its samples; every first rung has at least
// one sample of each.
func (k *Kernel) climb(n int, field []*candidate, deadline time.Duration, first bool) (trials []trial, skipped []Skipped, complete bool) {
	late := func() bool { return k.owner.now() >= deadline }
	if !first && late() {
		return nil, nil, false
	}
	run := k.spec.Prepare(n)
	for _, c := range field {
		if why := c.givenUp(n); why != "" {
			skipped = append(skipped, Skipped{k.spec.Impls[c.impl].Name, why})
			continue
		}
		if !first && late() {
			return nil, nil, false
		}
		run(c.impl) // warms code and buffers
		reps, ns := k.repetitions(run, c.impl)
		trials = append(trials, trial{candidate: c, reps: reps, samples: 1, best: ns})
	}
	for round := 1; round < maxSamples && !late(); round++ {
		bestNS := least(trials)
		for i := range trials {
			t := &trials[i]
			if t.samples >= 2 && t.hopeless(bestNS) || late() {
				continue
			}
			AtDepth(round, func() { t.best = min(t.best, k.sample(run, t.impl, t.reps)) })
			t.samples++
		}
	}
	bestNS := least(trials)
	for _, t := range trials {
		if t.samples < minSamples && !t.hopeless(bestNS) {
			return trials, skipped, false
		}
	}
	return trials, skipped, true
}

// sample returns the nanoseconds that one of reps calls takes.
func (k *Kernel) sample(run func(int), impl, reps int) float64 {
	begin := k.owner.now()
	for range reps {
		run(impl)
	}
	return float64(k.owner.now()-begin) / float64(reps)
}

// repetitions finds how often to call in one sample, the smallest power of two
// that takes minSampleNS, and returns the nanoseconds per call of that sample
// too: it is as good as any other.
func (k *Kernel) repetitions(run func(int), impl int) (reps int, ns float64) {
	for reps = 1; ; reps *= 2 {
		ns = k.sample(run, impl, reps)
		if ns*float64(reps) >= minSampleNS || reps == maxRepetitions {
			return reps, ns
		}
	}
}

// least is the best time of all.
func least(trials []trial) float64 {
	ns := math.Inf(1)
	for _, t := range trials {
		ns = min(ns, t.best)
	}
	return ns
}

// fastest keeps the current implementation unless another beats it by margin.
func fastest(current int, trials []trial) int {
	limit := math.Inf(1)
	for _, t := range trials {
		if t.impl == current {
			limit = t.best * margin
		}
	}
	for _, t := range trials {
		if t.best < limit {
			current, limit = t.impl, t.best
		}
	}
	return current
}

func (k *Kernel) rung(n int, trials []trial, skipped []Skipped) Rung {
	r := Rung{N: n, Skipped: skipped}
	for _, t := range trials {
		r.Times = append(r.Times, Timed{k.spec.Impls[t.impl].Name, t.best})
	}
	return r
}
