package stat

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrTooFewSamples says that a series is too short for the answer asked for.
var ErrTooFewSamples = errors.New("too few samples")

// Interval is a median with a distribution-free confidence interval.
type Interval struct {
	Median   float64
	Low      float64
	High     float64
	Coverage float64 // the exact confidence reached, never below the one asked for
}

// MedianInterval returns the ranks (1-based, 1 ≤ low < high ≤ n) of the order
// statistics that enclose the median of any continuous distribution with at
// least the given confidence, and the exact coverage of that pair. It takes
// the narrowest symmetric pair. ok is false when n is too small: at 95 % at
// least six samples are needed.
//
// The count of samples under the median is binomial(n, 1/2), so the pair
// (k, n+1-k) covers it with probability 1 - 2·P(B ≤ k-1); see Conover,
// Practical Nonparametric Statistics, §3.2.
func MedianInterval(n int, confidence float64) (low, high int, coverage float64, ok bool) {
	if n < 2 || !(confidence > 0 && confidence < 1) {
		return 0, 0, 0, false
	}
	lgN, _ := math.Lgamma(float64(n) + 1)
	tail := 0.0 // P(B ≤ k-1) for the next k
	for k := 1; k <= n/2; k++ {
		lgK, _ := math.Lgamma(float64(k))
		lgRest, _ := math.Lgamma(float64(n-k) + 2)
		tail += math.Exp(lgN - lgK - lgRest - float64(n)*math.Ln2)
		c := 1 - 2*tail
		if c < confidence {
			break
		}
		low, high, coverage, ok = k, n+1-k, c, true
	}
	return low, high, coverage, ok
}

// MedianWithInterval returns the median of xs and the order statistics that
// enclose it with at least the given confidence. It wraps ErrTooFewSamples
// when xs is too short for that confidence.
func MedianWithInterval(xs []float64, confidence float64) (Interval, error) {
	for i, x := range xs {
		if math.IsNaN(x) {
			return Interval{}, fmt.Errorf("sample %d is not a number: remove unknown values before asking for a median", i)
		}
	}
	low, high, coverage, ok := MedianInterval(len(xs), confidence)
	if !ok {
		return Interval{}, fmt.Errorf("%w: %d samples cannot enclose a median with confidence %v; take more rounds (six are enough for 0.95)",
			ErrTooFewSamples, len(xs), confidence)
	}
	sorted := slices.Clone(xs)
	slices.Sort(sorted)
	return Interval{
		Median:   quantileSorted(sorted, 0.5),
		Low:      sorted[low-1],
		High:     sorted[high-1],
		Coverage: coverage,
	}, nil
}
