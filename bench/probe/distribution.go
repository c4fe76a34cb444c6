package probe

import "math"

// newDistribution makes a distribution of log2 buckets and the exact sum of the
// samples in microseconds.
func newDistribution(buckets []uint64, sumUS float64) Distribution {
	d := Distribution{Buckets: append([]uint64{}, buckets...), sumUS: sumUS}
	var n uint64
	for _, b := range buckets {
		n += b
	}
	d.Samples = Known(n)
	if n == 0 {
		return d
	}
	d.MeanUS = new(sumUS / float64(n))
	d.P50US, d.P99US = new(d.quantile(0.5)), new(d.quantile(0.99))
	return d
}

// newMean makes a distribution of which only the mean is known: a sum of
// microseconds, each weighted, and the sum of the weights.
func newMean(sumUS, weight float64) Distribution {
	d := Distribution{Buckets: []uint64{}, sumUS: sumUS, weight: weight}
	if weight > 0 {
		d.MeanUS = new(sumUS / weight)
	}
	return d
}

// quantile interpolates in the bucket that holds it.
func (d Distribution) quantile(q float64) float64 {
	rank := q * float64(d.Samples.N)
	var below float64
	for b, n := range d.Buckets {
		if n == 0 || below+float64(n) < rank {
			below += float64(n)
			continue
		}
		low, high := 0.0, 1.0
		if b > 0 {
			low, high = math.Exp2(float64(b-1)), math.Exp2(float64(b))
		}
		return low + (high-low)*(rank-below)/float64(n)
	}
	return math.Exp2(float64(len(d.Buckets)))
}

// sub is the distribution of the samples since an earlier one; e may be zero.
func (d Distribution) sub(e Distribution) Distribution {
	if len(d.Buckets) == 0 {
		return newMean(d.sumUS-e.sumUS, d.weight-e.weight)
	}
	if len(e.Buckets) != len(d.Buckets) {
		return d
	}
	buckets := make([]uint64, len(d.Buckets))
	for i := range buckets {
		if d.Buckets[i] < e.Buckets[i] {
			return d // the counters were reset
		}
		buckets[i] = d.Buckets[i] - e.Buckets[i]
	}
	return newDistribution(buckets, d.sumUS-e.sumUS)
}
