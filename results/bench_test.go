package results

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"golang.org/x/perf/benchfmt"
)

func TestBenchRoundTrip(t *testing.T) {
	var buf bytes.Buffer
	w := NewBenchWriter(&buf)
	env, a, b := sampleEnv(), sampleSummary(), sampleSummary()
	b.Knee.LowerTxPerSec = new(91000.5)
	b.Wire.BytesPerTx.Out = nil // unknown: the column is left out
	for _, s := range []Summary{a, b} {
		if err := w.Write(&env, s); err != nil {
			t.Fatal(err)
		}
	}
	text := buf.String()
	r := benchfmt.NewReader(&buf, "bench.txt")
	var runs []*benchfmt.Result
	for r.Scan() {
		switch rec := r.Result().(type) {
		case *benchfmt.Result:
			runs = append(runs, rec.Clone())
		case *benchfmt.SyntaxError:
			t.Errorf("%v in\n%s", rec, text)
		}
	}
	if err := r.Err(); err != nil || len(runs) != 2 {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	for unit, want := range map[string]int{"tx/s": 1, "commit-p99-sec": -1, "wire-in-B/tx": -1, "cpu-sec/tx": -1} {
		if got := r.Units().GetBetter(unit); got != want {
			t.Errorf("better of %s is %d", unit, got)
		}
	}
	want := func(res *benchfmt.Result, unit string, value float64) {
		t.Helper()
		if got, ok := res.Value(unit); !ok || math.Abs(got-value) > 1e-12*math.Abs(value) {
			t.Errorf("%s = %v %v, want %v", unit, got, ok, value)
		}
	}
	want(runs[0], "tx/s", 92400)
	want(runs[0], "commit-p99-sec", 0.041)
	want(runs[0], "wire-out-B/tx", 38)
	want(runs[0], "cpu-sec/tx", 10.6e-6)
	want(runs[1], "tx/s", 91000.5)
	if _, ok := runs[1].Value("wire-out-B/tx"); ok {
		t.Error("an unknown value was written")
	}
	if got := string(runs[0].Name); got != "Knee/workload=transfer/engine=solo/nodes=1" {
		t.Errorf("name %q", got)
	}
	for key, value := range map[string]string{"goos": "linux", "cpu": "AMD EPYC 9555", "slo": "p99<2s,loss<0.1%", "link": "loopback"} {
		if got := runs[1].GetConfig(key); got != value {
			t.Errorf("%s: %q", key, got)
		}
	}
	// Anything that differs between two runs of one machine would keep the
	// tools from comparing them.
	for _, banned := range []string{a.Record, a.Host, "2026", "seed"} {
		if strings.Contains(text, banned) {
			t.Errorf("%q is in\n%s", banned, text)
		}
	}
	if n := strings.Count(text, "Unit tx/s better=higher"); n != 1 {
		t.Errorf("%d unit lines in\n%s", n, text)
	}
}

func TestBenchRefusesWhatMustNotBeCompared(t *testing.T) {
	var buf bytes.Buffer
	w := NewBenchWriter(&buf)
	invalid, unconfirmed, unknown, nan := sampleSummary(), sampleSummary(), sampleSummary(), sampleSummary()
	invalid.Valid = false
	unconfirmed.Knee.Confirmed = false
	unknown.Knee.LowerTxPerSec = nil
	for _, s := range []Summary{invalid, unconfirmed, unknown} {
		if err := w.Write(nil, s); !errors.Is(err, ErrNotABenchmark) {
			t.Errorf("%v", err)
		}
	}
	nan.Demand.CPU = new(math.NaN())
	if err := w.Write(nil, nan); !errors.Is(err, ErrNotFinite) {
		t.Errorf("%v", err)
	}
	if buf.Len() != 0 {
		t.Errorf("written: %s", &buf)
	}
}

func TestBenchNamesCannotBreakTheFormat(t *testing.T) {
	s := sampleSummary()
	s.Workload, s.Engine, s.SLO = "a b/c=d\n\u00a0x", "", "p99<2s\nBenchmarkFake 1 1 tx/s"
	var buf bytes.Buffer
	if err := NewBenchWriter(&buf).Write(nil, s); err != nil {
		t.Fatal(err)
	}
	r := benchfmt.NewReader(&buf, "bench.txt")
	var names []string
	for r.Scan() {
		if res, ok := r.Result().(*benchfmt.Result); ok {
			names = append(names, string(res.Name))
		}
	}
	if len(names) != 1 || names[0] != "Knee/workload=a_b_c_d__x/engine=none/nodes=1" {
		t.Errorf("%q", names)
	}
}
