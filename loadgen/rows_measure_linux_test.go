//go:build measure && linux

package loadgen

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chainweir/weir/bench/stat"
	"github.com/chainweir/weir/core/genesis"
)

// These checks need a machine that has time for them, so they are built with
// the tag "measure" only: make bench-load. On a machine that is shared, run
// them ahead of the others (chrt -f 10) with WEIR_MEASURE_NODE="chrt -o 0", so
// that the node stays an ordinary process beside them.

// row prints one acceptance row and fails if it is not met.
func row(t *testing.T, what, asked, measured string, met bool) {
	t.Helper()
	verdict := "met"
	if !met {
		verdict = "NOT MET"
	}
	fmt.Printf("%-52s %-14s %-22s %s\n", what, asked, measured, verdict)
	if !met {
		t.Errorf("%s: %s asked, %s measured", what, asked, measured)
	}
}

// pacingFigures is what the rows of rate fidelity are about, computed from the
// intended and the actual time of every transaction.
type pacingFigures struct {
	onTime             float64 // share of the offered sent within SendGrace
	dispersion         float64 // of sends per ms
	dispersionBetween  float64 // the same, intervals half a batch window later
	chiSquareP         float64
	chiSquarePBetween  float64
	lagP99, lagMax     time.Duration
	lateOver1MS        string // runs of transactions that were over 1 ms late
	intendedDispersion float64
	gapsP              float64 // Kolmogorov–Smirnov
	quietSeconds       int     // seconds without a send that was over 1 ms late
	quietDispersion    float64 // of sends per ms in these seconds
}

// stalls lists the times at which sends were over 1 ms late, and by how much.
func stalls(lags, sent []int64) string {
	out, n := "", 0
	last := int64(-1e9)
	for i, lag := range lags {
		if lag <= int64(time.Millisecond) {
			continue
		}
		if sent[i]-last > 2e6 {
			if n++; n <= 20 {
				out += fmt.Sprintf(" %.1fms@%.3fs", float64(lag)/1e6, float64(sent[i])/1e9)
			}
		}
		last = sent[i]
	}
	return fmt.Sprintf("%d:%s", n, out)
}

func figures(t *testing.T, r *run) pacingFigures {
	t.Helper()
	rate, end := r.cfg.RateTxPerSec, int64(r.cfg.Duration)
	var sent []int64
	var lags []int64
	for i := range r.sent {
		if word := r.sent[i].Load(); word != 0 {
			sent = append(sent, word>>connBits)
			lags = append(lags, word>>connBits-r.times[i])
		}
	}
	f := pacingFigures{lateOver1MS: stalls(lags, sent)}
	slices.Sort(sent)
	slices.Sort(lags)
	late, _ := slices.BinarySearch(lags, int64(SendGrace)+1)
	f.onTime = float64(late) / float64(len(r.times))
	f.lagP99, f.lagMax = time.Duration(lags[len(lags)*99/100]), time.Duration(lags[len(lags)-1])
	f.intendedDispersion = stat.NewTally(r.times, 1e6, 0, end).Dispersion()
	at := func(offset int64) (dispersion, p float64) {
		tally := stat.NewTally(sent, 1e6, offset, end)
		fit, err := tally.ChiSquarePoisson(rate / 1000)
		if err != nil {
			t.Fatal(err)
		}
		return tally.Dispersion(), fit.P
	}
	f.dispersion, f.chiSquareP = at(0)
	f.dispersionBetween, f.chiSquarePBetween = at(int64(autoBatchWindow) / 2)
	gaps := make([]float64, 0, len(sent))
	for i := 1; i < len(sent); i++ {
		gaps = append(gaps, float64(sent[i]-sent[i-1])/1e9)
	}
	ks, err := stat.KolmogorovSmirnov(gaps, stat.ExponentialCDF(rate))
	if err != nil {
		t.Fatal(err)
	}
	f.gapsP = ks.P
	f.quietSeconds, f.quietDispersion = quiet(r, end)
	return f
}

