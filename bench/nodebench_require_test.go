package bench

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"golang.org/x/perf/benchfmt"
	"pgregory.net/rapid"

	"github.com/chainweir/weir/bench/knee"
)

func TestJudge(t *testing.T) {
	const none = 0
	for _, c := range []struct {
		name                     string
		atMost                   bool
		asked, aim, low, m, high float64 // m none: not measured, low none: no interval
		want                     Verdict
	}{
		{"above the aim", false, 10, 20, 19, 20, 22, AimMet},
		{"between", false, 10, 20, 9, 10, 22, Met},
		{"interval reaches", false, 10, 20, 8, 9, 10, InDoubt},
		{"interval misses", false, 10, 20, 8, 9, 9.9, NotMet},
		{"no interval", false, 10, 20, none, 9, none, NotMet},
		{"not measured", false, 10, 20, none, none, none, NotMeasured},
		{"time below the aim", true, 20, 10, 9, 10, 30, AimMet},
		{"time between", true, 20, 10, 9, 20, 30, Met},
		{"time, interval reaches", true, 20, 10, 20, 21, 30, InDoubt},
		{"time, interval misses", true, 20, 10, 20.1, 21, 30, NotMet},
	} {
		q := Requirement{Asked: c.asked, Aim: c.aim, AtMost: c.atMost}
		if c.m != none {
			q.Median = &c.m
		}
		if c.low != none {
			q.CI95 = &[2]float64{c.low, c.high}
		}
		if q.judge(); q.Verdict != c.want {
			t.Errorf("%s: %s, want %s", c.name, q.Verdict, c.want)
		}
	}
}

// A better median with the same spread never gets a worse verdict.
func TestJudgeIsMonotonic(t *testing.T) {
	order := []Verdict{NotMet, InDoubt, Met, AimMet}
	rapid.Check(t, func(t *rapid.T) {
		asked := rapid.Float64Range(1, 100).Draw(t, "asked")
		q := Requirement{Asked: asked, Aim: asked * rapid.Float64Range(1, 2).Draw(t, "aim")}
		x := rapid.Float64Range(0, 300).Draw(t, "median")
		better := x + rapid.Float64Range(0, 100).Draw(t, "gain")
		spread := rapid.Float64Range(0, 50).Draw(t, "spread")
		rank := func(m float64, atMost bool) int {
			q := q
			if q.AtMost = atMost; atMost {
				q.Asked, q.Aim, m = -q.Asked, -q.Aim, -m
			}
			q.Median, q.CI95 = &m, &[2]float64{m - spread, m + spread}
			q.judge()
			return slices.Index(order, q.Verdict)
		}
		if rank(better, false) < rank(x, false) || rank(better, true) < rank(x, true) {
			t.Fatalf("%v is judged worse than %v", better, x)
		}
	})
}

// goodBench is a report in which every figure is reached.
func goodBench() *NodeBench {
	many := func(x float64) []float64 { return slices.Repeat([]float64{x}, 12) }
	row := func(mode string, tps float64) NodeBenchRow {
		return NodeBenchRow{Mode: mode, Accounts: 1 << 20, TxPerSecSamples: many(tps), RatioSamples: many(0.94), AllocsPerTx: 0.009}
	}
	lower, upper := 135_000.0, 140_000.0
	return &NodeBench{
		Rows:      []NodeBenchRow{row(ModeSigned, 151_000), row(ModeSignedCached, 191_000), row(ModeUnsigned, 2e6)},
		StateRoot: &StateRootBench{Accounts: 1 << 20, Samples: many(1.4)}, Durable: &DurableBench{Samples: many(1.01)},
		Memory:  &MemoryBench{Accounts: 1 << 20, HeapBytes: 240e6},
		Wire:    &WireBench{LowerTxPerSec: &lower, UpperTxPerSec: &upper, Confirmed: true, CommittedSamples: many(135_000), P99MSSamples: many(15)},
		Restart: &RestartBench{LogTxs: 10_000_000, Behind: 2_000_000, Samples: many(3)},
	}
}

