package knee

import (
	"math"
	"time"
)

// Shape of the search. The figures are ratios of rates.
const (
	expand     = 2.0  // growth while nothing has failed
	wide       = 1.25 // brackets wider than this get short trials
	hintDepth  = 20.0 // a hint may lower the rate by this much at once
	maxGuided  = 3    // guesses in a row that may fail to halve the bracket
	maxRetries = 1    // of a trial that the environment spoiled
	maxStalls  = 4    // trials of a search in which the generator is believed to have been held up
)

// move is the next thing to do: a trial, or the end with its reason.
type move struct {
	rate  float64
	phase Phase
	full  bool
	done  bool
	stop  string // why the search ends without having finished; empty at a regular end
	bound string
}

// planner decides which trial comes next. It looks at nothing but the
// evidence and the time that is left, so that every decision can be replayed.
type planner struct {
	cfg   Config
	step  float64 // half the width goal, as a ratio
	table table

	trials   int
	doubted  *doubt
	doubts   int     // so far
	downStep float64 // how far to go down when trials say nothing about where to

	guided   int     // guesses since the bracket was last halved
	bracket  float64 // its width then, as a logarithm
	collapse bool    // overload lowers the drain rate, so hints mislead
}

func newPlanner(cfg Config) *planner {
	// Two steps make the goal, with a little room for rounded rates. Aiming at
	// one step leaves the other for a bound that turns out to sit on the edge.
	return &planner{cfg: cfg, step: math.Sqrt(1 + 0.99*cfg.WidthGoal), downStep: expand}
}

// budget is the time left and what trials cost.
type budget struct {
	left          time.Duration
	exploring     time.Duration // a short trial, which may go badly
	probing       time.Duration // a full one, which may go badly
	confirming    time.Duration // a full one, which should go well
	confirmations time.Duration // all that the lower bound still needs
}

// next returns the move after the evidence so far.
func (p *planner) next(left time.Duration, cost func(full, hopeful bool) time.Duration) move {
	lower, upper := p.table.bounds()
	b := budget{left: left, exploring: cost(false, false), probing: cost(true, false), confirming: cost(true, true)}
	if p.table.confirmed(p.cfg.Confirmations, upper) == nil {
		// A new lower bound may come, so its whole confirmation is kept back.
		b.confirmations = time.Duration(p.cfg.Confirmations) * b.confirming
	}
	if m, ok := p.repeat(b); ok {
		return m
	}
	switch {
	case lower == nil && upper == nil:
		return p.explore(p.cfg.StartTxPerSec)
	case lower == nil:
		return p.down(upper, b)
	case upper == nil:
		return p.up(lower, b)
	}
	m, ok := p.narrow(lower, upper, b)
	if again, doubtful := p.repeat(b); doubtful {
		return again // narrowing found a trial that contradicts another
	}
	if ok {
		return m
	}
	return p.settle(lower, upper, b)
}

func (p *planner) explore(rate float64) move {
	return move{rate: p.clamp(rate), phase: Explore}
}

func (p *planner) clamp(rate float64) float64 {
	return roundRate(min(max(rate, p.cfg.MinTxPerSec), p.cfg.MaxTxPerSec))
}

// up grows while nothing has failed.
func (p *planner) up(lower *evidence, b budget) move {
	if lower.rate >= p.clamp(p.cfg.MaxTxPerSec) {
		m := p.confirm(lower, b)
		if m.done && m.stop == "" {
			m.stop = "the highest rate allowed was still good: the knee lies above it, raise the limit to find it"
			m.bound = BoundMaxRate
		}
		return m
	}
	if b.left < b.exploring+b.confirmations {
		m := p.confirm(lower, b)
		if m.done && m.stop == "" {
			m.stop = "the time was over before a rate above the lower bound failed: give a larger budget or a higher start rate"
			m.bound = BoundBudget
		}
		return m
	}
	if highest := p.table[len(p.table)-1]; highest.rate > lower.rate && b.left >= b.probing+b.confirmations {
		// Trials disagree there, so the knee is near: no need to double.
		return move{rate: p.clamp(highest.rate * p.step), phase: CheckUpper, full: true}
	}
	return p.explore(lower.rate * expand)
}

