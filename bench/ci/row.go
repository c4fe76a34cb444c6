package ci

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/chainweir/weir/bench/stat"
)

// Outcome says how a gate ended.
type Outcome string

// Outcomes.
const (
	Pass      Outcome = "pass"
	Fail      Outcome = "fail"
	Undecided Outcome = "inconclusive"
	Noisy     Outcome = "noisy" // the control fired: the gate is refused
)

// Row is what is known about one metric.
type Row struct {
	Metric
	Base  float64 `json:"base"` // median of all runs of base, control among them
	Head  float64 `json:"head"`
	Pairs int     `json:"rounds"`
	// Ratio is head over base: the median of the rounds. Nil where values are
	// not above zero and have no ratio.
	Ratio    *float64    `json:"ratio"`
	CI95     *[2]float64 `json:"ci95"`
	Coverage *float64    `json:"ci_coverage"` // reached exactly, 0.95 or above
	P        *float64    `json:"p"`
	// PAdjusted is p by Benjamini and Hochberg over the metrics judged together.
	PAdjusted *float64 `json:"p_adjusted"`
	Verdict   Verdict  `json:"verdict"`
	Decides   bool     `json:"decides"` // takes part in the result

	Gate    *string `json:"gate"`    // nil: none names the metric
	Outcome Outcome `json:"outcome"` // of the gate, or of the metric where no gate is given
	// Refused says that the outcome counts for nothing, because the control of
	// this or of another deciding metric fired.
	Refused bool `json:"refused"`
	// Delta is the resolution: an interval inside ±delta is the same.
	Delta float64 `json:"delta_ratio"`
	// Smallest is the change that these rounds would have found in four of five
	// cases, as a fraction of base.
	Smallest   *float64 `json:"smallest_detectable_ratio"`
	MoreRounds *int     `json:"more_rounds"` // of an inconclusive one; nil: not foreseen

	Control ControlRow `json:"control"`
	// First is what the first measurement said, where a second one confirmed or
	// refuted it; the row itself is then the second's.
	First     *FirstRow `json:"first"`
	Confirmed bool      `json:"confirmed"`

	BaseSamples    []float64 `json:"base_samples"`
	HeadSamples    []float64 `json:"head_samples"`
	ControlSamples []float64 `json:"control_samples"`
}

// ControlRow is base against itself, in the same rounds.
type ControlRow struct {
	Ratio *float64    `json:"ratio"`
	CI95  *[2]float64 `json:"ci95"`
	P     *float64    `json:"p"`
	// RunSD is the standard deviation of one run, as a fraction.
	RunSD *float64 `json:"run_sd_ratio"`
	Fired bool     `json:"fired"`
}

// FirstRow is the first of two measurements.
type FirstRow struct {
	Ratio     *float64    `json:"ratio"`
	CI95      *[2]float64 `json:"ci95"`
	PAdjusted *float64    `json:"p_adjusted"`
	Verdict   Verdict     `json:"verdict"`
	Outcome   Outcome     `json:"outcome"`
	Pairs     int         `json:"rounds"`
}

// judged is a row on its way, with its estimates on the scale of logarithms.
type judged struct {
	row     Row
	s       *series
	change  estimate
	control estimate
	ratios  bool // the estimates are logarithms of ratios
}

// judge gives every metric its verdict.
func judge(list []*series, gated bool) ([]Row, error) {
	all := make([]*judged, 0, len(list))
	for _, s := range list {
		j, err := estimateSeries(s, gated)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		all = append(all, j)
	}
	// What decides is judged among itself; what stands aside among all.
	var deciding []*judged
	for _, j := range all {
		if j.row.Decides {
			deciding = append(deciding, j)
		}
	}
	if err := errors.Join(setAdjusted(all), setAdjusted(deciding)); err != nil {
		return nil, err
	}
	rows := make([]Row, len(all))
	for i, j := range all {
		j.conclude()
		rows[i] = j.row
	}
	return rows, nil
}

func setAdjusted(list []*judged) error {
	p := make([]float64, len(list))
	for i, j := range list {
		p[i] = j.change.p
	}
	adjusted, err := stat.BenjaminiHochberg(p)
	for i := range adjusted {
		list[i].row.PAdjusted = &adjusted[i]
	}
	return err
}

