package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chainweir/weir/bench/peers/contest"
	"github.com/chainweir/weir/bench/peers/merklefield"
	"github.com/chainweir/weir/bench/peers/report"
)

func runHere(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = execute(t.Context(), args, &out, &err)
	return code, out.String(), err.String()
}

func TestUsageErrors(t *testing.T) {
	for _, c := range []struct {
		args []string
		text string
	}{
		{[]string{"--rows", "("}, "--rows"},
		{[]string{"--rows", "sha3"}, "matches none of the rows:\n  ssz 1Mi leaves\n"},
		{[]string{"--rounds", "9"}, "--rounds 9: use 10 to 1000"},
		{[]string{"--rounds", "0"}, "--rounds 0: use 10 to 1000"},
		{[]string{"--rounds", "x"}, "rounds"},
		{[]string{"--wrong"}, "--help"},
		{[]string{"more"}, `unexpected argument "more"`},
		{[]string{"--quick", "--rows", "^bitcoin", "--bench", filepath.Join(t.TempDir(), "none", "out.txt")}, "--bench"},
	} {
		code, stdout, stderr := runHere(t, c.args...)
		if code != exitUsage || !strings.Contains(stderr, c.text) || stdout != "" {
			t.Errorf("%q: exit code %d, stderr %q, stdout %q; want %d and %q", c.args, code, stderr, stdout, exitUsage, c.text)
		}
	}
}

func TestExitCodes(t *testing.T) {
	for err, want := range map[error]int{
		fmt.Errorf("row: %w", contest.ErrWrongAnswer): exitFailed,
		errors.Join(nil, context.Canceled):            exitInconclusive,
		usagef("no"):                                  exitUsage,
		errHelp:                                       exitOK,
	} {
		if got := exitCode(err); got != want {
			t.Errorf("%v: exit code %d, want %d", err, got, want)
		}
	}
}

// TestInterrupted: what was measured before is printed, and the exit code says
// that it is not everything.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, err bytes.Buffer
	code := execute(ctx, []string{"--quick"}, &out, &err)
	if code != exitInconclusive || !strings.Contains(out.String(), "stopped after 0 of") {
		t.Errorf("exit code %d, stderr %q, stdout:\n%s", code, err.String(), out.String())
	}
}

func TestHelp(t *testing.T) {
	code, stdout, stderr := runHere(t, "--help")
	if code != exitOK || !strings.Contains(stdout, "-rows regexp") || stderr != "" {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

func TestRowsByPlainSigns(t *testing.T) {
	opt, err := parse([]string{"--rows", "10000 x 250 B"}, nil)
	if err != nil || !opt.wants("cometbft 10000 × 250 B") || opt.wants("rfc6962 1Mi × 200 B") {
		t.Errorf("%v, %v", opt.rows, err)
	}
}

// TestRun measures one short row for text, JSON and benchmark text.
func TestRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out.txt")
	code, stdout, stderr := runHere(t, "--quick", "--rows", "^bitcoin 4000", "--json", "--bench", file)
	if code != exitOK || stderr != "" {
		t.Fatalf("exit code %d, stderr %q", code, stderr)
	}
	var r report.Report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatal(err)
	}
	if r.Schema != merklefield.Schema || len(r.Rows) != 1 || r.Rounds != quickRounds || len(r.Rows[0].Entries[0].SamplesNS) != quickRounds {
		t.Errorf("%+v", r)
	}
	if strings.Contains(strings.Join(r.Notes, " "), "lukechampine") {
		t.Error("the notes are those of the hashes")
	}
	text, err := os.ReadFile(file)
	if err != nil || strings.Count(string(text), "BenchmarkMerkleRoot/scheme=bitcoin/leaves=4000/lib=weir ") != quickRounds {
		t.Errorf("benchmark text (%v):\n%s", err, text)
	}
	code, stdout, _ = runHere(t, "--quick", "--rows", "^bitcoin 4000")
	if code != exitOK || !strings.Contains(stdout, "bitcoin 4000 txids") || !strings.Contains(stdout, "allocations a root") {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
}
