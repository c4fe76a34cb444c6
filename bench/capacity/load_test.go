package capacity

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// points makes trials of a resource whose costs are known.
func loads(idle, perTx, perBatch float64, rates, sizes []float64) []LoadPoint {
	var out []LoadPoint
	for i, rate := range rates {
		p := LoadPoint{Sec: 2, Txs: 2 * rate, Batches: 2 * rate / sizes[i]}
		p.Used = idle*p.Sec + perTx*p.Txs + perBatch*p.Batches
		out = append(out, p)
	}
	return out
}

var (
	someRates = []float64{6000, 7500, 9800, 11000, 11700, 11800, 11900}
	someSizes = []float64{6, 8, 10, 12, 13, 22, 40}
)

func TestFitLoadFindsTheCosts(t *testing.T) {
	m, err := FitLoad(loads(0.01, 12e-6, 90e-6, someRates, someSizes))
	if err != nil {
		t.Fatal(err)
	}
	if !near(m.IdlePerSec, 0.01, 1e-4) || !near(m.PerTx, 12e-6, 1e-4) || !near(m.PerBatch, 90e-6, 1e-4) || m.RelErr > 1e-6 {
		t.Errorf("%+v", m)
	}
	if m.MaxTxPerSec != 11900 || m.BatchesPerSec != 1000 || m.Points != 7 {
		t.Errorf("%+v", m)
	}
	wall, far, ok := m.Wall()
	want := (1 - 0.01 - 0.09) / 12e-6 // at 1000 batches a second
	if !ok || !near(wall, want, 1e-3) || !near(far, want/11900, 1e-3) {
		t.Errorf("wall %v, %v times the measured, %v; want %v", wall, far, ok, want)
	}
	if got := m.DemandAt(wall); !near(got, 1/wall, 1e-9) {
		t.Errorf("demand at the wall %v, want 1/%v", got, wall)
	}
}

// TestFitLoadLeavesOutWhatIsNegative: a cost that would come out below nothing is
// nothing.
func TestFitLoadLeavesOutWhatIsNegative(t *testing.T) {
	points := loads(0, 20e-6, 0, someRates, someSizes)
	for i := range points {
		points[i].Used *= 1 + 0.02*float64(i%3-1)
	}
	m, err := FitLoad(points)
	if err != nil || m.IdlePerSec < 0 || m.PerBatch < 0 || !(m.PerTx > 0) || m.RelErr > 0.03 {
		t.Errorf("%+v, %v", m, err)
	}
	if wall, _, _ := m.Wall(); m.LowTxPerSec > wall || m.HighTxPerSec < wall {
		t.Errorf("wall %v outside [%v, %v]", wall, m.LowTxPerSec, m.HighTxPerSec)
	}
}

func TestFitLoadRefuses(t *testing.T) {
	good := loads(0.01, 12e-6, 90e-6, someRates, someSizes)
	alike := loads(0.01, 12e-6, 90e-6, []float64{9000, 9100, 9200, 9300, 9400}, []float64{9, 9, 9, 9, 9})
	full := loads(1.5, 1e-9, 0, someRates, someSizes)
	back := loads(0.5, -1e-6, 90e-6, someRates, someSizes)
	for name, c := range map[string]struct {
		points []LoadPoint
		want   error
	}{
		"time is given back": {back, ErrNoModel},
		"nothing":            {nil, ErrNoModel},
		"four":               {good[:4], ErrNoModel},
		"too much alike":     {alike, ErrNoModel},
		"idle work":          {full, ErrNoModel},
		"no time":            {append([]LoadPoint{{Txs: 1, Batches: 1, Used: 1}}, good...), ErrBadDemand},
		"NaN":                {append([]LoadPoint{{Sec: 1, Txs: 1, Batches: 1, Used: math.NaN()}}, good...), ErrBadDemand},
		"infinite":           {append([]LoadPoint{{Sec: 1, Txs: math.Inf(1), Batches: 1, Used: 1}}, good...), ErrBadDemand},
		"negative":           {append([]LoadPoint{{Sec: 1, Txs: 1, Batches: -1, Used: 1}}, good...), ErrBadDemand},
	} {
		if m, err := FitLoad(c.points); !errors.Is(err, c.want) {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
}

// TestFitLoadProperties: costs are never negative; the wall is inside its range,
// does not depend on the order of the trials or on units of time, and moves with
// the size of the resource; noise of a percent moves it by a bounded amount.
func TestFitLoadProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		idle, perTx := rapid.Float64Range(0, 0.2).Draw(t, "idle"), rapid.Float64Range(1e-6, 30e-6).Draw(t, "per tx")
		perBatch := rapid.Float64Range(0, 200e-6).Draw(t, "per batch")
		n := rapid.IntRange(5, 20).Draw(t, "trials")
		var rates, sizes []float64
		for range n {
			rates = append(rates, rapid.Float64Range(1000, 12000).Draw(t, "rate"))
			sizes = append(sizes, rapid.Float64Range(5, 100).Draw(t, "size"))
		}
		points := loads(idle, perTx, perBatch, rates, sizes)
		for i := range points {
			points[i].Used *= rapid.Float64Range(0.99, 1.01).Draw(t, "noise")
		}
		m, err := FitLoad(points)
		if err != nil {
			if !errors.Is(err, ErrNoModel) {
				t.Fatal(err)
			}
			return
		}
		wall, far, ok := m.Wall()
		if !ok || m.IdlePerSec < 0 || m.PerBatch < 0 || !(m.PerTx > 0) || m.RelErr > 0.0101 {
			t.Fatalf("%+v, wall %v", m, ok)
		}
		if m.LowTxPerSec > wall || m.HighTxPerSec < wall || !near(far, wall/m.MaxTxPerSec, 1e-9) {
			t.Fatalf("wall %v (%v) of %+v", wall, far, m)
		}
		// The same trials in another order and with time in milliseconds.
		turned := make([]LoadPoint, n)
		for i, p := range points {
			turned[n-1-i] = LoadPoint{Sec: p.Sec * 1000, Txs: p.Txs, Batches: p.Batches, Used: p.Used * 1000}
		}
		m2, err := FitLoad(turned)
		if err != nil {
			t.Fatal(err)
		}
		if wall2, _, _ := m2.Wall(); !near(wall2*1000, wall, 1e-4) {
			t.Fatalf("in milliseconds the wall is %v per second, in seconds %v", wall2*1000, wall)
		}
		// Twice the cores: every use is half.
		half := make([]LoadPoint, n)
		for i, p := range points {
			half[i] = p
			half[i].Used /= 2
		}
		if m2, err = FitLoad(half); err != nil {
			t.Fatal(err)
		}
		if wall2, _, _ := m2.Wall(); wall2 < 2*wall*(1-1e-4) {
			t.Fatalf("half the use moves the wall from %v to %v, want at least twice", wall, wall2)
		}
	})
}
