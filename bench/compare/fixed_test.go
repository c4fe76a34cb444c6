package compare

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/chainweir/weir/results"
)

// fixedTrial is a valid trial with a window; its commit latencies are those given.
func fixedTrial(t *testing.T, id int, phase results.Phase, committed int64, latencies ...int64) (results.Trial, results.Window) {
	t.Helper()
	h := hdrhistogram.New(1, 60_000_000, 3)
	for _, v := range latencies {
		if err := h.RecordValue(v); err != nil {
			t.Fatal(err)
		}
	}
	enc, err := results.EncodeHistogram(h, "commit", 1000, 0)
	if err != nil {
		t.Fatal(err)
	}
	one, rate, count := 1., float64(committed), func(v int64) *int64 { return &v }
	counts := results.Counts{Offered: committed, Sent: committed, Accepted: committed, Committed: committed}
	tr := results.Trial{
		ID: id, Phase: phase, Schedule: "constant", StartedAt: lineTime, OfferedTxPerSec: 5000, DurationSec: 1, WindowSec: &one,
		Counts: counts, Fidelity: &one, CommittedTxPerSec: &rate, Valid: true, Verdict: results.VerdictGood,
		Wire: &results.WireCounters{
			In: results.WireDirection{Bytes: count(200 * committed)}, Out: results.WireDirection{Bytes: count(50 * committed)},
		},
		Node: &results.NodeUsage{CPUUserNS: count(20_000 * committed), CPUSysNS: count(5_000 * committed)},
	}
	tr.LatencyMS.Commit = results.QuantilesMS(h, 1000, 0)
	return tr, results.Window{TrialID: id, DurationNS: 1e9, Counts: counts, Histograms: []results.Histogram{enc}}
}

func writeFixed(t *testing.T, dir, name string, rec results.Record) {
	t.Helper()
	rec.Summary.Workload, rec.Summary.StartedAt, rec.Summary.Valid = "transfer", lineTime, true
	folder := filepath.Join(dir, name)
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := results.WriteRecord(filepath.Join(folder, recordName), rec); err != nil {
		t.Fatal(err)
	}
}

// loadRuns are the records of weir load --out, one for each number of commits.
func loadRuns(t *testing.T, committed ...int64) string {
	t.Helper()
	dir := t.TempDir()
	for i, n := range committed {
		tr, w := fixedTrial(t, 1, results.PhaseLatency, n, 1000, 2000, 3000)
		writeFixed(t, dir, fmt.Sprintf("run%02d", i), results.Record{Trials: []results.Trial{tr}, Windows: []results.Window{w}, Summary: &results.Summary{}})
	}
	return dir
}

// soakRun is the record of a soak of a warm-up and three pieces, the last of
// which is slow.
func soakRun(t *testing.T, slowest int64, growth float64) string {
	t.Helper()
	f := func(v float64) *float64 { return &v }
	rec := results.Record{Summary: &results.Summary{Soak: &results.Soak{
		Verdict: results.SoakSteady, Reason: "no trend", OfferedTxPerSec: 5000, LoadSec: 4, PieceSec: 1, Pieces: 4, WarmUp: 1,
		Drift: []results.Drift{
			{Metric: "memory_bytes", Unit: "B", First: f(1e6), Last: f(1e6 * growth), Median: f(1e6), Limit: .1, Worse: "up", Verdict: results.SoakSteady},
			{Metric: "commit_p50_ms", Unit: "ms", Limit: .1, Worse: "up", Verdict: results.SoakInconclusive},
		},
	}}}
	for id, latency := range []int64{60_000_000, 1000, 1000, slowest} {
		all := make([]int64, 100)
		for i := range all {
			all[i] = latency
		}
		tr, w := fixedTrial(t, id+1, results.PhaseSoak, int64(4000+100*id), all...)
		rec.Trials, rec.Windows = append(rec.Trials, tr), append(rec.Windows, w)
	}
	dir := t.TempDir()
	writeFixed(t, dir, "run", rec)
	return filepath.Join(dir, "run")
}

