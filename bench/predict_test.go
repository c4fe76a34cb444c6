package bench

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/results"
)

// wireRecord is a run over a link of 100 Mbit/s whose transactions take 200 B of
// payload, at rates where a frame carries framePayload bytes, with cores busy
// base + sec·rate.
func wireRecord(framePayload, base, sec float64, rates ...float64) results.Record {
	s := &results.Summary{Valid: true, Bottleneck: results.WallCPU}
	s.Wire.TxBytes = new(200.0)
	s.Link.NominalBitsPerSec, s.Link.CapacityBitsPerSec.In = new(100e6), new(99.5e6)
	rec := results.Record{Summary: s}
	for i, r := range rates {
		n := int64(r)
		packets := float64(n) * 200 / framePayload
		t := results.Trial{
			ID: i + 1, Valid: true, Verdict: results.VerdictGood, WindowSec: new(1.0), CommittedTxPerSec: new(r),
			Counts: results.Counts{Committed: n}, HostCPUBusyNS: new(int64((base + sec*r) * 1e9)),
			Wire: &results.WireCounters{
				In:  results.WireDirection{PayloadBytes: new(n * 200), Bytes: new(n*200 + int64(66*packets))},
				Out: results.WireDirection{PayloadBytes: new(n * 2), Bytes: new(n * 5)},
			},
		}
		rec.Trials = append(rec.Trials, t)
	}
	return rec
}

// TestPredictTheWire: how full the frames were at the rates measured does not
// matter, because at the wall they are full.
func TestPredictTheWire(t *testing.T) {
	for _, framePayload := range []float64{400, 800, 1448} {
		m, err := newModel(wireRecord(framePayload, 0, 20e-6, 5000, 10000, 20000), 2, 2)
		if err != nil {
			t.Fatal(err)
		}
		want := 0.995 * 20e6 / 8 / (200 * 1514 / 1448.0)
		if p := m.predict(20e6, 0); p.Wall != results.WallWire || math.Abs(p.TxPerSec/want-1) > 1e-9 || p.Extrapolated {
			t.Errorf("frames of %v B: %+v, want the wire at %v tx/s", framePayload, p, want)
		}
		want = 0.995 * 20e6 / 8 / (1200 * 1514 / 1448.0)
		if p := m.predict(20e6, 1200); math.Abs(p.TxPerSec/want-1) > 1e-9 {
			t.Errorf("longer transactions: %+v, want %v tx/s", p, want)
		}
	}
}

func TestPredictTheFlip(t *testing.T) {
	m, err := newModel(wireRecord(1448, 0.4, 20e-6, 5000, 20000, 50000), 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	all, err := m.all(100e6)
	if err != nil {
		t.Fatal(err)
	}
	walls := []string{results.WallWire, results.WallWire, results.WallCPU, results.WallWire}
	for i, p := range all {
		if p.Wall != walls[i] {
			t.Errorf("%s: wall %s, want %s", p.Name, p.Wall, walls[i])
		}
	}
	// (2 - 0.4) cores ÷ 20 µs.
	if p := all[2]; math.Abs(p.TxPerSec-80_000) > 1 || p.Extrapolated || p.LinkBitsPerSec < 2*100e6 {
		t.Errorf("beyond the processor: %+v, want 80 000 tx/s on a link at least twice as wide", p)
	}
	if p := all[3]; p.ValueBytes == nil || *p.ValueBytes != 1000 || p.LinkBitsPerSec != 50e6 || p.TxPerSec > all[0].TxPerSec/4 {
		t.Errorf("longer transactions: %+v beside %+v", p, all[0])
	}
	slow, err := newModel(wireRecord(1448, 0, 20e-6, 5000, 20000, 40000), 8, 8)
	if err != nil {
		t.Fatal(err)
	}
	if p := slow.predict(1e12, 0); !p.Extrapolated || p.Wall != results.WallCPU {
		t.Errorf("ten times what was tried: %+v, want it stamped", p)
	}
}

func TestNoModelWithoutCounters(t *testing.T) {
	rec := wireRecord(1448, 0, 1e-6, 1000)
	rec.Trials[0].Wire = nil
	if _, err := newModel(rec, 2, 2); err == nil {
		t.Error("a run without wire counters predicts something")
	}
	if _, err := newModel(results.Record{}, 2, 2); err == nil {
		t.Error("an empty record predicts something")
	}
	// Rates too close together have no slope.
	m, err := newModel(wireRecord(1448, 1, 1e-6, 1000, 1010, 1020), 2, 2)
	if err != nil || m.cpu != nil {
		t.Errorf("a slope from three equal rates: %+v, %v", m.cpu, err)
	}
}

// TestFitFindsTheLine whatever it is, when it rises from zero or above.
func TestFitFindsTheLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := rapid.Float64Range(0, 1.5).Draw(t, "base")
		sec := rapid.Float64Range(1e-7, 1e-3).Draw(t, "sec")
		var x, y []float64
		for _, r := range rapid.SliceOfN(rapid.Float64Range(100, 1e5), 3, 20).Draw(t, "rates") {
			x, y = append(x, r), append(y, base+sec*r)
		}
		x, y = append(x, 50, 200), append(y, base+sec*50, base+sec*200)
		l := cpuLine{Cores: 2}
		if !l.fit(x, y) {
			t.Fatalf("no line")
		}
		if want := (2 - base) / sec; math.Abs(l.wallTxPerSec()/want-1) > 1e-3 {
			t.Fatalf("wall at %v, want %v (%+v)", l.wallTxPerSec(), want, l)
		}
	})
}

func TestEfficiencyIsOnlyOfAWire(t *testing.T) {
	rec := wireRecord(1448, 0, 1e-6, 20000, 40000, 57000)
	rec.Summary.Knee = results.Knee{LowerTxPerSec: new(56000.0), UpperTxPerSec: new(58000.0)}
	m, err := newModel(rec, 2, 2)
	if err != nil || m.efficiency != 1 {
		t.Fatalf("efficiency %v, %v: the wire was not the wall", m.efficiency, err)
	}
	rec.Summary.Bottleneck = results.WallWire
	if m, err = newModel(rec, 2, 2); err != nil {
		t.Fatal(err)
	}
	knee := math.Sqrt(56000.0 * 58000)
	if p := m.predict(100e6, 0); math.Abs(p.TxPerSec/knee-1) > 1e-9 {
		t.Errorf("the link that was measured: %v, want its knee %v", p.TxPerSec, knee)
	}
	if p := m.predict(20e6, 0); math.Abs(p.TxPerSec/(knee/5)-1) > 1e-9 {
		t.Errorf("a fifth of it: %v, want %v", p.TxPerSec, knee/5)
	}
}

func TestBitsText(t *testing.T) {
	for bits, want := range map[float64]string{20e6: "20mbit", 1e9: "1gbit", 512e3: "512kbit", 2.5e9: "2.5gbit"} {
		if got := bitsText(bits); got != want {
			t.Errorf("%v: %q, want %q", bits, got, want)
		}
	}
}

func TestCanonicalJSON(t *testing.T) {
	b, err := CanonicalJSON(struct {
		B string  `json:"b"`
		A float64 `json:"a"`
	}{"<1s", 0.25})
	if err != nil || string(b) != `{"a":0.25,"b":"<1s"}` {
		t.Errorf("%s, %v", b, err)
	}
	if !strings.HasPrefix(hashOf(nil), "e3b0c442") {
		t.Errorf("the hash of nothing is %s", hashOf(nil))
	}
}
