package bench

import (
	"math"
	"testing"

	"github.com/chainweir/weir/bench/link"
	"github.com/chainweir/weir/results"
)

// fullTrial is a trial in which everything was measured: 1000 transactions
// that cost 200 B in, 20 B out, 30 µs of node, 50 µs of machine.
func fullTrial(id int) results.Trial {
	i := func(v int64) *int64 { return &v }
	return results.Trial{
		ID: id, DurationSec: 1, WindowSec: new(1.25), Counts: results.Counts{Sent: 1100, Committed: 1000},
		Generator: results.GeneratorUsage{CPUNS: i(10_000_000)}, HostCPUBusyNS: i(50_000_000),
		Node: &results.NodeUsage{
			CPUUserNS: i(20_000_000), CPUSysNS: i(10_000_000), DiskBusyNS: i(5_000_000),
			Stages: []results.Stage{
				{Name: "verify", Workers: 2, BusyNS: 90_000_000}, {Name: "execute", Workers: 1, BusyNS: 4_000_000},
				{Name: "persist", Workers: 1, BusyNS: 80_000_000},
			},
		},
		Wire: &results.WireCounters{
			Source: results.WireEBPF, Exact: true,
			In:  results.WireDirection{Packets: i(150), Bytes: i(200_000), PacketsMTU1500: i(160), BytesMTU1500: i(210_000)},
			Out: results.WireDirection{Packets: i(140), Bytes: i(20_000), PacketsMTU1500: i(150), BytesMTU1500: i(21_000)},
		},
	}
}

func near(t *testing.T, what string, got *float64, want float64) {
	t.Helper()
	if got == nil || math.Abs(*got-want) > 1e-9*math.Abs(want) {
		t.Errorf("%s is %v, want %v", what, deref(got), want)
	}
}

func deref(v *float64) any {
	if v == nil {
		return "unknown"
	}
	return *v
}

func TestSumUsageAddsOnlyTheNamedTrials(t *testing.T) {
	trials := []results.Trial{fullTrial(1), fullTrial(2), fullTrial(3)}
	u := sumUsage(trials, map[int]bool{1: true, 3: true})
	if u.committed != 2000 || u.sent != 2200 || u.sec != 2.5 || !u.exact || u.source != results.WireEBPF {
		t.Errorf("%+v", u)
	}
	near(t, "node CPU", u.nodeCPU, 0.06)
	near(t, "host CPU", u.hostCPU, 0.1)
	near(t, "generator CPU", u.genCPU, 0.02)
	near(t, "disk", u.disk, 0.01)
	near(t, "bytes in", u.in.bytes, 400_000)
	near(t, "packets out at MTU 1500", u.out.packets1500, 300)
	near(t, "the serial stage", u.serialStage(), 0.008) // not persist, which waits for the disk
	if none := sumUsage(trials, map[int]bool{9: true}); none.committed != 0 || none.nodeCPU != nil {
		t.Errorf("of no trial: %+v", none)
	}
}

// TestSumUsageKeepsUnknown: what one of the trials does not know is unknown of
// the sum; what all know stays.
func TestSumUsageKeepsUnknown(t *testing.T) {
	both := map[int]bool{1: true, 2: true}
	for _, c := range []struct {
		name    string
		forget  func(*results.Trial)
		unknown func(*usage) []*float64
	}{
		{"no node", func(t *results.Trial) { t.Node = nil }, func(u *usage) []*float64 { return []*float64{u.nodeCPU, u.disk, u.serialStage()} }},
		{"no system time", func(t *results.Trial) { t.Node.CPUSysNS = nil }, func(u *usage) []*float64 { return []*float64{u.nodeCPU} }},
		{"no stages", func(t *results.Trial) { t.Node.Stages = nil }, func(u *usage) []*float64 { return []*float64{u.serialStage()} }},
		{"no wire", func(t *results.Trial) { t.Wire = nil }, func(u *usage) []*float64 {
			return []*float64{u.in.bytes, u.out.bytes, u.in.packets, u.in.bytes1500, u.out.packets1500}
		}},
		{"no packets out", func(t *results.Trial) { t.Wire.Out.Packets = nil }, func(u *usage) []*float64 { return []*float64{u.out.packets} }},
		{"no host", func(t *results.Trial) { t.HostCPUBusyNS = nil }, func(u *usage) []*float64 { return []*float64{u.hostCPU} }},
		{"no generator", func(t *results.Trial) { t.Generator.CPUNS = nil }, func(u *usage) []*float64 { return []*float64{u.genCPU} }},
	} {
		for _, which := range []int{0, 1} {
			trials := []results.Trial{fullTrial(1), fullTrial(2)}
			c.forget(&trials[which])
			u := sumUsage(trials, both)
			for i, v := range c.unknown(&u) {
				if v != nil {
					t.Errorf("%s in trial %d: value %d is %v, want unknown", c.name, which+1, i, *v)
				}
			}
			if c.name != "no host" {
				near(t, c.name+": host CPU", u.hostCPU, 0.1)
			} else {
				near(t, c.name+": node CPU", u.nodeCPU, 0.06)
			}
			if c.name == "no wire" && u.exact {
				t.Error("exact without a wire")
			}
		}
	}
}

func testLink(in, out float64) *link.Result {
	return &link.Result{In: &link.Direction{L2BitsPerSec: in}, Out: &link.Direction{L2BitsPerSec: out}}
}

func TestDemandsDivideByWhatThereIs(t *testing.T) {
	u := sumUsage([]results.Trial{fullTrial(1)}, map[int]bool{1: true})
	d := u.demands(machine{nodeCores: 3, hostCores: 4, sameHost: true, wholeHost: true, link: testLink(20e6, 10e6)})
	near(t, "cpu", d.CPU, 10e-6)            // 30 µs ÷ 3
	near(t, "host cpu", d.HostCPU, 12.5e-6) // 50 µs ÷ 4
	near(t, "generator", d.Generator, 2.5e-6)
	near(t, "serial", d.Serial, 4e-6) // one thread
	near(t, "disk", d.Disk, 5e-6)
	near(t, "wire in", d.WireIn, 80e-6) // 1600 bit ÷ 20 Mbit/s
	near(t, "wire out", d.WireOut, 16e-6)

	apart := u.demands(machine{nodeCores: 3, hostCores: 4})
	if apart.HostCPU != nil || apart.WireIn != nil || apart.WireOut != nil {
		t.Errorf("on another host, with no link test: %+v", apart)
	}
	half := u.demands(machine{nodeCores: 3, hostCores: 4, link: &link.Result{In: &link.Direction{L2BitsPerSec: 20e6}}})
	if half.WireIn == nil || half.WireOut != nil {
		t.Errorf("with one direction measured: in %v out %v", deref(half.WireIn), deref(half.WireOut))
	}
}

func TestFillNamesTheWall(t *testing.T) {
	for _, c := range []struct {
		name       string
		change     func(*results.Trial)
		m          machine
		wall       string
		direction  string
		linkInUse  float64
		nextWanted bool
	}{
		{"wire in", func(*results.Trial) {}, machine{1, 2, true, true, testLink(1.6e6, 1.6e6)}, results.WallWire, "in", 0.8, true},
		{"wire out", func(t *results.Trial) { *t.Wire.Out.Bytes = 800_000 }, machine{1, 2, true, true, testLink(8e6, 8e6)}, results.WallWire, "out", 0.64, true},
		{"cpu", func(*results.Trial) {}, machine{1, 2, true, true, testLink(1e9, 1e9)}, results.WallCPU, "in", 0.00128, true},
		{"generator", func(t *results.Trial) { *t.Generator.CPUNS = 40_000_000 }, machine{2, 2, true, true, testLink(1e9, 1e9)}, results.WallGenerator, "in", 0.00128, true},
		{"disk", func(t *results.Trial) { *t.Node.DiskBusyNS = 900_000_000 }, machine{1, 2, true, true, testLink(1e9, 1e9)}, results.WallDisk, "in", 0.00128, true},
		{"serial", func(t *results.Trial) { t.Node.Stages[1].BusyNS = 700_000_000 }, machine{1, 2, true, true, testLink(1e9, 1e9)}, results.WallSerial, "in", 0.00128, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			trial := fullTrial(1)
			c.change(&trial)
			u := sumUsage([]results.Trial{trial}, map[int]bool{1: true})
			var s results.Summary
			s.Wire.TxBytes = new(200.0)
			u.fill(&s, c.m, nil)
			if string(s.Bottleneck) != c.wall || string(s.Link.Direction) != c.direction || (s.NextWall != nil) != c.nextWanted {
				t.Errorf("wall %q, direction %q, next %+v", s.Bottleneck, s.Link.Direction, s.NextWall)
			}
			near(t, "link utilisation", s.Link.Utilisation, c.linkInUse)
			near(t, "wire demand × rate", s.Utilisation.Wire, c.linkInUse)
			if s.Demand.Wire == nil || *s.Demand.Wire < *s.Demand.WireIn || *s.Demand.Wire < *s.Demand.WireOut {
				t.Error("the wire's demand is not that of the larger direction")
			}
		})
	}
}

// TestFillWithoutLink: no capacity, no utilisation, and no direction made up.
func TestFillWithoutLink(t *testing.T) {
	trial := fullTrial(1)
	trial.Wire = nil
	u := sumUsage([]results.Trial{trial}, map[int]bool{1: true})
	s := results.Summary{Wire: results.SummaryWire{TxBytes: new(200.0)}}
	u.fill(&s, machine{nodeCores: 2, hostCores: 2, sameHost: true, wholeHost: true}, nil)
	for what, v := range map[string]*float64{
		"utilisation": s.Link.Utilisation, "wire demand": s.Demand.Wire, "amplification": s.Wire.Amplification,
		"bytes in": s.Wire.BytesPerTx.In, "packets out": s.Wire.PacketsPerTx.Out,
	} {
		if v != nil {
			t.Errorf("%s is %v, want unknown", what, *v)
		}
	}
	if s.Link.Direction != "" || len(s.OnANetwork) != 0 || s.Bottleneck != results.WallCPU {
		t.Errorf("direction %q, predictions %v, wall %q", s.Link.Direction, s.OnANetwork, s.Bottleneck)
	}
}
