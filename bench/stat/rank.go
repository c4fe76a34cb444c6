package stat

import (
	"fmt"
	"math"
	"slices"
)

// WilcoxonSignedRank tests whether x, differences of pairs, lies evenly around
// zero. w is the sum of the ranks of the positive differences (V in R), p the
// two-sided probability. Zeros are dropped as Wilcoxon did; equal magnitudes
// share their mean rank, and the distribution of w is the exact one over all
// 2ⁿ signs of those very ranks (Pratt and Gibbons 1981, §3.7), up to 300
// differences, beyond them the normal one with continuity correction. When all
// differences are zero, w is 0 and p is 1: nothing speaks against equality.
// An empty x wraps ErrTooFewSamples, a NaN or infinite value ErrBadSeries.
func WilcoxonSignedRank(x []float64) (w, p float64, err error) {
	if err := checkFinite("difference", x); err != nil {
		return 0, 0, err
	}
	var nonzero []float64
	for _, v := range x {
		if v != 0 {
			nonzero = append(nonzero, v)
		}
	}
	if len(nonzero) == 0 {
		return 0, 1, nil
	}
	magnitude := make([]float64, len(nonzero))
	for i, v := range nonzero {
		magnitude[i] = math.Abs(v)
	}
	ranks := doubledRanks(magnitude)
	sum := 0
	for i, v := range nonzero {
		if v > 0 {
			sum += ranks[i]
		}
	}
	return float64(sum) / 2, signedRankP(ranks, sum), nil
}

// HodgesLehmann1 is the median of all Walsh averages (x_i + x_j)/2, i ≤ j: the
// centre that fits the signed-rank test (Hodges and Lehmann 1963). NaN when x
// is empty or holds a value that is not finite. x is not changed.
func HodgesLehmann1(x []float64) float64 {
	if checkFinite("value", x) != nil {
		return math.NaN()
	}
	sorted := slices.Clone(x)
	slices.Sort(sorted)
	pairs := int64(len(x)) * int64(len(x)+1) / 2
	return medianOf(pairs, func(k int64) float64 { return walshAverage(sorted, k) })
}

// SignedRankInterval returns the centres that the signed-rank test does not
// reject: an interval for the median of a symmetric distribution with at least
// the confidence conf, and the exact confidence that is achieved. It is the
// narrowest pair of Walsh averages that symmetric ranks allow (Hollander, Wolfe
// and Chicken 2014, §3.3). Ties make it cover more, not less. Too few values
// for conf (five at 0.95) wrap ErrTooFewSamples.
func SignedRankInterval(x []float64, conf float64) (lo, hi, achieved float64, err error) {
	if err := checkFinite("difference", x); err != nil {
		return 0, 0, 0, err
	}
	if err := checkConfidence(conf); err != nil {
		return 0, 0, 0, err
	}
	k, achieved := signedRankDepth(len(x), conf)
	if k == 0 {
		return 0, 0, 0, fmt.Errorf("%w: %d differences reach a confidence of at most %.4g, asked for %v; take more rounds (six are enough for 0.95)",
			ErrTooFewSamples, len(x), achieved, conf)
	}
	sorted := slices.Clone(x)
	slices.Sort(sorted)
	pairs := int64(len(x)) * int64(len(x)+1) / 2
	return walshAverage(sorted, k), walshAverage(sorted, pairs+1-k), achieved, nil
}

// MannWhitney tests whether values of x tend to be larger or smaller than
// those of y. u counts the pairs with x_i > y_j, a tie as a half; p is twice
// the smaller tail, at most 1. The distribution is the exact one over all ways
// to deal the pooled values, ties and all, to two samples of these sizes (so p
// is right for tied values too); for large samples (some 60 by 60) it is the
// normal one with corrections for ties and continuity. An empty sample wraps
// ErrTooFewSamples, a NaN or infinite value ErrBadSeries.
func MannWhitney(x, y []float64) (u, p float64, err error) {
	if err := checkFinite("value of the first sample", x); err != nil {
		return 0, 0, err
	}
	if err := checkFinite("value of the second sample", y); err != nil {
		return 0, 0, err
	}
	m, n := len(x), len(y)
	ranks := doubledRanks(slices.Concat(x, y))
	sum := 0
	for _, r := range ranks[:m] {
		sum += r
	}
	u = float64(sum)/2 - float64(m)*float64(m+1)/2
	if m > n {
		// The tails of the smaller sample are cheaper, and mirror these.
		sum = 0
		for _, r := range ranks[m:] {
			sum += r
		}
		m = n
	}
	return u, rankSumP(ranks, m, sum), nil
}

