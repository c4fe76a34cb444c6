package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/perf/benchfmt"

	"github.com/chainweir/weir/asm/cpu"
	"github.com/chainweir/weir/bench/peers/contest"
	"github.com/chainweir/weir/bench/peers/field"
	"github.com/chainweir/weir/bench/peers/floor"
	"github.com/chainweir/weir/bench/peers/require"
	"github.com/chainweir/weir/results"
)

var update = flag.Bool("update", false, "rewrite the golden file")

// around spreads ten rounds evenly around a median.
func around(ns, spread float64) []float64 {
	var list []float64
	for i := range 10 {
		list = append(list, ns*(1+spread*(float64(i)-4.5)/4.5))
	}
	return list
}

// measured is a row of one piece of 16 pairs: ours at 320 ns, a control, a
// peer at twice that, and one that was left out.
func measured(name string, controlSpread float64) (field.Row, contest.Measured) {
	row := field.Row{
		Row:       contest.Row{Name: name, Procs: 1},
		Benchmark: "SHA256Pairs/n=16", Items: 16, Item: "pair", Bytes: 1024, Work: floor.Work{Pairs: 16},
	}
	result := func(name string, role contest.Role, note, leftOut string, ns []float64) contest.Result {
		return contest.Result{
			Contestant: contest.Contestant{Name: name, Role: role, Note: note, LeftOut: leftOut}, NSPerWork: ns, Calls: 100 * len(ns),
		}
	}
	m := contest.Measured{
		Probes: slices.Repeat([]float64{4e9}, 10),
		Results: []contest.Result{
			result(field.Weir, contest.Ours, "", "", slices.Repeat([]float64{320}, 10)),
			result(field.WeirAgain, contest.Control, "", "", around(320, controlSpread)),
			result("weir:generic", contest.Implementation, "no assembly", "", around(6400, 0)),
			result("gohashtree", contest.Peer, "", "", around(640, 0.01)),
			result("hashtree", contest.Peer, "", "its object file needs a C compiler to link (CGO_ENABLED=1), "+
				"here on Linux, amd64 or arm64, and this is another machine", nil),
		},
	}
	return row, m
}

func sample(t *testing.T) *Report {
	t.Helper()
	load, modified := 2.5, false
	env := results.Env{
		Class:    results.EnvClass{OS: "linux", Arch: "amd64", CPUBrand: "A processor", UsableCores: 2},
		Detail:   results.EnvDetail{LoadAverage1: &load, VCSRevision: "0123456789abcdef", VCSModified: &modified},
		Warnings: []results.EnvWarning{{Code: "load_average", Text: "load average 2.50 on 2 cores", Remedy: "stop other work"}, {Code: "memory", Text: "x"}},
	}
	r := New(env, nil, contest.Plan{Rounds: 10, Sample: 2e6})
	// The machine of the test must not show.
	r.host = cpu.Identity{Arch: "amd64", Vendor: "AuthenticAMD", Family: 26, Model: 2}
	r.CPU, r.GOMAXPROCS = r.host.Key(), 2
	r.Versions = map[string]string{"go": "go1.26", "github.com/zeebo/blake3": "v0.2.4"}
	m, _ := floor.ModelOf(r.host)
	r.model, r.Model, r.has = m, &Model{m.Name, m.Source}, func(string) bool { return true }
	if err := r.Add(measured("sha256_pairs n=16", 0.002)); err != nil {
		t.Fatal(err)
	}
	if err := r.Add(measured("sha256_pairs n=64", 0.2)); err != nil {
		t.Fatal(err)
	}
	if err := r.Add(field.Row{Row: contest.Row{Name: "two cores: blake3 1 MiB"}, LeftOut: "one core"}, contest.Measured{}); err != nil {
		t.Fatal(err)
	}
	r.Conclude()
	return r
}

func TestTextGolden(t *testing.T) {
	var b bytes.Buffer
	if err := sample(t).WriteText(&b); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "report.golden")
	if *update {
		if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the text differs from %s (-update rewrites it):\n%s", golden, b.String())
	}
	for line := range strings.Lines(b.String()) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > columns {
			t.Errorf("%d columns, at most %d: %s", n, columns, line)
		}
	}
}

