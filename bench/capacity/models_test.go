package capacity

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// fabric is the payload sweep of Hyperledger Fabric 1.4 with LevelDB.
var fabric = pts(100, 372.5, 2048, 329.2, 4096, 294.7, 8192, 242.0, 16384, 177.6, 32768, 114.3, 65536, 61.2)

func TestPayloadGolden(t *testing.T) {
	f, err := FitPayload(fabric)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "a", *f.Param("a"), 2.46e-3, 5e-6)
	same(t, "b", *f.Param("b"), 207e-9, 5e-10)
	same(t, "R²", f.R2, .997, 5e-4)
	p := f.At(50000)
	if p.Mean == nil || p.Single == nil || !(p.Single.Low < p.Mean.Low && p.Mean.Low < p.X && p.X < p.Mean.High && p.Mean.High < p.Single.High) {
		t.Errorf("band %+v %+v of %v", p.Mean, p.Single, p.X)
	}
	all, chosen, err := Choose(fabric)
	if err != nil || Models[chosen] != ModelPayload {
		t.Errorf("chose %v of %+v, %v", chosen, all, err)
	}
}

func TestPayloadEdges(t *testing.T) {
	rising := pts(1, 1, 2, 2, 4, 3, 8, 9)
	f, err := FitPayload(rising)
	if err != nil || *f.Param("b") != 0 || !slices.Equal(f.AtBound(), []string{"b"}) {
		t.Errorf("%+v, %v", f, err)
	}
	steep := pts(1000, 1/.9e-3, 2000, 1/2.1e-3, 4000, 1/4.4e-3)
	if f, err = FitPayload(steep); err != nil || *f.Param("a") != 0 || !slices.Equal(f.AtBound(), []string{"a"}) {
		t.Errorf("%+v, %v", f, err)
	}
	exact := pts(10, 1/(1e-3+10e-6), 1000, 1/(1e-3+1e-3), 5000, 1/(1e-3+5e-3))
	if f, err = FitPayload(exact); err != nil || !near(*f.Param("a"), 1e-3, 1e-9) || !near(*f.Param("b"), 1e-6, 1e-9) {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestBoundsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r0, c := rapid.Float64Range(1e-6, 10).Draw(t, "r0"), rapid.Float64Range(1e-3, 1e6).Draw(t, "c")
		bend := r0 * c
		var points []Point
		for _, k := range []float64{.1, .3, .7, 1.5, 2, 4, 9} {
			points = append(points, Point{N: k * bend, X: min(k*c, c)})
		}
		f, err := FitBounds(points)
		if err != nil || !near(*f.Param("r0"), r0, 1e-9) || !near(*f.Param("c"), c, 1e-9) {
			t.Fatalf("%+v, %v, want %v %v", f, err, r0, c)
		}
	})
}

// TestBoundsIsTheMinimum: no other line and plateau has a smaller sum of squares.
func TestBoundsIsTheMinimum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var points []Point
		for i := range rapid.IntRange(3, 12).Draw(t, "points") {
			points = append(points, Point{N: float64(1 + i/2), X: rapid.Float64Range(.1, 10).Draw(t, "x")})
		}
		f, err := FitBounds(points)
		if err != nil {
			if !errors.Is(err, ErrBadPoints) {
				t.Fatal(err)
			}
			return
		}
		sse := func(slope, plateau float64) (sum float64) {
			for _, p := range points {
				r := p.X - min(slope*p.N, plateau)
				sum += r * r
			}
			return sum
		}
		slope, plateau := math.Inf(1), math.Inf(1)
		if v := f.Param("r0"); v != nil {
			slope = 1 / *v
		}
		if v := f.Param("c"); v != nil {
			plateau = *v
		}
		best := sse(slope, plateau)
		for range 200 {
			s, c := rapid.Float64Range(.01, 20).Draw(t, "slope"), rapid.Float64Range(.01, 20).Draw(t, "plateau")
			if other := sse(s, c); other < best*(1-1e-9)-1e-12 {
				t.Fatalf("slope %v, plateau %v: %v < %v", s, c, other, best)
			}
		}
	})
}

func TestBoundsOnePiece(t *testing.T) {
	f, err := FitBounds(pts(1, 5, 2, 10, 4, 20))
	if err != nil || f.Param("c") != nil || !near(*f.Param("r0"), .2, 1e-12) || !strings.Contains(f.Warnings[len(f.Warnings)-1], "no ceiling") {
		t.Errorf("a line: %+v, %v", f, err)
	}
	f, err = FitBounds(pts(1, 5, 2, 5.1, 4, 4.9))
	if err != nil || f.Param("r0") != nil || !near(*f.Param("c"), 5, 1e-12) {
		t.Errorf("a plateau: %+v, %v", f, err)
	}
}

// TestChoose: each model is chosen for its own data, and one with more parameters
// is not chosen for explaining noise.
func TestChoose(t *testing.T) {
	ns := []float64{1, 2, 4, 8, 16, 32, 64}
	for name, c := range map[string]struct {
		points []Point
		want   string
	}{
		"usl":     {uslPoints(.03, 1e-3, 90, ns...), ModelUSL},
		"amdahl":  {uslPoints(.1, 0, 90, ns...), ModelAmdahl},
		"bounds":  {pts(1, 10, 2, 20, 4, 40, 8, 77, 16, 76.5, 32, 77.4, 64, 77.1), ModelBounds},
		"payload": {fabric, ModelPayload},
	} {
		all, chosen, err := Choose(c.points)
		if err != nil || Models[chosen] != c.want {
			t.Errorf("%s: %v, %v", name, chosen, err)
			for i, a := range all {
				t.Logf("%s: %v, %v", Models[i], a.CVError, a.Err)
			}
		}
	}
	if all, chosen, err := Choose(pts(1, 1, 2, 2)); chosen != -1 || !errors.Is(err, ErrBadPoints) || len(all) != len(Models) {
		t.Errorf("two points: %v, %v", chosen, err)
	}
}

