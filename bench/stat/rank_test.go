package stat

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func closeTo(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s = %.12g, want %.12g ± %g", what, got, want, tol)
	}
}

var (
	shiftX = []float64{.80, .83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, .73, 1.46}
	shiftY = []float64{1.15, .88, .90, .74, 1.21}
)

// The data of Hollander and Wolfe's example on permeability constants, and the
// figures that R prints for them.
func TestMannWhitneyGolden(t *testing.T) {
	u, p, err := MannWhitney(shiftX, shiftY)
	if err != nil {
		t.Fatal(err)
	}
	closeTo(t, "U", u, 35, 0)
	closeTo(t, "p", p, .2544122544, 5e-11)
	u, p, err = MannWhitney(shiftY, shiftX)
	if err != nil {
		t.Fatal(err)
	}
	closeTo(t, "U mirrored", u, 15, 0)
	closeTo(t, "p mirrored", p, .2544122544, 5e-11)
	shift, lo, hi, achieved, err := ShiftInterval(shiftX, shiftY, .95)
	if err != nil {
		t.Fatal(err)
	}
	closeTo(t, "shift", shift, .305, 1e-12)
	closeTo(t, "lo", lo, -.15, 1e-12)
	closeTo(t, "hi", hi, .76, 1e-12)
	if achieved < .95 || achieved > .97 {
		t.Errorf("achieved %v", achieved)
	}
}

// Published figures are 1.93, 1.42 and 0.92 standard deviations at 6, 10 and 20
// values. The first is met to its digits. A simulation of the exact test puts
// the other two at 1.40 and 0.94 and gives the published ones a power of 0.81
// and 0.79, so those are met as far as a power of 0.8 ± 0.02 goes.
func TestMinDetectableGolden(t *testing.T) {
	closeTo(t, "n=6", MinDetectable(6, .8, .05), 1.93, .005)
	for n, published := range map[int]float64{6: 1.93, 10: 1.42, 20: .92} {
		rng := rand.New(rand.NewPCG(7, uint64(n)))
		k, _ := rankSumDepth(n, n, .95)
		x, y := make([]float64, n), make([]float64, n)
		const trials = 20_000
		ours := MinDetectable(n, .8, .05)
		atPublished, atOurs := 0., 0.
		for range trials {
			for i := range x {
				x[i], y[i] = rng.NormFloat64(), rng.NormFloat64()
			}
			slices.Sort(x)
			slices.Sort(y)
			needed := pairDifference(y, x, int64(n*n)-k+1) // the shift at which the test fires
			if needed <= published {
				atPublished += 1. / trials
			}
			if needed <= ours {
				atOurs += 1. / trials
			}
		}
		closeTo(t, "power at the published shift", atPublished, .8, .02)
		closeTo(t, "power at ours", atOurs, .8, .01)
	}
}

func TestMinDetectableEdges(t *testing.T) {
	for n := 4; n < 60; n++ {
		if a, b := MinDetectable(n, .8, .05), MinDetectable(n+1, .8, .05); !(b < a) {
			t.Errorf("%d values see %v sigma, %d see %v: more must see less", n, a, n+1, b)
		}
	}
	for _, v := range []float64{MinDetectable(0, .8, .05), MinDetectable(9, 1, .05), MinDetectable(9, .8, 0), MinDetectable(9, .04, .05), MinDetectable(9, math.NaN(), .05)} {
		if !math.IsNaN(v) {
			t.Errorf("%v, want NaN", v)
		}
	}
	if got := MinDetectable(3, .8, .05); !math.IsInf(got, 1) {
		t.Errorf("three values never reach 0.05, got %v", got)
	}
}

func TestTooFew(t *testing.T) {
	if _, _, _, err := SignedRankInterval([]float64{1, 2, 3, 4, 5}, .95); !errors.Is(err, ErrTooFewSamples) {
		t.Error(err)
	}
	if _, _, _, _, err := ShiftInterval([]float64{1, 2, 3}, []float64{1, 2, 3}, .95); !errors.Is(err, ErrTooFewSamples) {
		t.Error(err)
	}
}

// bruteSignedRank counts all 2ⁿ signs.
func bruteSignedRank(x []float64) float64 {
	mag := make([]float64, 0, len(x))
	want := 0
	for _, v := range x {
		if v != 0 {
			mag = append(mag, math.Abs(v))
		}
	}
	ranks := doubledRanks(mag)
	i := 0
	for _, v := range x {
		if v == 0 {
			continue
		}
		if v > 0 {
			want += ranks[i]
		}
		i++
	}
	below, above := 0., 0.
	for signs := range 1 << len(ranks) {
		sum := 0
		for i, r := range ranks {
			if signs>>i&1 == 1 {
				sum += r
			}
		}
		if sum <= want {
			below++
		}
		if sum >= want {
			above++
		}
	}
	return min(1, 2*min(below, above)/float64(int(1)<<len(ranks)))
}

