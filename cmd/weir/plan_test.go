package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/chainweir/weir/results"
)

// planRecord writes a record of a node of 20 µs of core time on two cores into
// a folder.
func planRecord(t *testing.T, dir string, change func(*results.Summary)) string {
	t.Helper()
	f := func(v float64) *float64 { return &v }
	sum := results.Summary{
		Valid: true, Warnings: []string{}, Nodes: 1, Workload: "transfer", Engine: "solo",
		Knee:    results.Knee{LowerTxPerSec: f(95e3), UpperTxPerSec: f(98e3), Confirmed: true, Confirmations: 3},
		Machine: &results.Machine{NodeCores: 2, HostCores: 2},
		Demand: results.Demand{
			CPU: f(10e-6), Serial: f(1e-6), Disk: f(1e-6),
			DemandDetail: results.DemandDetail{
				Parts: []results.DemandPart{
					{Resource: "cpu", Name: "signatures", SecPerTx: 9e-6, Share: .9, Source: results.SourceProfile},
					{Resource: "cpu", Name: "hashing", SecPerTx: 1e-6, Share: .1, Source: results.SourceProfile},
				},
				Profile: &results.CPUProfile{Path: "cpu.pprof", Hz: 100, Samples: 1000, Coverage: 1},
			},
		},
	}
	sum.Wire.TxBytes, sum.Wire.BytesPerTxMTU1500 = f(200), results.InOut{In: f(210), Out: f(5)}
	sum.Link.Kind = results.LinkLoopback
	if change != nil {
		change(&sum)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(dir, "record.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	w := results.NewWriter(file, "test")
	if err := w.WriteSummary(&sum); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func planRun(args ...string) (stdout, stderr string, code int) {
	var out, errOut bytes.Buffer
	code = execute(append([]string{"plan"}, args...), strings.NewReader(""), &out, &errOut)
	return out.String(), errOut.String(), code
}

func TestPlanJSON(t *testing.T) {
	dir := planRecord(t, t.TempDir(), nil)
	out, errOut, code := planRun(dir, "--link", "1gbit", "--rate", "79k", "--json")
	if code != exitOK || errOut != "" {
		t.Fatalf("exit code %d: %s", code, errOut)
	}
	var p struct {
		Schema       string
		Feasible     *bool
		Max          float64 `json:"max_tx_per_sec"`
		First        struct{ Name string }
		FirstWall    struct{ Name string } `json:"first_wall"`
		NextWall     struct{ Name string } `json:"next_wall"`
		Demand       []json.RawMessage
		Extrapolated *bool
		HashROI      *struct{ Share float64 } `json:"hash_roi"`
	}
	oneObject(t, out, &p)
	if p.Schema != "weir.plan/1" || p.Feasible == nil || !*p.Feasible || p.Max < 79_999 || p.Max > 80_001 || p.FirstWall.Name != "cpu" ||
		p.NextWall.Name != "wire" || len(p.Demand) != 5 || p.Extrapolated == nil || *p.Extrapolated || p.HashROI == nil || p.HashROI.Share != .1 {
		t.Errorf("%s", out)
	}
	// No: the answer stands on stdout all the same.
	out, errOut, code = planRun(dir, "--link", "1gbit", "--rate", "81k", "--json")
	oneObject(t, out, &p)
	if code != exitFailed || *p.Feasible || !strings.Contains(errOut, "81000") {
		t.Errorf("exit code %d, %v, %s", code, *p.Feasible, errOut)
	}
	if out, _, _ = planRun(dir, "--json"); !strings.Contains(out, `"feasible":null`) {
		t.Errorf("without a rate: %s", out)
	}
}

func TestPlanText(t *testing.T) {
	dir := planRecord(t, t.TempDir(), nil)
	for _, args := range [][]string{
		{"--nodes", "16", "--link", "1gbit", "--cores", "8", "--rate", "20k", "--size", "500"},
		{"--faster", "hashing=2,signatures=1.5"}, {"--link", "10mbit", "--headroom", "0"},
		{"--nodes", "64", "--dissemination", "every", "--link", "100gbit", "--rate", "9M", "--cores", "1"},
	} {
		out, errOut, code := planRun(append([]string{dir}, args...)...)
		if code == exitUsage || code == exitInconclusive || !strings.Contains(out, "first wall") || !strings.Contains(out, "fit: ") {
			t.Errorf("%v: exit code %d, %s%s", args, code, out, errOut)
		}
		for line := range strings.Lines(strings.ReplaceAll(out, dir, "DIR")) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > helpColumns {
				t.Errorf("%v: %d columns: %s", args, n, line)
			}
		}
	}
}

// TestPlanSeries: the points of a series are used together, without those that
// could not tell and those that were interrupted.
func TestPlanSeries(t *testing.T) {
	dir := t.TempDir()
	planRecord(t, filepath.Join(dir, "01-cores-1"), func(s *results.Summary) {
		s.Machine.NodeCores = 1
		*s.Demand.CPU = 20e-6
		*s.Knee.LowerTxPerSec, *s.Knee.UpperTxPerSec = 48e3, 49e3
	})
	planRecord(t, filepath.Join(dir, "02-cores-2"), nil)
	planRecord(t, filepath.Join(dir, "03-cores-4"), func(s *results.Summary) { s.Valid = false })
	planRecord(t, filepath.Join(dir, "04-cores-8.interrupted-1"), nil)
	out, errOut, code := planRun(dir, "--cores", "4", "--json")
	var p struct {
		Records  []string
		Warnings []string
		Fit      []struct{ Error float64 }
	}
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, errOut)
	}
	oneObject(t, out, &p)
	if len(p.Records) != 2 || len(p.Fit) != 2 || !strings.Contains(strings.Join(p.Warnings, "\n"), "03-cores-4: inconclusive") {
		t.Errorf("%+v", p)
	}
}

