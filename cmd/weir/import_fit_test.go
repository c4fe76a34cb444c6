package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// loadtimeText is a report of runs of 100 s whose throughput follows n clients of
// 2 s each up to a bound of 1000 tx/s: the asymptotic bounds exactly.
func loadtimeText(t *testing.T, name string, size int, factor float64) string {
	t.Helper()
	var b strings.Builder
	for i, n := range []float64{500, 1000, 1500, 3000, 5000} {
		x := min(n/2, 1000) * factor
		fmt.Fprintf(&b, "Experiment ID: e%d\n\tConnections: %d\n\tRate: 300\n\tSize: %d\n\tTotal Valid Tx: %.0f\n\tAverage Latency: %.9fs\n", i, i+1, size, x*100, n/x)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestImportFitsASeries(t *testing.T) {
	file := loadtimeText(t, "a.txt", 250, 1)
	out := filepath.Join(t.TempDir(), "out")
	code, stdout, stderr := runCommand("import", file, "--duration", "100s", "--out", out, "--json")
	var got struct {
		Fit       *fitDoc `json:"fit"`
		FitReason *string `json:"fit_reason"`
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != exitOK || got.Fit == nil || got.FitReason != nil {
		t.Fatalf("%d %v %s %s", code, err, stdout, stderr)
	}
	near := func(d *fitDoc) {
		t.Helper()
		r0, c := d.Params["r0"], d.Params["c"]
		if d.Model != "bounds" || r0 == nil || c == nil || math.Abs(*r0-2) > 1e-6 || math.Abs(*c-1000) > 1e-3 || len(d.Models) != 3 {
			t.Errorf("%s %v, want the bounds of 2 s and 1000 tx/s: %v", d.Model, d.Params, d.Models)
		}
		if len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0], "to the last digits") {
			t.Errorf("warnings of exact points that hold Little's law: %q", d.Warnings)
		}
	}
	near(got.Fit)
	// weir fit finds the same in the folder's file and, over columns, in the folder.
	for _, path := range []string{filepath.Join(out, "import.json"), out} {
		var d fitDoc
		code, stdout, stderr := runCommand("fit", path, "--json")
		if err := json.Unmarshal([]byte(stdout), &d); err != nil || code != exitOK || *d.Params["c"] != *got.Fit.Params["c"] {
			t.Errorf("%s: %d %v %s %s", path, code, err, stdout, stderr)
		}
	}
	if _, stdout, _ = runCommand("import", file, "--duration", "100s"); !strings.Contains(stdout, "\nfit: bounds, x = min(n / r0, c)") || !strings.Contains(stdout, "r0 2 [") {
		t.Error(stdout)
	}
}

func TestImportFitsOnlyASeries(t *testing.T) {
	small, large := loadtimeText(t, "a.txt", 250, 1), loadtimeText(t, "b.txt", 500, 0.9)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{small, large, "--duration", "100s"}, "the runs differ in transaction size (250 and 500)"},
		{[]string{small}, "load and throughput are known at 0 different loads"}, // no throughput without a duration
	} {
		out := filepath.Join(t.TempDir(), "out")
		code, stdout, stderr := runCommand(append([]string{"import", "--out", out}, tt.args...)...)
		if text := strings.Join(strings.Fields(stdout), " "); code != exitOK || !strings.Contains(text, "no fit: "+tt.want) {
			t.Errorf("%v: %d %s %s", tt.args, code, stdout, stderr)
		}
		if code, _, stderr := runCommand("fit", filepath.Join(out, "import.json")); code != exitUsage || !strings.Contains(stderr, tt.want) {
			t.Errorf("%v: %d %s", tt.args, code, stderr)
		}
	}
}

func TestCompareImports(t *testing.T) {
	dir := t.TempDir()
	side := func(name string, factor float64) string {
		file, out := loadtimeText(t, name, 250, factor), filepath.Join(dir, name)
		args := []string{"import", "--duration", "100s", "--out", out}
		for range 6 { // replicates
			args = append(args, file)
		}
		if code, _, stderr := runCommand(args...); code != exitOK {
			t.Fatalf("%d %s", code, stderr)
		}
		return out
	}
	base, head := side("base", 1), side("head", 0.8)
	// A folder and its benchmark text are the same thing.
	var first string
	for _, name := range []string{"", "bench.txt"} {
		code, stdout, stderr := runCommand("compare", filepath.Join(base, name), filepath.Join(head, name))
		if code != exitFailed || !strings.Contains(stdout, "0.800") || !strings.Contains(stderr, "slower") {
			t.Errorf("%q: %d %s %s", name, code, stdout, stderr)
		}
		_, table, _ := strings.Cut(stdout, "tx/s (higher")
		if first == "" {
			first = table
		}
		if table != first {
			t.Errorf("%q: another table:\n%s\n%s", name, table, first)
		}
	}
	code, _, stderr := runCommand("compare", filepath.Join(base, "import.json"), head)
	if code != exitUsage || !strings.Contains(stderr, "name its folder") {
		t.Errorf("%d %s", code, stderr)
	}
}

// What needs trials says so, whether the folder or the file is named.
func TestImportIsNoRecord(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	if code, _, stderr := runCommand("import", loadtimeText(t, "a.txt", 250, 1), "--out", out); code != exitOK {
		t.Fatal(stderr)
	}
	for _, path := range []string{out, filepath.Join(out, "import.json")} {
		for verb, args := range map[string][]string{"check": {"check", path}, "report": {"report", path}, "plan with": {"plan", path, "--rate", "10"}} {
			code, stdout, stderr := runCommand(args...)
			if code != exitUsage || stdout != "" || !strings.Contains(stderr, "nothing to "+verb+";") || !strings.Contains(stderr, "weir fit and weir compare") {
				t.Errorf("%v: %d %s %s", args, code, stdout, stderr)
			}
		}
	}
	foreign := filepath.Join(t.TempDir(), "x.json")
	if err := os.WriteFile(foreign, []byte(`{"schema":"k6/1"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := runCommand("fit", foreign); code != exitUsage || !strings.Contains(stderr, foreign+":1: ") || !strings.Contains(stderr, "weir import") {
		t.Errorf("%d %s", code, stderr)
	}
}