// bruteMannWhitney deals the pooled values in all ways.
func bruteMannWhitney(x, y []float64) float64 {
	ranks := doubledRanks(slices.Concat(x, y))
	want := 0
	for _, r := range ranks[:len(x)] {
		want += r
	}
	below, above, all := 0., 0., 0.
	for pick := range 1 << len(ranks) {
		sum, n := 0, 0
		for i, r := range ranks {
			if pick>>i&1 == 1 {
				sum += r
				n++
			}
		}
		if n != len(x) {
			continue
		}
		all++
		if sum <= want {
			below++
		}
		if sum >= want {
			above++
		}
	}
	return min(1, 2*min(below, above)/all)
}

// Small whole numbers make ties and zeros common.
func smallSample(least, most int) *rapid.Generator[[]float64] {
	return rapid.SliceOfN(rapid.Map(rapid.IntRange(-4, 4), func(i int) float64 { return float64(i) }), least, most)
}

func TestRankTestsAgainstEnumeration(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, y := smallSample(1, 8).Draw(t, "x"), smallSample(1, 6).Draw(t, "y")
		u, p, err := MannWhitney(x, y)
		if want := bruteMannWhitney(x, y); err != nil || math.Abs(p-want) > 1e-12 {
			t.Fatalf("Mann-Whitney p = %v, %v; all ways to deal give %v", p, err, want)
		}
		back, q, _ := MannWhitney(y, x)
		if u+back != float64(len(x)*len(y)) || math.Abs(p-q) > 1e-12 {
			t.Fatalf("U %v and %v mirrored, p %v and %v", u, back, p, q)
		}
		_, p, err = WilcoxonSignedRank(x)
		if want := bruteSignedRank(x); err != nil || math.Abs(p-want) > 1e-12 {
			t.Fatalf("signed-rank p = %v, %v; all signs give %v", p, err, want)
		}
	})
}

func TestSelectionAgainstSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(-1e9, 1e9), 1, 12)
		x, y := values.Draw(t, "x"), values.Draw(t, "y")
		slices.Sort(x)
		slices.Sort(y)
		var walsh, diff []float64
		for i := range x {
			for j := i; j < len(x); j++ {
				walsh = append(walsh, x[i]/2+x[j]/2)
			}
			for j := range y {
				diff = append(diff, x[i]-y[j])
			}
		}
		slices.Sort(walsh)
		slices.Sort(diff)
		for k := range walsh {
			if got := walshAverage(x, int64(k+1)); got != walsh[k] {
				t.Fatalf("Walsh average %d = %v, want %v", k+1, got, walsh[k])
			}
		}
		for k := range diff {
			if got := pairDifference(x, y, int64(k+1)); got != diff[k] {
				t.Fatalf("difference %d = %v, want %v", k+1, got, diff[k])
			}
		}
	})
}

// The interval holds exactly the shifts that the test does not reject.
func TestIntervalsInvertTheTests(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Continuous values: with ties the tests and the intervals, which are for
		// untied values, may differ by design.
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		sample := func(n int) []float64 {
			out := make([]float64, n)
			for i := range out {
				out[i] = 10 * rng.NormFloat64()
			}
			return out
		}
		x := sample(rapid.IntRange(6, 12).Draw(t, "m"))
		y := sample(rapid.IntRange(6, 9).Draw(t, "n"))
		shift, lo, hi, achieved, err := ShiftInterval(x, y, .95)
		if err != nil || !(lo <= shift && shift <= hi) || achieved < .95 {
			t.Fatal(shift, lo, hi, achieved, err)
		}
		moved := func(v []float64, by float64) []float64 {
			out := slices.Clone(v)
			for i := range out {
				out[i] -= by
			}
			return out
		}
		const step = 1e-9
		if _, p, _ := MannWhitney(moved(x, lo-step), y); p > .05 {
			t.Fatalf("a shift below the interval has p = %v", p)
		}
		if _, p, _ := MannWhitney(moved(x, hi+step), y); p > .05 {
			t.Fatalf("a shift above the interval has p = %v", p)
		}
		if _, p, _ := MannWhitney(moved(x, (lo+hi)/2), y); p <= 1-achieved-1e-9 {
			t.Fatalf("the middle of the interval has p = %v", p)
		}
		lo, hi, achieved, err = SignedRankInterval(x, .95)
		if centre := HodgesLehmann1(x); err != nil || !(lo <= centre && centre <= hi) || achieved < .95 {
			t.Fatal(centre, lo, hi, achieved, err)
		}
		if _, p, _ := WilcoxonSignedRank(moved(x, lo-step)); p > .05 {
			t.Fatalf("a centre below the interval has p = %v", p)
		}
		if _, p, _ := WilcoxonSignedRank(moved(x, hi+step)); p > .05 {
			t.Fatalf("a centre above the interval has p = %v", p)
		}
	})
}

