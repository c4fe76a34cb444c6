package stat

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// Bounds of the exact distributions: beyond them the normal one differs in the
// fourth digit only, and the exact one takes long.
const (
	signedRankExactMax = 300
	rankSumWorkMax     = 40_000_000 // sample size × pooled size × largest sum
)

// slack is the rounding that a sum of probabilities may carry when it is held
// against a level that it should meet exactly.
const slack = 1e-12

// doubledRanks returns twice the rank, from 1, of every value, equal values
// sharing their mean rank: twice, so that it is whole.
func doubledRanks(x []float64) []int {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case x[a] < x[b]:
			return -1
		case x[a] > x[b]:
			return 1
		}
		return 0
	})
	ranks := make([]int, len(x))
	for i := 0; i < len(order); {
		j := i + 1
		for j < len(order) && x[order[j]] == x[order[i]] {
			j++
		}
		for _, at := range order[i:j] {
			ranks[at] = i + 1 + j // (i+1 + j)/2, doubled
		}
		i = j
	}
	return ranks
}

// signedRankP is the two-sided probability of a sum of doubled positive ranks
// as far from its mean as sum, all signs being equally likely.
func signedRankP(ranks []int, sum int) float64 {
	total, squares := 0, 0.0
	for _, r := range ranks {
		total += r
		squares += float64(r) * float64(r)
	}
	tail := min(sum, total-sum) // the distribution is symmetric
	if len(ranks) > signedRankExactMax {
		// Sums move in steps of two doubled units, so one is half a step.
		z := (float64(tail) + 1 - float64(total)/2) / (math.Sqrt(squares) / 2)
		return min(1, 2*distuv.UnitNormal.CDF(z))
	}
	p := 0.0
	for _, q := range signedRankDist(ranks, tail) {
		p += q
	}
	return min(1, 2*p)
}

// signedRankDist returns the probabilities of the sums 0..limit of a random
// half of the ranks: each is in or out with probability one half.
func signedRankDist(ranks []int, limit int) []float64 {
	dist := make([]float64, limit+1)
	dist[0] = 1
	for _, r := range ranks {
		for s := limit; s >= 0; s-- {
			in := 0.0
			if s >= r {
				in = dist[s-r]
			}
			dist[s] = (dist[s] + in) / 2
		}
	}
	return dist
}

// signedRankDepth returns the largest k for which the k-th smallest and k-th
// largest Walsh averages of n untied values enclose the centre with at least
// the confidence conf, and the confidence they reach; k = 0 and the best
// possible confidence when there is none.
func signedRankDepth(n int, conf float64) (k int64, achieved float64) {
	if n > signedRankExactMax {
		f := float64(n)
		sd := math.Sqrt(f * (f + 1) * (2*f + 1) / 24)
		return normalDepth(f*(f+1)/4, sd, conf)
	}
	ranks := make([]int, n)
	for i := range ranks {
		ranks[i] = i + 1
	}
	return depth(signedRankDist(ranks, n*(n+1)/4), conf)
}

// depth walks the lower tail of a symmetric distribution over 0, 1, 2, … to
// the largest k with 1 − 2·P(S ≤ k−1) at or above conf.
func depth(dist []float64, conf float64) (k int64, achieved float64) {
	tail, best := 0.0, 0.0
	for i, p := range dist {
		tail += p
		c := 1 - 2*tail
		if i == 0 {
			best = max(0, c)
		}
		if c < conf-slack || c <= 0 {
			break
		}
		k, achieved = int64(i)+1, c
	}
	if k == 0 {
		return 0, best
	}
	return k, achieved
}

// normalDepth is depth by the normal distribution, for many values.
func normalDepth(mean, sd, conf float64) (int64, float64) {
	z := distuv.UnitNormal.Quantile((1 + conf) / 2)
	k := int64(math.Floor(mean - 0.5 - z*sd))
	if k < 0 {
		return 0, 0
	}
	return k + 1, 1 - 2*distuv.UnitNormal.CDF((float64(k)+0.5-mean)/sd)
}

// rankSumP is the two-sided probability of a rank sum as extreme as sum for m
// values drawn from the pooled doubled ranks: twice the smaller tail.
func rankSumP(ranks []int, m, sum int) float64 {
	n := len(ranks)
	if rankSumWork(m, n-m, 2) > rankSumWorkMax {
		return rankSumNormalP(ranks, m, sum)
	}
	below, above := 0.0, 0.0
	for s, p := range rankSumDist(ranks, m) {
		if s <= sum {
			below += p
		}
		if s >= sum {
			above += p
		}
	}
	return min(1, 2*min(below, above))
}

func rankSumNormalP(ranks []int, m, sum int) float64 {
	n := float64(len(ranks))
	fm := float64(m)
	mean, squares := n+1, 0.0 // of doubled ranks
	for _, r := range ranks {
		d := float64(r) - mean
		squares += d * d
	}
	sd := math.Sqrt(fm * (n - fm) / (n * (n - 1)) * squares)
	if sd == 0 {
		return 1
	}
	z := (math.Abs(float64(sum)-fm*mean) - 1) / sd
	return min(1, 2*distuv.UnitNormal.CDF(-z))
}

// rankSumWork estimates the steps of rankSumDist for ranks up to scale·(m+n).
func rankSumWork(m, n, scale int) float64 {
	small, pooled := float64(min(m, n)), float64(m+n)
	return small * pooled * small * pooled * float64(scale) / 2
}

