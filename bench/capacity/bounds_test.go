package capacity

import (
	"math"
	"math/rand/v2"
	"testing"
)

// slowBounds tries every place of the bend with sums taken anew.
func slowBounds(points []Point) float64 {
	errorOf := func(slope, plateau float64) float64 {
		sse := 0.0
		for _, p := range points {
			r := p.X - min(slope*p.N, plateau)
			sse += r * r
		}
		return sse
	}
	best := math.Inf(1)
	for k := 0; k <= len(points); k++ {
		var nx, nn, tail float64
		for _, p := range points[:k] {
			nx, nn = nx+p.N*p.X, nn+p.N*p.N
		}
		for _, p := range points[k:] {
			tail += p.X
		}
		rest := float64(len(points) - k)
		switch k {
		case 0:
			best = min(best, errorOf(math.Inf(1), tail/rest))
			continue
		case len(points):
			best = min(best, errorOf(nx/nn, math.Inf(1)))
			continue
		}
		best = min(best, errorOf(nx/nn, tail/rest))
		bend := points[k-1].N
		s := (nx + bend*tail) / (nn + rest*bend*bend)
		best = min(best, errorOf(s, s*bend))
	}
	return best
}

// The least squares of a long table are found at whichever of its n the bend is,
// not only at some of them.
func TestBoundsLongTable(t *testing.T) {
	const n = 1201
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 1))
		bend := float64(3 + rng.IntN(n-6))
		noise := []float64{0, .001, .05, .3}[seed%4]
		points := make([]Point, n)
		for i := range points {
			x := float64(i + 1)
			points[i] = Point{N: x, X: 1e4 * min(x, bend) * (1 + noise*(2*rng.Float64()-1))}
		}
		f, err := FitBounds(points)
		if err != nil {
			t.Fatal(err)
		}
		var got, scale float64
		for _, p := range points {
			r := p.X - f.Predict(p.N)
			got += r * r
			scale += p.X * p.X
		}
		if want := slowBounds(points); got > want+1e-12*scale {
			t.Errorf("seed %d, bend at %v: the fit leaves %v, the best there is %v", seed, bend, got, want)
		}
		if noise == 0 {
			same(t, "c", *f.Param("c"), 1e4*bend, 1e-6*bend)
			same(t, "r0", *f.Param("r0"), 1e-4, 1e-13)
		}
	}
}

// The bend of a table of 200 000 points is found where it is.
func TestBoundsVeryLongTable(t *testing.T) {
	const n, bend = 200_000, 123_457
	points := make([]Point, n)
	for i := range points {
		points[i] = Point{N: float64(i + 1), X: float64(min(i+1, bend))}
	}
	b := bestBounds(points)
	same(t, "slope", b.slope, 1, 1e-9)
	same(t, "plateau", b.plateau, bend, 1e-9*bend)
}
