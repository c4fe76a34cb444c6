package capacity

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"
)

func near(a, b, rel float64) bool { return math.Abs(a-b) <= rel*math.Abs(b) }

func TestEthernetGolden(t *testing.T) {
	// 64 and 1518 byte frames include 4 bytes of FCS, our L2 sizes do not.
	if got := FramesPerSec(10e9, 64-4); !near(got, 14880952.38, 1e-9) {
		t.Errorf("64 B frames on 10 GbE: %v/s, want 14 880 952.38", got)
	}
	if got := FramesPerSec(10e9, 1518-4); !near(got, 812743.82, 1e-8) {
		t.Errorf("1518 B frames on 10 GbE: %v/s, want 812 743.82", got)
	}
	if got := FramesPerSec(1e9, 10); got != FramesPerSec(1e9, 60) {
		t.Errorf("a 10 B frame is padded to 60 B, got %v/s", got)
	}
	// TCP/IPv4 with timestamps: 1448 payload bytes of 1538 on the cable.
	w, err := OnLink(Traffic{BytesPerTxIn: 1514, PacketsPerTxIn: Known(1)}, 1e9, Demands{})
	if err != nil || !near(w.WireTxPerSec*1448*8/1e9, 0.941, 1e-3) {
		t.Errorf("full frames: %+v, %v, want 94.1 %% payload", w, err)
	}
	// 1 GbE carries at most 98.4 % of its nominal speed in L2 bytes.
	if share := w.WireTxPerSec * 1514 * 8 / 1e9; !near(share, 0.984, 1e-3) {
		t.Errorf("L2 share %v, want .984", share)
	}
	if got := DisseminationCeiling(1e9, 500, 100); math.Round(got) != 2525 {
		t.Errorf("single-leader ceiling %v, want 2 525 tx/s", got)
	}
	if got := DisseminationCeiling(1e9, 500, 1); !math.IsInf(got, 1) {
		t.Errorf("one node: %v, want no ceiling", got)
	}
	for _, got := range []float64{DisseminationCeiling(0, 500, 4), DisseminationCeiling(1e9, 0, 4), DisseminationCeiling(1e9, 500, 0)} {
		if !math.IsNaN(got) {
			t.Errorf("nonsense gave %v, want NaN", got)
		}
	}
}

func TestBottleneckNames(t *testing.T) {
	for name, c := range map[string]struct {
		d              Demands
		wall, resource string
		secPerTx       float64
	}{
		"node cpu":             {Demands{CPU: Known(20e-6), Disk: Known(1e-6), WireIn: Known(2e-6)}, CPU, "cpu", 20e-6},
		"disk":                 {Demands{CPU: Known(20e-6), Disk: Known(30e-6)}, Disk, "disk", 30e-6},
		"serial":               {Demands{CPU: Known(10e-6), Serial: Known(19e-6)}, Serial, "serial", 19e-6},
		"wire in":              {Demands{CPU: Known(1e-6), WireIn: Known(4e-6), WireOut: Known(3e-6)}, Wire, "wire_in", 4e-6},
		"wire out":             {Demands{CPU: Known(1e-6), WireIn: Known(4e-6), WireOut: Known(5e-6)}, Wire, "wire_out", 5e-6},
		"wire out only":        {Demands{WireOut: Known(5e-6)}, Wire, "wire_out", 5e-6},
		"remote generator":     {Demands{CPU: Known(1e-6), Generator: Known(5e-6)}, Generator, "generator", 5e-6},
		"shared, node larger":  {Demands{CPU: Known(6e-6), Generator: Known(4e-6), HostCPU: Known(11e-6), Disk: Known(8e-6)}, CPU, "host_cpu", 11e-6},
		"shared, gen larger":   {Demands{CPU: Known(4e-6), Generator: Known(6e-6), HostCPU: Known(11e-6), Disk: Known(8e-6)}, Generator, "host_cpu", 11e-6},
		"shared, not the wall": {Demands{CPU: Known(4e-6), Generator: Known(6e-6), HostCPU: Known(11e-6), Disk: Known(12e-6)}, Disk, "disk", 12e-6},
		"shares unknown":       {Demands{HostCPU: Known(11e-6)}, CPU, "host_cpu", 11e-6},
		"only gen, larger":     {Demands{HostCPU: Known(11e-6), Generator: Known(6e-6)}, Generator, "host_cpu", 11e-6},
		"only gen, smaller":    {Demands{HostCPU: Known(11e-6), Generator: Known(5e-6)}, CPU, "host_cpu", 11e-6},
		"only node":            {Demands{HostCPU: Known(11e-6), CPU: Known(1e-6)}, CPU, "host_cpu", 11e-6},
		"part above the whole": {Demands{HostCPU: Known(10e-6), CPU: Known(10.1e-6), Generator: Known(1e-6)}, CPU, "cpu", 10.1e-6},
	} {
		got, sec, ok := Bottleneck(c.d)
		w := Walls(c.d)[0]
		if !ok || got != c.wall || sec != c.secPerTx || w.Resource != c.resource || !near(w.TxPerSec, 1/c.secPerTx, 1e-12) {
			t.Errorf("%s: %q %v %v (%+v), want %q from %s with %v", name, got, sec, ok, w, c.wall, c.resource, c.secPerTx)
		}
		if shared := c.d.HostCPU != nil && (got == CPU || got == Generator); shared != (w.Note != "") {
			t.Errorf("%s: note %q: a shared wall must say why it has its name, a plain one needs no words", name, w.Note)
		}
	}
}

