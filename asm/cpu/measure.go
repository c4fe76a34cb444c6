package cpu

import (
	"slices"
	"time"
)

// Limits of one kernel's measurement. Noise on a machine only ever adds time,
// so the minimum of a few samples is the figure to compare by.
const (
	minSampleNS    = 3_000                // a shorter sample would mostly time the clock
	samplesPerRung = 7                    // of each implementation, interleaved
	hopelessFactor = 2                    // after two samples, this far behind the best is out
	budget         = 6 * time.Millisecond // per kernel; the rungs not reached keep the last choice
	margin         = 0.97                 // a newcomer has to be 3 % faster, or noise would make crossovers
	maxRepetitions = 1 << 12
)

// Rung is the measurement at one size of the ladder.
type Rung struct {
	N     int     `json:"n"`     // size of the job, in the kernel's unit
	Times []Timed `json:"times"` // of the implementations that ran
}

// Timed is the best time of one implementation.
type Timed struct {
	Impl      string  `json:"impl"`
	NSPerCall float64 `json:"ns_per_call"` // nanoseconds for the whole job of N units
}

// measure climbs the ladder. The owner's lock is held, so that two kernels are
// never measured at once.
func (k *Kernel) measure() *choice {
	var runnable []int
	for i, impl := range k.spec.Impls {
		if impl.Unavailable == "" {
			runnable = append(runnable, i)
		}
	}
	c := &choice{source: Measured}
	if len(runnable) == 1 {
		return c // nothing to compare: the specification it is
	}
	deadline := k.owner.now() + budget
	current := 0
	for i, n := range k.spec.Ladder {
		if i > 0 && k.owner.now() >= deadline {
			break
		}
		best := k.climb(n, runnable, deadline)
		c.ladder = append(c.ladder, k.rung(n, runnable, best))
		next := fastest(current, runnable, best)
		switch {
		case i == 0:
			c.first = next
		case next != current:
			c.rest = append(c.rest, step{n, next})
		}
		current = next
	}
	return c
}

// climb returns the best time in nanoseconds per call of every implementation
// of the list at size n. Samples of the implementations alternate, so that a
// change of clock frequency hits all of them alike.
func (k *Kernel) climb(n int, runnable []int, deadline time.Duration) []float64 {
	run := k.spec.Prepare(n)
	best := make([]float64, len(runnable))
	reps := make([]int, len(runnable))
	for i, impl := range runnable {
		run(impl) // warms code and buffers
		reps[i] = k.repetitions(run, impl)
	}
	for s := range samplesPerRung {
		for i, impl := range runnable {
			if s >= 2 && best[i] > hopelessFactor*slices.Min(best) {
				continue
			}
			var ns float64
			AtDepth(s, func() { ns = k.sample(run, impl, reps[i]) })
			if s == 0 || ns < best[i] {
				best[i] = ns
			}
		}
		if k.owner.now() >= deadline {
			break
		}
	}
	return best
}

// sample returns the nanoseconds that one of reps calls takes.
func (k *Kernel) sample(run func(int), impl, reps int) float64 {
	begin := k.owner.now()
	for range reps {
		run(impl)
	}
	return float64(k.owner.now()-begin) / float64(reps)
}

// repetitions finds how often to call in one sample: the smallest power of two
// that takes minSampleNS.
func (k *Kernel) repetitions(run func(int), impl int) int {
	reps := 1
	for reps < maxRepetitions && k.sample(run, impl, reps)*float64(reps) < minSampleNS {
		reps *= 2
	}
	return reps
}

// fastest keeps the current implementation unless another beats it by margin.
func fastest(current int, runnable []int, best []float64) int {
	limit := best[slices.Index(runnable, current)] * margin
	for i, impl := range runnable {
		if best[i] < limit {
			current, limit = impl, best[i]
		}
	}
	return current
}

func (k *Kernel) rung(n int, runnable []int, best []float64) Rung {
	r := Rung{N: n}
	for i, impl := range runnable {
		r.Times = append(r.Times, Timed{k.spec.Impls[impl].Name, best[i]})
	}
	return r
}

// Explanation is what is known about the choice for one kernel.
type Explanation struct {
	Kernel string
	Unit   string      // what N and From count
	Source Source      // of the choice in force
	Steps  []Crossover // the choice in force; the first step starts at 0
	Ladder []Rung      // the measurement; nil where nothing had to be measured
	Impls  []Impl
}

// Crossover says that Impl serves sizes of From and more, up to the next one.
type Crossover struct {
	From int    `json:"from"`
	Impl string `json:"impl"`
}

// Calibrate measures every kernel now, whether it was measured or imported
// before or not, and whether its choice is overridden or not. Programs that
// cannot afford the first call's milliseconds later call it at their start.
func (r *Registry) Calibrate() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range r.kernels {
		k.measured = k.measure()
		k.activate()
	}
}

// Explain returns the choices in force, measuring first where that was not
// done yet.
func (r *Registry) Explain() []Explanation {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]Explanation, 0, len(r.kernels))
	for _, k := range r.kernels {
		c := k.active.Load()
		if c == nil {
			c = k.activate()
		}
		e := Explanation{Kernel: k.spec.Name, Unit: k.spec.Unit, Source: c.source, Steps: k.crossovers(c), Impls: k.Impls()}
		if k.measured != nil {
			e.Ladder = slices.Clone(k.measured.ladder)
		}
		list = append(list, e)
	}
	return list
}

func (k *Kernel) crossovers(c *choice) []Crossover {
	var steps []Crossover
	for _, s := range c.steps() {
		steps = append(steps, Crossover{s.from, k.spec.Impls[s.impl].Name})
	}
	return steps
}
