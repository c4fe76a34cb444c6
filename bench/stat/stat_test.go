package stat

import (
	"errors"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func near(a, b, tol float64) bool { return math.Abs(a-b) <= tol }

func TestQuantileGolden(t *testing.T) {
	xs := []float64{15, 20, 35, 40, 50} // R: quantile(c(15,20,35,40,50), q)
	for q, want := range map[float64]float64{0: 15, 0.05: 16, 0.25: 20, 0.4: 29, 0.5: 35, 0.9: 46, 1: 50} {
		if got := Quantile(xs, q); !near(got, want, 1e-12) {
			t.Errorf("Quantile(%v) = %v, want %v", q, got, want)
		}
	}
	if got := Median([]float64{4, 1, 3, 2}); got != 2.5 {
		t.Errorf("median of an even count = %v, want 2.5", got)
	}
}

func TestQuantileUnknown(t *testing.T) {
	for name, got := range map[string]float64{
		"empty":    Quantile(nil, 0.5),
		"q low":    Quantile([]float64{1}, -0.1),
		"q high":   Quantile([]float64{1}, 1.1),
		"q NaN":    Quantile([]float64{1}, math.NaN()),
		"NaN data": Median([]float64{1, math.NaN(), 2}),
	} {
		if !math.IsNaN(got) {
			t.Errorf("%s: %v, want NaN", name, got)
		}
	}
	inf := math.Inf(1)
	if got := Median([]float64{inf, inf, inf, inf}); got != inf {
		t.Errorf("median of infinities = %v, want +Inf", got)
	}
	if got := Median([]float64{-math.MaxFloat64, math.MaxFloat64}); got != 0 {
		t.Errorf("median of the extremes = %v, want 0", got)
	}
}

func TestQuantileProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		xs := rapid.SliceOfN(rapid.Float64Range(-1e9, 1e9), 1, 60).Draw(t, "xs")
		before := slices.Clone(xs)
		p := rapid.Float64Range(0, 1).Draw(t, "p")
		q := rapid.Float64Range(p, 1).Draw(t, "q")
		a, b := Quantile(xs, p), Quantile(xs, q)
		tol := 1e-6
		if a > b+tol || a < slices.Min(xs)-tol || b > slices.Max(xs)+tol {
			t.Fatalf("quantiles %v → %v and %v → %v of %v are out of order or range", p, a, q, b, xs)
		}
		if !slices.Equal(before, xs) {
			t.Fatal("the input was changed")
		}
	})
}

func TestMedianIntervalGolden(t *testing.T) {
	for _, c := range []struct {
		n, low, high int
		coverage     float64
	}{{6, 1, 6, 0.96875}, {10, 2, 9, 0.978515625}, {20, 6, 15, 0.958611}} {
		low, high, coverage, ok := MedianInterval(c.n, 0.95)
		if !ok || low != c.low || high != c.high || !near(coverage, c.coverage, 5e-7) {
			t.Errorf("n=%d: (%d,%d) %v %v, want (%d,%d) %v", c.n, low, high, coverage, ok, c.low, c.high, c.coverage)
		}
	}
	for n := -1; n < 6; n++ {
		if _, _, _, ok := MedianInterval(n, 0.95); ok {
			t.Errorf("n=%d claims 95 %%, which five samples or fewer cannot give", n)
		}
	}
	for _, conf := range []float64{0, 1, math.NaN(), -1} {
		if _, _, _, ok := MedianInterval(20, conf); ok {
			t.Errorf("confidence %v was accepted", conf)
		}
	}
	low, high, coverage, ok := MedianInterval(100_000, 0.95)
	if !ok || low+high != 100_001 || coverage < 0.95 || coverage > 0.953 {
		t.Errorf("n=100000: (%d,%d) %v %v", low, high, coverage, ok)
	}
}

// TestMedianIntervalExact counts all 2^n sign patterns instead of using the
// binomial formula.
func TestMedianIntervalExact(t *testing.T) {
	for n := 6; n <= 14; n++ {
		low, high, coverage, ok := MedianInterval(n, 0.9)
		if !ok {
			t.Fatalf("n=%d not covered at 90 %%", n)
		}
		count := func(low, high int) float64 {
			hits := 0
			for pattern := range 1 << n {
				under := 0
				for i := range n {
					under += pattern >> i & 1
				}
				if under >= low && under < high {
					hits++
				}
			}
			return float64(hits) / float64(int(1)<<n)
		}
		if got := count(low, high); !near(got, coverage, 1e-12) {
			t.Errorf("n=%d (%d,%d): coverage %v, counted %v", n, low, high, coverage, got)
		}
		if narrower := count(low+1, high-1); narrower >= 0.9 {
			t.Errorf("n=%d: (%d,%d) would do with %v", n, low+1, high-1, narrower)
		}
	}
}

