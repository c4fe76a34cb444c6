package stat

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestMAD(t *testing.T) {
	xs := []float64{1, 1, 2, 2, 4, 6, 9}
	closeTo(t, "MAD", MAD(xs), 1, 0)
	closeTo(t, "sigma", RobustSigma(xs), 1.4826022185, 1e-9)
	if !math.IsNaN(MAD(nil)) || !math.IsNaN(MAD([]float64{1, math.NaN()})) {
		t.Error("an unknown spread must not be a number")
	}
}

func TestTukey(t *testing.T) {
	// Quartiles 3 and 7, so fences at -3, 13 (mild) and -9, 19 (severe).
	xs := []float64{-10, -4, 3, 3, 5, 5, 5, 7, 7, 14, 20}
	got, err := TukeyOutliers(xs)
	want := []Outlier{LowSevere, LowMild, 0, 0, 0, 0, 0, 0, 0, HighMild, HighSevere}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	equal, err := TukeyOutliers([]float64{2, 2, 2, 2})
	if err != nil || !slices.Equal(equal, make([]Outlier, 4)) {
		t.Errorf("equal values have outliers: %v, %v", equal, err)
	}
	if _, err := TukeyOutliers([]float64{1, 2, 3}); !errors.Is(err, ErrTooFewSamples) {
		t.Error(err)
	}
	if _, err := TukeyOutliers([]float64{1, 2, 3, math.NaN()}); !errors.Is(err, ErrBadSeries) {
		t.Error(err)
	}
	for o, want := range map[Outlier]string{LowSevere: "low severe", LowMild: "low mild", NotOutlier: "inside", HighMild: "high mild", HighSevere: "high severe"} {
		if o.String() != want {
			t.Errorf("%d is %q, want %q", o, o.String(), want)
		}
	}
}

// R: p.adjust(c(.01, .04, .03, .005), "BH").
func TestBenjaminiHochberg(t *testing.T) {
	got, err := BenjaminiHochberg([]float64{.01, .04, math.NaN(), .03, .005})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{.02, .04, math.NaN(), .04, .02} {
		if i == 2 && math.IsNaN(got[i]) {
			continue
		}
		closeTo(t, "adjusted", got[i], want, 1e-12)
	}
	if _, err := BenjaminiHochberg([]float64{1.5}); !errors.Is(err, ErrBadSeries) {
		t.Error(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SliceOf(rapid.Float64Range(0, 1)).Draw(t, "p")
		q, err := BenjaminiHochberg(p)
		if err != nil {
			t.Fatal(err)
		}
		for i := range p {
			if q[i] < p[i] || q[i] > 1 {
				t.Fatalf("%v became %v", p[i], q[i])
			}
			for j := range p {
				if p[i] < p[j] && q[i] > q[j] {
					t.Fatal("the order changed")
				}
			}
		}
	})
}

func TestRoundsToDetect(t *testing.T) {
	for _, n := range []int{4, 6, 10, 20, 45} {
		if got := RoundsToDetect(MinDetectable(n, .8, .05), .8, .05, 100); got != n {
			t.Errorf("%d rounds see it, got %d", n, got)
		}
	}
	// 200 values are where the two ways to count meet.
	if got, want := float64(RoundsToDetect(.2, .8, .05, 1000)), 411.; math.Abs(got-want) > 2 {
		t.Errorf("0.2 sigma needs %v values, want some %v", got, want)
	}
	closeTo(t, "many", MinDetectable(200, .8, .05), math.Sqrt(2*7.8489/200*math.Pi/3), .002)
	if got := RoundsToDetect(1e-6, .8, .05, 100); got != 0 {
		t.Errorf("nothing sees a millionth of a sigma in 100 rounds, got %d", got)
	}
	if got := RoundsToDetect(math.NaN(), .8, .05, 100); got != 0 {
		t.Errorf("unknown noise, got %d", got)
	}
}

// Efron and Tibshirani's spatial test data A (table 14.1) with the variance
// with divisor n: they give BCa limits of 115.8 and 259.6 at 90 % from 2 000
// resamples.
func TestBCaGolden(t *testing.T) {
	data := []float64{48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6, 0, 33, 28, 34, 4, 32, 24, 47, 41, 24, 26, 30, 41}
	variance := func(xs []float64) float64 {
		mean, sum := 0., 0.
		for _, x := range xs {
			mean += x / float64(len(xs))
		}
		for _, x := range xs {
			sum += (x - mean) * (x - mean)
		}
		return sum / float64(len(xs))
	}
	est, err := BCa(data, variance, .9, 20_000)
	if err != nil {
		t.Fatal(err)
	}
	closeTo(t, "variance", est.Value, 171.5, .05)
	closeTo(t, "acceleration", est.Acceleration, .061, .001)
	closeTo(t, "bias", est.Bias, .146, .03)
	closeTo(t, "low", est.Low, 115.8, 3)
	closeTo(t, "high", est.High, 259.6, 5)
	again, _ := BCa(data, variance, .9, 20_000)
	if again != est {
		t.Error("the same data gave another interval")
	}
}

