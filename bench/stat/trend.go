package stat

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// kendallExactMax bounds the exact distribution of Kendall's score: beyond it
// the normal one differs by less than 0.002.
const kendallExactMax = 60

// z90 is the one-sided 95 % quantile of the normal distribution.
const z90 = 1.6448536269514722

// Trend is the monotone growth of a series in units per second: Sen's slope
// with the interval that belongs to Kendall's score, and the probability of as
// extreme a score in a series without a trend.
type Trend struct {
	PerSec     float64 // Sen's slope, the median of the slopes of all pairs
	Low, High  float64 // its interval, same unit
	Confidence float64 // asked for
	Score      int     // pairs that grow minus pairs that fall
	P          float64 // two-sided
	// Inflation is the factor by which dependence between neighbours widens the
	// score's variance, 1 when none was found. See autocorrelation.
	Inflation float64
	N         int
}

// MannKendall tests a series for a trend (Mann 1945; Kendall, Rank Correlation
// Methods, 1975) and returns Sen's slope with an interval of the confidence
// asked for (Sen 1968). Points need not be evenly spaced or in order. The
// variance counts ties, and is widened when neighbours depend on each other, as
// samples of memory do (Hamed and Rao 1998); without ties and dependence, up to
// 60 points, p is exact. At least four and at most 1 024 points are taken; a
// longer series must be thinned by the caller.
func MannKendall(tSec, y []float64, conf float64) (Trend, error) {
	if !(conf > 0 && conf < 1) {
		return Trend{}, fmt.Errorf("confidence %v is not between 0 and 1", conf)
	}
	if err := checkSeries(tSec, y); err != nil {
		return Trend{}, err
	}
	if len(y) < 4 {
		return Trend{}, fmt.Errorf("%w: %d points, a test for a trend needs at least 4", ErrTooFewSamples, len(y))
	}
	tSec, y = byTime(tSec, y)
	sen, err := TheilSenPerSec(tSec, y)
	if err != nil {
		return Trend{}, err
	}
	out := Trend{PerSec: sen.PerSec, Confidence: conf, Inflation: 1, N: len(y)}
	slopes := make([]float64, 0, len(y)*(len(y)-1)/2)
	for i := range y {
		for j := i + 1; j < len(y); j++ {
			if dt := tSec[j] - tSec[i]; dt > 0 {
				slopes = append(slopes, (y[j]-y[i])/dt)
				out.Score += sign(y[j] - y[i])
			}
		}
	}
	slices.Sort(slopes)
	variance, tied := scoreVariance(tSec, y)
	out.Inflation = autocorrelation(tSec, y, sen.PerSec)
	sd := math.Sqrt(variance * out.Inflation)
	if !tied && out.Inflation == 1 && len(y) <= kendallExactMax {
		out.P = kendallP(len(y), out.Score)
	} else {
		out.P = scoreP(out.Score, sd)
	}
	out.Low, out.High = senInterval(slopes, sd, conf)
	return out, nil
}

// byTime returns both lists in the order of time.
func byTime(tSec, y []float64) (t, v []float64) {
	order := make([]int, len(tSec))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return sign(tSec[a] - tSec[b]) })
	t, v = make([]float64, len(tSec)), make([]float64, len(y))
	for i, at := range order {
		t[i], v[i] = tSec[at], y[at]
	}
	return t, v
}

func sign(x float64) int {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}

// scoreVariance is the variance of Kendall's score without a trend, with equal
// values and equal times taken into account (Kendall 1975, §4; for ties in one
// of the two it is n(n−1)(2n+5) − Σ t(t−1)(2t+5), all ÷ 18).
func scoreVariance(tSec, y []float64) (variance float64, tied bool) {
	n := float64(len(y))
	var sum, s1, s2 [2]float64 // of t(t−1)(2t+5), t(t−1)(t−2) and t(t−1)
	for k, x := range [][]float64{tSec, y} {
		sorted := slices.Clone(x)
		slices.Sort(sorted)
		for i := 0; i < len(sorted); {
			j := i + 1
			for j < len(sorted) && sorted[j] == sorted[i] {
				j++
			}
			t := float64(j - i)
			sum[k] += t * (t - 1) * (2*t + 5)
			s1[k] += t * (t - 1) * (t - 2)
			s2[k] += t * (t - 1)
			tied = tied || t > 1
			i = j
		}
	}
	v := (n*(n-1)*(2*n+5) - sum[0] - sum[1]) / 18
	v += s1[0] * s1[1] / (9 * n * (n - 1) * (n - 2))
	v += s2[0] * s2[1] / (2 * n * (n - 1))
	return v, tied
}

