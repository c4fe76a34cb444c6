package stat

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// changeMax bounds a series: the search takes a square of its length in time,
// times the permutations.
const changeMax = 1500

// changePermutations are shuffles per test: the smallest probability they can
// give is 1/400.
const changePermutations = 399

// ChangePoint is a place where a series changes its distribution.
type ChangePoint struct {
	Index int     // first value after the change
	Q     float64 // energy statistic of the two sides
	P     float64 // share of shuffles with a Q at least as large
	// Before and After are the medians of the stretches between this change and
	// its neighbours.
	Before float64
	After  float64
}

// ChangePoints finds where the level or the spread of a series changes, without
// knowing how often and without a distribution, by E-divisive means (Matteson
// and James 2014, α = 1): the split with the largest energy distance between its
// sides is a change when at most a share of alpha of shuffles of the values
// within the present stretches reach as large a distance somewhere; then both sides are searched again, until nothing is
// found. Stretches have at least shortest values, 2 or more; changes are in
// ascending order. The shuffles' seed is a hash of the data. At most 1 500
// values are taken; the caller knows which of a longer series may go.
func ChangePoints(xs []float64, shortest int, alpha float64) ([]ChangePoint, error) {
	if err := checkFinite("value", xs); err != nil {
		return nil, err
	}
	switch {
	case len(xs) > changeMax:
		return nil, fmt.Errorf("%w: %d values, the search for changes takes at most %d: thin the series or take means of neighbours", ErrBadSeries, len(xs), changeMax)
	case shortest < 2:
		return nil, fmt.Errorf("%w: stretches of %d values, give at least 2", ErrBadSeries, shortest)
	case !(alpha > 0 && alpha < 1):
		return nil, fmt.Errorf("%w: a level of %v, give one between 0 and 1, such as 0.05", ErrBadSeries, alpha)
	}
	s := search{xs: xs, shortest: shortest, rng: seeded(xs), found: []int{0, len(xs)}}
	s.splits = []split{s.best(xs)}
	var out []ChangePoint
	for {
		at := s.widest()
		if at < 0 {
			break
		}
		p := s.significance(s.splits[at].q, alpha)
		if p > alpha {
			break
		}
		out = append(out, ChangePoint{Index: s.found[at] + s.splits[at].at, Q: s.splits[at].q, P: p})
		s.divide(at)
	}
	slices.SortFunc(out, func(a, b ChangePoint) int { return a.Index - b.Index })
	for i := range out {
		out[i].Before = Median(xs[s.found[i]:s.found[i+1]])
		out[i].After = Median(xs[s.found[i+1]:s.found[i+2]])
	}
	return out, nil
}

// split is the best division of a stretch: at values stand before it. at = 0:
// the stretch is too short for one, or all its values are equal.
type split struct {
	at int
	q  float64
}

// search is the state of a divisive search: found are the ends of the stretches,
// splits the best division of each.
type search struct {
	xs       []float64
	shortest int
	rng      *rand.Rand
	found    []int
	splits   []split
}

// widest returns the stretch with the largest statistic, or -1.
func (s *search) widest() int {
	best := -1
	for i, sp := range s.splits {
		if sp.at > 0 && (best < 0 || sp.q > s.splits[best].q) {
			best = i
		}
	}
	return best
}

// divide puts the best division of a stretch among the ends.
func (s *search) divide(i int) {
	at := s.found[i] + s.splits[i].at
	s.found = slices.Insert(s.found, i+1, at)
	s.splits[i] = s.best(s.xs[s.found[i]:at])
	s.splits = slices.Insert(s.splits, i+1, s.best(s.xs[at:s.found[i+2]]))
}

// significance shuffles the values within every stretch and counts how often
// the best division is as good as q. It stops when alpha is out of reach.
func (s *search) significance(q, alpha float64) float64 {
	shuffled := slices.Clone(s.xs)
	reached := 1 // the series itself
	for range changePermutations {
		best := 0.0
		for i := range s.splits {
			part := shuffled[s.found[i]:s.found[i+1]]
			s.rng.Shuffle(len(part), func(a, b int) { part[a], part[b] = part[b], part[a] })
			best = max(best, s.best(part).q)
		}
		if best >= q {
			reached++
		}
		if float64(reached) > alpha*(changePermutations+1) {
			return float64(reached) / (changePermutations + 1)
		}
	}
	return float64(reached) / (changePermutations + 1)
}

// best returns the division of part with the largest energy statistic
//
//	Q = mn/(m+n) · (2/mn·Σ|x−y| − 2/m(m−1)·Σ|x−x'| − 2/n(n−1)·Σ|y−y'|)
//
// The three sums follow from one another when a value changes sides.
func (s *search) best(part []float64) split {
	n := len(part)
	var out split
	if n < 2*s.shortest {
		return out
	}
	var left, right, across float64
	for i := range part {
		for j := i + 1; j < n; j++ {
			right += math.Abs(part[i] - part[j])
		}
	}
	if right == 0 {
		return out
	}
	for at := 1; at <= n-s.shortest; at++ {
		v := part[at-1]
		var toLeft, toRight float64
		for _, x := range part[:at-1] {
			toLeft += math.Abs(v - x)
		}
		for _, x := range part[at:] {
			toRight += math.Abs(v - x)
		}
		left += toLeft
		right -= toRight
		across += toRight - toLeft
		if at < s.shortest {
			continue
		}
		a, b := float64(at), float64(n-at)
		q := a * b / (a + b) * (2*across/(a*b) - 2*left/(a*(a-1)) - 2*right/(b*(b-1)))
		if q > out.q {
			out = split{at, q}
		}
	}
	return out
}
