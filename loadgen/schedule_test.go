package loadgen

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/bench/stat"
)

func TestConstantIsExact(t *testing.T) {
	got, err := Times(Constant, 3, time.Second, 1)
	if err != nil || !slices.Equal(got, []int64{0, 333333333, 666666666}) {
		t.Fatal(got, err)
	}
	// Over an hour no error accumulates: the last is one gap before the end.
	got, err = Times(Constant, 700, time.Hour, 1)
	if err != nil || len(got) != 700*3600 {
		t.Fatal(len(got), err)
	}
	if last, want := got[len(got)-1], int64(time.Hour)-1428571; last < want-1 || last > want+1 {
		t.Fatalf("last at %d, want %d", last, want)
	}
}

func TestScheduleDependsOnItsArgumentsAlone(t *testing.T) {
	a, _ := Times(Poisson, 10_000, time.Second, 5)
	b, _ := Times(Poisson, 10_000, time.Second, 5)
	c, _ := Times(Poisson, 10_000, time.Second, 6)
	if !slices.Equal(a, b) {
		t.Error("one seed gave two schedules")
	}
	if slices.Equal(a, c) {
		t.Error("two seeds gave one schedule")
	}
}

func TestSchedulesAreAscendingWithinTheirBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]Schedule{Constant, Poisson}).Draw(t, "kind")
		rate := rapid.Float64Range(0.01, 50_000).Draw(t, "rate")
		d := time.Duration(rapid.Int64Range(1, int64(time.Second)).Draw(t, "duration"))
		got, err := Times(kind, rate, d, rapid.Uint64().Draw(t, "seed"))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) > MaxTxs(rate, d) {
			t.Fatalf("%d transactions, MaxTxs said %d", len(got), MaxTxs(rate, d))
		}
		if !slices.IsSorted(got) || len(got) > 0 && (got[0] < 0 || got[len(got)-1] >= int64(d)) {
			t.Fatalf("not ascending within [0, %d)", d)
		}
	})
}

func TestScheduleRefusesNonsense(t *testing.T) {
	for _, c := range []struct {
		kind Schedule
		rate float64
		d    time.Duration
	}{
		{"burst", 1, 1}, {Poisson, 0, 1}, {Poisson, -1, 1}, {Poisson, math.NaN(), 1}, {Constant, math.Inf(1), 1},
		{Constant, 1, 0}, {Constant, 1, -1}, {Poisson, 1e9, time.Hour},
	} {
		if _, err := Times(c.kind, c.rate, c.d, 1); !errors.Is(err, ErrSchedule) {
			t.Errorf("%v: %v", c, err)
		}
	}
	if s, err := ParseSchedule("Poisson"); err != nil || s != Poisson {
		t.Error(s, err)
	}
}

// fits tests times against a Poisson process with the given rate: the index of
// dispersion of the counts per ms, and the gaps.
func fits(t *testing.T, times []int64, rate float64, d time.Duration) (dispersion, p float64) {
	t.Helper()
	gaps := make([]float64, 0, len(times))
	for i := 1; i < len(times); i++ {
		gaps = append(gaps, float64(times[i]-times[i-1])/1e9)
	}
	ks, err := stat.KolmogorovSmirnov(gaps, stat.ExponentialCDF(rate))
	if err != nil {
		t.Fatal(err)
	}
	return stat.NewTally(times, 1e6, 0, int64(d)).Dispersion(), ks.P
}

func TestPoissonIsPoisson(t *testing.T) {
	const rate, d = 20_000.0, 30 * time.Second
	times, err := Times(Poisson, rate, d, 42)
	if err != nil {
		t.Fatal(err)
	}
	mean := rate * d.Seconds()
	if dev := math.Abs(float64(len(times))-mean) / math.Sqrt(mean); dev > 4 {
		t.Errorf("%d arrivals, %.1f standard deviations from %.0f", len(times), dev, mean)
	}
	if v, p := fits(t, times, rate, d); v < 0.97 || v > 1.03 || p < 0.01 {
		t.Errorf("dispersion index %.4f, want 0.97 to 1.03; gaps exponential with p = %.4f", v, p)
	}

	// The tests must be able to fail: the same rate in bursts of ten, and evenly.
	burst := make([]int64, len(times))
	for i := range burst {
		burst[i] = int64(float64(i/10*10) * 1e9 / rate * d.Seconds() * rate / float64(len(times)+10))
	}
	even, _ := Times(Constant, rate, d, 0)
	for name, other := range map[string][]int64{"burst": burst, "even": even} {
		v, p := fits(t, other, rate, d)
		if v >= 0.97 && v <= 1.03 {
			t.Errorf("%s: dispersion index %.4f passes for Poisson", name, v)
		}
		if p >= 0.01 {
			t.Errorf("%s: p = %v passes for exponential", name, p)
		}
	}
}
