package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/chainweir/weir/results"
)

func runHere(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = execute(t.Context(), args, &out, &err)
	return code, out.String(), err.String()
}

func TestUsageErrors(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	empty := t.TempDir()
	for _, c := range []struct {
		args []string
		text string
	}{
		{[]string{"--rounds", "2"}, "--rounds 2: use 3 to 100"},
		{[]string{"--rounds", "x"}, "rounds"},
		{[]string{"--budget", "2m"}, "--budget 2m0s: 3 rounds need 3m30s or more"},
		{[]string{"--budget", "25h"}, "24h0m0s is the most"},
		{[]string{"--trial", "2500ms"}, "--trial 2.5s: use whole seconds"},
		{[]string{"--trial", "1s"}, "--trial 1s"},
		{[]string{"--p99", "1ms"}, "--p99 1ms: use 50ms to 10s"},
		{[]string{"--conns", "0"}, "--conns 0: use 1 to 64"},
		{[]string{"--at-least", "NaN"}, "--at-least NaN"},
		{[]string{"--at-least", "-1"}, "--at-least -1"},
		{[]string{"--wrong"}, "--help"},
		{[]string{"more"}, `unexpected argument "more"`},
		{[]string{"--weir", filepath.Join(empty, "weir")}, "run make build first"},
		{[]string{"--weir", self, "--bin", empty, "--install=false"}, "is not there; build it by\n  GOBIN=" + empty + " go install -tags pebbledb github.com/cometbft/cometbft/cmd/cometbft@v0.40.0 "},
	} {
		code, stdout, stderr := runHere(t, c.args...)
		if code != exitUsage || !strings.Contains(stderr, c.text) || stdout != "" {
			t.Errorf("%q: exit code %d, stderr %q, stdout %q; want %d and %q", c.args, code, stderr, stdout, exitUsage, c.text)
		}
	}
	if code, stdout, stderr := runHere(t, "--help"); code != exitOK || !strings.HasPrefix(stdout, "nodepeers finds the knee") || stderr != "" {
		t.Errorf("--help: exit code %d, %q, %q", code, stdout, stderr)
	}
}

func TestExitCodes(t *testing.T) {
	for err, want := range map[error]int{
		errors.Join(nil, context.Canceled): exitInconclusive,
		usagef("no"):                       exitUsage,
		inconclusivef("no"):                exitInconclusive,
		errHelp:                            exitOK,
		fmt.Errorf("x: %w", &exitError{exitFailed, errors.New("y")}): exitFailed,
	} {
		if got := exitCode(err); got != want {
			t.Errorf("%v: exit code %d, want %d", err, got, want)
		}
	}
}

