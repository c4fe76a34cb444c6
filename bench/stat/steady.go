package stat

import (
	"fmt"
	"math"
)

// Verdicts of SteadyState.
const (
	SteadyFlat   = "flat"            // steady from the first value on
	SteadyWarmUp = "warm-up"         // steady after a prefix
	SteadyNone   = "no-steady-state" // still moving at the end
)

// Steady says from where on a series is steady.
type Steady struct {
	Verdict string
	Skip    int     // values of the warm-up; all of them without a steady state
	Level   float64 // median of the steady part, NaN without one
	// DriftRatio is by how much the steady part still grows from its first to its
	// last value, relative to Level (robust slope).
	DriftRatio float64
	Changes    []ChangePoint
	Reason     string // why there is no steady state
}

// steadyShortest is the shortest stretch that a change of level may separate.
const steadyShortest = 3

// SteadyState finds the warm-up of a series of values taken at equal distances
// (rates per window, times per iteration). The series is cut at its change
// points; from the end backwards, stretches whose medians differ from that of
// the last one by at most tolerance (relative, 0.02 for 2 %) or by less than the
// noise belong to the steady state (after Barrett et al., Virtual Machine Warmup
// Blows Hot and Cold, 2017, §4). It must hold at least half of the values, and
// must not drift by more than tolerance from its start to its end unless the
// noise explains that: otherwise there is no steady state, which is a verdict
// and not an error. At least eight positive values are needed.
func SteadyState(xs []float64, tolerance float64) (Steady, error) {
	if err := checkFinite("value", xs); err != nil {
		return Steady{}, err
	}
	if len(xs) < 8 {
		return Steady{}, fmt.Errorf("%w: %d values, a steady state needs at least 8", ErrTooFewSamples, len(xs))
	}
	if !(tolerance > 0 && tolerance < 1) {
		return Steady{}, fmt.Errorf("%w: a tolerance of %v, give one between 0 and 1, such as 0.02", ErrBadSeries, tolerance)
	}
	logs := make([]float64, len(xs))
	for i, x := range xs {
		if x <= 0 {
			return Steady{}, fmt.Errorf("%w: value %d is %v, a relative tolerance needs positive values", ErrBadSeries, i+1, x)
		}
		logs[i] = math.Log(x)
	}
	changes, err := ChangePoints(logs, steadyShortest, 0.05)
	if err != nil {
		return Steady{}, err
	}
	out := Steady{Changes: changes, Skip: steadyStart(logs, changes, tolerance)}
	for i := range changes { // back from logarithms
		changes[i].Before, changes[i].After = math.Exp(changes[i].Before), math.Exp(changes[i].After)
	}
	if 2*(len(xs)-out.Skip) < len(xs) {
		return out.none(len(xs), fmt.Sprintf("the level changed last at value %d of %d: measure longer", out.Skip+1, len(xs))), nil
	}
	rest := logs[out.Skip:]
	at := make([]float64, len(rest))
	for i := range at {
		at[i] = float64(i)
	}
	slope, err := driftSlope(at, rest)
	if err != nil {
		return Steady{}, err
	}
	length := float64(len(rest) - 1)
	out.DriftRatio = math.Expm1(slope.PerSec * length)
	limit := math.Log1p(tolerance)
	if drift := math.Abs(slope.PerSec * length); drift-z95*slope.StdErr*length > limit {
		return out.none(len(xs), fmt.Sprintf("it still drifts by %+.1f %% over the last %d values: measure longer, or find what grows", 100*out.DriftRatio, len(rest))), nil
	}
	out.Level = Median(xs[out.Skip:])
	out.Verdict = SteadyFlat
	if out.Skip > 0 {
		out.Verdict = SteadyWarmUp
	}
	return out, nil
}

func (s Steady) none(n int, reason string) Steady {
	s.Verdict, s.Reason, s.Skip, s.Level = SteadyNone, reason, n, math.NaN()
	return s
}

// steadyStart walks back over the stretches that lie at the level of the last.
func steadyStart(logs []float64, changes []ChangePoint, tolerance float64) int {
	if len(changes) == 0 {
		return 0
	}
	last := logs[changes[len(changes)-1].Index:]
	level := Median(last)
	limit := max(math.Log1p(tolerance), RobustSigma(last))
	start := len(logs) - len(last)
	for i := len(changes) - 1; i >= 0; i-- {
		from := 0
		if i > 0 {
			from = changes[i-1].Index
		}
		if math.Abs(Median(logs[from:start])-level) > limit {
			break
		}
		start = from
	}
	return start
}

// driftSlope is the robust slope, or for long series that of least squares.
func driftSlope(at, values []float64) (Slope, error) {
	if len(at) > theilSenMax {
		return SlopePerSec(at, values)
	}
	return TheilSenPerSec(at, values)
}
