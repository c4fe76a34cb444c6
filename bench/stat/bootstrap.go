package stat

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Estimate is a statistic with a bootstrap interval.
type Estimate struct {
	Value  float64
	Low    float64
	High   float64
	StdErr float64 // of the resampled statistics
	// Bias is z₀, the normal quantile of the share of resamples below Value, and
	// Acceleration â, the skewness of the jackknife: both 0 make the interval a
	// plain percentile one.
	Bias         float64
	Acceleration float64
}

// bootstrapMax bounds the work: resamples times values.
const bootstrapMax = 200_000_000

// BCa returns the bias-corrected and accelerated bootstrap interval (Efron
// 1987; Efron and Tibshirani 1993, §14.3) of a statistic of xs. statistic must
// not change or keep its argument. The resamples are drawn with a seed that is
// a hash of the data, so the same values give the same interval everywhere. 2 000
// resamples or more are wanted for 95 %. When all values are equal so are the
// bounds. Fewer than three values wrap ErrTooFewSamples; values, or results of
// statistic, that are not finite wrap ErrBadSeries.
func BCa(xs []float64, statistic func([]float64) float64, conf float64, resamples int) (Estimate, error) {
	if err := checkFinite("value", xs); err != nil {
		return Estimate{}, err
	}
	if err := checkConfidence(conf); err != nil {
		return Estimate{}, err
	}
	n := len(xs)
	switch {
	case n < 3:
		return Estimate{}, fmt.Errorf("%w: %d values, a bootstrap needs at least 3", ErrTooFewSamples, n)
	case resamples < 100 || resamples > bootstrapMax/n:
		return Estimate{}, fmt.Errorf("%w: %d resamples of %d values, give between 100 and %d", ErrBadSeries, resamples, n, bootstrapMax/n)
	}
	est := Estimate{Value: statistic(xs)}
	if bad(est.Value) {
		return Estimate{}, fmt.Errorf("%w: the statistic of the sample is %v", ErrBadSeries, est.Value)
	}
	draws, err := resample(xs, statistic, resamples)
	if err != nil {
		return Estimate{}, err
	}
	mean, below := 0.0, 0.0
	for _, v := range draws {
		mean += v / float64(resamples)
		switch {
		case v < est.Value:
			below++
		case v == est.Value: // half of the ties lie below
			below += 0.5
		}
	}
	for _, v := range draws {
		est.StdErr += (v - mean) * (v - mean)
	}
	est.StdErr = math.Sqrt(est.StdErr / float64(resamples-1))
	if draws[0] == draws[resamples-1] {
		est.Low, est.High = draws[0], draws[0]
		return est, nil
	}
	// A share of 0 or 1 would put the bounds at infinity: half a resample less.
	share := min(max(below, 0.5), float64(resamples)-0.5) / float64(resamples)
	est.Bias = distuv.UnitNormal.Quantile(share)
	est.Acceleration, err = jackknifeAcceleration(xs, statistic)
	if err != nil {
		return Estimate{}, err
	}
	level := func(p float64) float64 {
		z := est.Bias + distuv.UnitNormal.Quantile(p)
		d := 1 - est.Acceleration*z
		if d <= 0 { // beyond where the correction is defined: the extreme
			return math.Round(p)
		}
		return distuv.UnitNormal.CDF(est.Bias + z/d)
	}
	est.Low = quantileSorted(draws, level((1-conf)/2))
	est.High = quantileSorted(draws, level((1+conf)/2))
	return est, nil
}

// resample returns the ascending statistics of samples drawn from xs.
func resample(xs []float64, statistic func([]float64) float64, resamples int) ([]float64, error) {
	rng := seeded(xs)
	draws := make([]float64, resamples)
	sample := make([]float64, len(xs))
	for i := range draws {
		for j := range sample {
			sample[j] = xs[rng.IntN(len(xs))]
		}
		draws[i] = statistic(sample)
		if bad(draws[i]) {
			return nil, fmt.Errorf("%w: the statistic of a resample is %v: take one that is defined for repeated values", ErrBadSeries, draws[i])
		}
	}
	slices.Sort(draws)
	return draws, nil
}

// jackknifeAcceleration is Σd³ / 6(Σd²)^1.5 over the statistics without one
// value each, d being their distance below their mean.
func jackknifeAcceleration(xs []float64, statistic func([]float64) float64) (float64, error) {
	n := len(xs)
	left := make([]float64, n)
	rest := make([]float64, 0, n-1)
	mean := 0.0
	for i := range xs {
		rest = append(append(rest[:0], xs[:i]...), xs[i+1:]...)
		left[i] = statistic(rest)
		if bad(left[i]) {
			return 0, fmt.Errorf("%w: the statistic without value %d is %v", ErrBadSeries, i+1, left[i])
		}
		mean += left[i] / float64(n)
	}
	squares, cubes := 0.0, 0.0
	for _, v := range left {
		d := mean - v
		squares += d * d
		cubes += d * d * d
	}
	if squares == 0 {
		return 0, nil
	}
	return cubes / (6 * math.Pow(squares, 1.5)), nil
}

// seeded returns a generator whose seed is a hash of the values (FNV-1a over
// their bits, twice), so that a verdict can be found again from the data alone.
func seeded(xs []float64) *rand.Rand {
	const offset, prime = 14695981039346656037, 1099511628211
	a, b := uint64(offset), uint64(offset)
	for _, x := range xs {
		bits := math.Float64bits(x + 0) // one zero
		for s := 0; s < 64; s += 8 {
			a = (a ^ bits>>s&0xff) * prime
			b = (b ^ bits>>(56-s)&0xff) * prime
		}
	}
	return rand.New(rand.NewPCG(a, b))
}
