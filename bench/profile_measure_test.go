//go:build measure && unix

package bench

import (
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chainweir/weir/bench/knee"
	"github.com/chainweir/weir/bench/stat"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/loadgen"
	"github.com/chainweir/weir/results"
)

const (
	profileRounds = 12 // ABBA each
	profileRate   = 40_000
	profileTrial  = 700 * time.Millisecond
	// profileLimit is what the profile may add to the processor time per
	// transaction.
	profileLimit = 1.03
)

// TestMeasuredCostOfTheProfile: node processor time per committed transaction
// with the profile ÷ without it, in ABBA order, with A/A beside it. It fails when
// the whole interval is above the limit.
func TestMeasuredCostOfTheProfile(t *testing.T) {
	dir := t.TempDir()
	exe := filepath.Join(dir, "weir")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", exe, "../cmd/weir").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	tg, err := openOwn(t.Context(), NodeCommand{Exe: exe}, dir, genesis.Dev(4096))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := tg.stop(); err != nil {
			t.Error(err)
		}
	}()
	corpus, err := loadgen.NewCorpus(loadgen.CorpusConfig{Chain: tg.chain, Keys: tg.keys, FirstSlot: tg.firstSlot, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	schedule, err := loadgen.ParseSchedule("constant")
	if err != nil {
		t.Fatal(err)
	}
	r := &trials{
		t: tg, corpus: corpus, schedule: schedule, conns: 2, appBytes: &appCounter{}, sameHost: true,
		windows: map[int][]results.Window{}, hists: map[int][]results.Histogram{}, warnings: map[string]bool{}, profiles: map[int][]byte{},
	}
	index := 0
	cost := func(phase knee.Phase) float64 { // µs of processor time per transaction
		index++
		_, err := r.Run(t.Context(), knee.TrialSpec{Index: index, Phase: phase, RateTxPerSec: profileRate, Duration: profileTrial, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		if _, has := r.profiles[index]; has != (phase == knee.Confirm) {
			t.Fatalf("trial %d in phase %v: profile %v; %v", index, phase, has, r.warnings)
		}
		last := r.done[len(r.done)-1]
		if last.Node == nil || last.Node.CPUUserNS == nil || last.Counts.Committed == 0 {
			t.Fatalf("trial %d was not measured: %v", index, r.warnings)
		}
		return float64(*last.Node.CPUUserNS+*last.Node.CPUSysNS) / 1000 / float64(last.Counts.Committed)
	}
	var ratios, control, off []float64
	for round := range profileRounds + 1 {
		a1, b1, b2, a2 := cost(knee.Bisect), cost(knee.Confirm), cost(knee.Confirm), cost(knee.Bisect)
		if round == 0 {
			continue // warm-up
		}
		ratios = append(ratios, math.Log(b1*b2/(a1*a2))/2)
		control = append(control, math.Log(a2/a1))
		off = append(off, a1, a2)
	}
	for _, x := range []struct {
		name string
		logs []float64
	}{{"with profile ÷ without", ratios}, {"without ÷ without (A/A)", control}} {
		i, err := stat.MedianWithInterval(x.logs, 0.95)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("%-26s %.3f [%.3f, %.3f] over %d rounds of %.1f µs per transaction\n",
			x.name, math.Exp(i.Median), math.Exp(i.Low), math.Exp(i.High), len(x.logs), stat.Median(off))
		if x.name == "with profile ÷ without" && math.Exp(i.Low) > profileLimit {
			t.Errorf("the profile costs %.1f %% or more", 100*(math.Exp(i.Low)-1))
		}
	}
}