// quiet is the dispersion of sends per ms in the seconds of the run in which no
// send was over 1 ms late, and how many they are.
func quiet(r *run, endNS int64) (seconds int, dispersion float64) {
	loud := make([]bool, endNS/1e9)
	var sent []int64
	for i := range r.sent {
		word := r.sent[i].Load()
		if word == 0 {
			continue
		}
		at := word >> connBits
		sent = append(sent, at)
		if at-r.times[i] > int64(time.Millisecond) {
			for _, ns := range []int64{r.times[i], at} { // the counts of both are wrong
				loud[min(ns/1e9, int64(len(loud))-1)] = true
			}
		}
	}
	place := make([]int64, len(loud)) // of a second among those that are kept
	for second := range loud {
		place[second] = -1
		if !loud[second] {
			place[second] = int64(seconds)
			seconds++
		}
	}
	var kept []int64
	for _, at := range sent {
		if second := at / 1e9; second < int64(len(loud)) && place[second] >= 0 {
			kept = append(kept, place[second]*1e9+at%1e9)
		}
	}
	return seconds, stat.NewTally(kept, 1e6, 0, int64(seconds)*1e9).Dispersion()
}

// witness reports how often a thread that does nothing but look at the clock was
// not run for over 1 ms, on each processor at a time when nothing else of this
// test works: what no sender on this machine can avoid.
func witness(t *testing.T, d time.Duration) string {
	t.Helper()
	cores := usableCores()
	lines := make([]string, len(cores))
	var wg sync.WaitGroup
	for i, core := range cores {
		wg.Go(func() {
			runtime.LockOSThread() // and the thread ends with it, bound as it is
			stayOn([]int{core})
			start := time.Now()
			stalls, longest := 0, time.Duration(0)
			for last := time.Duration(0); last < d; {
				now := time.Since(start)
				if now-last > time.Millisecond {
					stalls++
					longest = max(longest, now-last)
				}
				last = now
			}
			lines[i] = fmt.Sprintf("processor %d: %d times, longest %v", core, stalls, longest.Round(10*time.Microsecond))
		})
	}
	wg.Wait()
	return strings.Join(lines, "; ")
}