func TestUnknownIsNotZero(t *testing.T) {
	if _, _, ok := Bottleneck(Demands{}); ok {
		t.Error("no demand is known and a bottleneck was named")
	}
	if _, ok := Bound(Demands{}); ok {
		t.Error("no demand is known and a bound was given")
	}
	if _, ok := Next(Demands{CPU: Known(1e-6)}); ok {
		t.Error("only one demand is known and a next wall was named")
	}
	if _, _, ok := NodeAloneBound(Demands{HostCPU: Known(1e-6), Generator: Known(1e-6)}); ok {
		t.Error("nothing of the node is known and a bound was given")
	}
	if _, ok := Bound(Demands{Disk: Known(0)}); ok {
		t.Error("a disk that is not used is no wall")
	}
	if got := Utilisation(Demands{}, 1000); len(got) != 0 {
		t.Errorf("utilisation of nothing: %v", got)
	}
}

func TestNextAndNodeAlone(t *testing.T) {
	d := Demands{CPU: Known(6e-6), Generator: Known(4e-6), HostCPU: Known(11e-6), Disk: Known(2e-6), WireIn: Known(1e-6)}
	next, ok := Next(d)
	if !ok || next.Name != Disk || !near(next.TxPerSec, 500e3, 1e-12) {
		t.Errorf("next wall %+v %v: behind shared cores stands the disk, not a part of the same cores", next, ok)
	}
	alone, wall, ok := NodeAloneBound(d)
	if !ok || wall.Name != CPU || !near(alone, 1/6e-6, 1e-12) {
		t.Errorf("node alone %v %+v %v, want 166 667 tx/s by cpu", alone, wall, ok)
	}
	uses := Utilisation(d, 90_000)
	if len(uses) != 5 {
		t.Fatalf("%d uses, want one per known demand: %+v", len(uses), uses)
	}
	for _, u := range uses {
		if u.Resource == "host_cpu" && !near(u.Utilisation, 0.99, 1e-12) {
			t.Errorf("host cpu at 90k: %v, want .99", u.Utilisation)
		}
	}
}

func TestOnLinks(t *testing.T) {
	// 231 B in and 38 B out per transaction, six transactions to a frame.
	traffic := Traffic{BytesPerTxIn: 231, BytesPerTxOut: 38, PacketsPerTxIn: Known(1.0 / 6), PacketsPerTxOut: Known(1.0 / 12)}
	d := Demands{CPU: Known(10e-6), WireIn: Known(40e-9), Disk: Known(1e-6)}
	got, err := OnLinks(traffic, d)
	if err != nil || len(got) != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	for i, want := range []struct {
		bits, wire, bound float64
		wall              string
	}{
		{100e6, 100e6 / (8 * 235), 100e6 / (8 * 235), Wire},
		{1e9, 1e9 / (8 * 235), 100e3, CPU},
		{10e9, 10e9 / (8 * 235), 100e3, CPU},
	} {
		g := got[i]
		if g.NominalBitsPerSec != want.bits || !near(g.WireTxPerSec, want.wire, 1e-9) || !near(g.BoundTxPerSec, want.bound, 1e-9) ||
			g.Wall != want.wall || g.Direction != "in" || g.FramesAssumed {
			t.Errorf("%+v, want %+v", g, want)
		}
	}
	out, err := OnLink(Traffic{BytesPerTxIn: 10, BytesPerTxOut: 1514}, 1e9, Demands{})
	if err != nil || out.Direction != "out" || !out.FramesAssumed || !near(out.WireTxPerSec, FramesPerSec(1e9, 1514), 1e-12) {
		t.Errorf("unknown frames: %+v, %v", out, err)
	}
	// Tiny frames are padded: 10 B frames cost 84 B of cable each.
	tiny, err := OnLink(Traffic{BytesPerTxIn: 10, PacketsPerTxIn: Known(1)}, 1e9, Demands{})
	if err != nil || !near(tiny.WireTxPerSec, 1e9/8/84, 1e-12) {
		t.Errorf("padded frames: %+v, %v", tiny, err)
	}
}