// Every row of the table is reached by a good report, missed by a bad one, and
// one that was not measured is neither.
func TestConcludeEveryRow(t *testing.T) {
	good := goodBench()
	if met, complete := good.Conclude(); !met || !complete || len(good.Required) != len(requirements) {
		t.Fatalf("%+v", good.Required)
	}
	for _, q := range good.Required {
		if want := AimMet; q.Verdict != want && q.name != "ToCometBFT" {
			t.Errorf("%s: %s", q.Row, q.Verdict)
		}
	}
	for i, spoil := range []func(*NodeBench){
		func(r *NodeBench) { r.Rows[1].RatioSamples = []float64{0.8} },
		func(r *NodeBench) { r.Rows[0].RatioSamples = []float64{0.8} },
		func(r *NodeBench) { r.Rows[1].TxPerSecSamples = []float64{164_000} },
		func(r *NodeBench) { r.Rows[0].TxPerSecSamples = []float64{134_000} },
		func(r *NodeBench) { r.Rows[2].TxPerSecSamples = []float64{9e5} },
		func(r *NodeBench) { r.Wire.CommittedSamples, r.Wire.UpperTxPerSec = []float64{80_000}, nil },
		nil, // CometBFT
		func(r *NodeBench) { r.Wire.P99MSSamples = []float64{51} },
		func(r *NodeBench) { r.StateRoot.Samples = []float64{2.6} },
		func(r *NodeBench) { r.Durable.Samples = []float64{1.21} },
		func(r *NodeBench) { r.Rows[1].AllocsPerTx = 1 },
		func(r *NodeBench) { r.Memory.HeapBytes = 401e6 },
		func(r *NodeBench) { r.Restart.Samples = []float64{16} },
	} {
		if spoil == nil {
			continue
		}
		r := goodBench()
		spoil(r)
		if met, complete := r.Conclude(); met || !complete || r.Required[i].Verdict != NotMet {
			t.Errorf("row %d, %s: %s", i, r.Required[i].Row, r.Required[i].Verdict)
		}
	}
	empty := &NodeBench{}
	if met, complete := empty.Conclude(); !met || complete {
		t.Errorf("nothing was measured: met %v, complete %v", met, complete)
	}
	for _, q := range empty.Required {
		if q.Verdict != NotMeasured && q.name != "Allocs" {
			t.Errorf("%s: %s", q.Row, q.Verdict)
		}
	}
}

// A node that carries nothing, or that loses what it is given, misses its rows
// however good the few samples are.
func TestConcludeCollapse(t *testing.T) {
	verdict := func(row string, spoil func(*WireBench)) Verdict {
		r := goodBench()
		spoil(r.Wire)
		good, _ := r.Conclude()
		q := r.Required[slices.IndexFunc(r.Required, func(q Requirement) bool { return q.name == row })]
		if good == (q.Verdict == NotMet) {
			t.Errorf("%s is %s, all is good: %v", row, q.Verdict, good)
		}
		return q.Verdict
	}
	for _, c := range []struct {
		upper float64
		want  Verdict
	}{{5_000, NotMet}, {90_000, NotMet}, {90_001, NotMeasured}} {
		got := verdict("OverTCP", func(w *WireBench) {
			w.LowerTxPerSec, w.UpperTxPerSec, w.CommittedSamples, w.P99MSSamples = nil, &c.upper, nil, nil
		})
		if got != c.want {
			t.Errorf("not even %.0f tx/s hold: %s, want %s", c.upper, got, c.want)
		}
	}
	trial := func(late, sent, committed int64, invalid string) knee.Observation {
		return knee.Observation{Offered: 1000, DroppedGenerator: late, Sent: sent, Committed: committed, Invalid: invalid, Commit: &knee.Latency{P99NS: 1e6}}
	}
	for _, c := range []struct {
		name    string
		o       knee.Observation
		samples int
		want    Verdict
	}{
		{"whole", trial(0, 1000, 1000, ""), 1, AimMet},
		{"few lost", trial(0, 1000, 999, ""), 1, AimMet},
		{"many lost", trial(0, 1000, 900, ""), 1, NotMet},
		{"not taken", trial(0, 900, 900, ""), 1, NotMet},
		{"generator behind", trial(100, 900, 900, ""), 0, NotMeasured},
		{"invalid", trial(0, 1000, 1000, "the clock jumped"), 0, NotMeasured},
	} {
		var samples, notes int
		got := verdict("CommitP99/load=half", func(w *WireBench) {
			w.P99MSSamples = nil
			w.trialAtHalf(1, c.o)
			samples, notes = len(w.P99MSSamples), len(w.Notes)
		})
		if got != c.want || samples != c.samples || (notes > 0) != (c.name != "whole") {
			t.Errorf("%s: %s with %d samples and %d notes, want %s with %d", c.name, got, samples, notes, c.want, c.samples)
		}
	}
}