// paced runs a schedule and returns what was achieved. A burst other than 0
// replaces the pacer's window: all that fell due in it leaves at once.
func paced(t *testing.T, cfg Config, burst time.Duration) (*run, pacingFigures) {
	t.Helper()
	cfg, err := cfg.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	r, err := newRun(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if burst > 0 {
		r.pacer.windowNS = int64(burst)
	}
	out, err := r.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// A bursty sender must be found out by the self-check, too.
	if out.Trial.Counts.Sent == 0 || out.Trial.Valid != (burst == 0) {
		t.Fatalf("%+v valid %v %s", out.Trial.Counts, out.Trial.Valid, out.Trial.InvalidReason)
	}
	g := out.Trial.Generator
	t.Logf("%+v; %d frames of %d, p99 %d transactions; processor %.2f cores, GC pauses %d ns, commit p99 %v", out.Trial.Counts, g.Pacing.Frames,
		*g.Pacing.FrameTxsP50, *g.Pacing.FrameTxsP99, float64(*g.CPUNS)/float64(cfg.Duration), *g.GCPauseNS, time.Duration(out.Commit.P99))
	f := figures(t, r)
	t.Logf("%+v", f)
	return r, f
}

// beside returns the settings for a run against a node in another process on
// the same cores.
func beside(t *testing.T, rate float64, d time.Duration) Config {
	t.Helper()
	if n := runtime.NumCPU(); n > 2 {
		t.Logf("this machine has %d cores, the row is about 2", n)
	}
	addr := child(t, "node", "listening", -1)
	gen := genesis.Dev(measureAccs)
	corpus, err := NewCorpus(CorpusConfig{
		Chain: gen.ChainID(), Keys: gen.Derived.PrivateKeys(measureAccs), FirstSlot: gen.FirstDerivedSlot(), Seed: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := corpus.Extend(t.Context(), MaxTxs(rate, d), nil); err != nil {
		t.Fatal(err)
	}
	return Config{Addr: addr, Schedule: Poisson, RateTxPerSec: rate, Duration: d, Seed: 42, Corpus: corpus} // the default seed of the command
}

func TestMeasuredRateFidelity(t *testing.T) {
	cfg := beside(t, 50_000, 30*time.Second)
	fmt.Printf("before the run, a thread that only looks at the clock was not run for over 1 ms in 10 s: %s\n", witness(t, 10*time.Second))
	_, f := paced(t, cfg, 0)
	row(t, "50 000 tx/s, 30 s, node beside it: sent on time", "≥ 99.9 %", fmt.Sprintf("%.3f %%", 100*f.onTime), f.onTime >= 0.999)
	row(t, "  dispersion of sends per ms", "0.97 to 1.03", fmt.Sprintf("%.4f (intended %.4f)", f.dispersion, f.intendedDispersion), f.dispersion >= 0.97 && f.dispersion <= 1.03)
	row(t, "  … of intervals between the batch grid", "0.97 to 1.03", fmt.Sprintf("%.4f", f.dispersionBetween), f.dispersionBetween >= 0.97 && f.dispersionBetween <= 1.03)
	fmt.Printf("%-52s %-14s %.4f\n", fmt.Sprintf("  … in the %d s in which no send was over 1 ms late", f.quietSeconds), "", f.quietDispersion)
	row(t, "  chi-square against Poisson", "p > 0.01", fmt.Sprintf("%.4f", f.chiSquareP), f.chiSquareP > 0.01)
	row(t, "  p99 of actual − intended send", "≤ 1 ms", f.lagP99.String(), f.lagP99 <= time.Millisecond)
}

func TestMeasuredGapsAtLowRate(t *testing.T) {
	_, f := paced(t, beside(t, 1000, 10*time.Second), 0)
	row(t, "1 000 tx/s, 10 s, node beside it: KS of the gaps", "p > 0.01", fmt.Sprintf("%.4f", f.gapsP), f.gapsP > 0.01)
}

// A sender that saves its transactions up for a second must fail every row.
func TestMeasuredBurstySenderFails(t *testing.T) {
	_, f := paced(t, beside(t, 50_000, 5*time.Second), time.Second)
	row(t, "one batch per second, 50 000 tx/s: sent on time", "fails 99.9 %", fmt.Sprintf("%.3f %%", 100*f.onTime), f.onTime < 0.999)
	row(t, "  dispersion of sends per ms", "fails 1.03", fmt.Sprintf("%.1f", f.dispersion), f.dispersion > 1.03)
	row(t, "  chi-square against Poisson", "fails 0.01", fmt.Sprintf("%.2g", f.chiSquareP), f.chiSquareP <= 0.01)
	row(t, "  p99 of actual − intended send", "fails 1 ms", f.lagP99.String(), f.lagP99 > time.Millisecond)
	_, f = paced(t, beside(t, 1000, 5*time.Second), time.Second)
	row(t, "one batch per second, 1 000 tx/s: KS of the gaps", "fails 0.01", fmt.Sprintf("%.2g", f.gapsP), f.gapsP <= 0.01)
}

func TestMeasuredCapacityOnOneCore(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Skip("one core: the sink needs another one than the generator")
	}
	const rate = 4_000_000
	addr := child(t, "sink", "listening", 0)
	var got capacity
	text := child(t, "capacity="+addr, "capacity", 1, "GOMAXPROCS=1", fmt.Sprintf("WEIR_MEASURE_RATE=%d", rate))
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	row(t, "generator on one core, sink that takes all", "≥ 400 000 tx/s", fmt.Sprintf("%.0f (%.0f ns each)", got.TxPerSec, got.CPUNSPerTx), got.TxPerSec >= 400_000)
}

func TestMeasuredOmission(t *testing.T) {
	o := measureOmission(t, 4000, sleepFine)
	o.check(t)
	near := func(a, b time.Duration) bool { return max(a, b)-min(a, b) <= b/20 }
	row(t, "freezes of 1 s in 10: p99 (closed loop "+o.closedP99.Round(time.Microsecond).String()+")",
		fmt.Sprintf("%v ± 5 %%", o.exactP99.Round(time.Millisecond)), o.p99.String(), near(o.p99, o.exactP99))
	row(t, "  p99.9 (closed loop "+o.closedP999.Round(time.Microsecond).String()+")",
		fmt.Sprintf("%v ± 5 %%", o.exactP999.Round(time.Millisecond)), o.p999.String(), near(o.p999, o.exactP999))
}
