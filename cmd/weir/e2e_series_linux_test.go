package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chainweir/weir/results"
)

// interrupt ends a run when its folder has what the test waits for.
func interrupt(t *testing.T, dir string, ready func() bool, args ...string) outcome {
	t.Helper()
	cmd := weirCommand(t, dir, args...)
	var out, errOut strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if !until(e2eTimeout, ready) {
		t.Errorf("what the test waits for does not come: %s", errOut.String())
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // its exit code is what counts
	return outcome{out.String(), errOut.String(), cmd.ProcessState.ExitCode()}
}

// trialsIn counts the trials in a record that is being written.
func trialsIn(path string) int {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	return strings.Count(string(b), `"type":"trial"`)
}

// TestResumeARun: an interrupted search is begun again with its settings, near
// where it was; what was measured is kept.
func TestResumeARun(t *testing.T) {
	needTime(t)
	t.Parallel()
	dir := e2eTemp(t)
	record := filepath.Join(dir, "out", "record.jsonl")
	out := interrupt(t, dir, func() bool { return trialsIn(record) >= 2 },
		"run", "--json", "--budget", "30s", "--accounts", "256", "--seed", "7", "--probe", "app", "--out", "out")
	if out.code != exitInconclusive {
		t.Fatalf("interrupted, and exit code %d: %s", out.code, out.stderr)
	}
	for _, c := range []struct{ args, want string }{
		{"--seed 8", "--seed"}, {"--conns 3", "--conns"}, {"--sweep conns=1,2", "--sweep"}, {"--validate", "--validate"},
	} {
		bad := weir(t, dir, append([]string{"run", "--resume", "out"}, strings.Fields(c.args)...)...)
		if bad.code != exitUsage || !strings.Contains(bad.stderr, c.want) || !strings.Contains(bad.stderr, "leave the flag out") {
			t.Errorf("other settings, %s: %s", c.args, bad)
		}
	}
	out = weir(t, dir, "run", "--resume", "out", "--budget", "7s", "--json")
	s := readRun(t, out, filepath.Join(dir, "out"))
	if s.Seed != 7 || s.Wire.Source != results.WireApp {
		t.Errorf("seed %d and source %q, want those of the run that was interrupted", s.Seed, s.Wire.Source)
	}
	if trialsIn(record+".interrupted-1") < 2 {
		t.Error("the trials of the interrupted run are gone")
	}
	again := weir(t, dir, "run", "--resume", "out", "--json")
	if again.code != out.code || again.stdout != out.stdout || !strings.Contains(again.stderr, "nothing to continue") {
		t.Errorf("a finished run: %s", again)
	}
}

// TestSweepGoesOn measures one of two points, is interrupted, and measures only
// the other one then.
func TestSweepGoesOn(t *testing.T) {
	needTime(t)
	t.Parallel()
	dir := e2eTemp(t)
	second := filepath.Join(dir, "out", "02-size-400", "record.jsonl")
	out := interrupt(t, dir, func() bool { return trialsIn(second) >= 1 },
		"run", "--json", "--sweep", "size=100,400", "--budget", "31s", "--accounts", "256", "--max-rate", "300", "--probe", "app", "--out", "out")
	if out.code != exitInconclusive || !strings.Contains(out.stderr, "--resume out") {
		t.Fatalf("interrupted: %s", out)
	}
	first := filepath.Join(dir, "out", "01-size-100", "record.jsonl")
	before, err := os.Stat(first)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	out = weir(t, dir, "run", "--resume", "out", "--budget", "16s", "--json")
	after, err := os.Stat(first)
	if err != nil {
		t.Fatal(err)
	}
	if !after.ModTime().Equal(before.ModTime()) || after.ModTime().After(began) {
		t.Error("the finished point was measured again")
	}
	var res struct {
		Schema string
		Points []struct {
			Name   string
			Values map[string]float64
			Record string
		}
	}
	if err := json.Unmarshal([]byte(out.stdout), &res); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if res.Schema != "weir.sweep/1" || len(res.Points) != 2 || res.Points[1].Values["size"] != 400 {
		t.Errorf("%+v", res)
	}
	rec, err := results.ReadFile(second, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range results.CheckRecord(rec) {
		t.Errorf("the record of the second point: %s", v)
	}
	if rec.Summary == nil || rec.Summary.Workload != "kv-400" || rec.Summary.Wire.TxBytes == nil || *rec.Summary.Wire.TxBytes < 600 {
		t.Errorf("the second point's transactions: %+v", rec.Summary)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "out", "points.csv")); err != nil || !strings.HasPrefix(string(b), "n,x\n") {
		t.Errorf("points.csv: %q, %v", b, err)
	}
	if err := os.WriteFile(first, []byte("{}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out := weir(t, dir, "run", "--resume", "out"); out.code != exitUsage || !strings.Contains(out.stderr, "was changed") {
		t.Errorf("a record that was changed: %s", out)
	}
}
