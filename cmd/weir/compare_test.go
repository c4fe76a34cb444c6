package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// inProcess runs the command line without a process of its own.
func inProcess(args ...string) (stdout, stderr string, code int) {
	var out, errs bytes.Buffer
	code = execute(args, strings.NewReader(""), &out, &errs)
	return out.String(), errs.String(), code
}

// compareText writes a benchmark text with ten runs that differ by up to 2 %.
func compareText(t *testing.T, scale float64, cpu string) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "goos: linux\ncpu: %s\n", cpu)
	for i := range 10 {
		fmt.Fprintf(&b, "BenchmarkX 100 %v ns/op\n", scale*(1000+2*float64(i*7%10)))
	}
	path := filepath.Join(t.TempDir(), "bench.txt")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCompareExitCodes(t *testing.T) {
	base, slow, fast := compareText(t, 1, "a"), compareText(t, 1.1, "a"), compareText(t, .9, "a")
	other := compareText(t, 1, "b")
	one := filepath.Join(t.TempDir(), "one.txt")
	if err := os.WriteFile(one, []byte("BenchmarkX 1 1000 ns/op\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{base, base}, exitOK, "verdict: same"},
		{[]string{base, fast}, exitOK, "verdict: faster"},
		{[]string{base, slow}, exitFailed, "verdict: slower"},
		{[]string{one, one}, exitInconclusive, "one run against one run"},
		{[]string{base, other}, exitUsage, "cpu: a against b"},
		{[]string{base, other, "--force"}, exitOK, "compared by force"},
		{[]string{base, filepath.Join(t.TempDir(), "none")}, exitUsage, "does not exist"},
		{[]string{base, base, "--delta", "-3%"}, exitUsage, "-3%"},
		{[]string{base, base, "--filter", "("}, exitUsage, "--filter"},
		{[]string{base, base, "--html", base}, exitUsage, "is there already"},
		{[]string{base}, exitUsage, "accepts 2 arg"},
	} {
		stdout, stderr, code := inProcess(append([]string{"compare"}, c.args...)...)
		if code != c.code || !strings.Contains(stdout+stderr, c.want) {
			t.Errorf("%q: exit %d, want %d and %q\n%s%s", c.args, code, c.code, c.want, stdout, stderr)
		}
	}
}

func TestCompareJSONAndHTML(t *testing.T) {
	base, slow := compareText(t, 1, "a"), compareText(t, 1.1, "a")
	page := filepath.Join(t.TempDir(), "c.html")
	stdout, stderr, code := inProcess("compare", base, slow, "--json", "--html", page)
	var doc struct {
		Schema string
		Rows   []struct {
			Metric, Unit, Verdict string
			Base, Head, Ratio, P  float64
			CI95                  [2]float64
		}
		Verdict string
		Noisy   *bool
	}
	dec := json.NewDecoder(strings.NewReader(stdout))
	if err := dec.Decode(&doc); err != nil || dec.More() {
		t.Fatalf("%v: want one object\n%s%s", err, stdout, stderr)
	}
	if code != exitFailed || doc.Schema != "weir.compare/1" || doc.Verdict != "slower" || doc.Noisy == nil || len(doc.Rows) != 1 {
		t.Fatalf("exit %d, %+v", code, doc)
	}
	if r := doc.Rows[0]; r.Metric != "X" || r.Unit != "sec/op" || !(r.CI95[0] <= 1.1 && 1.1 <= r.CI95[1]) || r.Verdict != "slower" || !(r.P < .001) {
		t.Errorf("%+v", r)
	}
	if text, err := os.ReadFile(page); err != nil || !bytes.Contains(text, []byte("<svg")) {
		t.Error(err)
	}
}

func TestHistoryCommand(t *testing.T) {
	file := filepath.Join(t.TempDir(), "h.jsonl")
	for day := range 12 {
		scale := 1.
		if day >= 6 {
			scale = 1.2
		}
		text := compareText(t, scale*(1+.001*float64(day%3)), "a")
		at := fmt.Sprintf("2026-01-%02dT00:00:00Z", day+1)
		if _, stderr, code := inProcess("history", "--add", text, "--to", file, "--at", at, "--name", "x"); code != exitOK {
			t.Fatal(stderr)
		}
	}
	stdout, stderr, code := inProcess("history", file, "--check")
	if code != exitFailed || !strings.Contains(stdout, "2026-01-07") || !strings.Contains(stderr, "for the worse") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	var doc struct {
		Schema string
		Series []struct{ Changes []struct{ Verdict string } }
	}
	stdout, _, code = inProcess("history", file, "--json")
	if err := json.Unmarshal([]byte(stdout), &doc); err != nil || code != exitOK || doc.Schema != "weir.history/1" ||
		len(doc.Series) != 1 || len(doc.Series[0].Changes) != 1 || doc.Series[0].Changes[0].Verdict != "slower" {
		t.Errorf("exit %d, %v\n%s", code, err, stdout)
	}
	for _, args := range [][]string{
		{"--add", "x"}, {"--to", file}, {file, "--at", "2026-01-01T00:00:00Z"}, {file, "--filter", "nothing"}, {file, "--svg", file},
		{file, "--level", "2"}, {"--add", "x", "--to", file, "--at", "noon"}, {filepath.Join(t.TempDir(), "none")},
	} {
		if stdout, stderr, code := inProcess(append([]string{"history"}, args...)...); code != exitUsage || stderr == "" || stdout != "" {
			t.Errorf("%q: exit %d\n%s%s", args, code, stdout, stderr)
		}
	}
}
