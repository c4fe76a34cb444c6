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
	"github.com/chainweir/weir/bench/peers/field"
	"github.com/chainweir/weir/bench/peers/report"
	"github.com/chainweir/weir/bench/peers/restrict"
)

// TestMain lets this program be the processes that hashpeers starts.
func TestMain(m *testing.M) {
	if played, _ := field.PlayServer(os.Stdout); played || len(restrict.Hidden()) > 0 {
		main()
		return
	}
	os.Exit(m.Run())
}

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
		{[]string{"--rows", "sha3"}, "matches none of the rows:\n  sha256_pairs n=1\n"},
		{[]string{"--rounds", "9"}, "--rounds 9: use 10 to 1000"},
		{[]string{"--rounds", "x"}, "rounds"},
		{[]string{"--without", "mmx"}, `no "mmx"`},
		{[]string{"--wrong"}, "--help"},
		{[]string{"more"}, `unexpected argument "more"`},
		{[]string{"--quick", "--rows", "^blake3 64 B$", "--bench", filepath.Join(t.TempDir(), "none", "out.txt")}, "--bench"},
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
	opt, err := parse([]string{"--rows", "1024 x random 0-2 KiB"}, nil)
	if err != nil || !opt.wants("sha256_many 1024 × random 0–2 KiB") || opt.wants("sha256_many 1024 × 4 KiB") {
		t.Errorf("%v, %v", opt.rows, err)
	}
}

// TestRun measures one short row for text, JSON and benchmark text.
func TestRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out.txt")
	code, stdout, stderr := runHere(t, "--quick", "--rows", "^sha256_pairs n=16$", "--json", "--bench", file)
	if code != exitOK || stderr != "" {
		t.Fatalf("exit code %d, stderr %q", code, stderr)
	}
	var r report.Report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatal(err)
	}
	if r.Schema != report.Schema || len(r.Rows) != 1 || r.Rounds != quickRounds || len(r.Rows[0].Entries[0].SamplesNS) != quickRounds {
		t.Errorf("%+v", r)
	}
	text, err := os.ReadFile(file)
	if err != nil || strings.Count(string(text), "BenchmarkSHA256Pairs/n=16/lib=weir ") != quickRounds {
		t.Errorf("benchmark text (%v):\n%s", err, text)
	}
	if entries, err := os.ReadDir(filepath.Dir(file)); err != nil || len(entries) != 1 {
		t.Errorf("files %v, %v: want one", entries, err)
	}
}

// TestWithout starts this program again without the SHA extensions, where
// nobody may use them.
func TestWithout(t *testing.T) {
	code, stdout, stderr := runHere(t, "--quick", "--rows", "^sha256_pairs n=16$", "--json", "--without", "sha")
	if code != exitOK || stderr != "" {
		t.Fatalf("exit code %d, stderr %q", code, stderr)
	}
	var r report.Report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Without) != 1 || r.Without[0] != "sha" || len(r.Rows) != 1 {
		t.Fatalf("without %v, %d rows", r.Without, len(r.Rows))
	}
	for _, e := range r.Rows[0].Entries {
		if (e.Name == "weir:minio" || e.Name == "hashtree") && e.LeftOut == "" {
			t.Errorf("%s takes part without the SHA extensions", e.Name)
		}
	}
	for _, f := range r.Rows[0].Floors {
		if f.Path != "AVX-512" {
			t.Errorf("a floor for %s", f.Path)
		}
	}
}

// TestWithoutPassesExitCodes: the other process says what is wrong, once.
func TestWithoutPassesExitCodes(t *testing.T) {
	code, stdout, stderr := runHere(t, "--without", "sha", "--rows", "sha3")
	if code != exitUsage || stdout != "" || strings.Count(stderr, "matches none") != 1 {
		t.Errorf("exit code %d, stderr %q, stdout %q", code, stderr, stdout)
	}
}
