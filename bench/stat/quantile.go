package stat

import (
	"math"
	"slices"
)

// Median returns the middle of xs (the mean of the two middle values when
// len(xs) is even), or NaN when xs is empty or holds a NaN. xs is not changed.
func Median(xs []float64) float64 { return Quantile(xs, 0.5) }

// Quantile returns the q-quantile of xs, 0 ≤ q ≤ 1, by linear interpolation
// between order statistics (definition 7 of Hyndman and Fan 1996, the default
// of R). The result is NaN when xs is empty, holds a NaN, or q is out of
// range: an unknown value must not look like a number. xs is not changed.
func Quantile(xs []float64, q float64) float64 {
	if len(xs) == 0 || !(q >= 0 && q <= 1) {
		return math.NaN()
	}
	sorted := slices.Clone(xs)
	slices.Sort(sorted)
	return quantileSorted(sorted, q)
}

// quantileSorted is Quantile for values already in ascending order. NaN sorts
// first, so looking at one element is enough to find any.
func quantileSorted(sorted []float64, q float64) float64 {
	if math.IsNaN(sorted[0]) {
		return math.NaN()
	}
	pos := q * float64(len(sorted)-1)
	lo := int(pos)
	if lo >= len(sorted)-1 {
		return sorted[len(sorted)-1]
	}
	a, b := sorted[lo], sorted[lo+1]
	if a == b { // also keeps Inf - Inf from turning into NaN
		return a
	}
	frac := pos - float64(lo)
	if frac == 0 {
		return a
	}
	// A weighted sum and not a + frac*(b-a): the difference of two large
	// values of opposite sign may overflow.
	return a*(1-frac) + b*frac
}