// rankSumDist returns the probabilities of every sum of m of the ranks, all
// choices being equally likely. The ranks are dealt one by one: with j of m
// chosen among the first i, the next is chosen with probability
// (m−j)/(len−i), so all terms are positive and nothing cancels.
func rankSumDist(ranks []int, m int) []float64 {
	sorted := slices.Clone(ranks)
	slices.Sort(sorted)
	top := make([]int, m+1) // largest sum of j ranks seen so far
	limit := 0
	for _, r := range sorted[len(sorted)-m:] {
		limit += r
	}
	dist := make([][]float64, m+1)
	for j := range dist {
		dist[j] = make([]float64, limit+1)
	}
	dist[0][0] = 1
	for i, r := range sorted {
		left := float64(len(sorted) - i)
		for j := min(i, m); j >= 0; j-- {
			in := float64(m-j) / left
			out := 1 - in
			from := dist[j]
			if j < m {
				to := dist[j+1]
				for s, p := range from[:top[j]+1] {
					if p != 0 {
						to[s+r] += p * in
					}
				}
				top[j+1] = max(top[j+1], top[j]+r)
			}
			for s := range from[:top[j]+1] {
				from[s] *= out
			}
		}
	}
	return dist[m]
}

// rankSumDepth is signedRankDepth for the differences of two untied samples.
func rankSumDepth(m, n int, conf float64) (int64, float64) {
	if rankSumWork(m, n, 1) > rankSumWorkMax {
		fm, fn := float64(m), float64(n)
		return normalDepth(fm*fn/2, math.Sqrt(fm*fn*(fm+fn+1)/12), conf)
	}
	ranks := make([]int, m+n)
	for i := range ranks {
		ranks[i] = i + 1
	}
	small := min(m, n)
	dist := rankSumDist(ranks, small)
	return depth(dist[small*(small+1)/2:], conf)
}

// walshAverage is the k-th smallest, from 1, of (x_i + x_j)/2, i ≤ j.
func walshAverage(sorted []float64, k int64) float64 {
	n := len(sorted)
	count := func(t float64) (c int64) {
		j := n - 1
		for i := range n {
			for j >= i && sorted[i]/2+sorted[j]/2 > t {
				j--
			}
			if j < i {
				break
			}
			c += int64(j - i + 1)
		}
		return c
	}
	return selectValue(k, sorted[0], sorted[n-1], count)
}

// pairDifference is the k-th smallest, from 1, of x_i − y_j, both ascending.
func pairDifference(x, y []float64, k int64) float64 {
	count := func(t float64) (c int64) {
		j := 0
		for _, v := range x {
			for j < len(y) && v-y[j] > t {
				j++
			}
			c += int64(len(y) - j)
		}
		return c
	}
	return selectValue(k, x[0]-y[len(y)-1], x[len(x)-1]-y[0], count)
}

// selectValue returns the smallest t in [lo, hi] with count(t) ≥ k. It halves
// the range of float64 bit patterns, which are ordered as their values are: 64
// steps reach the very value, without storing the pairs (10⁸ of them for 10⁴
// values).
func selectValue(k int64, lo, hi float64, count func(float64) int64) float64 {
	a, b := orderedBits(lo), orderedBits(hi)
	for a < b {
		mid := a + (b-a)/2
		if count(fromOrderedBits(mid)) >= k {
			b = mid
		} else {
			a = mid + 1
		}
	}
	return fromOrderedBits(a) + 0 // no negative zero
}

func orderedBits(x float64) uint64 {
	b := math.Float64bits(x)
	if b>>63 == 1 {
		return ^b
	}
	return b | 1<<63
}

func fromOrderedBits(b uint64) float64 {
	if b>>63 == 1 {
		return math.Float64frombits(b &^ (1 << 63))
	}
	return math.Float64frombits(^b)
}

// medianOf is the median of n ordered values, at(k) being the k-th, from 1.
func medianOf(n int64, at func(k int64) float64) float64 {
	mid := at((n + 1) / 2)
	if n%2 == 1 {
		return mid
	}
	return mid/2 + at(n/2+1)/2
}

// shiftPower is the power of the upper tail at a shift of d standard
// deviations, for two samples of n values and the critical depth k: U is
// significant at or above n² − (k−1).
func shiftPower(n int, k int64, d float64) float64 {
	f := float64(n)
	// A pair, and two pairs that share a value, in order: the shared value is
	// integrated over its normal distribution.
	p1 := distuv.UnitNormal.CDF(d / math.Sqrt2)
	const steps, reach = 48, 8.0 // the midpoint rule is exact to 1e-9 here
	p2 := 0.0
	for i := range steps {
		z := -reach + (float64(i)+0.5)*2*reach/steps
		c := distuv.UnitNormal.CDF(z + d)
		p2 += distuv.UnitNormal.Prob(z) * c * c
	}
	p2 *= 2 * reach / steps
	mean, variance := p1, (p1*(1-p1)+2*(f-1)*(p2-p1*p1))/(f*f)
	critical := (f*f - float64(k-1) - 0.5) / (f * f)
	if !(variance > 0) || !(mean < 1) {
		return 1
	}
	size := mean*(1-mean)/variance - 1
	return 1 - mathext.RegIncBeta(mean*size, (1-mean)*size, critical)
}
