package knee

import (
	"fmt"
	"strings"
	"time"
)

// Verdict is the judgement of a trial.
type Verdict string

// The verdicts.
const (
	Good    Verdict = "good"
	Bad     Verdict = "bad"
	Invalid Verdict = "invalid" // says nothing about the system at this rate
)

// Cause is the first thing that was wrong with a trial.
type Cause string

// The causes. Generator and Environment belong to invalid trials.
const (
	CauseNone         Cause = ""
	CauseBackpressure Cause = "backpressure"
	CauseLoss         Cause = "loss"
	CauseBacklog      Cause = "backlog"
	CauseLatency      Cause = "latency"
	CauseGenerator    Cause = "generator"
	CauseEnvironment  Cause = "environment"
)

// Judgement is a verdict with its reason in words.
type Judgement struct {
	Verdict Verdict
	Cause   Cause
	Reason  string
}

// Judge decides about one trial. noiseCap is the largest share of the offered
// rate that the backlog may grow by when the growth cannot be told from zero
// (twice its standard error): a search for an interval of 5 % must not forgive
// more than 5 %, however noisy the series is.
//
// A trial below the fidelity limit measured the generator and is invalid,
// unless most of what was not sent was held back by a full socket: then the
// system or the wire refused the rate, and the trial is bad.
func Judge(slo SLO, spec TrialSpec, o Observation, noiseCap float64) Judgement {
	if why := unsound(slo, o); why != "" {
		return Judgement{Invalid, CauseEnvironment, why}
	}
	if o.Generator != "" {
		return Judgement{Invalid, CauseGenerator, o.Generator}
	}
	if t, ok := slo.term(Fidelity); ok && !t.holds(o.Fidelity()) {
		missing := o.Offered - o.Sent
		if o.DroppedBackpressure*2 >= missing {
			return Judgement{Bad, CauseBackpressure, fmt.Sprintf("the socket was full: %s of the offered load could not be written (fidelity %s, limit %s)",
				percentText(float64(missing)/float64(o.Offered)), percentText(o.Fidelity()), t.limitText())}
		}
		return Judgement{Invalid, CauseGenerator, fmt.Sprintf("the generator sent %s of the offered load, limit %s: the generator was measured, not the system",
			percentText(o.Fidelity()), t.limitText())}
	}

	var reasons []string
	cause := CauseNone
	fail := func(c Cause, reason string) {
		if cause == CauseNone {
			cause = c
		}
		reasons = append(reasons, reason)
	}
	if o.Committed == 0 {
		fail(CauseLoss, "nothing committed")
	} else if t, ok := slo.term(Loss); ok && !t.holds(o.Loss()) {
		fail(CauseLoss, fmt.Sprintf("loss %s, limit %s", percentText(o.Loss()), t.limitText()))
	}
	if t, ok := slo.term(Backlog); ok && o.Backlog != nil && grows(t, spec.RateTxPerSec, *o.Backlog, noiseCap) {
		fail(CauseBacklog, fmt.Sprintf("backlog grows by %s tx/s, %s of the offered rate, limit %s",
			rateText(o.Backlog.TxPerSec), percentText(o.Backlog.TxPerSec/spec.RateTxPerSec), t.limitText()))
	}
	for _, t := range slo.Terms {
		if v, ok := o.latency(t.Metric); ok && !t.holds(float64(v)) {
			fail(CauseLatency, fmt.Sprintf("%s %s, limit %s", latencyName(t.Metric), shortDuration(v), t.limitText()))
		}
	}
	if cause != CauseNone {
		return Judgement{Bad, cause, strings.Join(reasons, "; ")}
	}
	return Judgement{Good, CauseNone, goodText(o)}
}

// unsound says why an observation cannot be judged, or nothing.
func unsound(slo SLO, o Observation) string {
	switch {
	case o.Invalid != "":
		return o.Invalid
	case o.Offered <= 0:
		return "the schedule offered no transaction: the trial is too short for its rate"
	case o.Sent > o.Offered:
		return fmt.Sprintf("the counts contradict each other: %d sent, only %d offered", o.Sent, o.Offered)
	case o.Committed > o.Sent:
		return fmt.Sprintf("the counts contradict each other: %d committed, only %d sent", o.Committed, o.Sent)
	}
	for _, t := range slo.Terms {
		if t.Metric == Backlog && o.Backlog == nil && o.Committed > 0 {
			return "the growth of the backlog is not known: the trial is too short for the interval in which commits are counted"
		}
		if !t.Metric.isLatency() || o.Committed == 0 {
			continue
		}
		if _, ok := o.latency(t.Metric); !ok {
			return fmt.Sprintf("the service level limits %s, which the target does not report: remove that term", t.Metric)
		}
	}
	return ""
}

// grows decides whether a backlog grows. The limit has two parts: the term's
// share of the offered rate, and the noise of the measurement up to noiseCap.
func grows(t Term, rateTxPerSec float64, g Growth, noiseCap float64) bool {
	share := g.TxPerSec / rateTxPerSec
	noise := min(2*g.StdErrTxPerSec/rateTxPerSec, noiseCap)
	return !t.holds(share) && share > noise
}

func (o Observation) latency(m Metric) (ns int64, known bool) {
	l := o.Commit
	if m == AcceptP99 {
		l = o.Accept
	}
	if l == nil {
		return 0, false
	}
	switch m {
	case P50:
		return l.P50NS, true
	case P90:
		return l.P90NS, true
	case P99, AcceptP99:
		return l.P99NS, true
	case P999:
		return l.P999NS, true
	case Max:
		return l.MaxNS, true
	}
	return 0, false
}

// strain is the worst limited latency as a share of its limit; 0 when none is
// known.
func (s SLO) strain(o Observation) float64 {
	worst := 0.0
	for _, t := range s.Terms {
		if v, ok := o.latency(t.Metric); ok {
			worst = max(worst, float64(v)/t.Limit)
		}
	}
	return worst
}

func latencyName(m Metric) string {
	if m == AcceptP99 {
		return "accept p99"
	}
	return "commit " + string(m)
}

func goodText(o Observation) string {
	text := "loss " + percentText(o.Loss())
	if o.Commit != nil {
		text += ", commit p99 " + shortDuration(o.Commit.P99NS)
	}
	if o.Backlog != nil {
		text += ", backlog " + rateText(o.Backlog.TxPerSec) + " tx/s"
	}
	return text
}

func rateText(txPerSec float64) string { return fmt.Sprintf("%.0f", txPerSec) }

// shortDuration keeps three digits: nobody reads 610.123456ms.
func shortDuration(ns int64) string {
	d := time.Duration(ns)
	for unit := time.Duration(1); unit <= time.Second; unit *= 10 {
		if d.Abs() < 1000*unit {
			return d.Round(unit).String()
		}
	}
	return d.Round(time.Second).String()
}