func TestMedianWithInterval(t *testing.T) {
	got, err := MedianWithInterval([]float64{9, 1, 8, 2, 7, 3, 6, 4, 5, 10}, 0.95)
	if err != nil || got.Median != 5.5 || got.Low != 2 || got.High != 9 || got.Coverage != 0.978515625 {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := MedianWithInterval([]float64{1, 2, 3, 4, 5}, 0.95); !errors.Is(err, ErrTooFewSamples) {
		t.Errorf("five samples: %v, want ErrTooFewSamples", err)
	}
	if _, err := MedianWithInterval([]float64{1, 2, 3, math.NaN(), 5, 6}, 0.95); err == nil {
		t.Error("a NaN sample was accepted")
	}
}

func TestSlopeGolden(t *testing.T) {
	// R: summary(lm(y ~ t)) of the first Anscombe set: slope .5000909,
	// standard error .1179055, intercept 3.0000909.
	x := []float64{10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5}
	y := []float64{8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68}
	got, err := SlopePerSec(x, y)
	if err != nil || !near(got.PerSec, 0.5000909, 1e-7) || !near(got.StdErr, 0.1179055, 1e-7) || !near(got.Intercept, 3.0000909, 1e-7) || got.N != 11 {
		t.Errorf("got %+v, %v", got, err)
	}
	// A large offset of the clock must not cost digits.
	shifted := make([]float64, len(x))
	for i := range x {
		shifted[i] = x[i] + 1.7e9
	}
	far, err := SlopePerSec(shifted, y)
	if err != nil || !near(far.PerSec, got.PerSec, 1e-9) || !near(far.StdErr, got.StdErr, 1e-9) {
		t.Errorf("shifted by an epoch: %+v, %v", far, err)
	}
}

func TestSlopeExactLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(3, 50).Draw(t, "n")
		a := rapid.Float64Range(-1e4, 1e4).Draw(t, "a")
		b := rapid.Float64Range(-1e5, 1e5).Draw(t, "b")
		x, y := make([]float64, n), make([]float64, n)
		for i := range n {
			x[i] = float64(i) / 10
			y[i] = a + b*x[i]
		}
		for name, fit := range map[string]func([]float64, []float64) (Slope, error){"least squares": SlopePerSec, "Theil-Sen": TheilSenPerSec} {
			got, err := fit(x, y)
			if err != nil || !near(got.PerSec, b, 1e-5) || !near(got.Intercept, a, 1e-4) || got.StdErr < 0 || got.StdErr > 1e-5 {
				t.Fatalf("%s of an exact line %v + %v·t: %+v, %v", name, a, b, got, err)
			}
		}
	})
}

func TestTheilSenResistsOutliers(t *testing.T) {
	var x, y []float64
	for i := range 20 {
		x = append(x, float64(i))
		y = append(y, 3*float64(i))
	}
	for _, wild := range []int{2, 7, 11, 16} {
		y[wild] += 1e6
	}
	robust, err := TheilSenPerSec(x, y)
	if err != nil || !near(robust.PerSec, 3, 0.1) {
		t.Errorf("robust slope %+v, %v, want 3", robust, err)
	}
	plain, err := SlopePerSec(x, y)
	if err != nil || near(plain.PerSec, 3, 1000) {
		t.Errorf("least squares slope %+v, %v: this series no longer shows the difference", plain, err)
	}
}

// TestTheilSenInterval checks Sen's interval by hand: four points have six
// slopes, and at 95 % the interval spans all of them.
func TestTheilSenInterval(t *testing.T) {
	got, err := TheilSenPerSec([]float64{0, 1, 2, 3}, []float64{0, 1, 4, 9}) // slopes 1 2 3 3 4 5
	if err != nil || got.PerSec != 3 || !near(got.StdErr, 2/z95, 1e-12) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestSlopeErrors(t *testing.T) {
	long := make([]float64, theilSenMax+1)
	for i := range long {
		long[i] = float64(i)
	}
	if _, err := TheilSenPerSec(long, long); !errors.Is(err, ErrBadSeries) {
		t.Errorf("too long a series: %v", err)
	}
	for name, c := range map[string]struct {
		t, y []float64
		want error
	}{
		"lengths":   {[]float64{1, 2, 3}, []float64{1, 2}, ErrBadSeries},
		"two":       {[]float64{1, 2}, []float64{1, 2}, ErrTooFewSamples},
		"same time": {[]float64{1, 1, 1}, []float64{1, 2, 3}, ErrBadSeries},
		"NaN":       {[]float64{1, 2, 3}, []float64{1, math.NaN(), 3}, ErrBadSeries},
		"Inf time":  {[]float64{1, 2, math.Inf(1)}, []float64{1, 2, 3}, ErrBadSeries},
	} {
		if _, err := SlopePerSec(c.t, c.y); !errors.Is(err, c.want) {
			t.Errorf("SlopePerSec %s: %v, want %v", name, err, c.want)
		}
		if _, err := TheilSenPerSec(c.t, c.y); !errors.Is(err, c.want) {
			t.Errorf("TheilSenPerSec %s: %v, want %v", name, err, c.want)
		}
	}
}
