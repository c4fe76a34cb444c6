package ci

import (
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/chainweir/weir/bench/stat"
)

// Levels of the tests.
const (
	Confidence = 0.95 // of intervals, and 1 − the level of a verdict
	// controlLevel is that of the control. It is strict, because a false alarm
	// refuses an answer that is there.
	controlLevel = 0.01
	// power is the chance with which a smallest detectable change is found.
	power = 0.8
	// sizingPower is the chance with which rounds are sized to find a change of
	// the resolution, once. It is found twice, with confirmation, in 95 of 100.
	sizingPower = 0.975
	// rankEfficiency of the signed-rank test beside the t test on normal noise.
	rankEfficiency = 3 / math.Pi
)

// Verdict says how head stands to base.
type Verdict string

// Verdicts. They are those of a stopwatch for every metric: slower is worse.
const (
	Faster       Verdict = "faster"
	Slower       Verdict = "slower"
	Same         Verdict = "same" // the whole interval lies inside the resolution
	Inconclusive Verdict = "inconclusive"
)

// series are the values of one metric, by round.
type series struct {
	Metric
	arms  [armsPerRound][]float64
	gate  *Gate
	delta float64 // resolution, as a fraction
}

// limitLog is how far the logarithm may get worse, by the gate.
func (s *series) limitLog() float64 {
	if s.gate == nil {
		return 0
	}
	return s.gate.logLimit()
}

// resolution is the change that is to be told from none, as a fraction: a gate's
// own limit, where it has one.
func (s *series) resolution() float64 {
	if s.gate != nil && s.gate.Limit > 0 {
		return s.gate.Limit
	}
	return s.delta
}

// deltaLog is the resolution on the scale of logarithms.
func (s *series) deltaLog() float64 {
	if s.gate != nil && s.gate.Limit > 0 {
		return s.gate.logLimit()
	}
	return math.Log1p(s.delta)
}

// decides tells whether the metric takes part in the result.
func (s *series) decides(gated bool) bool {
	if gated {
		return s.gate != nil
	}
	return !s.Aside
}

// worse turns a logarithm of a ratio so that larger is worse.
func (s *series) worse(x float64) float64 {
	if s.Better == Higher {
		return -x
	}
	return x
}

// contrasts returns for each round the change of head and that of the control,
// as logarithms. ok is false when a value is not above zero: then both are
// plain differences, good for a test of signs and ranks and for nothing else.
func (s *series) contrasts() (change, control []float64, ok bool) {
	ok = true
	for _, arm := range s.arms {
		ok = ok && !slices.ContainsFunc(arm, func(v float64) bool { return !(v > 0) })
	}
	of := math.Log
	if !ok {
		of = func(v float64) float64 { return v }
	}
	for i := range s.arms[Base] {
		b, h, c := of(s.arms[Base][i]), of(s.arms[Head][i]), of(s.arms[Control][i])
		change = append(change, h-(b+c)/2)
		control = append(control, c-b)
	}
	return change, control, ok
}

// estimate is what one sample of logarithms says about its centre.
type estimate struct {
	median, lo, hi float64
	achieved       float64
	p              float64
	sd             float64
}

func estimateOf(x []float64) (estimate, error) {
	e := estimate{median: stat.Median(x), sd: sdOf(x)}
	var err error
	if _, e.p, err = stat.WilcoxonSignedRank(x); err != nil {
		return e, err
	}
	e.lo, e.hi, e.achieved, err = stat.SignedRankInterval(x, Confidence)
	return e, err
}

// away tells that the interval leaves zero out, and more than the resolution
// with it: what lies inside ±delta is the same, however sure it is.
func (e estimate) away(delta float64) bool {
	return (e.lo > 0 || e.hi < 0) && !e.within(delta)
}

func (e estimate) within(delta float64) bool { return e.lo >= -delta && e.hi <= delta }

// sdOf is the standard deviation, 0 for fewer than two values.
func sdOf(x []float64) float64 {
	if len(x) < 2 {
		return 0
	}
	mean := 0.0
	for _, v := range x {
		mean += v / float64(len(x))
	}
	sum := 0.0
	for _, v := range x {
		sum += (v - mean) * (v - mean)
	}
	return math.Sqrt(sum / float64(len(x)-1))
}

// fired tells that base and control differ: the machine changed between runs of
// one program by more than what is to be resolved.
func (e estimate) fired(n int, delta float64) bool {
	// Few rounds cannot reach the level at all; they must not silence the control.
	level := max(controlLevel, math.Ldexp(2, -n)*(1+1e-9))
	return e.p <= level && e.away(delta)
}

// changeSD is the standard deviation of a round's change when that of a round's
// control is controlSD and all runs are equally noisy: 3/2 of a run's variance
// beside 2.
func changeSD(controlSD float64) float64 { return controlSD * math.Sqrt(3) / 2 }

// detectable is the smallest change, as a logarithm, that n rounds of standard
// deviation sd find at the level alpha with the given power: by the t
// distribution, with the signed-rank test's efficiency. +Inf below two rounds.
func detectable(n int, sd, alpha, power float64) float64 {
	if n < 2 {
		return math.Inf(1)
	}
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(n - 1)}
	return (t.Quantile(1-alpha/2) + t.Quantile(power)) * sd / math.Sqrt(rankEfficiency*float64(n))
}

// detectableBy is the smallest change, as a logarithm, that n rounds with an
// interval of that half width find with the given power. The interval is the
// signed-rank test's own, so that a few spoilt runs widen neither.
func detectableBy(n int, half, power float64) float64 {
	if n < 2 {
		return math.Inf(1)
	}
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(n - 1)}
	return half * (1 + t.Quantile(power)/t.Quantile((1+Confidence)/2))
}

// roundsFor is the fewest rounds, from least up to most, that find a change of
// delta with sizingPower; enough is false when even most do not.
func roundsFor(controlSD, delta float64, metrics, least, most int) (rounds int, enough bool) {
	alpha := (1 - Confidence) / float64(max(1, metrics))
	more := sort.Search(most-least+1, func(i int) bool {
		return detectable(least+i, changeSD(controlSD), alpha, sizingPower) <= delta
	})
	return min(most, least+more), least+more <= most
}

// moreRounds estimates how many further rounds would turn an inconclusive
// answer into one: the width of an interval falls with the root of the rounds.
// It returns 0 when none is foreseen, which is where the change is as large as
// the limit itself.
func moreRounds(n int, e estimate, worse, limit, delta float64) int {
	half := (e.hi - e.lo) / 2
	need := worse
	switch {
	case limit > 0 && worse < limit:
		need = limit - worse
	case limit == 0:
		need = max(math.Abs(worse), delta-math.Abs(worse))
	}
	if !(need > 0) || !(half > 0) {
		return 0
	}
	const foreseeable = 1e6
	total := math.Ceil(float64(n) * (half / need) * (half / need))
	if total > foreseeable {
		return 0
	}
	return max(1, int(total)-n)
}
