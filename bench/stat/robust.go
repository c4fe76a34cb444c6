package stat

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// madToSigma makes the median absolute deviation of normal noise equal to its
// standard deviation: 1 / Φ⁻¹(3/4).
const madToSigma = 1.482602218505602

// MAD is the median absolute deviation from the median, in the unit of xs and
// not scaled; half of the values may be wild without moving it far. NaN when xs
// is empty or holds a NaN. xs is not changed.
func MAD(xs []float64) float64 {
	m := Median(xs)
	dev := make([]float64, len(xs))
	for i, x := range xs {
		dev[i] = math.Abs(x - m)
	}
	return Median(dev)
}

// RobustSigma is MAD scaled to the standard deviation of normal noise.
func RobustSigma(xs []float64) float64 { return madToSigma * MAD(xs) }

// Outlier says how far a value lies from the middle half of its sample.
type Outlier int8

// Classes of Tukey's fences: mild lies more than 1.5 interquartile ranges
// outside the quartiles, severe more than 3.
const (
	LowSevere Outlier = iota - 2
	LowMild
	NotOutlier
	HighMild
	HighSevere
)

// String names the class.
func (o Outlier) String() string {
	switch o {
	case LowSevere:
		return "low severe"
	case LowMild:
		return "low mild"
	case HighMild:
		return "high mild"
	case HighSevere:
		return "high severe"
	}
	return "inside"
}

// TukeyOutliers gives every value its class (Tukey 1977, §2D), in the order of
// xs. It is a description: nothing is ever dropped for it, because a slow round
// is as real as a fast one. Fewer than four values wrap ErrTooFewSamples: they
// have no quartiles to speak of.
func TukeyOutliers(xs []float64) ([]Outlier, error) {
	if err := checkFinite("value", xs); err != nil {
		return nil, err
	}
	if len(xs) < 4 {
		return nil, fmt.Errorf("%w: %d values have no quartiles, take at least 4", ErrTooFewSamples, len(xs))
	}
	sorted := slices.Clone(xs)
	slices.Sort(sorted)
	q1, q3 := quantileSorted(sorted, 0.25), quantileSorted(sorted, 0.75)
	iqr := q3 - q1
	out := make([]Outlier, len(xs))
	for i, x := range xs {
		switch {
		case x < q1-3*iqr:
			out[i] = LowSevere
		case x < q1-1.5*iqr:
			out[i] = LowMild
		case x > q3+3*iqr:
			out[i] = HighSevere
		case x > q3+1.5*iqr:
			out[i] = HighMild
		}
	}
	return out, nil
}

// BenjaminiHochberg returns the probabilities adjusted for having looked at all
// of them: calling every one at or below q significant keeps the expected share
// of false calls at q (Benjamini and Hochberg 1995). The order is that of p. A
// NaN is a test that was not made: it stays NaN and does not count.
func BenjaminiHochberg(p []float64) ([]float64, error) {
	var order []int
	out := make([]float64, len(p))
	for i, v := range p {
		switch {
		case math.IsNaN(v):
			out[i] = v
		case v < 0 || v > 1:
			return nil, fmt.Errorf("%w: probability %d is %v, which must lie in [0, 1]", ErrBadSeries, i+1, v)
		default:
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case p[a] < p[b]:
			return -1
		case p[a] > p[b]:
			return 1
		}
		return 0
	})
	least := 1.0
	for k := len(order) - 1; k >= 0; k-- {
		least = min(least, p[order[k]]*float64(len(order))/float64(k+1))
		out[order[k]] = max(least, p[order[k]]) // rounding must not make it smaller
	}
	return out, nil
}

// RoundsToDetect is the smallest number of values per sample at which
// MinDetectable is at most the given change (in standard deviations of the
// noise), and 0 when most values are not enough.
func RoundsToDetect(sigmas, power, alpha float64, most int) int {
	if !(sigmas > 0) || !(power > alpha && power < 1) || !(alpha > 0) {
		return 0
	}
	// For many values: those of a t test, over the efficiency 3/π of ranks beside
	// means on normal noise.
	z := distuv.UnitNormal.Quantile(1-alpha/2) + distuv.UnitNormal.Quantile(power)
	if many := math.Ceil(2 * z * z / (sigmas * sigmas) * math.Pi / 3); many > 200 {
		if many > float64(most) {
			return 0
		}
		return int(many)
	}
	most = min(most, 400)
	if !(MinDetectable(most, power, alpha) <= sigmas) {
		return 0
	}
	lo, hi := 0, most // lo is too few, hi is enough
	for hi-lo > 1 {
		mid := lo + (hi-lo)/2
		if MinDetectable(mid, power, alpha) <= sigmas {
			hi = mid
		} else {
			lo = mid
		}
	}
	return hi
}