func estimateSeries(s *series, gated bool) (*judged, error) {
	j := &judged{s: s}
	r := &j.row
	r.Metric, r.Decides, r.Pairs, r.Delta = s.Metric, s.decides(gated), len(s.arms[Base]), s.resolution()
	r.BaseSamples, r.HeadSamples, r.ControlSamples = s.arms[Base], s.arms[Head], s.arms[Control]
	r.Base = stat.Median(slices.Concat(s.arms[Base], s.arms[Control]))
	r.Head = stat.Median(s.arms[Head])
	if s.gate != nil {
		r.Gate = &s.gate.Text
	}
	change, control, ok := s.contrasts()
	j.ratios = ok
	var err error
	if j.change, err = estimateOf(change); err != nil {
		return nil, err
	}
	if j.control, err = estimateOf(control); err != nil {
		return nil, err
	}
	r.P, r.Control.P = &j.change.p, &j.control.p
	if !ok {
		return j, nil
	}
	r.Ratio, r.CI95, r.Coverage = j.change.ratio(), j.change.ci(), &j.change.achieved
	r.Control.Ratio, r.Control.CI95 = j.control.ratio(), j.control.ci()
	sd := j.control.sd / math.Sqrt2
	r.Control.RunSD = &sd
	least := math.Expm1(detectableBy(r.Pairs, max(j.change.half(), changeSD(j.control.half())), power))
	r.Smallest = &least
	return j, nil
}

func (e estimate) half() float64 { return (e.hi - e.lo) / 2 }

func (e estimate) ratio() *float64 { v := math.Exp(e.median); return &v }

func (e estimate) ci() *[2]float64 { return &[2]float64{math.Exp(e.lo), math.Exp(e.hi)} }

// conclude gives the verdict and the gate's outcome.
func (j *judged) conclude() {
	r, s := &j.row, j.s
	delta := s.deltaLog()
	if !j.ratios {
		// Differences have no percentage: any that is real is a change, and none
		// at all is the same.
		delta = 0
	}
	// A gate that allows nothing is not content with a certain change because it
	// is small; then neither is its control.
	strict := s.gate != nil && s.gate.Limit == 0
	controlDelta := delta
	if strict {
		controlDelta = 0
	}
	r.Control.Fired = j.control.fired(r.Pairs, controlDelta)
	worse := s.worse(j.change.median)
	lo, hi := j.change.lo, j.change.hi
	if s.Better == Higher {
		lo, hi = -hi, -lo
	}
	switch {
	case j.change.within(delta) && !(strict && *r.PAdjusted <= 1-Confidence && lo > 0):
		r.Verdict = Same
	case s.Better == Unknown:
		r.Verdict = Inconclusive // a change that nobody can call good or bad
	case *r.PAdjusted <= 1-Confidence && lo > 0:
		r.Verdict = Slower
	case *r.PAdjusted <= 1-Confidence && hi < 0:
		r.Verdict = Faster
	default:
		r.Verdict = Inconclusive
	}
	limit := s.limitLog()
	if !j.ratios {
		limit = 0
	}
	switch {
	case r.Control.Fired:
		r.Outcome = Noisy
	case r.Verdict == Slower && worse > limit:
		r.Outcome = Fail
	case r.Verdict == Same, r.Verdict == Faster, limit > 0 && hi <= limit:
		r.Outcome = Pass
	default:
		r.Outcome = Undecided
	}
	if r.Outcome == Undecided && j.ratios {
		if n := moreRounds(r.Pairs, j.change, worse, limit, delta); n > 0 {
			r.MoreRounds = &n
		}
	}
}

// changed tells that the row claims a difference, which is to be confirmed.
func (r *Row) changed() bool {
	return r.Decides && !r.Control.Fired && (r.Verdict == Slower || r.Verdict == Faster)
}

// confirm replaces a row that claims a difference by what the second
// measurement says. A change stays only if it is found again, the same way.
func (r *Row) confirm(again Row) {
	first := FirstRow{r.Ratio, r.CI95, r.PAdjusted, r.Verdict, r.Outcome, r.Pairs}
	*r = again
	r.First = &first
	switch {
	case again.Control.Fired:
	case again.Verdict == first.Verdict:
		r.Confirmed = true
	case again.Verdict == Slower, again.Verdict == Faster:
		// Once slower and once faster: neither can be believed.
		r.Verdict, r.Outcome = Inconclusive, Undecided
	}
	if r.Outcome == Fail && first.Outcome != Fail {
		// Slower both times, beyond the limit once.
		r.Outcome = Undecided
	}
}
