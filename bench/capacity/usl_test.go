package capacity

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func pts(nx ...float64) []Point {
	var out []Point
	for i := 0; i < len(nx); i += 2 {
		out = append(out, Point{N: nx[i], X: nx[i+1]})
	}
	return out
}

var specSDM91 = pts(1, 64.9, 18, 995.9, 36, 1652.4, 72, 1853.2, 108, 1828.9, 144, 1775.0, 216, 1702.2)

// same wants got to have the digits of want, which stands as it was printed.
func same(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s = %.12g, want %.12g ± %g", what, got, want, tol)
	}
}

// TestUSLSpecSDM91 holds the fit to the published data set of R's package usl
// with three parameters by non-linear least squares.
func TestUSLSpecSDM91(t *testing.T) {
	u, err := FitUSL(specSDM91, USLOptions{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "alpha", u.Alpha, .02772847562, 5e-12)
	same(t, "beta", u.Beta, 1.043654838e-4, 5e-14)
	same(t, "gamma", u.Gamma, 89.9952331, 5e-8)
	same(t, "rse", u.RSE, 82.8458, 5e-5)
	same(t, "peak n", *u.PeakN, 96.519561, 5e-7)
	same(t, "peak x", *u.PeakX, 1883.898996, 5e-7)
	same(t, "limit x", *u.LimitX, 3245.589, 5e-4)
	for i, want := range [][3]float64{{50.53, 129.46, 5e-3}, {.00240, .05305, 5e-6}, {4.918e-5, 1.5955e-4, 1e-8}} {
		p := u.Params[i]
		same(t, p.Name+" low", p.CI95[0], want[0], want[2])
		same(t, p.Name+" high", p.CI95[1], want[1], want[2])
		same(t, p.Name+" half", p.CI95[1]-*p.Value, 2.7764451051977987**p.SE, 1e-9*math.Abs(*p.Value))
	}
	if u.DF != 4 || len(u.AtBound()) != 0 || u.PeakExtrapolated || len(u.Warnings) != 0 {
		t.Errorf("df %d, at bound %v, warnings %q", u.DF, u.AtBound(), u.Warnings)
	}
}

// TestUSLCisco is the data set of "Practical Scalability Analysis with the
// Universal Scalability Law" (Schwartz 2015) with the figures printed there, to the five digits to
// which that solver went.
func TestUSLCisco(t *testing.T) {
	x := []float64{955.16878, 1878.91, 2688.01, 3548.68, 4315.54, 5130.43, 5931.37, 6531.08, 7219.8, 7867.61, 8278.71, 8646.7, 9047.84, 9426.55, 9645.37, 9897.24,
		10097.6, 10240.5, 10532.39, 10798.52, 11151.43, 11518.63, 11806, 12089.37, 12075.41, 12177.29, 12211.41, 12158.93, 12155.27, 12118.04, 12140.4, 12074.39}
	var points []Point
	for i, v := range x {
		points = append(points, Point{N: float64(i + 1), X: v})
	}
	u, err := FitUSL(points, USLOptions{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "alpha", u.Alpha, 0.02671591, 1e-7)
	same(t, "beta", u.Beta, 7.690945e-4, 5e-9)
	same(t, "gamma", u.Gamma, 995.6486, 5e-4)
	if math.Floor(*u.PeakN) != 35 {
		t.Errorf("peak at %v, want 35", *u.PeakN)
	}
}

func TestUSLExact(t *testing.T) {
	u, err := FitUSL(pts(1, 1, 2, 1.8868, 4, 3.0769, 6, 3.5294, 8, 3.5398, 10, 3.3557), USLOptions{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "alpha", u.Alpha, .02, 5e-5)
	same(t, "beta", u.Beta, .02, 5e-5)
	same(t, "gamma", u.Gamma, 1, 5e-4)
	same(t, "peak n", *u.PeakN, 7, 5e-3)
}

// TestUSLSeveralMinima: points so wild that the sum of squares has two minima;
// the lower one has its peak inside of them. A dense grid over alpha and beta
// found 2.6583865e-5 at alpha 0, beta 0.0175750.
func TestUSLSeveralMinima(t *testing.T) {
	wild := pts(1, .0005500515622719653, 2, .0011986641216663765, 4, .003617581889112829, 8, .006234117936823547,
		15, .003663190578384098, 17, .0009988150443687577, 32, .0008732055041953811, 64, .0049915003336894965)
	u, err := FitUSL(wild, USLOptions{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "sum of squares", u.RSE*u.RSE*float64(u.DF), 2.6583865e-5, 1e-12)
	same(t, "beta", u.Beta, .0175750, 1e-6)
}

// uslPoints are exact.
func uslPoints(alpha, beta, gamma float64, ns ...float64) []Point {
	var out []Point
	for _, n := range ns {
		out = append(out, Point{N: n, X: uslAt(gamma, alpha, beta, n)})
	}
	return out
}

// TestUSLShapes: data that lies at the edges of the model.
func TestUSLShapes(t *testing.T) {
	ns := []float64{1, 2, 4, 8, 16, 32}
	for name, c := range map[string]struct {
		points             []Point
		alpha, beta, gamma float64
		bound              []string
		peak               bool
		warning            string
	}{
		"linear":        {uslPoints(0, 0, 50, ns...), 0, 0, 50, []string{"alpha", "beta"}, false, "no peak"},
		"amdahl":        {uslPoints(.1, 0, 50, ns...), .1, 0, 50, []string{"beta"}, false, "beta is at its bound"},
		"coherency":     {uslPoints(0, .01, 50, ns...), 0, .01, 50, []string{"alpha"}, true, "alpha is at its bound"},
		"beyond":        {uslPoints(.05, 1e-5, 50, ns...), .05, 1e-5, 50, []string{}, true, "extrapolation"},
		"just beyond":   {uslPoints(.05, 4e-4, 50, ns...), .05, 4e-4, 50, []string{}, true, "beyond the largest"},
		"constant":      {pts(1, 7, 2, 7, 3, 7, 4, 7, 5, 7), 1, 0, 7, nil, false, "nothing is gained"},
		"falling":       {uslPoints(1.5, .1, 50, ns...), 1.5, .1, 50, []string{}, false, "nothing is gained"},
		"no n = 1":      {uslPoints(.03, 1e-4, 90, 10, 20, 50, 100, 200), .03, 1e-4, 90, []string{}, true, "last digits"},
		"repeated":      {append(uslPoints(.03, 1e-3, 90, ns...), uslPoints(.03, 1e-3, 90, ns...)...), .03, 1e-3, 90, []string{}, true, "last digits"},
		"huge x":        {uslPoints(.03, 1e-3, 9e200, ns...), .03, 1e-3, 9e200, []string{}, true, "last digits"},
		"tiny x":        {uslPoints(.03, 1e-3, 9e-200, ns...), .03, 1e-3, 9e-200, []string{}, true, "last digits"},
		"huge n":        {uslPoints(1e-7, 1e-15, 10, 1, 1e5, 1e6, 1e7, 3e7, 6e7), 1e-7, 1e-15, 10, []string{}, true, "last digits"},
		"fractions":     {uslPoints(.03, 1e-3, 9, .25, .5, 1, 2, 4, 60), .03, 1e-3, 9, []string{}, true, "last digits"},
		"a stop at end": {append(uslPoints(.02, .001, 10, ns...), Point{N: 1e6, X: 0}), .02, .001, 10, []string{}, true, ""},
	} {
		u, err := FitUSL(c.points, USLOptions{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		same(t, name+": alpha", u.Alpha, c.alpha, 1e-5*c.alpha+1e-12)
		same(t, name+": beta", u.Beta, c.beta, 1e-5*c.beta+1e-12)
		same(t, name+": gamma", u.Gamma, c.gamma, 1e-6*c.gamma)
		if c.bound != nil && !slices.Equal(u.AtBound(), c.bound) {
			t.Errorf("%s: at bound %v, want %v", name, u.AtBound(), c.bound)
		}
		if (u.PeakN != nil) != c.peak || !strings.Contains(strings.Join(u.Warnings, "\n"), c.warning) {
			t.Errorf("%s: peak %v, warnings %q", name, u.PeakN, u.Warnings)
		}
		for _, p := range u.Params {
			if p.AtBound != (p.SE == nil) && u.cov != nil {
				t.Errorf("%s: %s at bound %v, with a standard error: %v", name, p.Name, p.AtBound, p.SE != nil)
			}
		}
	}
}

// TestUSLSuperlinear: the bound holds alpha at 0 and a warning names the shape;
// without the bound the negative alpha is found.
func TestUSLSuperlinear(t *testing.T) {
	points := uslPoints(-.05, .004, 100, 1, 2, 4, 8, 12, 16, 24, 32)
	u, err := FitUSL(points, USLOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if u.Alpha != 0 || !slices.Equal(u.AtBound(), []string{"alpha"}) || !strings.Contains(strings.Join(u.Warnings, "\n"), "superlinear") {
		t.Errorf("alpha %v, at bound %v, warnings %q", u.Alpha, u.AtBound(), u.Warnings)
	}
	u, err = FitUSL(points, USLOptions{FreeAlpha: true})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "alpha", u.Alpha, -.05, 1e-9)
	same(t, "beta", u.Beta, .004, 1e-10)
	if u.LimitX != nil || u.PeakN == nil || !strings.Contains(u.Method, "alpha free") {
		t.Errorf("limit %v, peak %v, method %q", u.LimitX, u.PeakN, u.Method)
	}
}

func TestFitsRefuse(t *testing.T) {
	good := uslPoints(.03, 1e-3, 90, 1, 2, 4, 8)
	for name, c := range map[string]struct {
		points []Point
		want   string
	}{
		"three points":   {good[:3], "needs at least 4"},
		"two n":          {pts(1, 1, 1, 1.1, 2, 2, 2, 1.9, 2, 1.8), "2 different n"},
		"n of zero":      {append(pts(0, 0), good...), "n is 0"},
		"negative x":     {append(pts(3, -1), good...), "x is -1"},
		"NaN":            {append(pts(3, math.NaN()), good...), "x is NaN"},
		"infinite":       {append(pts(math.Inf(1), 3), good...), "n is +Inf"},
		"nothing at all": {pts(1, 0, 2, 0, 3, 0, 4, 0, 5, 0), "every throughput is 0"},
	} {
		for _, model := range []string{ModelUSL} {
			if f, err := FitModel(model, c.points); !errors.Is(err, ErrBadPoints) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, %s: %v, %v, want %q", name, model, f, err, c.want)
			}
		}
	}
	for _, model := range []string{ModelAmdahl, ModelBounds, ModelPayload} {
		if f, err := FitModel(model, good[:2]); !errors.Is(err, ErrBadPoints) {
			t.Errorf("%s of two points: %v, %v", model, f, err)
		}
	}
	if _, err := FitModel("magic", good); !errors.Is(err, ErrBadPoints) || !strings.Contains(err.Error(), "magic") {
		t.Errorf("an unknown model: %v", err)
	}
	if _, err := FitPayload(append(pts(3, 0), good...)); !errors.Is(err, ErrBadPoints) {
		t.Errorf("1/x of 0: %v", err)
	}
}

// TestUSLProperties: exact points give their parameters back in any order and on
// any scale of x; with noise the gradient vanishes for free parameters and points
// outside for those at their bound, so the minimum is one; no neighbour is better.
func TestUSLProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		alpha, beta := rapid.Float64Range(0, .3).Draw(t, "alpha"), rapid.Float64Range(0, .01).Draw(t, "beta")
		gamma := math.Pow(10, rapid.Float64Range(-6, 9).Draw(t, "log gamma"))
		noise := rapid.SampledFrom([]float64{0, 0, .01, .1}).Draw(t, "noise")
		var points []Point
		for n := 1.0; n <= 64; n *= 2 {
			points = append(points, Point{N: n, X: uslAt(gamma, alpha, beta, n) * (1 + noise*rapid.Float64Range(-1, 1).Draw(t, "e"))})
		}
		u, err := FitUSL(points, USLOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if noise == 0 && (math.Abs(u.Alpha-alpha) > 1e-7 || math.Abs(u.Beta-beta) > 1e-8 || math.Abs(u.Gamma/gamma-1) > 1e-7) {
			t.Fatalf("%v %v %v, want %v %v %v", u.Alpha, u.Beta, u.Gamma, alpha, beta, gamma)
		}
		turned := slices.Clone(points)
		slices.Reverse(turned)
		if v, err := FitUSL(turned, USLOptions{}); err != nil || v.Alpha != u.Alpha || v.Beta != u.Beta || v.Gamma != u.Gamma {
			t.Fatalf("another order gives %+v, %v", v, err)
		}
		sse := func(a, b, g float64) (sum float64) {
			for _, p := range points {
				r := (p.X - uslAt(g, a, b, p.N)) / gamma
				sum += r * r
			}
			return sum
		}
		at := sse(u.Alpha, u.Beta, u.Gamma)
		for _, d := range []float64{-1e-4, 1e-4} {
			for _, s := range []float64{
				sse(max(0, u.Alpha+d), u.Beta, u.Gamma), sse(u.Alpha, max(0, u.Beta+d), u.Gamma), sse(u.Alpha, u.Beta, u.Gamma*(1+d)),
			} {
				if s < at*(1-1e-9)-1e-18 {
					t.Fatalf("a neighbour is better: %v < %v at %+v", s, at, u)
				}
			}
		}
	})
}

// TestInverse: both roots of every reachable throughput lead back to it.
func TestInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := &USL{Alpha: rapid.Float64Range(0, .5).Draw(t, "alpha"), Beta: rapid.Float64Range(1e-7, .05).Draw(t, "beta"), Gamma: rapid.Float64Range(1e-3, 1e6).Draw(t, "gamma")}
		u.Model, u.MinN, u.MaxN = ModelUSL, 1, 10
		u.predict = func(n float64) float64 { return uslAt(u.Gamma, u.Alpha, u.Beta, n) }
		u.derive()
		x := *u.PeakX * rapid.Float64Range(1e-3, 1).Draw(t, "share")
		low, high := u.Inverse(x)
		if low == nil || high == nil || *low > *u.PeakN*(1+1e-6) || *high < *u.PeakN*(1-1e-6) {
			t.Fatalf("roots of %v: %v, %v, peak %v", x, low, high, *u.PeakN)
		}
		for _, n := range []float64{*low, *high} {
			if !near(u.Predict(n), x, 1e-9) {
				t.Fatalf("x(%v) = %v, want %v", n, u.Predict(n), x)
			}
		}
		if l, h := u.Inverse(*u.PeakX * 1.001); l != nil || h != nil {
			t.Fatalf("above the peak: %v, %v", l, h)
		}
	})
	amdahl := &USL{Alpha: .1, Gamma: 10}
	if low, high := amdahl.Inverse(50); high != nil || low == nil || !near(uslAt(10, .1, 0, *low), 50, 1e-12) {
		t.Errorf("without a peak: %v, %v", low, high)
	}
	for _, x := range []float64{100, 101, 0, -1, math.NaN(), math.Inf(1)} {
		if low, high := amdahl.Inverse(x); low != nil || high != nil {
			t.Errorf("inverse of %v, limit 100: %v, %v", x, low, high)
		}
	}
}

// TestBand: the band of a measurement is wider than that of the curve, both are
// widest away from the points, and a prediction beyond twice the range is stamped.
func TestBand(t *testing.T) {
	u, err := FitUSL(specSDM91, USLOptions{})
	if err != nil {
		t.Fatal(err)
	}
	in, far := u.At(100), u.At(500)
	if in.Mean == nil || in.Mean.Low < in.Single.Low || in.Mean.High > in.Single.High || far.Mean.High-far.Mean.Low < in.Mean.High-in.Mean.Low {
		t.Errorf("bands %+v %+v", in, far)
	}
	if in.Extrapolated || in.Factor != 1 || !far.Extrapolated || !near(far.Factor, 500./216, 1e-12) {
		t.Errorf("stamps %+v %+v", in, far)
	}
	if u.At(432).Extrapolated || !u.At(432.1).Extrapolated || !u.At(.49).Extrapolated {
		t.Error("twice the range is the limit on both sides")
	}
	// At the origin of n nothing runs, whatever the parameters.
	if p := u.At(1e-9); math.Abs(p.Mean.High-p.Mean.Low) > 1e-3 {
		t.Errorf("band at nothing: %+v", p.Mean)
	}
}