func rowOf(t *testing.T, res *Result, metric string) Row {
	t.Helper()
	for _, row := range res.Rows {
		if row.Metric == metric {
			return row
		}
	}
	t.Fatalf("no row %s in %+v", metric, res.Rows)
	return Row{}
}

// Two loads of a fixed rate are compared by what was committed of it and by what
// it cost, with the rules of all other comparisons.
func TestFixedRates(t *testing.T) {
	base := loadRuns(t, 4900, 4910, 4890, 4905, 4895, 4902)
	head := loadRuns(t, 4400, 4410, 4390, 4405, 4395, 4402)
	res := mustCompare(t, base, head, opt3)
	if res.Verdict != Slower {
		t.Errorf("%s: %+v", res.Verdict, res.Rows)
	}
	if row := rowOf(t, res, "tps"); row.Verdict != Slower || row.BaseRuns != 6 || row.CI95 == nil || math.Abs(*row.Ratio-4401./4901) > .001 {
		t.Errorf("%+v", row)
	}
	for metric, want := range map[string]float64{"wire_bytes_per_tx": 250, "wire_bytes_per_tx_in": 200, "node_cpu_sec_per_tx": 25e-6, "fidelity": 1} {
		if row := rowOf(t, res, metric); math.Abs(row.Base-want) > 1e-9*want || row.Verdict != Same {
			t.Errorf("%+v, want %v", row, want)
		}
	}
	if p50 := rowOf(t, res, "p50"); math.Abs(p50.Base-2) > .01 {
		t.Errorf("%+v", p50)
	}
	// One run of each: the figures, no interval, and how many runs it takes.
	one := mustCompare(t, filepath.Join(base, "run00"), filepath.Join(head, "run00"), opt3)
	row := rowOf(t, one, "tps")
	if one.Verdict != Inconclusive || row.CI95 != nil || row.Base != 4900 || row.Head != 4400 || !strings.Contains(row.Reason, "one run against one run") || row.RunsFor == nil {
		t.Errorf("%s: %+v", one.Verdict, row)
	}
	if text := strings.Join(res.Notes, "\n"); !strings.Contains(text, "fixed rate") || strings.Contains(text, "knee is not confirmed") || strings.Contains(text, "own knee") {
		t.Errorf("%s", text)
	}
	// A knee is no fixed rate.
	if _, err := Files(base, runFolder(t, nil, 90_000), opt3); !errors.Is(err, ErrClass) || !strings.Contains(err.Error(), "measured: a load of one schedule against a search for the knee") {
		t.Errorf("%v", err)
	}
}

// Of a soak, the warm-up takes no part, latencies are those of the merged
// histograms, and what drifts is beside what stands.
func TestSoaks(t *testing.T) {
	res := mustCompare(t, soakRun(t, 9000, 1.02), soakRun(t, 40_000, 1.5), opt3)
	if res.Verdict != Inconclusive {
		t.Errorf("one run of each decides: %s", res.Verdict)
	}
	for metric, want := range map[string][2]float64{
		"tps": {4200, 4200}, "p50": {1, 1}, "p99": {9, 40}, "wire_bytes_per_tx": {250, 250},
		"memory_bytes": {1e6, 1e6}, "memory_bytes_drift": {1.02, 1.5},
	} {
		row := rowOf(t, res, metric)
		if math.Abs(row.Base-want[0]) > .001*want[0] || math.Abs(row.Head-want[1]) > .001*want[1] || row.CI95 != nil || row.Reason == "" {
			t.Errorf("%+v, want %v", row, want)
		}
	}
	for _, row := range res.Rows {
		if row.Metric == "commit_p50_ms_drift" {
			t.Errorf("a drift that is not known has a row: %+v", row)
		}
	}
	if text := strings.Join(res.Notes, "\n"); !strings.Contains(text, "a soak of 4 s at 5000 tx/s: steady (no trend)") {
		t.Errorf("%s", text)
	}
	if _, err := Files(soakRun(t, 1000, 1), loadRuns(t, 4900), opt3); !errors.Is(err, ErrClass) {
		t.Errorf("a soak against a load: %v", err)
	}
}
