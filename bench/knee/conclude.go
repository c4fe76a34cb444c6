package knee

import (
	"fmt"
	"slices"
)

// conclude turns the evidence into the answer. The result of an interrupted
// search is filled the same way, so that nothing measured is lost.
func (s *search) conclude(end move) {
	r := &s.result
	lower, upper := s.plan.table.bounds()
	if best := s.plan.table.confirmed(s.cfg.Confirmations, upper); best != nil && best != lower {
		// A higher rate looked good but could not be confirmed any more.
		lower = best
	}
	if lower != nil && upper != nil {
		upper = s.plan.table.widened(upper, lower.rate*(1+s.cfg.WidthGoal))
	}
	r.LowerTxPerSec, r.UpperTxPerSec = rateOf(lower), rateOf(upper)
	if lower != nil {
		r.Confirmations = lower.confirms
		for _, t := range r.Trials {
			if t.Spec.Phase == Confirm && t.Spec.RateTxPerSec == lower.rate && t.Judgement.Verdict == Good {
				r.ConfirmTrials = append(r.ConfirmTrials, t.Spec.Index)
			}
		}
	}
	if lower != nil && upper != nil {
		width := (upper.rate - lower.rate) / lower.rate
		r.RelativeWidth = &width
	}
	lowerHeld := lower != nil && lower.confirms >= s.cfg.Confirmations
	r.Confirmed = lowerHeld && upper != nil && upper.capsSystem()
	r.Bound, r.Inconclusive = end.bound, end.stop

	if r.Inconclusive == "" || (r.Bound == BoundBudget && lowerHeld && upper != nil) {
		// Running out of time is no fault when what was asked for is there.
		r.Bound, r.Inconclusive = s.doubts(lower, upper, lowerHeld)
	}
	if r.Inconclusive != "" {
		// An interval that is inconclusive for any reason must not look sure.
		r.Confirmed = false
		s.warn("inconclusive: " + r.Inconclusive)
		if why := slowed(r.Trials); why != "" {
			s.warn(why)
		}
	}
	s.noiseWarning()
}

// doubts checks a search that came to its end for what still keeps it from
// being an answer.
func (s *search) doubts(lower, upper *evidence, lowerHeld bool) (bound, why string) {
	switch {
	case lower == nil || upper == nil:
		return BoundBudget, "one of the bounds was not found"
	case upper.capsGenerator() && !upper.capsSystem():
		return BoundGenerator, fmt.Sprintf("the generator could not offer %s tx/s while %s tx/s was still good: the system's knee lies above; use more cores or another machine for the generator",
			rateText(upper.rate), rateText(lower.rate))
	case !lowerHeld:
		return BoundBudget, "the time was over before the lower bound was confirmed: give a larger budget"
	}
	if upper.fullBad == 0 {
		s.warn("the upper bound failed in a short trial only, there was no time to repeat it at full length: the knee may lie a little higher")
	}
	if width := upper.rate/lower.rate - 1; width > s.cfg.WidthGoal {
		if len(s.plan.table.mixed(lower, upper)) > 0 {
			return BoundSystem, fmt.Sprintf("trials between %s and %s tx/s disagree: the system or the machine is noisier than %s; use longer trials",
				rateText(lower.rate), rateText(upper.rate), percentText(s.cfg.WidthGoal))
		}
		return BoundBudget, fmt.Sprintf("the interval is still %s wide, the goal is %s: give a larger budget", percentText(width), percentText(s.cfg.WidthGoal))
	}
	return BoundSystem, ""
}

// noiseWarning says when the growth of the backlog could not be measured as
// finely as the limit asks.
func (s *search) noiseWarning() {
	t, ok := s.cfg.SLO.term(Backlog)
	if !ok {
		return
	}
	var shares []float64
	for _, trial := range s.result.Trials {
		if g := trial.Observed.Backlog; g != nil && trial.Spec.Phase == Confirm {
			shares = append(shares, g.StdErrTxPerSec/trial.Spec.RateTxPerSec)
		}
	}
	if len(shares) == 0 {
		return
	}
	if worst := slices.Max(shares); worst > t.Limit {
		s.warn(fmt.Sprintf("the growth of the backlog is uncertain by ± %s of the rate, its limit is %s: use longer trials, or shorter blocks",
			percentText(worst), t.limitText()))
	}
}

// slowedBy is how far below a rate that was good a later one must have failed
// before the system is said to have changed: more than trials at the knee differ.
const slowedBy = 0.9

// slowed tells whether a rate failed that is well below one that was good
// before, with nothing as high good after it. It is empty otherwise.
func slowed(trials []Trial) string {
	used := func(t *Trial, v Verdict) bool { return t.Discarded == "" && t.Judgement.Verdict == v }
	var best *Trial // the highest good one so far
	var good, bad *Trial
	for i := range trials {
		t := &trials[i]
		switch {
		case used(t, Good):
			if bad != nil && t.Spec.RateTxPerSec >= bad.Spec.RateTxPerSec {
				good, bad = nil, nil // it was a bad spell
			}
			if best == nil || t.Spec.RateTxPerSec > best.Spec.RateTxPerSec {
				best = t
			}
		case used(t, Bad) && best != nil && t.Spec.RateTxPerSec <= slowedBy*best.Spec.RateTxPerSec:
			if bad == nil || t.Spec.RateTxPerSec < bad.Spec.RateTxPerSec {
				good, bad = best, t
			}
		}
	}
	if bad == nil {
		return ""
	}
	return fmt.Sprintf("%s tx/s was good in trial %d and %s tx/s was not in trial %d: the system, or the machine, became slower during the search; start the system anew, or look at what grows in it",
		rateText(good.Spec.RateTxPerSec), good.Spec.Index, rateText(bad.Spec.RateTxPerSec), bad.Spec.Index)
}
