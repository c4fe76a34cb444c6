package workload

import (
	"math"
	"math/bits"
)

// rng is the SplitMix64 sequence (Steele, Lea and Flood 2014). Every
// transaction has one of its own, so it can be reached without those before it.
type rng struct{ s uint64 }

func (r *rng) next() uint64 {
	r.s += 0x9e3779b97f4a7c15
	return mix64(r.s)
}

func mix64(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below is uniform in 0..n-1, to within n in 2^64.
func (r *rng) below(n uint64) uint64 {
	hi, _ := bits.Mul64(r.next(), n)
	return hi
}

// alias samples from a finite distribution in constant time by the method of
// Walker (1977) with Vose's construction (1991). Weights are whole numbers and
// so is the construction: what is drawn does not depend on how a processor
// rounds, and the probabilities are the weights' to within 2^-64 each.
type alias struct {
	total uint64
	cols  []column
}

type column struct {
	keep  uint64 // of total: stay in this column
	other uint32
}

const (
	weightOne = 1 << 40 // what the largest weight becomes
	maxCells  = 1 << 22 // so that weight × cells stays below 2^62
)

// newAlias makes a sampler of 0..len(weights)-1. Weights are finite and not
// negative, one at least is above 0, and there are at most maxCells.
func newAlias(weights []float64) *alias {
	most := 0.0
	for _, w := range weights {
		most = max(most, w)
	}
	n := uint64(len(weights))
	a := &alias{cols: make([]column, n)}
	share := make([]uint64, n) // of the total, times n
	for i, w := range weights {
		v := uint64(math.RoundToEven(w / most * weightOne))
		a.total += v
		share[i] = v * n
	}
	var small, large []uint32
	for i := range share {
		if share[i] < a.total {
			small = append(small, uint32(i))
		} else {
			large = append(large, uint32(i))
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, l := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		a.cols[s] = column{share[s], l}
		share[l] -= a.total - share[s]
		if share[l] < a.total {
			large = large[:len(large)-1]
			small = append(small, l)
		}
	}
	for _, i := range append(small, large...) { // exactly full
		a.cols[i] = column{a.total, i}
	}
	return a
}

func (a *alias) pick(r *rng) uint32 {
	c := uint32(r.below(uint64(len(a.cols))))
	if col := &a.cols[c]; r.below(a.total) >= col.keep {
		return col.other
	}
	return c
}

// zipfWeights are k^-s for the ranks k = 1..n.
func zipfWeights(n int, s float64) []float64 {
	w := make([]float64, n)
	for i := range w {
		w[i] = math.Pow(float64(i+1), -s)
	}
	return w
}

// chooser draws one of n by a Pick. Turns are counted by the caller.
type chooser struct {
	n     uint32
	turns bool
	zipf  *alias  // nil: uniform
	power float64 // of zipf
	top   float64 // probability of the first rank
}

// prob is the probability of a rank.
func (c *chooser) prob(rank uint32) float64 {
	return c.top * math.Pow(float64(rank)+1, -c.power)
}

func newChooser(p Pick, n uint32) chooser {
	c := chooser{n: n, turns: p.Dist == RoundRobin, top: 1 / float64(n)}
	if p.Dist == Zipf {
		w := zipfWeights(int(n), p.Exponent)
		sum := 0.0
		for _, x := range w {
			sum += x
		}
		c.zipf, c.power, c.top = newAlias(w), p.Exponent, 1/sum
	}
	return c
}

// rank draws; turn is how often it was the turn of one before.
func (c *chooser) rank(r *rng, turn *uint64) uint32 {
	switch {
	case c.turns:
		*turn++
		return uint32((*turn - 1) % uint64(c.n))
	case c.zipf != nil:
		return c.zipf.pick(r)
	}
	return uint32(r.below(uint64(c.n)))
}

// sampler draws from a Numbers.
type sampler struct {
	min, span uint64 // uniform: min..min+span-1
	cells     *alias
	values    []uint64 // of the cells; nil: min + cell
	mean      float64
	largest   uint64
}

func newSampler(n *Numbers) *sampler {
	switch n.Dist {
	case Uniform:
		return &sampler{min: n.Min, span: n.Max - n.Min + 1, mean: float64(n.Min)/2 + float64(n.Max)/2, largest: n.Max}
	case LogNormal:
		w := make([]float64, n.Max-n.Min+1)
		for i := range w {
			w[i] = lognormalCell(n, n.Min+uint64(i))
		}
		s := &sampler{min: n.Min, cells: newAlias(w), largest: n.Max}
		s.mean = meanOf(w, func(i int) float64 { return float64(n.Min + uint64(i)) })
		return s
	case List:
		s := &sampler{values: make([]uint64, len(n.Values))}
		w := make([]float64, len(n.Values))
		for i, v := range n.Values {
			s.values[i], w[i] = v.Value, float64(v.Weight)
			s.largest = max(s.largest, v.Value)
		}
		s.cells = newAlias(w)
		s.mean = meanOf(w, func(i int) float64 { return float64(s.values[i]) })
		return s
	}
	return &sampler{min: n.Value, span: 1, mean: float64(n.Value), largest: n.Value}
}

func meanOf(weights []float64, value func(i int) float64) float64 {
	var sum, of float64
	for i, w := range weights {
		sum += w
		of += w * value(i)
	}
	return of / sum
}

func (s *sampler) draw(r *rng) uint64 {
	switch {
	case s.cells == nil:
		return s.min + r.below(s.span)
	case s.values != nil:
		return s.values[s.cells.pick(r)]
	}
	return s.min + uint64(s.cells.pick(r))
}

// lognormalCell is the probability that a lognormal number rounds to v.
func lognormalCell(n *Numbers, v uint64) float64 {
	z := func(x float64) float64 {
		if x <= 0 {
			return math.Inf(-1)
		}
		return math.Log(x/n.Median) / n.Sigma
	}
	a, b := z(float64(v)-0.5), z(float64(v)+0.5)
	if a > 0 { // in the upper tail the complements are the exact ones
		return upper(a) - upper(b)
	}
	return upper(-b) - upper(-a)
}

// upper is the probability that a standard normal number exceeds z.
func upper(z float64) float64 { return math.Erfc(z/math.Sqrt2) / 2 }

// lognormalMass is the probability of min to max.
func lognormalMass(n *Numbers) float64 {
	sum := 0.0
	for v := n.Min; v <= n.Max; v++ {
		sum += lognormalCell(n, v)
	}
	return sum
}