// answer is what `weir run --json` prints, as far as it is read.
func answer(t *testing.T, change func(*results.Summary)) []byte {
	t.Helper()
	lower, upper, p99 := 1000.0, 1050.0, 12.0
	s := results.Summary{Valid: true, Knee: results.Knee{LowerTxPerSec: &lower, UpperTxPerSec: &upper, Confirmed: true},
		LatencyMS: results.SummaryLatency{Commit: results.Percentiles{P99: &p99}},
		Trials: []results.TrialShort{
			{OfferedTxPerSec: 1000, Verdict: "good", Counts: results.Counts{Offered: 2000, Committed: 1990}},
			{OfferedTxPerSec: 1000, Verdict: "good", Counts: results.Counts{Offered: 2000, Committed: 2000}},
			{OfferedTxPerSec: 1000, Verdict: "bad", Counts: results.Counts{Offered: 2000, Committed: 10}},
			{OfferedTxPerSec: 500, Verdict: "good", Counts: results.Counts{Offered: 1000, Committed: 500}},
		}}
	if change != nil {
		change(&s)
	}
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReadWeir(t *testing.T) {
	k, err := readWeir(answer(t, nil))
	if err != nil || k.LowerTxPerSec != 1000 || k.UpperTxPerSec != 1050 || k.CommittedTxPerSec != 997.5 || k.P99MS != 12 || k.P50MS != 0 {
		t.Errorf("%+v, %v", k, err)
	}
	for name, change := range map[string]func(*results.Summary){
		"invalid":     func(s *results.Summary) { s.Valid, s.Warnings = false, []string{"noise"} },
		"unconfirmed": func(s *results.Summary) { s.Knee.Confirmed = false },
		"no knee":     func(s *results.Summary) { s.Knee.LowerTxPerSec = nil },
		"no trial":    func(s *results.Summary) { s.Trials = nil },
	} {
		if _, err := readWeir(answer(t, change)); !errors.Is(err, errNoKnee) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{"", "{", `{"schema":"weir.run/9"}`} {
		if _, err := readWeir([]byte(text)); err == nil || errors.Is(err, errNoKnee) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestSLO(t *testing.T) {
	if got := slo(1500 * time.Millisecond); got != "p99<1.5s,loss<1%" {
		t.Error(got)
	}
}

// reportOf has a round for each pair of knees; 0 stands for unknown.
func reportOf(least float64, knees ...[2]float64) *report {
	r := newReport(results.Env{Warnings: []results.EnvWarning{{Code: "x", Text: "something runs", Remedy: "stop it"}}}, options{limit: time.Second, least: least})
	for _, k := range knees {
		var rd round
		if k[0] > 0 {
			rd.Comet = bracket{Lower: &trial{OfferedTxPerSec: k[0], CommittedTxPerSec: k[0]}, Upper: 1.1 * k[0]}
		}
		if k[1] > 0 {
			rd.Weir = &weirKnee{LowerTxPerSec: k[1], CommittedTxPerSec: k[1]}
		}
		r.Rounds = append(r.Rounds, rd)
	}
	r.conclude()
	return r
}

func TestConclude(t *testing.T) {
	r := reportOf(3.5, [2]float64{100, 400}, [2]float64{100, 300}, [2]float64{0, 900}, [2]float64{100, 500})
	q := r.Ratio
	if q == nil || q.Median != 4 || q.Low != 3 || q.High != 5 || q.Confidence != 0.75 || math.Abs(q.Cautious-4/1.1) > 1e-9 {
		t.Fatalf("%+v", q)
	}
	if err := r.verdict(); err != nil {
		t.Error(err)
	}
	if r.Rounds[2].Ratio != nil || r.Rounds[0].Ratio == nil {
		t.Errorf("%+v", r.Rounds)
	}
	if err := reportOf(4.5, [2]float64{100, 400}, [2]float64{100, 300}, [2]float64{100, 500}).verdict(); exitCode(err) != exitFailed || !strings.Contains(err.Error(), "4.00 is below the 4.50") {
		t.Error(err)
	}
	few := reportOf(0, [2]float64{100, 400}, [2]float64{100, 300}, [2]float64{100, 0})
	if few.Ratio != nil || exitCode(few.verdict()) != exitInconclusive {
		t.Errorf("%+v, %v", few.Ratio, few.verdict())
	}
	var many [][2]float64
	for i := range 8 {
		many = append(many, [2]float64{1, float64(i + 1)})
	}
	if q := reportOf(0, many...).Ratio; q == nil || q.Confidence < 0.95 || q.Low != 1 || q.High != 8 {
		t.Errorf("%+v", q)
	}
}

func TestWrite(t *testing.T) {
	r := reportOf(3.5, [2]float64{100, 400}, [2]float64{100, 300}, [2]float64{0, 900}, [2]float64{100, 500})
	var text, object bytes.Buffer
	if err := errors.Join(r.write(&text, false), r.write(&object, true)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"cometbft v0.40.0", "weir ÷ CometBFT  4.00, interval 3.00–5.00 (75 % confidence over 3 rounds)", "asked for: 3.50 or more, reached",
		"unknown", "WARNING  something runs: stop it", "checks no signature"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, text.String())
		}
	}
	for i, line := range strings.Split(text.String(), "\n") {
		if n := len([]rune(line)); n > 120 {
			t.Errorf("line %d has %d columns", i+1, n)
		}
	}
	var back report
	if err := json.Unmarshal(object.Bytes(), &back); err != nil || back.Schema != schema || back.Ratio == nil || *back.Ratio != *r.Ratio || len(back.Rounds) != 4 || len(back.Notes) == 0 {
		t.Errorf("%v: %s", err, object.String())
	}
}

// TestChildStops: a child that runs is stopped, one that has ended is an error
// with its last words.
func TestChildStops(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("uses sleep and sh")
	}
	c, err := startChild(exec.Command("sleep", "600"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.ended(), c.stop()); err != nil || c.cmd.ProcessState == nil {
		t.Errorf("%v, %v", err, c.cmd.ProcessState)
	}
	if c, err = startChild(exec.Command("sh", "-c", "echo out of memory >&2; exit 3")); err != nil {
		t.Fatal(err)
	}
	<-c.exited
	if err := c.stop(); !errors.Is(err, errEnded) || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "out of memory") {
		t.Error(err)
	}
}

func TestTail(t *testing.T) {
	var l tail
	if l.last() != "it said nothing" {
		t.Error(l.last())
	}
	fmt.Fprint(&l, strings.Repeat("x", 2*tailBytes), "\xff end\n")
	if s := l.last(); len(s) > tailBytes || !strings.HasSuffix(s, "x? end") {
		t.Errorf("%d bytes, %q", len(s), s[len(s)-10:])
	}
}