// down goes towards a first good rate: to where the last trial says the
// system got rid of its work, or by growing steps when it says nothing.
func (p *planner) down(upper *evidence, b budget) move {
	if upper.rate <= p.cfg.MinTxPerSec {
		bound := BoundSLO
		if upper.capsGenerator() && !upper.capsSystem() {
			bound = BoundGenerator
		}
		return move{done: true, bound: bound, stop: "not even the lowest rate was good: the service level may be tighter than what the idle system answers in"}
	}
	if b.left < b.exploring {
		return move{done: true, bound: BoundBudget, stop: "the time was over before any rate was good: give a larger budget or a lower start rate"}
	}
	if lowest := p.table[0]; lowest != upper && b.left >= b.probing {
		// Trials disagree there, so the knee is near.
		return move{rate: p.clamp(lowest.rate / p.step), phase: Confirm, full: true}
	}
	m := move{phase: Explore}
	if upper.hint > 0 {
		below := p.overloadKnee(upper.hint) / math.Sqrt(p.step)
		m.rate, m.full = p.clamp(min(max(below, upper.rate/hintDepth), upper.rate/p.step)), true
	} else {
		m.rate = p.clamp(upper.rate / p.downStep)
		p.downStep *= expand
	}
	if m.full && b.left < b.probing {
		m.full = false
	}
	return m
}

// overloadKnee is the knee to expect from the rate at which an overloaded
// system got rid of its work: between that rate (loss ends it) and a little
// above (the backlog may grow by its limit).
func (p *planner) overloadKnee(drained float64) float64 {
	if t, ok := p.cfg.SLO.term(Backlog); ok {
		return drained * (1 + min(t.Limit, p.cfg.WidthGoal)/2)
	}
	return drained
}

// guess estimates the knee inside a bracket from what the trials at its ends
// saw. It only guides: a wrong guess costs a trial, never the answer.
func (p *planner) guess(lower, upper *evidence) (knee float64, ok bool) {
	if upper.hint > 0 {
		knee = p.overloadKnee(upper.hint)
		switch {
		case p.collapse:
			return 0, false
		case knee >= lower.rate:
			return knee, true
		case p.straining(lower):
			// The hint was a little low: the knee is near the lower bound.
			return lower.rate * math.Pow(p.step, 1.5), true
		}
		// A rate above the hint was good without effort. Either the system
		// does less when it is overloaded, and no hint will be right, or the
		// trial that gave this one was disturbed.
		if upper.fullBad+upper.shortBad < 2 {
			p.doubt(upper.last, whyAccident)
		} else {
			p.collapse = true
		}
		return 0, false
	}
	if lower.strain > 0 && lower.strain < 1 && upper.strain > 1 {
		// The inverse of a latency falls about linearly with the rate; in an
		// M/M/1 queue exactly so. The knee is where it reaches the limit's.
		l, u := 1/lower.strain, 1/upper.strain
		return lower.rate + (upper.rate-lower.rate)*(l-1)/(l-u), true
	}
	return 0, false
}

// straining reports whether a good rate already shows signs of the knee.
func (p *planner) straining(e *evidence) bool {
	if t, ok := p.cfg.SLO.term(Backlog); ok && e.growth > t.Limit/4 {
		return true
	}
	easier := p.table.below(e.rate)
	return easier != nil && easier.strain > 0 && e.strain > 1.2*easier.strain
}

