package stat

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// Percentage points of Kolmogorov's distribution (Smirnov 1948, in every table
// since) and P(K > 1).
func TestKolmogorovTail(t *testing.T) {
	for x, want := range map[float64]float64{
		1.22385: 0.10, 1.35810: 0.05, 1.48021: 0.025, 1.62762: 0.01, 1.94947: 0.001,
		1: 0.2699996717, 0.82757: 0.5, 0.57117: 0.9, 0.44: 0.9902, 0: 1, 10: 0,
	} {
		if got := kolmogorovTail(x); !near(got, want, 1e-4) {
			t.Errorf("P(K > %v) = %.8f, want %v", x, got, want)
		}
	}
	// The two series meet.
	if a, b := kolmogorovTail(1-1e-9), kolmogorovTail(1); !near(a, b, 1e-8) {
		t.Errorf("%v below 1, %v at 1", a, b)
	}
}

func TestKolmogorovSmirnovByHand(t *testing.T) {
	// Against the uniform distribution the largest distance is right after the
	// second sample, 2/5 − 0.15; the next is 4/5 − 0.61.
	got, err := KolmogorovSmirnov([]float64{0.61, 0.02, 0.15, 0.9, 0.5}, func(x float64) float64 { return x })
	if err != nil || !near(got.Statistic, 0.25, 1e-12) || got.N != 5 {
		t.Fatal(got, err)
	}
	if _, err := KolmogorovSmirnov([]float64{1, 2, 3}, ExponentialCDF(1)); !errors.Is(err, ErrTooFewSamples) {
		t.Error(err)
	}
	if _, err := KolmogorovSmirnov([]float64{1, 2, 3, math.NaN(), 5}, ExponentialCDF(1)); !errors.Is(err, ErrBadSeries) {
		t.Error(err)
	}
}

// Percentage points of chi-square as printed in tables.
func TestChiSquareTail(t *testing.T) {
	for _, c := range []struct {
		x    float64
		df   int
		want float64
	}{
		{3.841459, 1, 0.05}, {6.634897, 1, 0.01}, {5.991465, 2, 0.05}, {18.307038, 10, 0.05}, {23.209251, 10, 0.01},
		{124.342113, 100, 0.05}, {0, 3, 1}, {4, 2, math.Exp(-2)}, {math.Inf(1), 4, 0},
	} {
		if got := ChiSquareTail(c.x, c.df); !near(got, c.want, 1e-7) {
			t.Errorf("P(X²_%d > %v) = %v, want %v", c.df, c.x, got, c.want)
		}
	}
	for _, x := range []float64{ChiSquareTail(1, 0), ChiSquareTail(-1, 2), ChiSquareTail(math.NaN(), 2)} {
		if !math.IsNaN(x) {
			t.Errorf("%v, want NaN", x)
		}
	}
}

// Rutherford and Geiger (1910): alpha particles per 7.5 s in 2 608 intervals,
// the classic example of a Poisson fit.
var rutherford = Tally{57, 203, 383, 525, 532, 408, 273, 139, 45, 27, 10, 4, 0, 1, 1}

func TestRutherfordGeiger(t *testing.T) {
	if n := rutherford.Intervals(); n != 2608 {
		t.Fatal(n)
	}
	mean := rutherford.Mean()
	if !near(mean, 3.8716, 1e-3) {
		t.Errorf("mean %v, published as 3.87", mean)
	}
	if d := rutherford.Dispersion(); !near(d, 0.95, 0.01) {
		t.Errorf("index of dispersion %v", d)
	}
	got, err := rutherford.ChiSquarePoisson(mean)
	// Published values are X² = 12.9 to 13.0 with cells pooled from 10 or 11 on.
	if err != nil || !near(got.Statistic, 12.95, 0.3) || got.P < 0.2 {
		t.Errorf("%+v %v", got, err)
	}
}

