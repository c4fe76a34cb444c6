package importers

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Lint is something that a run's own figures say against it.
type Lint struct {
	Code string `json:"code"` // stable
	Text string `json:"text"` // with the values, and what to do
}

// Codes of lints.
const (
	LintFailures   = "failures_in_throughput" // what the tool calls throughput has failures in it
	LintFidelity   = "low_fidelity"           // the generator was measured, not the system
	LintClosedLoop = "closed_loop"            // coordinated omission
	LintLittle     = "littles_law"            // N = X·R does not hold
	LintNegative   = "negative_latencies"     // clocks differ
	LintMean       = "mean_latency_only"
	LintTail       = "few_samples"
	LintLoss       = "loss"
	LintOverload   = "overload" // less committed than offered: no sustainable rate
)

// Limits of the lints, those that weir holds its own runs to.
const (
	minFidelity     = 0.99
	maxLoss         = 0.001
	maxResidual     = 0.05
	minTail         = 10 // samples beyond a percentile before it means something
	minGoodputShare = 0.99
)

func lintRun(r *Run) []Lint {
	var out []Lint
	say := func(code, format string, args ...any) { out = append(out, Lint{code, fmt.Sprintf(format, args...)}) }
	if r.ReportedTxPerSec != nil && r.CommittedTxPerSec != nil && r.Failed != nil && *r.Failed > 0 &&
		*r.ReportedTxPerSec > *r.CommittedTxPerSec*(1+maxLoss) {
		say(LintFailures, "the tool's %.4g tx/s has failures in it: %.4g tx/s were committed", *r.ReportedTxPerSec, *r.CommittedTxPerSec)
	}
	if f := r.fidelity(); f != nil && *f < minFidelity {
		say(LintFidelity, "%.1f %% of the offered load was sent: this is the generator's limit, not the system's; give it more clients or another machine", 100**f)
	}
	if r.Sent != nil && *r.Sent > 0 && r.Failed != nil {
		if loss := float64(*r.Failed) / float64(*r.Sent); loss > maxLoss {
			say(LintLoss, "%.2f %% failed (%d of %d): the rate is not sustainable under a limit of %g %%", 100*loss, *r.Failed, *r.Sent, 100*maxLoss)
		}
	}
	if r.OfferedTxPerSec != nil && r.CommittedTxPerSec != nil && *r.CommittedTxPerSec < *r.OfferedTxPerSec*minGoodputShare {
		say(LintOverload, "%.4g tx/s were offered and %.4g committed: the system was overloaded, or load and drain are both in the time",
			*r.OfferedTxPerSec, *r.CommittedTxPerSec)
	}
	if r.Closed {
		say(LintClosedLoop, "every client waits for its answer: a stall stops the load, so latencies are too good and the rate is no offered rate (coordinated omission)")
	}
	if n, x, turn, ok := r.little(); ok {
		if residual := x*turn/n - 1; math.Abs(residual) > maxResidual {
			say(LintLittle, "%.4g clients, but rate × time of a turn is %.4g (%+.0f %%): ramps, think time outside or a cut run; the figures do not belong together", n, x*turn, 100*residual)
		}
	}
	if r.LatencyMS.Negative != nil && *r.LatencyMS.Negative > 0 {
		say(LintNegative, "%d latencies are below zero: the clocks of client and system differ, so no latency can be trusted", *r.LatencyMS.Negative)
	}
	return append(out, r.lintTail()...)
}

// fidelity is sent ÷ offered.
func (r *Run) fidelity() *float64 {
	switch {
	case r.Sent != nil && r.Offered != nil && *r.Offered > 0:
		return ptr(float64(*r.Sent) / float64(*r.Offered))
	case r.SentTxPerSec != nil && r.OfferedTxPerSec != nil && *r.OfferedTxPerSec > 0:
		return ptr(*r.SentTxPerSec / *r.OfferedTxPerSec)
	}
	return nil
}

// little returns clients, turns per second and seconds of a turn, where clients
// wait for their answers: N = X·R over whole turns (Little 1961).
func (r *Run) little() (n, x, turn float64, ok bool) {
	if !r.Closed || r.Clients == nil || *r.Clients == 0 || r.IterationMS == nil || r.TurnsPerSec == nil {
		return 0, 0, 0, false
	}
	return *r.Clients, *r.TurnsPerSec, *r.IterationMS / 1e3, true
}

// lintTail looks at what the latencies can say.
func (r *Run) lintTail() []Lint {
	l := r.LatencyMS
	if l.Mean == nil {
		return nil
	}
	if l.P50 == nil && l.P99 == nil {
		return []Lint{{LintMean, "there are no percentiles: a mean hides the tail, and an SLO such as p99 cannot be judged"}}
	}
	if l.Samples != nil && l.P99 != nil && float64(*l.Samples)*0.01 < minTail {
		return []Lint{{LintTail, fmt.Sprintf("%d samples: fewer than %d lie beyond the p99, which is then chance", *l.Samples, minTail)}}
	}
	return nil
}

// LintSet looks at all runs together: at what a series of them says.
func LintSet(runs []Run) []Lint {
	type point struct{ offered, committed float64 }
	var list []point
	for i := range runs {
		r := &runs[i]
		rate := r.OfferedTxPerSec
		if rate == nil {
			rate = r.SentTxPerSec
		}
		if rate != nil && r.CommittedTxPerSec != nil {
			list = append(list, point{*rate, *r.CommittedTxPerSec})
		}
	}
	if len(list) < 2 {
		return nil
	}
	top := slices.MaxFunc(list, func(a, b point) int { return cmp.Compare(a.offered, b.offered) })
	best := slices.MaxFunc(list, func(a, b point) int { return cmp.Compare(a.committed, b.committed) })
	var out []Lint
	if top.committed >= top.offered*minGoodputShare {
		out = append(out, Lint{"no_knee", fmt.Sprintf("the highest rate, %.4g tx/s, was still carried: the limit was not reached; offer more", top.offered)})
	} else if best.committed > top.committed*1.05 {
		out = append(out, Lint{"falls_when_overloaded", fmt.Sprintf("%.4g tx/s were committed at best, and %.4g at the highest offered rate of %.4g: throughput falls under overload",
			best.committed, top.committed, top.offered)})
	}
	return out
}