// A row that was measured with less than it says is not judged.
func TestConcludeSmallerSizes(t *testing.T) {
	r := goodBench()
	for i := range r.Rows {
		r.Rows[i].Accounts = 2048
	}
	r.StateRoot.Accounts, r.Memory.Accounts, r.Restart.Behind = 2048, 2048, 999_999
	if met, complete := r.Conclude(); !met || complete {
		t.Errorf("figures of another size: met %v, complete %v", met, complete)
	}
	other := 0
	for _, q := range r.Required {
		if q.other {
			other++
		}
		if q.other && q.Verdict != NotMeasured {
			t.Errorf("%s: %s", q.Row, q.Verdict)
		}
	}
	if want := 8; other != want {
		t.Errorf("%d rows are of another size, want %d: %+v", other, want, r.Required)
	}
}

// The benchmark text has every sample, in a unit whose better end is told, and
// reads back with the tools' own reader.
func TestNodeBenchText(t *testing.T) {
	r := goodBench()
	r.Conclude()
	b, err := r.Text()
	if err != nil {
		t.Fatal(err)
	}
	samples := 0
	for _, q := range r.Required {
		samples += len(q.Samples)
	}
	units, lines := map[string]string{}, 0
	rd := benchfmt.NewReader(bytes.NewReader(b), "text")
	for rd.Scan() {
		switch rec := rd.Result().(type) {
		case *benchfmt.Result:
			lines++
			for _, v := range rec.Values {
				if _, ok := units[v.Unit]; !ok {
					t.Errorf("%s has the unit %s, of which nothing is told", rec.Name, v.Unit)
				}
			}
			if string(rec.Name) == "NodeRestart" && rec.Values[0].Value != 3 {
				t.Errorf("restart of 3 s: %v", rec.Values)
			}
			if string(rec.Name) == "NodeStateRoot" && (rec.Values[0].Value != 1.4e-3 || rec.Values[0].Unit != "sec") {
				t.Errorf("state root of 1.4 ms: %v", rec.Values)
			}
		case *benchfmt.UnitMetadata:
			units[rec.Unit] = rec.Value
		case *benchfmt.SyntaxError:
			t.Error(rec)
		}
	}
	if err := rd.Err(); err != nil {
		t.Fatal(err)
	}
	if lines != samples {
		t.Errorf("%d lines for %d samples", lines, samples)
	}
	for unit, better := range map[string]string{"ratio": "higher", "time-ratio": "lower", "tx/s": "higher", "sec": "lower", "B": "lower"} {
		if units[unit] != better {
			t.Errorf("%s is better when %q", unit, units[unit])
		}
	}
	if !strings.Contains(string(b), "# restart, 10 M transactions in the log: asked ≤ 15 s, measured 3 s [3, 3]: aim met\n") {
		t.Errorf("the comments lack a verdict:\n%s", b)
	}
}

// A restart from a short log loads its snapshot and executes a fifth again.
func TestBenchRestart(t *testing.T) {
	cfg := NodeBenchConfig{Dir: t.TempDir(), RestartTxs: RestartTxsMin, Progress: func(string) {}}
	r, err := benchRestart(t.Context(), &cfg)
	if err != nil {
		t.Fatal(err)
	}
	if r.LogTxs != RestartTxsMin || r.Behind != RestartTxsMin/5 || len(r.Samples) != restartStarts || slices.Min(r.Samples) <= 0 {
		t.Errorf("%+v", r)
	}
}
