package ci

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/perf/benchfmt"

	"github.com/chainweir/weir/results"
)

// sampleReport is a comparison with a failed gate, a passed one and what stands
// aside.
func sampleReport(t *testing.T, gates string, head float64) Report {
	t.Helper()
	rng := rand.New(rand.NewPCG(5, 6))
	run := script(func(arm Arm, run int) Sample {
		v := 1 + 0.01*rng.Float64()
		if arm == Head {
			v *= head
		}
		long := Metric{Name: "Sum/a|very-long-name-of-a-benchmark sec/op", Unit: "sec/op", Better: Lower}
		return Sample{Values: []Value{{mTPS, 5e4 / v}, {mP99, 11 * jitter(run)}, {mWire, 300}, {long, 1e-7 * jitter(run)}, {mRSS, 1e8}}}
	})
	cfg := config(run, t, gates)
	res, err := Measure(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("/somewhere", 12) + "/weir"
	return NewReport(res, Command{Args: []string{long, "run"}}, Command{Args: []string{"head", "a`b"}}, cfg, results.Env{}, time.Now(), "weir-runs/x")
}

const sampleGates = "tps>=-3%,p99<=+5%,wire_bytes_per_tx<=+1%"

func TestReportText(t *testing.T) {
	for _, gates := range []string{sampleGates, ""} {
		r := sampleReport(t, gates, 1.1)
		var b bytes.Buffer
		if err := r.Text(&b); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
				t.Errorf("%d columns: %s", n, line)
			}
		}
		for _, want := range []string{"FAIL: tps -9", "confirmed by a second measurement", "decides nothing", "weir-runs/x", "smallest change to be seen"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("no %q in\n%s", want, b.String())
			}
		}
	}
}

func TestReportExitCodes(t *testing.T) {
	for outcome, want := range map[Outcome]int{Pass: 0, Fail: 1, Undecided: 3, Noisy: 3} {
		r := NewReport(Result{Outcome: outcome}, Command{Args: []string{"a"}}, Command{Args: []string{"b"}}, Config{}, results.Env{}, time.Now(), "")
		if r.ExitCode != want {
			t.Errorf("%s: exit code %d, want %d", outcome, r.ExitCode, want)
		}
	}
}

func TestReportJSON(t *testing.T) {
	r := sampleReport(t, sampleGates, 1.1)
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Schema  string `json:"schema"`
		Verdict string `json:"verdict"`
		Noisy   *bool  `json:"noisy"`
		Exit    int    `json:"exit_code"`
		Rows    []struct {
			Metric, Unit, Verdict string
			Base, Head, Ratio, P  *float64
			CI95                  []float64
		} `json:"rows"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	row := doc.Rows[0]
	if doc.Schema != "weir.ci/1" || doc.Verdict != "slower" || doc.Noisy == nil || *doc.Noisy || doc.Exit != 1 || row.Metric != "tps" || row.Unit != "tx/s" ||
		row.Base == nil || row.Head == nil || row.Ratio == nil || row.P == nil || len(row.CI95) != 2 || !(row.CI95[0] <= *row.Ratio && *row.Ratio <= row.CI95[1]) {
		t.Errorf("%s", b)
	}
}

func TestReportJUnit(t *testing.T) {
	r := sampleReport(t, sampleGates, 1.1)
	b, err := r.JUnit()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Suites []struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
			Errors   int `xml:"errors,attr"`
			Cases    []struct {
				Name    string    `xml:"name,attr"`
				Failure *struct{} `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(b, &doc); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	s := doc.Suites[0]
	if s.Tests != 3 || s.Failures != 1 || s.Errors != 0 || len(s.Cases) != 3 || s.Cases[0].Name != "tps>=-3%" || s.Cases[0].Failure == nil || s.Cases[1].Failure != nil {
		t.Errorf("%s", b)
	}
	// What is not decided must not look like a pass.
	r = sampleReport(t, sampleGates, 1)
	r.Rows[0].Outcome = Undecided
	if b, err = r.JUnit(); err != nil || !bytes.Contains(b, []byte(`errors="1"`)) || !bytes.Contains(b, []byte(`type="inconclusive"`)) {
		t.Errorf("%v %s", err, b)
	}
}

func TestReportMarkdown(t *testing.T) {
	r := sampleReport(t, "", 1.1)
	text := r.Markdown()
	rows := 0
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "|") {
			rows++
			if n := strings.Count(line, "|") - strings.Count(line, `\|`); n != 9 {
				t.Errorf("%d bars: %s", n, line)
			}
		}
	}
	if rows != 2+len(r.Rows) || !strings.Contains(text, "❌ FAIL") || !strings.Contains(text, "**slower**") || strings.Contains(text, "a`b") {
		t.Errorf("%d rows in\n%s", rows, text)
	}
}

func TestReportBenchText(t *testing.T) {
	r := sampleReport(t, sampleGates, 1.1)
	for arm, want := range map[Arm]int{Base: 16, Head: 8} {
		b, err := r.BenchText(arm)
		if err != nil {
			t.Fatal(err)
		}
		got := make(map[string]int)
		in := benchfmt.NewReader(bytes.NewReader(b), "report")
		for in.Scan() {
			switch rec := in.Result().(type) {
			case *benchfmt.Result:
				got[string(rec.Name)]++
			case *benchfmt.SyntaxError:
				t.Error(rec)
			}
		}
		if len(got) != len(r.Rows) || got["CI/metric=tps"] != want || got["Sum/a|very-long-name-of-a-benchmark"] != want || in.Units().GetBetter("tx/s") != 1 {
			t.Errorf("%v: %v in\n%s", arm, got, b)
		}
	}
}

func TestRecorder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ci.jsonl")
	rec, err := NewRecorder(path, results.Env{Warnings: []results.EnvWarning{{Code: "load_average"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := rec.Run(RunInfo{Phase: PhaseMeasure, Arm: "base", Values: map[string]float64{"time": 1}}); err != nil {
		t.Fatal(err)
	}
	if err := rec.Summary(sampleReport(t, sampleGates, 1)); err != nil {
		t.Fatal(err)
	}
	if err := rec.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for line := range strings.Lines(string(b)) {
		var l struct{ Schema, Type string }
		if err := json.Unmarshal([]byte(line), &l); err != nil || l.Schema != Schema {
			t.Errorf("%v in %.200s", err, line)
		}
		types = append(types, l.Type)
	}
	if strings.Join(types, " ") != "env run summary" {
		t.Errorf("lines %q", types)
	}
	if _, err := NewRecorder(path, results.Env{}); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("a record is overwritten: %v", err)
	}
}
