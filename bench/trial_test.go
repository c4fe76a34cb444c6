package bench

import (
	"testing"
	"time"

	"github.com/chainweir/weir/bench/knee"
	"github.com/chainweir/weir/bench/stat"
	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/loadgen"
	"github.com/chainweir/weir/results"
)

func TestObservationOfATrial(t *testing.T) {
	trial := results.Trial{
		Counts: results.Counts{
			Offered: 100, Sent: 90, Dropped: 10, Accepted: 85, Committed: 80,
			Rejected: results.Rejections{"busy": 3, "exec:nonce": 2}, Expired: 1, Lost: 4,
		},
		DroppedBy: results.DropSplit{Generator: 7, Backpressure: 3}, InvalidReason: "why",
	}
	out := loadgen.Outcome{
		Commit:  &loadgen.LatencyNS{P50: 1, P90: 2, P99: 3, P999: 4, Max: 5},
		Backlog: &stat.Slope{PerSec: 5, StdErr: 1}, InFlight: &stat.Slope{PerSec: 8, StdErr: 2},
	}
	o := observation(&trial, &out)
	if o.Rejected != 5 || o.Lost != 4 || o.Expired != 1 || o.DroppedGenerator != 7 || o.DroppedBackpressure != 3 || o.Invalid != "why" {
		t.Errorf("%+v", o)
	}
	if o.Sent != o.Committed+o.Rejected+o.Expired+o.Lost {
		t.Error("the outcomes do not add up to what was sent")
	}
	if o.Accept != nil || o.Commit == nil || *o.Commit != (knee.Latency{P50NS: 1, P90NS: 2, P99NS: 3, P999NS: 4, MaxNS: 5}) {
		t.Errorf("accept %v, commit %v", o.Accept, o.Commit)
	}
	if o.Backlog == nil || *o.Backlog != (knee.Growth{TxPerSec: 8, StdErrTxPerSec: 2}) {
		t.Errorf("backlog %v, want the queue that grows faster", o.Backlog)
	}
	if none := observation(&trial, &loadgen.Outcome{}); none.Backlog != nil || none.Commit != nil {
		t.Errorf("of no samples: %+v", none)
	}
}

func TestAttachTakesDifferences(t *testing.T) {
	at := time.Now()
	a := readings{at: at, host: 100, stats: core.Stats{
		Height: 5, DiskBusyNS: 10, DiskBytes: 1000, DiskSyncs: 5, CPUUserNS: 50, CPUSysNS: 20,
		Stages: []core.StageStats{{Name: "verify", Workers: 2, BusyNS: 7, WaitNS: 8, Items: 9}},
	}}
	b := readings{at: at.Add(1500 * time.Millisecond), host: 400, stats: core.Stats{
		Height: 8, DiskBusyNS: 30, DiskBytes: 4000, DiskSyncs: 8, CPUUserNS: 250, CPUSysNS: 60,
		Stages: []core.StageStats{{Name: "verify", Workers: 2, BusyNS: 17, WaitNS: 28, Items: 39}},
	}}
	var trial results.Trial
	(&trials{t: &target{}, sameHost: true}).attach(&trial, &a, &b)
	near(t, "window", trial.WindowSec, 1.5)
	n := trial.Node
	if *n.Blocks != 3 || *n.DiskBusyNS != 20 || *n.Bytes != 3000 || *n.Fsyncs != 3 || *n.CPUUserNS != 200 || *n.CPUSysNS != 40 {
		t.Errorf("%+v", n)
	}
	if want := (results.Stage{Name: "verify", Workers: 2, BusyNS: 10, WaitNS: 20, Items: 30}); len(n.Stages) != 1 || n.Stages[0] != want {
		t.Errorf("stages %+v", n.Stages)
	}
	if trial.HostCPUBusyNS == nil || *trial.HostCPUBusyNS != 300 || trial.Wire != nil {
		t.Errorf("host %v, wire %v", trial.HostCPUBusyNS, trial.Wire)
	}

	// A system that does not tell CPU time says 0; a remote host is not ours.
	b.stats.CPUUserNS, b.stats.CPUSysNS = 0, 0
	var remote results.Trial
	(&trials{t: &target{}}).attach(&remote, &a, &b)
	if remote.Node.CPUUserNS != nil || remote.Node.CPUSysNS != nil || remote.HostCPUBusyNS != nil {
		t.Errorf("unknown became %v %v %v", remote.Node.CPUUserNS, remote.Node.CPUSysNS, remote.HostCPUBusyNS)
	}
}

func TestPhasesOfRecords(t *testing.T) {
	for p, want := range map[knee.Phase]results.Phase{
		knee.Explore: results.PhaseExplore, knee.Bisect: results.PhaseBisect,
		knee.Confirm: results.PhaseConfirm, knee.LatencyOnly: results.PhaseLatency,
	} {
		if got := phaseOf(p); got != want {
			t.Errorf("%v is recorded as %q, want %q", p, got, want)
		}
	}
}
