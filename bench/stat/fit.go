package stat

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

// Fit is the outcome of a goodness-of-fit test: how far a sample lies from
// what it was meant to be, and how often chance alone takes it that far.
type Fit struct {
	Statistic float64 // D of Kolmogorov–Smirnov, or X² of chi-square
	P         float64 // probability of a statistic at least as large by chance
	N         int     // samples (KS) or cells after pooling (chi-square)
	DF        int     // degrees of freedom; 0 for KS
}

// KolmogorovSmirnov tests a sample against a continuous distribution that is
// known beforehand, none of its parameters taken from the sample. Statistic is
// D = sup |F_n(x) − F(x)|, P that of Kolmogorov's distribution at
// (√n + 0.12 + 0.11/√n)·D, which Stephens (1970) gives for finite n and which
// is good to about 1 % from n = 5 on. The sample is not changed.
func KolmogorovSmirnov(sample []float64, cdf func(float64) float64) (Fit, error) {
	if len(sample) < 5 {
		return Fit{}, fmt.Errorf("%w: %d samples, a Kolmogorov-Smirnov test needs at least 5", ErrTooFewSamples, len(sample))
	}
	sorted := slices.Clone(sample)
	slices.Sort(sorted)
	n, d := float64(len(sorted)), 0.0
	for i, x := range sorted {
		f := cdf(x)
		if math.IsNaN(x) || !(f >= 0 && f <= 1) {
			return Fit{}, fmt.Errorf("%w: sample %v has the distribution function %v, which must lie in [0, 1]", ErrBadSeries, x, f)
		}
		d = max(d, f-float64(i)/n, float64(i+1)/n-f)
	}
	root := math.Sqrt(n)
	return Fit{Statistic: d, P: kolmogorovTail((root + 0.12 + 0.11/root) * d), N: len(sorted)}, nil
}

// ExponentialCDF is the distribution function of gaps between independent
// arrivals with the given rate per unit of x.
func ExponentialCDF(rate float64) func(float64) float64 {
	return func(x float64) float64 {
		if x <= 0 {
			return 0
		}
		return -math.Expm1(-rate * x)
	}
}

// kolmogorovTail is P(K > x) of Kolmogorov's distribution. Below 1 the theta
// function's other series is used, because there the alternating one loses all
// its digits.
func kolmogorovTail(x float64) float64 {
	switch {
	case x <= 0.04: // the other series is below 1e-300 there
		return 1
	case x < 1:
		sum := 0.0
		for k := 1; k <= 9; k += 2 {
			sum += math.Exp(-float64(k*k) * math.Pi * math.Pi / (8 * x * x))
		}
		return 1 - math.Sqrt(2*math.Pi)/x*sum
	}
	sum, sign := 0.0, 1.0
	for k := 1; k <= 20; k++ {
		sum += sign * math.Exp(-2*float64(k*k)*x*x)
		sign = -sign
	}
	return min(1, max(0, 2*sum))
}

// ChiSquareTail is the probability that a chi-square variable with df degrees
// of freedom exceeds x; NaN when df is below 1 or x is not a number ≥ 0.
func ChiSquareTail(x float64, df int) float64 {
	if df < 1 || !(x >= 0) {
		return math.NaN()
	}
	if math.IsInf(x, 1) {
		return 0
	}
	return mathext.GammaIncRegComp(float64(df)/2, x/2)
}