func TestBCaEdges(t *testing.T) {
	est, err := BCa([]float64{7, 7, 7, 7}, Median, .95, 200)
	if err != nil || est.Low != 7 || est.High != 7 {
		t.Error(est, err)
	}
	for _, err := range []error{
		second(BCa([]float64{1, 2}, Median, .95, 200)), second(BCa(nil, Median, .95, 200)),
	} {
		if !errors.Is(err, ErrTooFewSamples) {
			t.Error(err)
		}
	}
	inverse := func(xs []float64) float64 { return 1 / (slices.Max(xs) - slices.Min(xs)) }
	for _, err := range []error{
		second(BCa([]float64{1, 2, math.Inf(1)}, Median, .95, 200)), second(BCa([]float64{1, 2, 3}, Median, 2, 200)),
		second(BCa([]float64{1, 2, 3}, Median, .95, 10)), second(BCa([]float64{1, 2, 3}, inverse, .95, 200)),
	} {
		if !errors.Is(err, ErrBadSeries) {
			t.Error(err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func noisy(seed uint64, levels ...float64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 3))
	var xs []float64
	for _, level := range levels {
		for range 20 {
			xs = append(xs, level*(1+.01*rng.NormFloat64()))
		}
	}
	return xs
}

func TestChangePoints(t *testing.T) {
	changes, err := ChangePoints(noisy(1, 100, 110, 110, 95), 3, .05)
	if err != nil || len(changes) != 2 {
		t.Fatalf("%+v, %v, want changes at 20 and 60", changes, err)
	}
	for i, want := range []int{20, 60} {
		closeTo(t, "place", float64(changes[i].Index), float64(want), 1)
	}
	closeTo(t, "before", changes[0].Before, 100, 1)
	closeTo(t, "after", changes[0].After, 110, 1)
	closeTo(t, "last", changes[1].After, 95, 1)
	// No change: at a level of 0.05, one in twenty series may show one.
	false1 := 0
	for seed := range uint64(60) {
		found, err := ChangePoints(noisy(100+seed, 100, 100), 3, .05)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) > 0 {
			false1++
		}
	}
	if false1 > 8 { // binomial(60, 0.05): more than 8 in 0.2 %
		t.Errorf("%d of 60 quiet series show a change", false1)
	}
	if found, err := ChangePoints([]float64{4, 4, 4, 4, 4, 4, 4, 4}, 2, .05); err != nil || len(found) != 0 {
		t.Error(found, err)
	}
	for _, err := range []error{
		second(ChangePoints(make([]float64, changeMax+1), 3, .05)), second(ChangePoints([]float64{1, 2}, 1, .05)),
		second(ChangePoints([]float64{1, 2}, 2, 0)), second(ChangePoints([]float64{1, math.NaN()}, 2, .05)),
	} {
		if !errors.Is(err, ErrBadSeries) {
			t.Error(err)
		}
	}
}

// The statistic that moves from split to split is the one of its definition.
func TestEnergyStatistic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		xs := rapid.SliceOfN(rapid.Float64Range(-5, 5), 4, 15).Draw(t, "xs")
		want := 0.
		for at := 2; at <= len(xs)-2; at++ {
			sum := func(a, b []float64) (s float64) {
				for _, x := range a {
					for _, y := range b {
						s += math.Abs(x - y)
					}
				}
				return s
			}
			a, b := xs[:at], xs[at:]
			m, n := float64(len(a)), float64(len(b))
			want = max(want, m*n/(m+n)*(2*sum(a, b)/(m*n)-sum(a, a)/(m*(m-1))-sum(b, b)/(n*(n-1))))
		}
		got := (&search{shortest: 2}).best(xs)
		if math.Abs(got.q-want) > 1e-9 {
			t.Fatalf("%v, want %v", got.q, want)
		}
	})
}

func TestSteadyState(t *testing.T) {
	check := func(name string, xs []float64, verdict string, skip, slack int) Steady {
		t.Helper()
		got, err := SteadyState(xs, .02)
		if err != nil || got.Verdict != verdict || got.Skip < skip-slack || got.Skip > skip+slack {
			t.Errorf("%s: %+v, %v, want %s after %d", name, got, err, verdict, skip)
		}
		return got
	}
	flat := check("flat", noisy(5, 100, 100, 100), SteadyFlat, 0, 0)
	closeTo(t, "level", flat.Level, 100, 1)
	warm := check("warm-up", noisy(6, 70, 100, 100, 100), SteadyWarmUp, 20, 2)
	closeTo(t, "level", warm.Level, 100, 1)
	check("late change", noisy(7, 100, 100, 130), SteadyNone, 60, 0)
	drifting := noisy(8, 100, 100, 100)
	for i := range drifting {
		drifting[i] *= 1 + .004*float64(i)
	}
	if got := check("drift", drifting, SteadyNone, 60, 0); got.Reason == "" {
		t.Error("no reason given")
	}
	for _, err := range []error{second(SteadyState([]float64{1, 2, 3}, .02))} {
		if !errors.Is(err, ErrTooFewSamples) {
			t.Error(err)
		}
	}
	for _, err := range []error{second(SteadyState(make([]float64, 9), .02)), second(SteadyState(noisy(1, 5), 0))} {
		if !errors.Is(err, ErrBadSeries) {
			t.Error(err)
		}
	}
}
