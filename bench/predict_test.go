package bench

import (
	"math"
	"strings"
	"testing"

	"github.com/chainweir/weir/results"
)

// wireRecord is a run over a link of 100 Mbit/s whose transactions take 200 B of
// payload, at rates where a frame carries framePayload bytes, and of whose
// processors a transaction takes sec seconds.
func wireRecord(framePayload, sec float64, rates ...float64) results.Record {
	s := &results.Summary{Valid: true, Bottleneck: results.WallCPU}
	s.Demand.HostCPU, s.Demand.CPU = &sec, new(sec/2)
	s.Wire.TxBytes = new(200.0)
	s.Link.NominalBitsPerSec, s.Link.CapacityBitsPerSec.In = new(100e6), new(99.5e6)
	rec := results.Record{Summary: s}
	for i, r := range rates {
		n := int64(r)
		packets := float64(n) * 200 / framePayload
		t := results.Trial{
			ID: i + 1, Valid: true, Verdict: results.VerdictGood, WindowSec: new(1.0), CommittedTxPerSec: new(r),
			Counts: results.Counts{Committed: n},
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
		m, err := newModel(wireRecord(framePayload, 10e-6, 5000, 10000, 20000))
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
	rec := wireRecord(1448, 25e-6, 5000, 20000, 50000)
	// Over this link batches were small; the trials say that full ones cost less.
	rec.Summary.Demand.Models = []results.DemandModel{{Resource: "host_cpu", WallTxPerSec: 80_000}}
	m, err := newModel(rec)
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
	if p := all[2]; math.Abs(p.TxPerSec-80_000) > 1 || !strings.Contains(p.Assumed, "between the trials") || p.Extrapolated || p.LinkBitsPerSec < 2*100e6 {
		t.Errorf("beyond the processor: %+v, want 80 000 tx/s on a link at least twice as wide", p)
	}
	if p := all[3]; p.ValueBytes == nil || *p.ValueBytes != 1000 || p.LinkBitsPerSec != 50e6 || p.TxPerSec > all[0].TxPerSec/4 {
		t.Errorf("longer transactions: %+v beside %+v", p, all[0])
	}
	// Without a fit, what was measured at the knee stays.
	slow, err := newModel(wireRecord(1448, 5e-6, 5000, 20000, 40000))
	if err != nil {
		t.Fatal(err)
	}
	if p := slow.predict(1e12, 0); !p.Extrapolated || p.Wall != results.WallCPU || math.Abs(p.TxPerSec-200_000) > 1 {
		t.Errorf("five times what was tried: %+v, want 200 000 tx/s, stamped", p)
	}
	// The disk fills first.
	rec.Summary.Demand.Disk = new(1.0 / 30_000)
	if m, err = newModel(rec); err != nil {
		t.Fatal(err)
	}
	if p := m.predict(1e12, 0); p.Wall != results.WallDisk || math.Abs(p.TxPerSec-30_000) > 1 {
		t.Errorf("%+v, want the disk at 30 000 tx/s", p)
	}
}

func TestNoModelWithoutCounters(t *testing.T) {
	rec := wireRecord(1448, 1e-6, 1000)
	rec.Trials[0].Wire = nil
	if _, err := newModel(rec); err == nil {
		t.Error("a run without wire counters predicts something")
	}
	if _, err := newModel(results.Record{}); err == nil {
		t.Error("an empty record predicts something")
	}
	// A run that knows of no other resource foretells the wire alone.
	blind := wireRecord(1448, 0, 1000)
	m, err := newModel(blind)
	if err != nil || len(m.walls) != 0 || m.predict(1e12, 0).Wall != results.WallWire {
		t.Errorf("walls %+v, %v", m.walls, err)
	}
}

func TestEfficiencyIsOnlyOfAWire(t *testing.T) {
	rec := wireRecord(1448, 1e-6, 20000, 40000, 57000)
	rec.Summary.Knee = results.Knee{LowerTxPerSec: new(56000.0), UpperTxPerSec: new(58000.0)}
	m, err := newModel(rec)
	if err != nil || m.efficiency != 1 {
		t.Fatalf("efficiency %v, %v: the wire was not the wall", m.efficiency, err)
	}
	rec.Summary.Bottleneck = results.WallWire
	if m, err = newModel(rec); err != nil {
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