// mayGuess keeps a run of bad guesses from being slower than bisection.
func (p *planner) mayGuess(ratio float64) bool {
	if width := math.Log(ratio); p.bracket == 0 || width <= p.bracket/2 || width > p.bracket {
		p.bracket, p.guided = width, 0
	}
	if p.guided >= maxGuided {
		p.guided, p.bracket = 0, 0
		return false
	}
	p.guided++
	return true
}

// narrow returns the next trial inside the bracket; false when the bracket is
// tight enough, or as tight as time and the evidence allow.
func (p *planner) narrow(lower, upper *evidence, b budget) (move, bool) {
	ratio := upper.rate / lower.rate
	if mixed := p.table.mixed(lower, upper); len(mixed) > 0 {
		return p.around(lower, upper, mixed, b)
	}
	target := p.step
	// The second half step is a luxury: it is taken when confirming and
	// checking still fit behind it.
	if b.left < 2*b.probing+b.confirmations {
		target = 1 + p.cfg.WidthGoal
	}
	if ratio <= target*1.0005 {
		return move{}, false
	}
	m := move{phase: Bisect, full: ratio <= wide}
	m.rate = math.Sqrt(lower.rate * upper.rate)
	if knee, ok := p.guess(lower, upper); ok && ratio > p.step*p.step && p.mayGuess(ratio) {
		// The knee should end up in the middle of one step.
		m.rate = min(max(knee/math.Sqrt(p.step), lower.rate*p.step), upper.rate/p.step)
		m.full = true // it is meant to become a bound
	}
	m.rate = p.clamp(m.rate)
	if m.rate <= lower.rate || m.rate >= upper.rate {
		return move{}, false // the rates are too small to be told apart
	}
	if b.left < b.cost(m.full)+b.confirmations {
		return move{}, false
	}
	return m, true
}

// around places a bound next to rates whose trials disagree: the knee is
// there, so the interval should hold them in its middle.
func (p *planner) around(lower, upper *evidence, mixed []*evidence, b budget) (move, bool) {
	below := p.clamp(mixed[0].rate / p.step)
	above := p.clamp(mixed[len(mixed)-1].rate * p.step)
	switch {
	case lower.rate < below*0.999 && b.left >= max(b.confirming, b.confirmations):
		return move{rate: below, phase: Confirm, full: true}, true
	case upper.rate > above*1.001 && b.left >= b.probing+b.confirmations:
		return move{rate: above, phase: CheckUpper, full: true}, true
	}
	return move{}, false
}

func (b budget) cost(full bool) time.Duration {
	if full {
		return b.probing
	}
	return b.exploring
}

// settle confirms the lower bound, then makes sure of the upper one.
func (p *planner) settle(lower, upper *evidence, b budget) move {
	if m := p.confirm(lower, b); !m.done || m.stop != "" {
		return m
	}
	// Looked at once: what fails there widens the interval, what is good does not.
	if above := p.clamp(lower.rate * (1 + 0.99*p.cfg.WidthGoal)); upper.grazes() && above > upper.rate*1.001 && p.table.full(above) == 0 && b.left >= b.probing {
		return move{rate: above, phase: CheckUpper, full: true}
	}
	// A bound that failed only in a short trial must be seen again. One that
	// failed at full length may still have been an accident of the machine: it
	// is repeated when there is time to go on should it be good.
	need := b.probing
	if upper.fullBad > 0 {
		need *= 2
	}
	if upper.capsSystem() && upper.fullBad < 2 && b.left >= need {
		return move{rate: upper.rate, phase: CheckUpper, full: true}
	}
	return move{done: true}
}

// confirm repeats the lower bound; done once it passed often enough.
func (p *planner) confirm(lower *evidence, b budget) move {
	if lower.confirms >= p.cfg.Confirmations {
		return move{done: true}
	}
	if b.left < b.confirming {
		return move{done: true, bound: BoundBudget, stop: "the time was over before the lower bound was confirmed: give a larger budget or a start rate nearer to the knee"}
	}
	return move{rate: lower.rate, phase: Confirm, full: true}
}
