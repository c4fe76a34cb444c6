package loadgen

import (
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/chainweir/weir/bench/stat"
	"github.com/chainweir/weir/results"
)

// Batch windows that are chosen when none is given.
const (
	// Up to this rate every transaction leaves at its own time.
	aloneTxPerSec = 2500
	// Above it, frames leave four times per ms.
	autoBatchWindow = 250 * time.Microsecond
)

// maxDrivers is how many threads wake up for each frame.
const maxDrivers = 2

// batchWindow chooses the grid for a schedule by its highest rate.
func batchWindow(peakTxPerSec float64) time.Duration {
	if peakTxPerSec <= aloneTxPerSec {
		return 0
	}
	return autoBatchWindow
}

// Pacing is judged on counts per ms.
const pacingIntervalNS = int64(time.Millisecond)

// maxGaps bounds the gaps that are kept for a test, which takes 8 bytes each.
const maxGaps = 200_000

// pacing compares the actual sends with the intended ones. It looks at every
// transaction, after the run and not in it.
func (r *run) pacing(o *Outcome) (problems []string) {
	p := &results.Pacing{BatchWindowNS: int64(r.cfg.BatchWindow), Frames: o.Frames, IntervalNS: pacingIntervalNS}
	sent := make([]int64, 0, len(r.times))
	lag := hdrhistogram.New(1, r.totalNS/unitNS, hdrDigits)
	early := int64(0)
	for i := range r.sent {
		word := r.sent[i].Load()
		if word == 0 || r.state[i] == 0 && r.failed(i, word&connMask) {
			continue // not sent, or in a frame that could not be written
		}
		at := word >> connBits
		sent = append(sent, at)
		if d := at - r.times[i]; d < 0 || lag.RecordValue(d/unitNS) != nil {
			early++
		}
	}
	if early > 0 {
		problems = append(problems, "transactions were sent before their time, or later than the run can last: the clock is broken")
	}
	if len(sent) > 0 {
		p99 := lag.ValueAtQuantile(99) * unitNS
		o.Trial.Generator.LagP99NS = &p99
		h, err := results.EncodeHistogram(lag, "send_lag", unitNS, early)
		if err != nil {
			problems = append(problems, err.Error())
		} else {
			p.Lag = &h
		}
	}
	frames := hdrhistogram.New(1, MaxFrameTxs, hdrDigits)
	for _, l := range r.links {
		frames.Merge(l.sender.frameTxs)
	}
	if frames.TotalCount() > 0 {
		p50, p99, top := frames.ValueAtQuantile(50), frames.ValueAtQuantile(99), frames.Max()
		p.FrameTxsP50, p.FrameTxsP99, p.FrameTxsMax = &p50, &p99, &top
	}
	r.fit(p, sent)
	o.Trial.Generator.Pacing = p
	return problems
}

// fit fills in the tests of the sends against the schedule.
func (r *run) fit(p *results.Pacing, sent []int64) {
	end := int64(r.cfg.Duration)
	intended, actual := stat.NewTally(r.times, p.IntervalNS, 0, end), stat.NewTally(sent, p.IntervalNS, 0, end)
	p.IntendedDispersion, p.SentDispersion = known(intended.Dispersion()), known(actual.Dispersion())
	p.IntervalCounts = [][2]int64{}
	for k, m := range actual {
		if m > 0 {
			p.IntervalCounts = append(p.IntervalCounts, [2]int64{int64(k), m})
		}
	}
	plan := &r.cfg.plan
	if !plan.poisson {
		return
	}
	if plan.curve == nil {
		mean := plan.RateTxPerSec * float64(p.IntervalNS) / 1e9
		if f, err := actual.ChiSquarePoisson(mean); err == nil {
			p.ChiSquare = &results.FitTest{Statistic: f.Statistic, P: f.P, N: int64(f.N)}
		}
	}
	if p.BatchWindowNS > 0 {
		return
	}
	// On the scale of the cumulative rate all gaps are exponential with mean 1.
	scale := func(ns int64) float64 { return float64(ns+r.firstNS) / 1e9 * plan.RateTxPerSec }
	if plan.curve != nil {
		scale = func(ns int64) float64 { return plan.curve.until(float64(ns + r.firstNS)) }
	}
	var gaps []float64
	for i := 1; i < len(sent) && len(gaps) < maxGaps; i++ {
		gaps = append(gaps, scale(sent[i])-scale(sent[i-1]))
	}
	if f, err := stat.KolmogorovSmirnov(gaps, stat.ExponentialCDF(1)); err == nil {
		p.GapsKS = &results.FitTest{Statistic: f.Statistic, P: f.P, N: int64(f.N)}
	}
}

// known is a figure, nil when it could not be computed.
func known(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	return &v
}
