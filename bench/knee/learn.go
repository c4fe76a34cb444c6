package knee

import "math"

// maxDoubts bounds how many failed trials of one search are repeated because
// they contradict others. A machine that needs more is too noisy.
const maxDoubts = 4

// Why a failed trial is repeated, and set aside if the repetition is good.
const (
	whyWarmUp   = "warm-up"
	whyAccident = "disturbed"
)

// doubt is a failed trial that is not believed yet.
type doubt struct {
	spec  TrialSpec
	why   string
	asked bool // the repetition was ordered
}

func (p *planner) doubt(spec TrialSpec, why string) {
	if p.doubts < maxDoubts && p.doubted == nil {
		p.doubts++
		p.doubted = &doubt{spec: spec, why: why}
	}
}

// repeat orders the repetition of a doubted trial, if there is time for it.
func (p *planner) repeat(b budget) (move, bool) {
	d := p.doubted
	if d == nil {
		return move{}, false
	}
	full := d.spec.Duration >= p.cfg.FullTrial
	if b.left < b.cost(full)+b.confirmations {
		p.doubted = nil
		return move{}, false
	}
	d.asked = true
	return move{rate: d.spec.RateTxPerSec, phase: d.spec.Phase, full: full}, true
}

// record adds a judged trial to the evidence. It returns the doubted trial
// that this one, by being good, shows to have been an accident.
func (p *planner) record(spec TrialSpec, o Observation, j Judgement) *doubt {
	p.trials++
	e := p.table.at(spec.RateTxPerSec)
	p.count(e, spec, o, j)
	if d := p.doubted; d != nil && d.asked && d.spec.RateTxPerSec == spec.RateTxPerSec {
		p.doubted = nil
		switch {
		case j.Verdict == Good:
			e.shortBad, e.fullBad, e.hint = 0, 0, 0
			return d
		case j.Verdict == Bad && d.why == whyAccident && p.contradicts(e, spec):
			p.collapse = true // twice is no accident
		}
		return nil
	}
	if j.Verdict != Bad {
		return nil
	}
	switch {
	case p.trials == 1:
		// Caches, heaps and connections are cold in the first trial; it is not
		// believed when it fails.
		p.doubt(spec, whyWarmUp)
	case p.contradicts(e, spec):
		p.doubt(spec, whyAccident)
	}
	return nil
}

// contradicts reports whether a bad trial got rid of clearly less work than
// the system did elsewhere: at a lower rate that was good, or under a higher
// load. A system that collapses does that, and so does a machine that paused.
// A failed confirmation is never excused.
func (p *planner) contradicts(e *evidence, spec TrialSpec) bool {
	if p.collapse || e.hint == 0 || spec.Phase == Confirm {
		return false
	}
	seen := 0.0
	for _, other := range p.table {
		switch {
		case other.rate < e.rate && other.holds():
			seen = max(seen, other.rate)
		case other.rate > e.rate && !other.capsGenerator():
			seen = max(seen, min(other.hint, e.rate))
		}
	}
	return e.hint < seen*(1-p.cfg.WidthGoal)
}

// count files a trial under its rate.
func (p *planner) count(e *evidence, spec TrialSpec, o Observation, j Judgement) {
	full := spec.Duration >= p.cfg.FullTrial
	switch {
	case j.Verdict == Good && full:
		e.fullGood++
	case j.Verdict == Good:
		e.shortGood++
	case j.Verdict == Bad && full:
		e.fullBad++
	case j.Verdict == Bad:
		e.shortBad++
	case j.Cause == CauseGenerator:
		e.generator++
		e.hint = float64(o.Sent) / spec.Duration.Seconds()
	}
	e.last = spec
	e.strain = p.cfg.SLO.strain(o)
	if o.Backlog != nil {
		e.growth = o.Backlog.TxPerSec / spec.RateTxPerSec
	}
	if j.Verdict == Good && spec.Phase == Confirm {
		e.confirms++
		if o.Backlog != nil {
			e.slopeSum += o.Backlog.TxPerSec
			e.slopeVar += o.Backlog.StdErrTxPerSec * o.Backlog.StdErrTxPerSec
		}
	}
	if j.Verdict == Bad {
		// Work that was done as fast as it was offered, but too late, says
		// nothing about the rate at which it would be in time.
		e.hint = 0
		if h := o.capacityHint(spec); j.Cause != CauseLatency && h < spec.RateTxPerSec*0.995 {
			e.hint = h
		}
	}
}

// pooledBacklog looks at all confirmations of a rate together. Each of them
// may hide a growth below its own noise; their mean hides less. It returns
// the mean growth, and whether it breaks the limit.
func (p *planner) pooledBacklog(e *evidence) (Growth, bool) {
	n := float64(e.confirms)
	if n == 0 {
		return Growth{}, false
	}
	g := Growth{TxPerSec: e.slopeSum / n, StdErrTxPerSec: math.Sqrt(e.slopeVar) / n}
	t, ok := p.cfg.SLO.term(Backlog)
	return g, ok && grows(t, e.rate, g, p.cfg.WidthGoal)
}