// Hollander and Wolfe's depression data (signed-rank), as R prints them:
// V = 40, p = 0.03906, centre 0.46, 95 % interval [0.01, 0.786].
func TestSignedRankGolden(t *testing.T) {
	before := []float64{1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30}
	after := []float64{0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29}
	d := make([]float64, len(before))
	for i := range d {
		d[i] = before[i] - after[i]
	}
	w, p, err := WilcoxonSignedRank(d)
	if err != nil {
		t.Fatal(err)
	}
	closeTo(t, "V", w, 40, 0)
	closeTo(t, "p", p, 0.0390625, 1e-12)
	closeTo(t, "centre", HodgesLehmann1(d), 0.46, 1e-12)
	lo, hi, achieved, err := SignedRankInterval(d, .95)
	if err != nil {
		t.Fatal(err)
	}
	closeTo(t, "low", lo, 0.01, 1e-12)
	closeTo(t, "high", hi, 0.786, 1e-12)
	closeTo(t, "achieved", achieved, 0.9609375, 1e-12)
}

// Beyond their limits the normal distributions join the exact ones.
func TestNormalJoinsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	x, y := make([]float64, 50), make([]float64, 50)
	for i := range x {
		x[i], y[i] = math.Round(20*rng.NormFloat64()), math.Round(20*rng.NormFloat64())+7
	}
	ranks := doubledRanks(slices.Concat(x, y))
	sum := 0
	for _, r := range ranks[:50] {
		sum += r
	}
	closeTo(t, "rank sum", rankSumNormalP(ranks, 50, sum), rankSumP(ranks, 50, sum), 2e-3)
	k, _ := rankSumDepth(60, 60, .95)
	normal, _ := normalDepth(1800, math.Sqrt(60*60*121/12.), .95)
	closeTo(t, "depth", float64(normal), float64(k), 2)
	k, _ = signedRankDepth(300, .95)
	normal, _ = normalDepth(300*301/4., math.Sqrt(300*301*601/24.), .95)
	closeTo(t, "signed depth", float64(normal), float64(k), 4)
}

func TestBadSamples(t *testing.T) {
	nan := []float64{1, math.NaN()}
	ok := []float64{1, 2, 3, 4, 5, 6}
	var errs []error
	_, _, err := MannWhitney(nan, ok)
	errs = append(errs, err)
	_, _, err = MannWhitney(ok, []float64{math.Inf(1)})
	errs = append(errs, err)
	_, _, err = WilcoxonSignedRank(nan)
	errs = append(errs, err)
	_, _, _, err = SignedRankInterval(ok, 1)
	errs = append(errs, err)
	_, _, _, _, err = ShiftInterval(ok, nan, .95)
	errs = append(errs, err)
	_, _, _, _, err = ShiftInterval(ok, ok, 0)
	errs = append(errs, err)
	for i, err := range errs {
		if !errors.Is(err, ErrBadSeries) {
			t.Errorf("case %d: %v", i, err)
		}
	}
	for _, err := range []error{third(MannWhitney(nil, ok)), third(MannWhitney(ok, nil)), third(WilcoxonSignedRank(nil))} {
		if !errors.Is(err, ErrTooFewSamples) {
			t.Error(err)
		}
	}
	if !math.IsNaN(HodgesLehmann1(nil)) || !math.IsNaN(HodgesLehmann1(nan)) {
		t.Error("an unknown centre must not be a number")
	}
	if w, p, err := WilcoxonSignedRank([]float64{0, 0, 0}); w != 0 || p != 1 || err != nil {
		t.Error(w, p, err)
	}
	if _, p, err := MannWhitney([]float64{5, 5, 5}, []float64{5, 5, 5, 5}); p != 1 || err != nil {
		t.Error(p, err)
	}
}

func third(_, _ float64, err error) error { return err }
