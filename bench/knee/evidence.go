package knee

import (
	"math"
	"slices"
	"strconv"
)

// evidence is everything seen at one rate. Trials of full length outweigh
// short ones, and no verdict is ever deleted: a rate that was good and bad is
// neither a lower nor an upper bound, it lies inside the interval.
type evidence struct {
	rate                float64
	fullGood, fullBad   int
	shortGood, shortBad int
	generator           int // trials in which the generator fell short

	confirms int     // good trials of phase Confirm
	slopeSum float64 // of their backlogs, tx/s
	slopeVar float64 // sum of the squared standard errors

	// hint is the rate at which the system got rid of work in the last bad
	// trial here, tx/s; 0 when the trial says nothing about capacity.
	hint float64
	// strain is the worst latency of the last trial here as a share of its
	// limit; 0 when no latency is limited or known.
	strain float64
	// growth of the backlog in the last trial here, as a share of the rate.
	growth float64
	last   TrialSpec
}

// capsSystem reports whether the rate is too high for the system.
func (e *evidence) capsSystem() bool {
	if e.fullGood+e.fullBad > 0 {
		return e.fullBad > e.fullGood
	}
	return e.shortBad > e.shortGood
}

// capsGenerator reports whether the rate is too high for the generator.
func (e *evidence) capsGenerator() bool {
	return e.generator > 0 && e.generator >= e.fullGood+e.shortGood
}

// grazes reports whether the rate failed by a latency so near its limit that a
// trial of the same length might pass: near the knee a percentile wanders from
// trial to trial by more than the rates of a narrow interval differ.
func (e *evidence) grazes() bool {
	const near = 1.5
	return e.capsSystem() && e.strain > 1 && e.strain < near
}

func (e *evidence) caps() bool { return e.capsSystem() || e.capsGenerator() }

// holds reports whether the rate may be a lower bound. One failed trial of
// full length is enough to deny it.
func (e *evidence) holds() bool {
	return e.fullBad == 0 && e.generator == 0 && e.fullGood+e.shortGood > 0 && !e.capsSystem()
}

// table keeps the evidence in ascending order of rates.
type table []*evidence

// at returns the entry of a rate, making one if there is none.
func (t *table) at(rate float64) *evidence {
	i, found := slices.BinarySearchFunc(*t, rate, func(e *evidence, r float64) int {
		switch {
		case e.rate < r:
			return -1
		case e.rate > r:
			return 1
		}
		return 0
	})
	if !found {
		*t = slices.Insert(*t, i, &evidence{rate: rate})
	}
	return (*t)[i]
}

// full is how often a rate was tried at full length, or beyond the generator.
func (t table) full(rate float64) int {
	for _, e := range t {
		if e.rate == rate {
			return e.fullGood + e.fullBad + e.generator
		}
	}
	return 0
}

// bounds returns the lowest rate that is too high and the highest rate below
// it that holds; nil where there is none.
func (t table) bounds() (lower, upper *evidence) {
	for _, e := range t {
		if e.caps() {
			return lower, e
		}
		if e.holds() {
			lower = e
		}
	}
	return lower, nil
}

// widened returns, for an upper bound that only grazes its limit, the highest
// rate up to the given one that failed at full length too, if no trial between
// them was good: within the width that was asked for, the wider interval is the
// surer one.
func (t table) widened(upper *evidence, limit float64) *evidence {
	best := upper
	if !upper.grazes() {
		return best
	}
	for _, e := range t {
		if e.rate <= upper.rate || e.rate > limit {
			continue
		}
		if e.fullBad == 0 || !e.capsSystem() {
			return best
		}
		best = e
	}
	return best
}

// mixed returns the rates strictly between two bounds whose trials disagree.
func (t table) mixed(lower, upper *evidence) []*evidence {
	var between []*evidence
	for _, e := range t {
		if e.rate > lower.rate && e.rate < upper.rate {
			between = append(between, e)
		}
	}
	return between
}

// confirmed returns the highest rate below upper that passed k confirmations.
func (t table) confirmed(k int, upper *evidence) *evidence {
	var best *evidence
	for _, e := range t {
		if e.holds() && e.confirms >= k && (upper == nil || e.rate < upper.rate) {
			best = e
		}
	}
	return best
}

// below returns the next lower rate that holds, nil when there is none.
func (t table) below(rate float64) *evidence {
	var best *evidence
	for _, e := range t {
		if e.rate < rate && e.holds() {
			best = e
		}
	}
	return best
}

// roundRate keeps five digits. Rates of 92437.58132 tx/s cannot be read or
// typed again, and the 0.005 % that is lost is far below any width.
func roundRate(rate float64) float64 {
	if rate <= 0 || math.IsInf(rate, 0) || math.IsNaN(rate) {
		return rate
	}
	v, err := strconv.ParseFloat(strconv.FormatFloat(rate, 'g', 5, 64), 64)
	if err != nil {
		return rate
	}
	return v
}
