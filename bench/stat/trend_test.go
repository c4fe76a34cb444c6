package stat

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func steps(n int) []float64 {
	t := make([]float64, n)
	for i := range t {
		t[i] = float64(i)
	}
	return t
}

// TestKendallExact: the probabilities of Gilbert, Statistical Methods for
// Environmental Pollution Monitoring, table A18 (one-sided there).
func TestKendallExact(t *testing.T) {
	for _, c := range []struct {
		n, score int
		oneSided float64
	}{
		{4, 6, .042}, {4, 4, .167}, {5, 8, .042}, {5, 10, .0083}, {6, 9, .068}, {6, 15, .0014},
		{7, 11, .068}, {8, 16, .031}, {9, 18, .038}, {10, 21, .036}, {10, 23, .023},
	} {
		if p := kendallP(c.n, c.score); !near(p, 2*c.oneSided, .0011) {
			t.Errorf("n=%d S=%d: %v, want %v", c.n, c.score, p, 2*c.oneSided)
		}
		if kendallP(c.n, c.score) != kendallP(c.n, -c.score) {
			t.Errorf("n=%d S=±%d differ", c.n, c.score)
		}
	}
	if p := kendallP(5, 0); p != 1 {
		t.Errorf("no trend at all: p = %v", p)
	}
	// Where the exact distribution ends, the normal one must be near.
	const n = kendallExactMax
	v, _ := scoreVariance(steps(n), steps(n))
	for _, s := range []int{100, 300, 500} {
		if a, b := kendallP(n, s), scoreP(s, math.Sqrt(v)); !near(a, b, 2e-3) {
			t.Errorf("S=%d: exact %v, normal %v", s, a, b)
		}
	}
}

// TestKendallByEnumeration holds p against all orders of six values.
func TestKendallByEnumeration(t *testing.T) {
	const n = 6
	count := map[int]int{}
	total := 0
	var walk func(x []float64, left []float64)
	walk = func(x, left []float64) {
		if len(left) == 0 {
			s := 0
			for i := range x {
				for j := i + 1; j < n; j++ {
					s += sign(x[j] - x[i])
				}
			}
			count[s]++
			total++
			return
		}
		for i := range left {
			rest := append(append([]float64{}, left[:i]...), left[i+1:]...)
			walk(append(x[:len(x):len(x)], left[i]), rest)
		}
	}
	walk(nil, steps(n))
	for s := range count {
		tail := 0
		for other, c := range count {
			if max(other, -other) >= max(s, -s) {
				tail += c
			}
		}
		if want := float64(tail) / float64(total); !near(kendallP(n, s), min(1, want), 1e-12) {
			t.Errorf("S=%d: %v, want %v", s, kendallP(n, s), want)
		}
	}
}

func TestMannKendallLine(t *testing.T) {
	tSec := steps(20)
	y := make([]float64, 20)
	for i := range y {
		y[i] = 5 - 0.25*tSec[i]
	}
	tr, err := MannKendall(tSec, y, 0.95)
	if err != nil {
		t.Fatal(err)
	}
	if !near(tr.PerSec, -.25, 1e-12) || tr.Score != -190 || !(tr.P < 1e-12) || !near(tr.Low, -.25, 1e-12) || !near(tr.High, -.25, 1e-12) {
		t.Errorf("%+v", tr)
	}
	flat, err := MannKendall(tSec, make([]float64, 20), 0.95)
	if err != nil || flat.P != 1 || flat.PerSec != 0 || flat.Low != 0 || flat.High != 0 {
		t.Errorf("a constant: %+v, %v", flat, err)
	}
}

// TestTiedVariance: Kendall's formula by hand for groups of 2 and 3 among ten.
func TestTiedVariance(t *testing.T) {
	y := []float64{1, 1, 2, 3, 3, 3, 4, 5, 6, 7}
	want := (10.*9*25 - 2*1*9 - 3*2*11) / 18
	if v, tied := scoreVariance(steps(10), y); !tied || !near(v, want, 1e-12) {
		t.Errorf("%v (tied %v), want %v", v, tied, want)
	}
}

// TestTrendProperties: the order of the points and the unit do not matter, a
// line that is added moves the slope by its own.
func TestTrendProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(4, 40).Draw(t, "n")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		tSec, y := steps(n), make([]float64, n)
		for i := range y {
			y[i] = rng.NormFloat64()
		}
		a, err := MannKendall(tSec, y, 0.9)
		if err != nil {
			t.Fatal(err)
		}
		if !(a.Low <= a.PerSec && a.PerSec <= a.High) || !(a.P >= 0 && a.P <= 1) || a.Inflation < 1 {
			t.Fatalf("%+v", a)
		}
		at := rng.Perm(n)
		t2, y2 := make([]float64, n), make([]float64, n)
		for i, k := range at {
			t2[i], y2[i] = tSec[k], y[k]
		}
		if b, err := MannKendall(t2, y2, 0.9); err != nil || b != a {
			t.Fatalf("in another order %+v, was %+v (%v)", b, a, err)
		}
		for i := range y {
			y[i] = 4*y[i] + 1024*tSec[i]
		}
		b, err := MannKendall(tSec, y, 0.9)
		if err != nil || !near(b.PerSec, 4*a.PerSec+1024, 1e-9*1024) {
			t.Fatalf("scaled and with a line %+v, was %+v (%v)", b, a, err)
		}
	})
}

// TestTrendLevel: without a trend p is below 5 % about that often, and the
// interval holds 0 about as often as it says, for independent values and for
// ones that depend on their neighbours (which a plain test calls a trend in
// every third case).
func TestTrendLevel(t *testing.T) {
	const rounds = 400
	for _, c := range []struct {
		rho           float64
		fires, misses int // at most
	}{{0, 32, 32}, {0.5, 48, 48}} {
		rng := rand.New(rand.NewPCG(7, 11))
		fires, misses := 0, 0
		for range rounds {
			y := make([]float64, 54)
			for i := range y {
				y[i] = rng.NormFloat64()
				if i > 0 {
					y[i] += c.rho * y[i-1]
				}
			}
			tr, err := MannKendall(steps(len(y)), y, 0.95)
			if err != nil {
				t.Fatal(err)
			}
			if tr.P < 0.05 {
				fires++
			}
			if tr.Low > 0 || tr.High < 0 {
				misses++
			}
		}
		t.Logf("rho %v: p < 0.05 in %d of %d, interval without 0 in %d", c.rho, fires, rounds, misses)
		if fires > c.fires || misses > c.misses {
			t.Errorf("rho %v: p < 0.05 in %d of %d, interval without 0 in %d", c.rho, fires, rounds, misses)
		}
	}
}

func TestTrendErrors(t *testing.T) {
	for _, c := range []struct {
		t, y []float64
		conf float64
		want error
	}{
		{steps(3), steps(3), .95, ErrTooFewSamples},
		{steps(5), steps(4), .95, ErrBadSeries},
		{steps(5), []float64{1, 2, math.NaN(), 4, 5}, .95, ErrBadSeries},
		{make([]float64, 5), steps(5), .95, ErrBadSeries},
		{steps(1025), steps(1025), .95, ErrBadSeries},
	} {
		if _, err := MannKendall(c.t, c.y, c.conf); !errors.Is(err, c.want) {
			t.Errorf("%d points: %v, want %v", len(c.y), err, c.want)
		}
	}
	if _, err := MannKendall(steps(5), steps(5), 1); err == nil {
		t.Error("a confidence of 1 is taken")
	}
}