func TestFigures(t *testing.T) {
	r := sample(t)
	row := r.Rows[0]
	ours, peer := row.entry(field.Weir), row.entry("gohashtree")
	if *ours.NSPerItem != 20 || *ours.CyclesPerItem != 80 || *ours.BytesPerSec != 3.2e9 || ours.Ratio != nil {
		t.Errorf("ours: %v ns, %v cycles, %v B/s, ratio %v", *ours.NSPerItem, *ours.CyclesPerItem, *ours.BytesPerSec, ours.Ratio)
	}
	if got := peer.Ratio; got.Median != 2 || got.Low >= 2 || got.High <= 2 || got.Coverage < 0.95 {
		t.Errorf("ratio %+v", got)
	}
	if f := row.Floors[0]; f.Path != "AVX-512" || f.CyclesPerItem != 694./16 || *f.Reached != 694./16/80 {
		t.Errorf("floor %+v, reached %v", f, *f.Reached)
	}
	if row.Noisy || !r.Rows[1].Noisy {
		t.Errorf("noisy: %v and %v, want the second", row.Noisy, r.Rows[1].Noisy)
	}
}

func TestRequired(t *testing.T) {
	r := sample(t)
	// Of the figures for Zen 5 two have a row in the run, and a third one has
	// a row that could not be measured.
	verdicts := map[string]require.Verdict{}
	for _, q := range r.Required {
		verdicts[q.Row] = q.Verdict
	}
	want := map[string]require.Verdict{
		"sha256_pairs n=16": require.Met, "sha256_pairs n=64": require.Met, "two cores: blake3 1 MiB": require.NotMeasured,
	}
	for row, v := range want {
		if verdicts[row] != v {
			t.Errorf("%s: %q, want %q", row, verdicts[row], v)
		}
	}
	if len(verdicts) != len(want) {
		t.Errorf("verdicts %v", verdicts)
	}
}

func TestUnknownClock(t *testing.T) {
	row, m := measured("x", 0)
	m.Probes = []float64{0, 0, 0, 0, 0, 0, 4e9, 4e9, 4e9, 4e9}
	r := sample(t)
	if err := r.Add(row, m); err != nil {
		t.Fatal(err)
	}
	added := r.Rows[len(r.Rows)-1]
	if added.ClockHz != nil || added.entry(field.Weir).CyclesPerItem != nil || added.Floors[0].Reached != nil {
		t.Errorf("a clock of %v from four rounds of ten", added.ClockHz)
	}
}

func TestJSON(t *testing.T) {
	b, err := json.Marshal(sample(t))
	if err != nil {
		t.Fatal(err)
	}
	var back map[string]any
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if back["schema"] != Schema || len(back["rows"].([]any)) != 3 || len(back["warnings"].([]any)) != 2 {
		t.Errorf("schema %v, %d rows, warnings %v", back["schema"], len(back["rows"].([]any)), back["warnings"])
	}
	for _, key := range []string{"rows", "required", "warnings", "notes", "without"} {
		if back[key] == nil {
			t.Errorf("%s is null, want a list", key)
		}
	}
}

// TestBench reads the text as benchstat does.
func TestBench(t *testing.T) {
	r := sample(t)
	text, err := r.Bench()
	if err != nil {
		t.Fatal(err)
	}
	reader := benchfmt.NewReader(bytes.NewReader(text), "out")
	lines := 0
	for reader.Scan() {
		switch rec := reader.Result().(type) {
		case *benchfmt.SyntaxError:
			t.Error(rec)
		case *benchfmt.Result:
			lines++
			if ns, ok := rec.Value("sec/op"); !ok || ns <= 0 || rec.Iters != 100 {
				t.Errorf("%s: %v s/op of %d", rec.Name, ns, rec.Iters)
			}
			if rec.GetConfig("cpu") != "A processor" || rec.GetConfig("gomaxprocs") != "2" {
				t.Errorf("%s: configuration %v", rec.Name, rec.Config)
			}
			for _, c := range rec.Config {
				if strings.Contains(c.Key, "commit") || strings.Contains(c.Key, "load") {
					t.Errorf("%s is a key: benchstat would not compare two runs", c.Key)
				}
			}
		}
	}
	if err := reader.Err(); err != nil || lines != 2*4*10 {
		t.Errorf("%d lines, error %v", lines, err)
	}
	for _, part := range []string{"# commit 0123456789abcdef\n", "# load average 2.50", "/lib=weir-again ", "/lib=gohashtree ", "# warning: too noisy"} {
		if !strings.Contains(string(text), part) {
			t.Errorf("no %q in the text", part)
		}
	}
}

func TestToken(t *testing.T) {
	for in, want := range map[string]string{
		"crypto/sha256": "crypto-sha256", "weir, 1 core": "weir-1-core", "weir:avx512": "weir-avx512", "minio Avx512Server": "minio-avx512server",
	} {
		if got := token(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestNumber(t *testing.T) {
	for want, v := range map[string]float64{"0.12": 0.1234, "1.23": 1.2345, "12.3": 12.34, "123": 123.4, "12346": 12345.6} {
		if got := number(&v, 3); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
	if number(nil, 3) != unknown {
		t.Error("an unknown number looks like one")
	}
}