// scoreP is the two-sided normal approximation with the correction for a score
// that moves in steps of two.
func scoreP(score int, sd float64) float64 {
	if sd == 0 {
		return 1 // all values equal
	}
	z := max(0, math.Abs(float64(score))-1) / sd
	return math.Erfc(z / math.Sqrt2)
}

// kendallP is the exact two-sided probability of a score as far from 0 in n
// points in random order: the score is pairs − 2·inversions, and permutations
// by inversions are counted one element at a time.
func kendallP(n, score int) float64 {
	share := []float64{1} // of permutations by number of inversions
	for k := 2; k <= n; k++ {
		next := make([]float64, len(share)+k-1)
		for i, p := range share {
			for j := range k {
				next[i+j] += p / float64(k)
			}
		}
		share = next
	}
	pairs := n * (n - 1) / 2
	inversions := (pairs - max(score, -score)) / 2
	tail := 0.0
	for _, p := range share[:inversions+1] {
		tail += p
	}
	return min(1, 2*tail)
}

// senInterval takes the slopes as many ranks from the middle as the score may
// stray.
func senInterval(sorted []float64, sd, conf float64) (low, high float64) {
	m := float64(len(sorted))
	c := sd * distuv.UnitNormal.Quantile((1+conf)/2)
	lo, hi := int(math.Floor((m-c)/2))-1, int(math.Ceil((m+c)/2))
	return sorted[max(0, lo)], sorted[min(len(sorted)-1, hi)]
}

// autocorrelation is the factor n/n* by which dependence between neighbours
// widens the variance of the score (Hamed and Rao, A modified Mann-Kendall
// trend test for autocorrelated data, 1998, eq. 12): from the correlations of
// the ranks of what is left without the trend, those that stand out at 95 %, at
// lags up to a quarter of the series. A short series from which a line was taken
// shows less correlation than there is, so that the first one, corrected by
// (n·r + 2)/(n − 4), also stands for a process that forgets at that rate, whose
// factor is (1 + r)/(1 − r) (Yue and Wang 2004); the larger one counts. Only
// widening is believed: a series that seems to swing back and forth is not taken
// for more points than it has.
func autocorrelation(tSec, y []float64, perSec float64) float64 {
	n := len(y)
	rest := make([]float64, n)
	for i := range y {
		rest[i] = y[i] - perSec*(tSec[i]-tSec[0])
	}
	ranks := doubledRanks(rest)
	mean := float64(n + 1) // of doubled ranks
	squares := 0.0
	for _, r := range ranks {
		squares += (float64(r) - mean) * (float64(r) - mean)
	}
	if squares == 0 {
		return 1
	}
	f, sum, forgets := float64(n), 0.0, 1.0
	for lag := 1; lag <= n/4; lag++ {
		cross := 0.0
		for i := range n - lag {
			cross += (float64(ranks[i]) - mean) * (float64(ranks[i+lag]) - mean)
		}
		r := cross / squares
		if lag == 1 && r > z90/math.Sqrt(f) {
			r1 := min((f*r+2)/(f-4), 0.95)
			forgets = (1 + r1) / (1 - r1)
		}
		if l := float64(lag); math.Abs(r) > z95/math.Sqrt(f) {
			sum += (f - l) * (f - l - 1) * (f - l - 2) * r
		}
	}
	return max(1, forgets, 1+2*sum/(f*(f-1)*(f-2)))
}