// ShiftInterval returns by how much x lies above y: the Hodges–Lehmann
// estimate, which is the median of all differences x_i − y_j, the interval of
// shifts that the Mann–Whitney test does not reject, with at least the
// confidence conf, and the exact confidence achieved (Hollander, Wolfe and
// Chicken 2014, §4.3). Ties make it cover more, not less. Too few values for
// conf (three by three at 0.95) wrap ErrTooFewSamples; the shift is returned
// with that error too.
func ShiftInterval(x, y []float64, conf float64) (shift, lo, hi, achieved float64, err error) {
	if err := checkFinite("value of the first sample", x); err != nil {
		return 0, 0, 0, 0, err
	}
	if err := checkFinite("value of the second sample", y); err != nil {
		return 0, 0, 0, 0, err
	}
	if err := checkConfidence(conf); err != nil {
		return 0, 0, 0, 0, err
	}
	sx, sy := slices.Clone(x), slices.Clone(y)
	slices.Sort(sx)
	slices.Sort(sy)
	pairs := int64(len(x)) * int64(len(y))
	shift = medianOf(pairs, func(k int64) float64 { return pairDifference(sx, sy, k) })
	k, achieved := rankSumDepth(len(x), len(y), conf)
	if k == 0 {
		return shift, 0, 0, 0, fmt.Errorf("%w: %d against %d values reach a confidence of at most %.4g, asked for %v; take more runs (four against four are enough for 0.95)",
			ErrTooFewSamples, len(x), len(y), achieved, conf)
	}
	return shift, pairDifference(sx, sy, k), pairDifference(sx, sy, pairs+1-k), achieved, nil
}

// MinDetectable is the smallest shift between two samples of n values each, in
// standard deviations of normal noise, that an exact two-sided Mann–Whitney
// test at level alpha finds with the given power. +Inf when n values can never
// reach alpha; NaN when an argument is out of range (n < 1, power or alpha
// outside (0, 1), power not above alpha).
//
// For the usual power of 0.8 and alpha of 0.05 the figures of small samples are
// those of a simulation (see simulatedChange). All others come from the beta
// distribution with the mean and variance that U/n² has under the shift, held
// against the exact critical value; both depend only on the chances that one
// value, or two, of a sample exceed one of the other (Lehmann 1975, §2.3). It is
// 0.1 % off at n = 16 and 3 % too low at n = 4.
func MinDetectable(n int, power, alpha float64) float64 {
	if n < 1 || !(power > 0 && power < 1) || !(alpha > 0 && alpha < 1) || power <= alpha {
		return math.NaN()
	}
	if power == 0.8 && alpha == 0.05 && n >= simulatedFrom && n < simulatedFrom+len(simulatedChange) {
		return simulatedChange[n-simulatedFrom]
	}
	f := float64(n)
	k, _ := normalDepth(f*f/2, math.Sqrt(f*f*(2*f+1)/12), 1-alpha)
	if n <= 30 || k == 0 { // beyond, the two differ by one of hundreds
		k, _ = rankSumDepth(n, n, 1-alpha)
	}
	if k == 0 {
		return math.Inf(1)
	}
	lo, hi := 0.0, 1.0
	for shiftPower(n, k, hi) < power && hi < 1e3 {
		hi *= 2
	}
	for range 40 {
		mid := (lo + hi) / 2
		if shiftPower(n, k, mid) < power {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}

// simulatedChange are the shifts that the exact test at 0.05 finds in 80 % of
// 400 000 pairs of normal samples of 4, 5, … values (standard error 0.0015 at
// the longest): the test fires as soon as a shift lifts enough of the n²
// differences above zero, so the 80 % quantile of that order statistic is the
// answer, without a search.
var simulatedChange = [...]float64{
	2.882, 2.309, 1.930, 1.772, 1.553, 1.507, 1.399, 1.305, 1.254, 1.202, 1.131, 1.106, 1.062,
}

// simulatedFrom is the sample size of the first of them.
const simulatedFrom = 4

func checkFinite(what string, x []float64) error {
	if len(x) == 0 {
		return fmt.Errorf("%w: no %s at all", ErrTooFewSamples, what)
	}
	for i, v := range x {
		if bad(v) {
			return fmt.Errorf("%w: %s %d is %v, remove unknown or infinite values first", ErrBadSeries, what, i+1, v)
		}
	}
	return nil
}

func checkConfidence(conf float64) error {
	if !(conf > 0 && conf < 1) {
		return fmt.Errorf("%w: a confidence of %v, give one between 0 and 1, such as 0.95", ErrBadSeries, conf)
	}
	return nil
}
