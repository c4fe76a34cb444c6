package importers

import (
	"fmt"
	"math"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/chainweir/weir/results"
)

// maxLatencyNS is the longest latency that is kept: a day.
const maxLatencyNS = int64(24 * 3600 * 1e9)

// samples collects latencies one by one.
type samples struct {
	hist     *hdrhistogram.Histogram // nil before the first sample: it is large
	n        int64
	negative int64
	min, max float64 // ns
	mean, m2 float64 // Welford, so that large sums lose nothing
}

func newSamples() *samples {
	return &samples{min: math.Inf(1), max: math.Inf(-1)}
}

func (s *samples) add(ns float64) error {
	if math.IsNaN(ns) || ns > float64(maxLatencyNS) || ns < -float64(maxLatencyNS) {
		return fmt.Errorf("a latency of %v s is not between -86400 and 86400", ns/1e9)
	}
	s.n++
	d := ns - s.mean
	s.mean += d / float64(s.n)
	s.m2 += d * (ns - s.mean)
	s.min, s.max = min(s.min, ns), max(s.max, ns)
	if ns < 0 {
		s.negative++
		return nil
	}
	if s.hist == nil {
		s.hist = hdrhistogram.New(1000, maxLatencyNS, 3)
	}
	return s.hist.RecordValue(int64(math.Round(ns)))
}

// latency gives what was collected. Samples below zero count in minimum and
// mean, as the tools have it, and are in no quantile.
func (s *samples) latency() (Latency, *results.Histogram, error) {
	l := Latency{Samples: ptr(s.n), Negative: ptr(s.negative)}
	if s.n == 0 {
		return l, nil, nil
	}
	l.Min, l.Mean, l.Max = ptr(s.min/1e6), ptr(s.mean/1e6), ptr(s.max/1e6)
	if s.n > 1 {
		l.StdDev = ptr(math.Sqrt(s.m2/float64(s.n-1)) / 1e6)
	}
	if s.n == s.negative {
		return l, nil, nil
	}
	q := results.QuantilesMS(s.hist, 1, s.negative)
	l.P50, l.P90, l.P99, l.P999 = q.P50, q.P90, q.P99, q.P999
	l.P95 = ptr(float64(s.hist.ValueAtQuantile(95)) / 1e6)
	h, err := results.EncodeHistogram(s.hist, "commit", 1, s.negative)
	if err != nil {
		return l, nil, err
	}
	return l, &h, nil
}
