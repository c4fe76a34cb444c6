package stat

import (
	"errors"
	"fmt"
	"math"
	"slices"

	gonum "gonum.org/v1/gonum/stat"
)

// ErrBadSeries says that a time series cannot carry a slope.
var ErrBadSeries = errors.New("bad series")

// theilSenMax bounds the work and memory of the pairwise slopes: 1 024 points
// make 523 776 of them (4 MiB).
const theilSenMax = 1024

// z95 is the two-sided 95 % quantile of the normal distribution.
const z95 = 1.959963984540054

// Slope is the growth of a series in units per second.
type Slope struct {
	PerSec    float64
	StdErr    float64 // standard error of PerSec, same unit
	Intercept float64 // value of the line at t = 0
	N         int     // points used
}

// SlopePerSec fits y = a + b·t by least squares, t in seconds, and returns b
// with its standard error sqrt(SSR/(n-2)/Sxx). At least three points with
// more than one distinct time are needed. The standard error takes the
// residuals as independent; a backlog is not, so read it as a lower limit of
// the noise.
func SlopePerSec(tSec, y []float64) (Slope, error) {
	if err := checkSeries(tSec, y); err != nil {
		return Slope{}, err
	}
	// Centred times: schedules carry large offsets, and the textbook sums
	// lose all digits of Sxx to them.
	mean := gonum.Mean(tSec, nil)
	centred := make([]float64, len(tSec))
	sxx := 0.0
	for i, t := range tSec {
		centred[i] = t - mean
		sxx += centred[i] * centred[i]
	}
	if sxx == 0 {
		return Slope{}, sameTime(tSec[0])
	}
	a, b := gonum.LinearRegression(centred, y, nil, false)
	ssr := 0.0
	for i, t := range centred {
		r := y[i] - a - b*t
		ssr += r * r
	}
	n := len(y)
	return Slope{
		PerSec:    b,
		StdErr:    math.Sqrt(ssr / float64(n-2) / sxx),
		Intercept: a - b*mean,
		N:         n,
	}, nil
}

// TheilSenPerSec is the robust sibling of SlopePerSec: the median of the
// slopes of all pairs of points (Sen 1968), which up to 29 % of wild points
// cannot move far. StdErr is the half width of Sen's 95 % interval divided by
// 1.96, so that the two variants can be used in one place. At most 1 024
// points are taken; longer series must be thinned by the caller, who knows
// which points may go.
func TheilSenPerSec(tSec, y []float64) (Slope, error) {
	if err := checkSeries(tSec, y); err != nil {
		return Slope{}, err
	}
	n := len(y)
	if n > theilSenMax {
		return Slope{}, fmt.Errorf("%w: %d points, a robust slope takes at most %d: thin the series or use SlopePerSec", ErrBadSeries, n, theilSenMax)
	}
	slopes := make([]float64, 0, n*(n-1)/2)
	for i := range n {
		for j := i + 1; j < n; j++ {
			if dt := tSec[j] - tSec[i]; dt != 0 {
				slopes = append(slopes, (y[j]-y[i])/dt)
			}
		}
	}
	if len(slopes) == 0 {
		return Slope{}, sameTime(tSec[0])
	}
	slices.Sort(slopes)
	b := quantileSorted(slopes, 0.5)
	offsets := make([]float64, n)
	for i := range n {
		offsets[i] = y[i] - b*tSec[i]
	}
	// Kendall's score has variance n(n-1)(2n+5)/18; the interval takes the
	// slopes that many ranks around the middle.
	c := z95 * math.Sqrt(float64(n)*float64(n-1)*float64(2*n+5)/18)
	m := float64(len(slopes))
	lo := slopes[max(0, int(math.Floor((m-c)/2)))]
	hi := slopes[min(len(slopes)-1, int(math.Ceil((m+c)/2)))]
	return Slope{PerSec: b, StdErr: (hi - lo) / 2 / z95, Intercept: Median(offsets), N: n}, nil
}

func checkSeries(tSec, y []float64) error {
	if len(tSec) != len(y) {
		return fmt.Errorf("%w: %d times for %d values, give one time per value", ErrBadSeries, len(tSec), len(y))
	}
	if len(y) < 3 {
		return fmt.Errorf("%w: %d points, a slope with an error needs at least 3", ErrTooFewSamples, len(y))
	}
	for i := range y {
		if bad(tSec[i]) || bad(y[i]) {
			return fmt.Errorf("%w: point %d is (%v s, %v), remove unknown or infinite values first", ErrBadSeries, i, tSec[i], y[i])
		}
	}
	return nil
}

func sameTime(t float64) error {
	return fmt.Errorf("%w: every point has the time %v s, a slope needs two different times", ErrBadSeries, t)
}

func bad(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }
