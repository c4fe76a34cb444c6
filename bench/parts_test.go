package bench

import (
	"math"
	"strings"
	"testing"

	"github.com/chainweir/weir/bench/capacity"
	"github.com/chainweir/weir/results"
)

// TestSerialStagesAreThoseByDesign: on one core the signature workers are one, and
// still no serial stage.
func TestSerialStagesAreThoseByDesign(t *testing.T) {
	u := usage{stages: []results.Stage{
		{Name: "parse", Workers: 1, BusyNS: 9e9}, {Name: "verify", Workers: 1, BusyNS: 8e9}, {Name: "persist", Workers: 1, BusyNS: 7e9},
		{Name: "execute", Workers: 1, BusyNS: 2e9}, {Name: "roots", Workers: 1, BusyNS: 3e9}, {Name: "other", Workers: 2, BusyNS: 6e9},
	}}
	if st := u.busiestStage(); st == nil || st.Name != "roots" {
		t.Errorf("%+v, want roots", st)
	}
	if none := (&usage{}).busiestStage(); none != nil {
		t.Errorf("of no stages: %+v", none)
	}
}

// TestWaitingForACoreIsNoWork: where the cores are full, a serial stage's clock
// runs while it waits for one; its sampled time does not.
func TestWaitingForACoreIsNoWork(t *testing.T) {
	with := func(nodeCPU float64, p *cpuTimes) usage {
		return usage{
			sec: 10, nodeCPU: &nodeCPU, profile: p,
			stages: []results.Stage{
				{Name: "verify", Workers: 2, BusyNS: 19e9}, {Name: "execute", Workers: 1, BusyNS: 8e9}, {Name: "roots", Workers: 1, BusyNS: 1e9},
				{Name: "persist", Workers: 1, BusyNS: 9e9},
			},
		}
	}
	p := &cpuTimes{total: 10, threads: map[string]*threadTimes{"execute": {user: 1, kernel: 0.5}, "roots": {user: 4}}}
	full := with(19, p) // of 20: samples cover 10 of the 19 accounted
	before := full.stages
	full.worked(2)
	if st := full.busiestStage(); st.Name != "execute" || math.Abs(float64(st.BusyNS)-1.5*1.9e9) > 10 || !full.sampled {
		t.Errorf("%+v, want execute with 2.85 s", st)
	}
	if full.stages[2].BusyNS != 1e9 || full.stages[3].BusyNS != 9e9 || full.stages[0].BusyNS != 19e9 {
		t.Errorf("%+v: a clock below the samples, the disk's and the pool's stay", full.stages)
	}
	if before[1].BusyNS != 8e9 {
		t.Error("the recorded clocks were changed")
	}
	for name, u := range map[string]usage{"cores to spare": with(11, p), "no profile": with(19, nil)} {
		if u.worked(2); u.stages[1].BusyNS != 8e9 || u.sampled {
			t.Errorf("%s: the clock was not believed: %+v", name, u.stages[1])
		}
	}
}

// aSearch is the trials of a search on a slow link: a node that costs 15 µs per
// transaction and 120 µs per batch, on two cores.
func aSearch() []results.Trial {
	var out []results.Trial
	for i, size := range []float64{6, 8, 10, 12, 12, 30} {
		t := fullTrial(i + 1)
		txs := 1000 * size
		t.WindowSec, t.DurationSec = new(1.0), 1
		t.Counts = results.Counts{Sent: int64(txs), Committed: int64(txs)}
		*t.Node.CPUUserNS, *t.Node.CPUSysNS = int64(txs*15e3), 1000*120e3
		t.Node.Stages = append(t.Node.Stages, results.Stage{Name: "order", Workers: 1, BusyNS: 1e6, Items: 1000})
		out = append(out, t)
	}
	return out
}

// TestNextWallFromDemandOverLoad: at the knee a transaction costs 25 µs, at the
// processor's own wall 15 µs and its part of the batches.
func TestNextWallFromDemandOverLoad(t *testing.T) {
	trials := aSearch()
	u := sumUsage(trials, map[int]bool{4: true, 5: true})
	m := machine{nodeCores: 2, hostCores: 2, link: testLink(19.3e6, 19.3e6)}
	for i := range trials { // 200 bytes each
		*trials[i].Wire.In.Bytes = 200 * trials[i].Counts.Committed
	}
	u = sumUsage(trials, map[int]bool{4: true, 5: true})
	s := results.Summary{Wire: results.SummaryWire{TxBytes: new(200.0)}}
	u.fill(&s, m, trials)
	want := (2 - 0.12) / 15e-6
	if s.Bottleneck != results.WallWire || s.NextWall == nil || s.NextWall.Name != results.WallCPU || math.Abs(s.NextWall.TxPerSec-want) > 1e-3*want {
		t.Fatalf("wall %q, next %+v, want cpu at %.0f", s.Bottleneck, s.NextWall, want)
	}
	near(t, "cpu demand stays what was measured at the knee", s.Demand.CPU, (15e-6+10e-6)/2)
	var found bool
	for _, model := range s.Demand.Models {
		if model.Resource == "cpu" {
			found = true
			if model.Trials != 6 || math.Abs(model.Extrapolation-want/30e3) > 0.01 || model.WallLowTxPerSec > want || model.WallHighTxPerSec < want*0.999 {
				t.Errorf("%+v", model)
			}
		}
	}
	if !found {
		t.Errorf("no model of the processor: %+v", s.Demand.Models)
	}

	// With the trials at the knee alone there is nothing to fit.
	var alone results.Summary
	u.fill(&alone, m, trials[3:5])
	if len(alone.Demand.Models) != 0 || alone.NextWall == nil || math.Abs(alone.NextWall.TxPerSec-80e3) > 1 {
		t.Errorf("models %+v, next %+v, want the measured demand", alone.Demand.Models, alone.NextWall)
	}
}

// TestModelLeavesBusyResourcesAlone: what is at least half full keeps what was
// measured, and no model makes a wall nearer.
func TestModelLeavesBusyResourcesAlone(t *testing.T) {
	trials := aSearch()
	u := sumUsage(trials, map[int]bool{6: true}) // 30k tx/s, 19 µs: 0.57 of one core
	m := machine{nodeCores: 1, hostCores: 1}
	d := u.demands(m)
	far, models := u.atTheirWalls(d, m, trials)
	if far.CPU == nil || *far.CPU != *d.CPU {
		t.Errorf("%v became %v", deref(d.CPU), deref(far.CPU))
	}
	for _, model := range models {
		if model.Resource == "cpu" {
			t.Errorf("%+v", model)
		}
	}
	for i := range trials { // much was refused: none of them tells what one costs
		trials[i].Counts.Sent *= 2
	}
	if _, models := u.atTheirWalls(capacity.Demands{CPU: capacity.Known(1e-9)}, m, trials); len(models) != 0 {
		t.Errorf("%+v", models)
	}
}

// TestOthersDoNotGrowWithTheLoad: other programs keep half of the machine busy, at
// every rate. Behind a wire that is a wall, the processor's is where node and
// generator have filled the other half.
func TestOthersDoNotGrowWithTheLoad(t *testing.T) {
	trials := aSearch()
	for i := range trials {
		t := &trials[i]
		*t.Wire.In.Bytes = 200 * t.Counts.Committed
		*t.Generator.CPUNS = t.Counts.Committed * 3e3
		*t.HostCPUBusyNS = *t.Node.CPUUserNS + *t.Node.CPUSysNS + *t.Generator.CPUNS + 1_000_000_000
	}
	u := sumUsage(trials, map[int]bool{4: true, 5: true})
	s := results.Summary{Wire: results.SummaryWire{TxBytes: new(200.0)}}
	u.fill(&s, machine{nodeCores: 2, hostCores: 2, sameHost: true, wholeHost: true, link: testLink(19.3e6, 19.3e6)}, trials)
	want := (2 - 1 - 0.12) / 18e-6
	if s.Bottleneck != results.WallWire || s.NextWall == nil || s.NextWall.Name != results.WallCPU || math.Abs(s.NextWall.TxPerSec-want) > 1e-3*want {
		t.Errorf("wall %q, next %+v, want cpu at %.0f", s.Bottleneck, s.NextWall, want)
	}
	if len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], "neither node nor generator") {
		t.Errorf("%q", s.Warnings)
	}
}

// TestOthersAtTheWallAreNamed: a wall that other programs helped to build says so.
func TestOthersAtTheWallAreNamed(t *testing.T) {
	for hostNS, want := range map[int64]int{50_000_000: 1, 48_000_000: 0} { // node 30, generator 10 ms: the rest is 20 or 17 %
		trial := fullTrial(1)
		*trial.HostCPUBusyNS = hostNS
		u := sumUsage([]results.Trial{trial}, map[int]bool{1: true})
		s := results.Summary{Wire: results.SummaryWire{TxBytes: new(200.0)}}
		u.fill(&s, machine{nodeCores: 2, hostCores: 2, sameHost: true, wholeHost: true, link: testLink(1e9, 1e9)}, nil)
		if s.Bottleneck != results.WallCPU || len(s.Warnings) != want {
			t.Errorf("with %d ms busy: wall %q, warnings %q, want %d", hostNS/1e6, s.Bottleneck, s.Warnings, want)
		}
	}
}
