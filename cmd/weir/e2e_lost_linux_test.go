package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chainweir/weir/results"
)

// whenKilled starts the binary against a node and kills the node as soon as the
// moment has come.
func whenKilled(t *testing.T, dir string, node *e2eNode, now func() bool, args ...string) outcome {
	t.Helper()
	cmd := weirCommand(t, dir, append(args, "--json", "--target", node.target())...)
	var stdout, stderr lockedBuffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // usually it has ended
		_ = cmd.Wait()
	})
	if !until(e2eTimeout, now) {
		t.Fatalf("the moment does not come: %s", stderr.String())
	}
	if err := node.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // its exit code is looked at by the caller
	return outcome{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// trialIn tells whether a record has a trial.
func trialIn(path string) func() bool {
	return func() bool {
		b, err := os.ReadFile(path)
		return err == nil && strings.Contains(string(b), `"type":"trial"`)
	}
}

// TestRunWhoseTargetDies: nothing was wrong with how the run was asked for, but
// it is not valid, and says what happened and when.
func TestRunWhoseTargetDies(t *testing.T) {
	needTime(t)
	dir := e2eTemp(t)
	node := runningNode(t, dir, "chain", "--accounts", "256")
	path := filepath.Join(dir, "out", "record.jsonl")
	out := whenKilled(t, dir, node, trialIn(path), "run", "--budget", "60s", "--max-rate", "2000", "--out", "out")
	s := readRun(t, out, filepath.Join(dir, "out"))
	if out.code != exitInconclusive || !mentionsAll(out.stderr, "cut short", "s after its start, at ", " UTC: ", node.ready.Listen+" was lost ", "refused", "is in out, marked invalid") {
		t.Errorf("%s", out)
	}
	if s.Valid || s.Interrupted || len(s.Trials) == 0 || !mentions(s.Warnings, "the run failed", "cut short", "refused") {
		t.Errorf("valid %v, interrupted %v, %d trials: %q", s.Valid, s.Interrupted, len(s.Trials), s.Warnings)
	}
	if c, code := checkRecord(t, dir, "out"); code != exitOK {
		t.Errorf("the record does not hold: exit code %d: %+v", code, c)
	}
	// There is nothing to continue against: that is known before the start.
	again := weir(t, dir, "run", "--json", "--target", node.target(), "--out", "again")
	if again.code != exitUsage || !mentionsAll(again.stderr, node.ready.Listen, "refused") {
		t.Errorf("a target that is not there: %s", again)
	}
}

func TestSoakWhoseTargetDies(t *testing.T) {
	needTime(t)
	dir := e2eTemp(t)
	node := runningNode(t, dir, "chain", "--accounts", "256")
	path := filepath.Join(dir, "out", "record.jsonl")
	out := whenKilled(t, dir, node, trialIn(path), "run", "--soak", "60s", "--soak-rate", "500", "--out", "out")
	if out.code != exitInconclusive || !mentionsAll(out.stderr, "cut short", "s after its start, at ", "was lost ", "refused", "is in out, marked invalid") {
		t.Errorf("%s", out)
	}
	rec, err := results.ReadFile(path, false)
	if err != nil || rec.Summary == nil || rec.Summary.Valid || rec.Summary.Soak == nil || len(rec.Trials) == 0 {
		t.Errorf("%+v, %v", rec.Summary, err)
	}
}

func TestLoadWhoseTargetDies(t *testing.T) {
	needTime(t)
	dir := e2eTemp(t)
	node := runningNode(t, dir, "chain", "--accounts", "256")
	blocks := filepath.Join(dir, "chain", "blocks", "*")
	out := whenKilled(t, dir, node, func() bool { return bytesOf(t, blocks) > 64<<10 },
		"load", "--rate", "1000", "--duration", "40s", "--out", "out")
	valid(t, validator(t, results.SchemaLoad), out.stdout)
	var r results.LoadResult
	oneObject(t, out.stdout, &r)
	if out.code != exitInconclusive || r.Valid || !mentionsAll(r.InvalidReason, "s after the first transaction", "connection") || !mentionsAll(out.stderr, r.InvalidReason) {
		t.Errorf("%s", out)
	}
	rec, err := results.ReadValid(filepath.Join(dir, "out", results.FileRecord))
	if err != nil || rec.Summary.Valid || len(rec.Trials) != 1 || rec.Trials[0].Counts.Committed != r.Committed {
		t.Errorf("%+v, %v", rec.Summary, err)
	}
}
