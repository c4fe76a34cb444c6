//go:build measure && linux

package main

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/chainweir/weir/bench/probe"
	"github.com/chainweir/weir/bench/stat"
	"github.com/chainweir/weir/loadgen"
)

const (
	overheadSlot   = 400 * time.Millisecond // attached, or not
	overheadWindow = 100 * time.Millisecond // the first of a slot is left out
	overheadQuads  = 7                      // A B B A in one run
	overheadRuns   = 12                     // with the probe, and as many without
	overheadWarmUp = 2 * overheadSlot
	// overheadLeast is the lower bound that tier 1 must not fall under.
	overheadLeast = 0.97
)

// What tier 1 costs a saturated node: the committed rate with it over the rate
// without, of four slots A B B A at a time, and the same without attaching
// anything, which shows what the machine's noise alone does. Runs of both kinds
// alternate; the quads of all runs are one sample.
func TestMeasuredProbeOverhead(t *testing.T) {
	b := newFairBench(t)
	b.saturate(t)
	var ratios [2][]float64
	for i := range 2 * overheadRuns {
		attached := i % 2
		ratios[attached] = append(ratios[attached], b.toggled(t, attached == 1)...)
	}
	same, tier1 := bootstrapMedian(ratios[0]), bootstrapMedian(ratios[1])
	t.Logf("A/A    %.3f [%.3f %.3f]", same.Median, same.Low, same.High)
	t.Logf("tier 1 %.3f [%.3f %.3f] at %.0f tx/s offered, %d quads of slots each", tier1.Median, tier1.Low, tier1.High, b.rate, overheadQuads*overheadRuns)
	if same.Low < overheadLeast {
		t.Errorf("nothing attached already gives an interval from %.3f: this machine is too busy to resolve %.2f; run it alone", same.Low, overheadLeast)
	}
	if tier1.Low < overheadLeast {
		t.Errorf("with tier 1 the node commits %.3f of what it does without, 95 %% interval from %.3f; at least %.2f", tier1.Median, tier1.Low, overheadLeast)
	}
	if tier1.High < 1 {
		t.Errorf("the interval [%.3f %.3f] does not contain 1", tier1.Low, tier1.High)
	}
}

// toggled returns the ratios of slots B over A, of each quad; attached: with
// tier 1 in B.
func (b *fairBench) toggled(t *testing.T, attached bool) []float64 {
	t.Helper()
	const duration = overheadWarmUp + 4*overheadQuads*overheadSlot
	need := b.next + loadgen.MaxTxs(b.rate, duration)
	if err := b.corpus.Extend(t.Context(), need, nil); err != nil {
		t.Fatal(err)
	}
	port := netip.MustParseAddrPort(b.node.ready.Listen).Port()
	done := make(chan error, 1)
	cfg := loadgen.Config{
		Addr: b.node.ready.Listen, Conns: fairConns, Schedule: loadgen.Constant, RateTxPerSec: b.rate,
		Duration: duration, Seed: 1, Corpus: b.corpus, FirstTx: b.next, Window: overheadWindow,
	}
	cfg.OnStart = func() {
		start := time.Now()
		go func() {
			if !attached {
				port = 0
			}
			done <- toggle(start, port)
		}()
	}
	out, err := loadgen.Run(t.Context(), cfg)
	if err := errors.Join(err, <-done); err != nil {
		t.Fatal(err)
	}
	b.next = need
	slots := make([]float64, 4*overheadQuads)
	for _, w := range out.Windows {
		at := w.StartNS - int64(overheadWarmUp)
		slot := at / int64(overheadSlot)
		if at >= 0 && slot < int64(len(slots)) && at%int64(overheadSlot) >= int64(overheadWindow) {
			slots[slot] += float64(w.Counts.Committed)
		}
	}
	ratios := make([]float64, overheadQuads)
	for i := range ratios {
		var without, with float64
		for k := 4 * i; k < 4*i+4; k++ {
			if inB(k) {
				with += slots[k]
			} else {
				without += slots[k]
			}
		}
		if without == 0 {
			t.Fatalf("nothing was committed in quad %d: %v", i, slots)
		}
		ratios[i] = with / without
	}
	return ratios
}

// inB: slots alternate as A B B A.
func inB(slot int) bool { return slot%4 == 1 || slot%4 == 2 }

// toggle attaches tier 1 to the port in the slots B; port 0 attaches nothing.
func toggle(start time.Time, port uint16) error {
	var w *probe.Watcher
	var err error
	for slot := range 4 * overheadQuads {
		<-time.After(time.Until(start.Add(overheadWarmUp + time.Duration(slot)*overheadSlot)))
		switch {
		case port == 0:
		case inB(slot) && w == nil:
			if w, _, err = probe.Watch(probe.WatchConfig{Ports: []probe.PortClass{{Name: "client", Port: port}}, Force: probe.ForceTracing}); err != nil {
				return err
			}
		case !inB(slot) && w != nil:
			if _, err = w.Sample(); err != nil { // as a run would
				return errors.Join(err, w.Close())
			}
			if err = w.Close(); err != nil {
				return err
			}
			w = nil
		}
	}
	if w != nil {
		return w.Close()
	}
	return nil
}

// bootstrapMedian is the median with its 95 % interval by resampling.
func bootstrapMedian(xs []float64) stat.Interval {
	const resamples = 10_000
	rng := rand.New(rand.NewPCG(1, 2))
	medians := make([]float64, resamples)
	draw := make([]float64, len(xs))
	for i := range medians {
		for j := range draw {
			draw[j] = xs[rng.IntN(len(xs))]
		}
		medians[i] = stat.Median(draw)
	}
	slices.Sort(medians)
	return stat.Interval{Median: stat.Median(xs), Low: medians[resamples/40], High: medians[resamples-resamples/40-1], Coverage: 0.95}
}
