package stat

import (
	"fmt"
	"math"
)

// Tally says how often each count occurred: Tally[k] intervals held k events.
// It is a compact form of counts per interval that keeps all that the tests
// below need.
type Tally []int64

// NewTally counts the events at the given ascending or unordered times, in ns,
// per interval of width ns, over the whole intervals in [0, endNS) shifted by
// offsetNS: interval i is [offset + i·width, offset + (i+1)·width). Times
// outside all of them are left out.
func NewTally(timesNS []int64, widthNS, offsetNS, endNS int64) Tally {
	if widthNS <= 0 || endNS-offsetNS < widthNS {
		return nil
	}
	counts := make([]int32, (endNS-offsetNS)/widthNS)
	for _, t := range timesNS {
		if t < offsetNS {
			continue
		}
		if i := (t - offsetNS) / widthNS; i < int64(len(counts)) {
			counts[i]++
		}
	}
	most := int32(0)
	for _, c := range counts {
		most = max(most, c)
	}
	out := make(Tally, most+1)
	for _, c := range counts {
		out[c]++
	}
	return out
}

// Intervals is the number of intervals that were counted.
func (t Tally) Intervals() int64 {
	var n int64
	for _, m := range t {
		n += m
	}
	return n
}

// Mean is the mean count, NaN without intervals.
func (t Tally) Mean() float64 {
	sum := 0.0
	for k, m := range t {
		sum += float64(k) * float64(m)
	}
	return sum / float64(t.Intervals())
}

// Dispersion is the index of dispersion: the variance of the counts (with
// n − 1) over their mean. It is 1 for independent arrivals at a constant rate,
// 0 for evenly spaced ones in step with the intervals, and above 1 for bursts.
// NaN with fewer than two intervals or no event.
func (t Tally) Dispersion() float64 {
	n, mean := t.Intervals(), t.Mean()
	if n < 2 || !(mean > 0) {
		return math.NaN()
	}
	sum := 0.0
	for k, m := range t {
		d := float64(k) - mean
		sum += float64(m) * d * d
	}
	return sum / float64(n-1) / mean
}

// minExpected is the expected number of intervals that a cell of a chi-square
// test needs (Cochran 1954).
const minExpected = 5

// ChiSquarePoisson tests whether the counts are those of independent arrivals
// with the given mean per interval, known beforehand. Cells with fewer than
// five expected intervals are pooled with their neighbours, towards the tails;
// what lies beyond the largest count observed is part of the last cell.
func (t Tally) ChiSquarePoisson(mean float64) (Fit, error) {
	n := float64(t.Intervals())
	if !(mean > 0) || math.IsInf(mean, 1) {
		return Fit{}, fmt.Errorf("%w: mean of %v events per interval, give a finite one above 0", ErrBadSeries, mean)
	}
	if n < 2*minExpected {
		return Fit{}, fmt.Errorf("%w: %v intervals, a chi-square test needs at least %d", ErrTooFewSamples, n, 2*minExpected)
	}
	var cells []cell
	var now cell
	left := n // expected intervals beyond those already in cells
	logMean := math.Log(mean)
	for k := 0; ; k++ {
		lg, _ := math.Lgamma(float64(k) + 1)
		p := n * math.Exp(float64(k)*logMean-mean-lg)
		now.expected += p
		left -= p
		if k < len(t) {
			now.observed += float64(t[k])
		}
		// The last cell opens while both it and what follows are large enough.
		if now.expected >= minExpected && left >= minExpected {
			cells = append(cells, now)
			now = cell{}
		}
		if float64(k) >= mean && left < minExpected {
			for j := k + 1; j < len(t); j++ {
				now.observed += float64(t[j])
			}
			now.expected += max(left, 0)
			break
		}
	}
	if now.expected < minExpected && len(cells) > 0 {
		last := &cells[len(cells)-1]
		last.expected += now.expected
		last.observed += now.observed
	} else {
		cells = append(cells, now)
	}
	return chiSquare(cells)
}

// cell is a cell of a chi-square test.
type cell struct{ observed, expected float64 }

func chiSquare(cells []cell) (Fit, error) {
	df := len(cells) - 1
	if df < 1 {
		return Fit{}, fmt.Errorf("%w: all intervals fall into one cell, take more or longer intervals", ErrTooFewSamples)
	}
	x := 0.0
	for _, c := range cells {
		d := c.observed - c.expected
		x += d * d / c.expected
	}
	return Fit{Statistic: x, P: ChiSquareTail(x, df), N: len(cells), DF: df}, nil
}