func TestOnLinkErrors(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	good := Traffic{BytesPerTxIn: 200, PacketsPerTxIn: Known(0.5)}
	for name, call := range map[string]func() (LinkWall, error){
		"no speed":         func() (LinkWall, error) { return OnLink(good, 0, Demands{}) },
		"infinite speed":   func() (LinkWall, error) { return OnLink(good, inf, Demands{}) },
		"bad demand":       func() (LinkWall, error) { return OnLink(good, 1e9, Demands{Disk: &nan}) },
		"no bytes":         func() (LinkWall, error) { return OnLink(Traffic{}, 1e9, Demands{}) },
		"negative bytes":   func() (LinkWall, error) { return OnLink(Traffic{BytesPerTxIn: -1}, 1e9, Demands{}) },
		"negative bytes 2": func() (LinkWall, error) { return OnLink(Traffic{BytesPerTxOut: nan}, 1e9, Demands{}) },
		"negative frames": func() (LinkWall, error) {
			return OnLink(Traffic{BytesPerTxIn: 1, PacketsPerTxIn: Known(-1)}, 1e9, Demands{})
		},
		"loopback frames": func() (LinkWall, error) {
			return OnLink(Traffic{BytesPerTxIn: 60000, PacketsPerTxIn: Known(1)}, 1e9, Demands{})
		},
	} {
		if w, err := call(); !errors.Is(err, ErrBadDemand) {
			t.Errorf("%s: %+v, %v, want ErrBadDemand", name, w, err)
		}
	}
	if _, err := OnLinks(Traffic{}, Demands{}); !errors.Is(err, ErrBadDemand) {
		t.Errorf("OnLinks passed nonsense: %v", err)
	}
	for _, v := range []float64{-1, nan, inf} {
		if err := (Demands{Serial: &v}).Validate(); !errors.Is(err, ErrBadDemand) {
			t.Errorf("demand %v: %v, want ErrBadDemand", v, err)
		}
	}
	if err := (Demands{CPU: Known(0)}).Validate(); err != nil {
		t.Errorf("a demand of zero is possible: %v", err)
	}
}

// TestBoundHolds: at the bound no resource is busier than always, one of them
// is exactly that busy, and adding a resource never raises the bound.
func TestBoundHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) *float64 {
			if !rapid.Bool().Draw(t, name+" known") {
				return nil
			}
			v := rapid.Float64Range(1e-9, 1e-2).Draw(t, name)
			return &v
		}
		d := Demands{CPU: draw("cpu"), Serial: draw("serial"), WireIn: draw("in"), WireOut: draw("out"), Disk: draw("disk"), Generator: draw("generator")}
		if rapid.Bool().Draw(t, "shared") {
			d.HostCPU = Known(value(d.CPU) + value(d.Generator) + 1e-9)
		}
		bound, ok := Bound(d)
		if !ok {
			if d != (Demands{}) {
				t.Fatalf("demands are known and there is no bound: %+v", d)
			}
			return
		}
		highest := 0.0
		for _, u := range Utilisation(d, bound) {
			highest = max(highest, u.Utilisation)
		}
		if !near(highest, 1, 1e-9) {
			t.Fatalf("utilisation at the bound is %v, want 1", highest)
		}
		if alone, _, ok := NodeAloneBound(d); ok && alone < bound*(1-1e-12) {
			t.Fatalf("the node alone (%v) is slower than with a generator (%v)", alone, bound)
		}
		walls := Walls(d)
		for i := 1; i < len(walls); i++ {
			if walls[i].SecPerTx > walls[i-1].SecPerTx {
				t.Fatalf("walls out of order: %+v", walls)
			}
		}
	})
}

// TestFramesReadLate: a frame that is missing from a count of few does not cost
// the prediction; frames that hold more than they can do.
func TestFramesReadLate(t *testing.T) {
	full, err := OnLink(Traffic{BytesPerTxIn: 1514}, 1e9, Demands{})
	if err != nil {
		t.Fatal(err)
	}
	late, err := OnLink(Traffic{BytesPerTxIn: 1514, PacketsPerTxIn: Known(1 / 1.02)}, 1e9, Demands{})
	if err != nil || !late.FramesAssumed || late.WireTxPerSec != full.WireTxPerSec {
		t.Errorf("%+v, %v; want the wall of full frames, %+v", late, err, full)
	}
	if _, err := OnLink(Traffic{BytesPerTxIn: 1514, PacketsPerTxIn: Known(1 / 1.06)}, 1e9, Demands{}); !errors.Is(err, ErrBadDemand) {
		t.Errorf("1605 bytes in a frame: %v", err)
	}
}