func TestPlanBadInput(t *testing.T) {
	good := planRecord(t, t.TempDir(), nil)
	invalid := planRecord(t, t.TempDir(), func(s *results.Summary) { s.Valid = false; s.Warnings = []string{"noise"} })
	cut := filepath.Join(t.TempDir(), "record.jsonl")
	if err := os.WriteFile(cut, []byte(`{"schema":"weir.run/1","type":"env"}`+"\n"+`{"schema":"weir.run/1","type":"summ`), 0o600); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(t.TempDir(), "k6.json")
	if err := os.WriteFile(foreign, []byte("{\"metric\":1}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"nothing":       {nil, exitUsage, "requires at least 1 arg"},
		"no such":       {[]string{filepath.Join(good, "none")}, exitUsage, "none"},
		"empty folder":  {[]string{t.TempDir()}, exitUsage, "no record.jsonl"},
		"cut":           {[]string{cut}, exitUsage, "record.jsonl:2"},
		"foreign":       {[]string{foreign}, exitUsage, "k6.json:1"},
		"invalid":       {[]string{invalid}, exitInconclusive, "noise"},
		"nodes":         {[]string{good, "--nodes", "0"}, exitUsage, "--nodes is 0"},
		"cores":         {[]string{good, "--cores", "-2"}, exitUsage, "--cores is -2"},
		"link":          {[]string{good, "--link", "fast"}, exitUsage, "--link"},
		"rate":          {[]string{good, "--rate", "0"}, exitUsage, "--rate"},
		"rate text":     {[]string{good, "--rate", "20x"}, exitUsage, `"20x"`},
		"size":          {[]string{good, "--size", "NaN"}, exitUsage, "--size"},
		"headroom":      {[]string{good, "--headroom", "100%"}, exitUsage, "--headroom"},
		"faster":        {[]string{good, "--faster", "hashing"}, exitUsage, "PART=FACTOR"},
		"unknown part":  {[]string{good, "--faster", "magic=2"}, exitUsage, "hashing, signatures"},
		"dissemination": {[]string{good, "--dissemination", "post"}, exitUsage, "post"},
	} {
		out, errOut, code := planRun(append(c.args, "--json")...)
		if code != c.code || out != "" || !strings.Contains(errOut, c.want) {
			t.Errorf("%s: exit code %d, %q, %q, want %d and %q", name, code, out, errOut, c.code, c.want)
		}
	}
	if out, _, code := planRun(invalid, "--force", "--json"); code != exitOK || !strings.Contains(out, "INVALID") {
		t.Errorf("with --force: %d %s", code, out)
	}
}