func TestErlangGolden(t *testing.T) {
	for _, c := range []struct {
		m          int
		load       float64
		wait, rOvS float64
	}{{1, .5, .5, 2}, {2, 1.5, 9. / 14, 16. / 7}, {4, 3, 27. / 53, 1.50943396}, {8, 6, 5832. / 16337, 1.17849054}} {
		q, err := NewMMm(c.m, c.load)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "C", q.WaitProb, c.wait, 1e-12)
		same(t, "R/S", q.Stretch, c.rOvS, 5e-9)
		same(t, "utilisation", q.Utilisation, c.load/float64(c.m), 1e-15)
		// Little's law inside the queue: waiting = λ · wait.
		same(t, "queue", q.Queue, c.load*(q.Stretch-1), 1e-12)
	}
	for _, load := range []float64{4, 5} {
		if q, err := NewMMm(4, load); err != nil || q.WaitProb != 1 || !math.IsInf(q.Stretch, 1) {
			t.Errorf("saturated: %+v, %v", q, err)
		}
	}
	if q, err := NewMMm(100_000, 99_000); err != nil || !(q.WaitProb > 0 && q.WaitProb < 1) {
		t.Errorf("many servers: %+v, %v", q, err)
	}
	for _, bad := range []struct {
		m    int
		load float64
	}{{0, 1}, {-1, 1}, {1 << 21, 1}, {1, -1}, {1, math.NaN()}, {1, math.Inf(1)}} {
		if _, err := NewMMm(bad.m, bad.load); !errors.Is(err, ErrBadQueue) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestMVAGolden(t *testing.T) {
	stations := []Station{{Name: "cpu", DemandSec: .005}, {Name: "disk", DemandSec: .008}, {Name: "net", DemandSec: .003}}
	for n, want := range map[int]float64{1: 8.620690, 4: 33.668948, 16: 109.241427, 32: 124.961769} {
		c, err := MVA(stations, .1, n)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "X", c.TxPerSec, want, 5e-7)
		if c.TxPerSec > c.BoundTx {
			t.Errorf("%d customers: %v above the bound %v", n, c.TxPerSec, c.BoundTx)
		}
		// Everybody is somewhere: at a station or thinking.
		somewhere := c.TxPerSec * .1
		for i, q := range c.Queue {
			somewhere += q
			same(t, "U", c.Utilisation[i], c.TxPerSec*stations[i].DemandSec, 1e-12)
		}
		same(t, "customers", somewhere, float64(n), 1e-9*float64(n))
		same(t, "Little", LittleResidual(float64(n), c.TxPerSec, c.ResponseSec, .1), 0, 1e-12)
	}
	if c, err := MVA(stations, .1, 32); err != nil || !near(c.BoundTx, 125, 1e-12) {
		t.Errorf("bound %v, %v", c.BoundTx, err)
	}
	// A delay station has no queue: it is think time by another name.
	a, errA := MVA(append(slices.Clone(stations), Station{Name: "wan", DemandSec: .1, Delay: true}), 0, 16)
	b, errB := MVA(stations, .1, 16)
	if errA != nil || errB != nil || !near(a.TxPerSec, b.TxPerSec, 1e-12) {
		t.Errorf("%v %v, %v %v", a.TxPerSec, b.TxPerSec, errA, errB)
	}
	for name, f := range map[string]func() (Closed, error){
		"no stations": func() (Closed, error) { return MVA(nil, 1, 1) },
		"nobody":      func() (Closed, error) { return MVA(stations, 1, 0) },
		"too many":    func() (Closed, error) { return MVA(stations, 1, 1<<30) },
		"think":       func() (Closed, error) { return MVA(stations, math.NaN(), 1) },
		"demand":      func() (Closed, error) { return MVA([]Station{{DemandSec: -1}}, 1, 1) },
		"no time":     func() (Closed, error) { return MVA([]Station{{}}, 0, 1) },
	} {
		if c, err := f(); !errors.Is(err, ErrBadQueue) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

func TestLints(t *testing.T) {
	r := .5
	ok, broken := Point{N: 10, X: 20, R: &r}, Point{N: 10, X: 18.9, R: &r}
	if got := Little([]Point{ok, {N: 1, X: 1}}, 0); len(got) != 0 {
		t.Errorf("a loop that holds: %q", got)
	}
	if got := Little([]Point{ok, broken}, 0); len(got) != 1 || !strings.Contains(got[0], "-5 %") && !strings.Contains(got[0], "-6 %") {
		t.Errorf("a broken loop: %q", got)
	}
	if got := Little([]Point{{N: 20, X: 20, R: &r}}, .5); len(got) != 0 {
		t.Errorf("with think time: %q", got)
	}
	if got := Superlinear(pts(4, 9, 1, 2, 1, 1)); len(got) != 1 || !strings.Contains(got[0], "n = 4") {
		t.Errorf("superlinear: %q", got)
	}
	if got := Superlinear(pts(1, 2, 2, 4, 4, 8.2)); len(got) != 0 {
		t.Errorf("within noise: %q", got)
	}
	for _, v := range []float64{LittleResidual(0, 1, 1, 0), LittleResidual(1, 0, 1, 0), LittleResidual(1, 1, 0, 0), LittleResidual(1, 1, 1, -1)} {
		if !math.IsNaN(v) {
			t.Errorf("nonsense gave %v", v)
		}
	}
}
