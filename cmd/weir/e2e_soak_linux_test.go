package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chainweir/weir/results"
)

// TestSoak holds a small load on a node of its own: every piece has its figures,
// memory is that of the node, and the record can be checked. What the verdict
// is depends on the machine; that it agrees with the exit code does not.
func TestSoak(t *testing.T) {
	needTime(t)
	t.Parallel()
	dir := e2eTemp(t)
	out := weir(t, dir, "run", "--soak", "20s", "--soak-rate", "500", "--accounts", "256", "--probe", "app", "--json", "--out", "out")
	var s results.Summary
	if err := json.Unmarshal([]byte(out.stdout), &s); err != nil || s.Soak == nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := map[string]int{results.SoakSteady: exitOK, results.SoakImproves: exitOK, results.SoakDrifts: exitFailed, results.SoakFails: exitFailed, results.SoakInconclusive: exitInconclusive}
	if code, ok := want[s.Soak.Verdict]; !ok || code != out.code {
		t.Errorf("verdict %q and exit code %d: %s", s.Soak.Verdict, out.code, out.stderr)
	}
	if s.Soak.Pieces != 20 || len(s.Soak.Series) != 20 || s.Soak.OfferedTxPerSec != 500 || s.Soak.OfFraction != nil || len(s.Soak.Drift) != 5 {
		t.Errorf("%d pieces, %d points, %v tx/s", s.Soak.Pieces, len(s.Soak.Series), s.Soak.OfferedTxPerSec)
	}
	for i, p := range s.Soak.Series {
		if p.MemoryBytes == nil || *p.MemoryBytes < 1<<20 || p.MemorySource != "rss" || p.CommittedTxPerSec == nil || p.CommitP99MS == nil || p.CPUSecPerTx == nil {
			t.Errorf("piece %d lacks a figure: %+v", i+1, p)
		}
		if strings.Contains(p.Reason, "backlog") {
			t.Errorf("piece %d is judged by its backlog: %s", i+1, p.Reason)
		}
	}
	rec, err := results.ReadFile(filepath.Join(dir, "out", "record.jsonl"), false)
	if err != nil {
		t.Fatal(err)
	}
	var committed int64
	for _, tr := range rec.Trials {
		committed += tr.Counts.Committed
		if n := tr.Counts.RejectedTotal(); n > 0 || tr.Phase != results.PhaseSoak {
			t.Errorf("trial %d of phase %s: %d rejected (%v): a piece must go on where the last one ended", tr.ID, tr.Phase, n, tr.Counts.Rejected)
		}
	}
	if committed < 9000 {
		t.Errorf("%d committed of some 10000", committed)
	}
	if check := weir(t, dir, "check", "out"); check.code != exitOK {
		t.Errorf("weir check: %s", check)
	}
	// One figure changed: the drift does not follow from the trials any more.
	path := filepath.Join(dir, "out", "record.jsonl")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bad := strings.Replace(string(b), `"warm_up_pieces":2`, `"warm_up_pieces":1`, 1)
	if bad == string(b) {
		t.Fatal("nothing to change")
	}
	if err := os.WriteFile(path, []byte(bad), 0o644); err != nil {
		t.Fatal(err)
	}
	if check := weir(t, dir, "check", "out"); check.code != exitFailed || !strings.Contains(check.stdout, "warm_up_pieces") {
		t.Errorf("a changed soak passes: %s", check)
	}
}

func TestSoakFlags(t *testing.T) {
	dir := e2eTemp(t)
	for _, c := range []struct{ args, want string }{
		{"--soak-rate 100", "add --soak"},
		{"--soak 1m --validate", "run one after the other"},
		{"--soak 1m --sweep conns=1,2", "run one after the other"},
		{"--soak 1m --soak-rate 0", "--soak-rate is 0"},
		{"--soak 1m --soak-rate NaN", "--soak-rate is NaN"},
		{"--soak 1s", "a soak of 1s"},
		{"--soak ten", "--soak"},
	} {
		out := weir(t, dir, append(append([]string{"run"}, strings.Fields(c.args)...), "--out", "out")...)
		if out.code != exitUsage || !strings.Contains(out.stderr, c.want) {
			t.Errorf("%s: %s", c.args, out)
		}
		if _, err := os.Stat(filepath.Join(dir, "out")); err == nil {
			t.Errorf("%s: a folder was left", c.args)
		}
	}
}