// poissonTimes is an arrival process with the given rate per ns.
func poissonTimes(seed uint64, perNS float64, endNS int64) []int64 {
	rng := rand.New(rand.NewPCG(seed, 1))
	var out []int64
	for t := rng.ExpFloat64() / perNS; t < float64(endNS); t += rng.ExpFloat64() / perNS {
		out = append(out, int64(t))
	}
	return out
}

// Under the hypothesis p-values are uniform; so they are tested by the test.
func TestPValuesAreUniform(t *testing.T) {
	var ks, chi []float64
	for seed := range uint64(400) {
		times := poissonTimes(seed, 20e-6, 5e8)
		var gaps []float64
		for i := 1; i < len(times); i++ {
			gaps = append(gaps, float64(times[i]-times[i-1]))
		}
		a, err := KolmogorovSmirnov(gaps, ExponentialCDF(20e-6))
		if err != nil {
			t.Fatal(err)
		}
		b, err := NewTally(times, 1e6, 0, 5e8).ChiSquarePoisson(20)
		if err != nil {
			t.Fatal(err)
		}
		ks, chi = append(ks, a.P), append(chi, b.P)
	}
	uniform := func(x float64) float64 { return x }
	for name, ps := range map[string][]float64{"ks": ks, "chi-square": chi} {
		if f, err := KolmogorovSmirnov(ps, uniform); err != nil || f.P < 0.001 {
			t.Errorf("%s: %+v %v", name, f, err)
		}
	}
}

func TestTallyProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		end := rapid.Int64Range(1, 1000).Draw(t, "end")
		width := rapid.Int64Range(1, 100).Draw(t, "width")
		offset := rapid.Int64Range(0, 50).Draw(t, "offset")
		times := rapid.SliceOfN(rapid.Int64Range(0, 1100), 0, 200).Draw(t, "times")
		got := NewTally(times, width, offset, end)
		whole := max(0, (end-offset)/width)
		inside := int64(0)
		for _, x := range times {
			if x >= offset && x < offset+whole*width {
				inside++
			}
		}
		var events int64
		for k, m := range got {
			events += int64(k) * m
		}
		if got.Intervals() != whole || events != inside {
			t.Fatalf("%v: %d intervals and %d events, want %d and %d", got, got.Intervals(), events, whole, inside)
		}
		if d := got.Dispersion(); d < 0 {
			t.Fatalf("dispersion %v", d)
		}
		if mean := got.Mean(); mean > 0 {
			if f, err := got.ChiSquarePoisson(mean); err == nil && !(f.P >= 0 && f.P <= 1 && f.Statistic >= 0 && f.DF == f.N-1) {
				t.Fatalf("%+v", f)
			}
		}
	})
}

func TestDispersionTellsBursts(t *testing.T) {
	if d := (Tally{0, 0, 0, 1000}).Dispersion(); d != 0 {
		t.Errorf("evenly spaced: %v", d)
	}
	// One of ten intervals holds all: mean 1, variance 90/99·… = 9.009.
	if d := (Tally{0: 90, 10: 10}).Dispersion(); !near(d, 900.0/99, 1e-9) {
		t.Errorf("bursts: %v", d)
	}
	for _, bad := range []Tally{nil, {5}, {0, 1}} {
		if d := bad.Dispersion(); !math.IsNaN(d) {
			t.Errorf("%v: %v, want NaN", bad, d)
		}
	}
	if f, err := (Tally{0: 900, 10: 100}).ChiSquarePoisson(1); err != nil || f.P > 1e-12 {
		t.Errorf("bursts pass for Poisson: %+v %v", f, err)
	}
	for _, mean := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if _, err := rutherford.ChiSquarePoisson(mean); !errors.Is(err, ErrBadSeries) {
			t.Errorf("mean %v: %v", mean, err)
		}
	}
	if _, err := (Tally{1, 2}).ChiSquarePoisson(1); !errors.Is(err, ErrTooFewSamples) {
		t.Error(err)
	}
}
