package compare

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chainweir/weir/results"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// benchText is a text with the values of one benchmark.
func benchText(unit string, values ...float64) string {
	var b strings.Builder
	b.WriteString("goos: linux\ngoarch: amd64\npkg: example.org/p\ncpu: Test CPU\n")
	for _, v := range values {
		fmt.Fprintf(&b, "BenchmarkX-8 100 %v %s\n", v, unit)
	}
	return b.String()
}

func around(seed uint64, n int, level, noise float64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 9))
	out := make([]float64, n)
	for i := range out {
		out[i] = level * (1 + noise*rng.NormFloat64())
	}
	return out
}

var opt3 = Options{Delta: 0.03}

func mustCompare(t *testing.T, base, head string, opt Options) *Result {
	t.Helper()
	res, err := Files(base, head, opt)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range res.Text() {
		if n := len([]rune(line)); n > columns && !strings.Contains(line, string(filepath.Separator)) {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if _, err := json.Marshal(res); err != nil {
		t.Error(err)
	}
	return res
}

// The golden figures of the two-sample test, on raw values: a zero among them
// would forbid ratios, so the logarithms are taken here.
func TestRowGolden(t *testing.T) {
	x := []float64{.80, .83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, .73, 1.46}
	y := []float64{1.15, .88, .90, .74, 1.21}
	exp := func(list []float64) []float64 {
		out := make([]float64, len(list))
		for i, v := range list {
			out[i] = math.Exp(v)
		}
		return out
	}
	res := mustCompare(t, write(t, "a.txt", benchText("ns/op", exp(y)...)), write(t, "b.txt", benchText("ns/op", exp(x)...)), opt3)
	row := res.Rows[0]
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"p", *row.P, .2544122544}, {"shift", math.Log(*row.Ratio), .305},
		{"low", math.Log(row.CI95[0]), -.15}, {"high", math.Log(row.CI95[1]), .76},
	} {
		if math.Abs(c.got-c.want) > 1e-9 {
			t.Errorf("%s = %v, want %v", c.name, c.got, c.want)
		}
	}
	if row.Verdict != Inconclusive || row.RunsFor == nil || *row.RunsFor <= 5 {
		t.Errorf("%+v, want an inconclusive row that asks for more runs", row)
	}
}

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		name, unit string
		base, head []float64
		want       Verdict
	}{
		{"time up", "ns/op", around(1, 10, 100, .01), around(2, 10, 106, .01), Slower},
		{"time down", "ns/op", around(1, 10, 100, .01), around(2, 10, 93, .01), Faster},
		{"rate up", "tx/s", around(1, 10, 100, .01), around(2, 10, 106, .01), Faster},
		{"rate down", "tx/s", around(1, 10, 100, .01), around(2, 10, 93, .01), Slower},
		{"unknown unit", "widgets", around(1, 10, 100, .01), around(2, 10, 106, .01), Changed},
		{"nothing", "ns/op", around(1, 10, 100, .01), around(2, 10, 100, .01), Same},
		{"small but certain", "ns/op", around(1, 20, 100, .001), around(2, 20, 101, .001), Same},
		{"wide", "ns/op", around(1, 5, 100, .1), around(2, 5, 101, .1), Inconclusive},
		{"one run each", "ns/op", []float64{100}, []float64{150}, Inconclusive},
		{"three each", "ns/op", around(1, 3, 100, .01), around(2, 3, 150, .01), Inconclusive},
		{"all equal", "B/op", []float64{64, 64, 64, 64, 64}, []float64{64, 64, 64, 64, 64}, Same},
		{"equal, other level", "B/op", []float64{64, 64, 64, 64, 64}, []float64{96, 96, 96, 96, 96}, Slower},
		{"zeros", "allocs/op", []float64{0, 0, 0, 0, 0}, []float64{0, 0, 0, 0, 0}, Same},
		{"from zero", "allocs/op", []float64{0, 0, 0, 0, 0}, []float64{2, 2, 2, 2, 2}, Slower},
		{"to zero", "allocs/op", []float64{2, 2, 2, 2, 2}, []float64{0, 0, 0, 0, 0}, Faster},
	} {
		res := mustCompare(t, write(t, "a.txt", benchText(c.unit, c.base...)), write(t, "b.txt", benchText(c.unit, c.head...)), opt3)
		row := res.Rows[0]
		if row.Verdict != c.want {
			t.Errorf("%s: %s (%s), want %s", c.name, row.Verdict, row.Reason, c.want)
		}
		if (row.Verdict == Inconclusive) != (row.Reason != "") {
			t.Errorf("%s: %s with the reason %q", c.name, row.Verdict, row.Reason)
		}
		if c.want == Inconclusive && len(c.base) < 4 && (row.CI95 != nil || row.P != nil || row.RunsFor == nil) {
			t.Errorf("%s: %+v, want no interval, and how many runs", c.name, row)
		}
	}
}

func TestUnitLines(t *testing.T) {
	head := "Unit widgets better=higher\nUnit widgets assume=exact\n"
	res := mustCompare(t, write(t, "a.txt", head+benchText("widgets", 10)), write(t, "b.txt", head+benchText("widgets", 12)), opt3)
	if row := res.Rows[0]; row.Verdict != Faster || row.Better != Higher || *row.Ratio != 1.2 {
		t.Errorf("%+v, want one exact value to be enough", row)
	}
	res = mustCompare(t, write(t, "a.txt", head+benchText("widgets", 10, 11)), write(t, "b.txt", head+benchText("widgets", 12)), opt3)
	if row := res.Rows[0]; row.Verdict != Inconclusive || !strings.Contains(row.Reason, "exact") {
		t.Errorf("%+v, want a broken promise", row)
	}
}

func TestGeomeanAndUnmatched(t *testing.T) {
	text := func(scale float64, extra string) string {
		var b strings.Builder
		for i, seed := range []uint64{11, 12, 13} {
			f := scale
			if i == 2 {
				f = 1
			}
			for _, v := range around(seed, 8, 100, .005) {
				fmt.Fprintf(&b, "BenchmarkB%d 1 %v ns/op\n", i, v*f)
			}
		}
		return b.String() + extra
	}
	res := mustCompare(t, write(t, "a.txt", text(1, "BenchmarkOld 1 7 ns/op\n")), write(t, "b.txt", text(1.21, "BenchmarkNew 1 9999 ns/op\n")), opt3)
	if len(res.Geomeans) != 1 {
		t.Fatalf("%+v", res.Geomeans)
	}
	if g := res.Geomeans[0]; g.Rows != 3 || g.Slower != 2 || math.Abs(g.Ratio-math.Pow(1.21, 2./3)) > .02 {
		t.Errorf("%+v, want 2 of 3 slower, over matched rows only", g)
	}
	if !slices.Equal(res.OnlyBase, []string{"Old sec/op"}) || !slices.Equal(res.OnlyHead, []string{"New sec/op"}) {
		t.Error(res.OnlyBase, res.OnlyHead)
	}
	opt := opt3
	opt.Filter = regexp.MustCompile("B2")
	if res := mustCompare(t, write(t, "a.txt", text(1, "")), write(t, "b.txt", text(1.21, "")), opt); len(res.Rows) != 1 || res.Verdict != Same {
		t.Errorf("%+v", res.Rows)
	}
}

// A side that drifts is told from a head that differs.
func TestNoisy(t *testing.T) {
	drift := slices.Concat(around(1, 10, 100, .005), around(2, 10, 120, .005))
	res := mustCompare(t, write(t, "a.txt", benchText("ns/op", drift...)), write(t, "b.txt", benchText("ns/op", around(3, 20, 130, .005)...)), opt3)
	if !res.Noisy || res.Verdict != Inconclusive || len(res.Warnings) == 0 {
		t.Errorf("noisy %v, verdict %s: want a noisy comparison that decides nothing", res.Noisy, res.Verdict)
	}
	// Ten runs of a side are the fewest with a control; fewer say that there is none.
	for runs, want := range map[int]bool{8: false, 10: true} {
		drift := slices.Concat(around(1, runs/2, 100, .005), around(2, runs/2, 120, .005))
		res := mustCompare(t, write(t, "a.txt", benchText("ns/op", drift...)), write(t, "b.txt", benchText("ns/op", drift...)), opt3)
		if noted := strings.Contains(strings.Join(res.Notes, "\n"), "no control"); res.Noisy != want || noted == want {
			t.Errorf("%d runs that drift: noisy %v, notes %q", runs, res.Noisy, res.Notes)
		}
	}
	noisy := 0
	for seed := range uint64(200) {
		res := mustCompare(t, write(t, "a.txt", benchText("ns/op", around(1000+2*seed, 20, 100, .05)...)), write(t, "b.txt", benchText("ns/op", around(1001+2*seed, 20, 100, .05)...)), opt3)
		if res.Noisy {
			noisy++
		}
	}
	if noisy > 8 { // two controls at 0.01, adjusted: 2 expected, more than 8 in 0.02 %
		t.Errorf("%d of 200 quiet comparisons are noisy", noisy)
	}
}

// Equal programs differ in at most about 5 % of comparisons.
func TestFalseAlarms(t *testing.T) {
	alarms := 0
	for seed := range uint64(400) {
		res := mustCompare(t, write(t, "a.txt", benchText("ns/op", around(2*seed, 10, 100, .05)...)), write(t, "b.txt", benchText("ns/op", around(2*seed+1, 10, 100, .05)...)), opt3)
		if v := res.Rows[0].Verdict; v == Slower || v == Faster {
			alarms++
		}
	}
	if alarms > 34 { // binomial(400, 0.0433): mean 17, more than 34 in 0.01 %
		t.Errorf("%d of 400 comparisons of equal programs see a difference", alarms)
	}
}

func TestClassDiffers(t *testing.T) {
	a := write(t, "a.txt", benchText("ns/op", around(1, 6, 100, .01)...))
	b := write(t, "b.txt", strings.Replace(benchText("ns/op", around(2, 6, 100, .01)...), "Test CPU", "Other CPU", 1))
	if _, err := Files(a, b, opt3); !errors.Is(err, ErrClass) || !strings.Contains(err.Error(), "cpu: Test CPU against Other CPU") || !strings.Contains(err.Error(), "--force") {
		t.Errorf("%v, want a refusal that names both processors", err)
	}
	opt := opt3
	opt.Force = true
	if res := mustCompare(t, a, b, opt); !res.Forced || len(res.Warnings) == 0 {
		t.Error("forced, and not said")
	}
}

func TestBadFiles(t *testing.T) {
	good := write(t, "good.txt", benchText("ns/op", 1, 2, 3, 4))
	for name, c := range map[string]struct{ text, want string }{
		"empty":      {"", "is empty"},
		"prose":      {"hello\nworld\n", "no benchmark line"},
		"binary":     {"\x00\x01\x02", "no text"},
		"nan":        {"BenchmarkA 1 1 ns/op\nBenchmarkA 1 NaN ns/op\n", "f:2:"},
		"inf":        {"BenchmarkA 1 +Inf ns/op\n", "f:1:"},
		"foreign":    {`{"schema":"k6/1"}` + "\n", `"k6/1"`},
		"cut":        {`{"schema":"weir.run/1","ty`, "f:1:"},
		"cut second": {trialLine(t) + `{"schema":"weir.r`, "f:2:"},
		"mixed":      {trialLine(t) + `{"schema":"x"}` + "\n", "f:2:"},
		"partial":    {trialLine(t), "no summary"},
		"other kind": {loadLine(t), "like with like"},
		"no match":   {"BenchmarkOther 1 5 ns/op\n", "in common"},
	} {
		path := write(t, "f", c.text)
		_, err := Files(path, good, opt3)
		if err == nil || !(errors.Is(err, ErrInput)) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	for _, path := range []string{filepath.Join(t.TempDir(), "none"), t.TempDir(), good + "," + good, good + ",,"} {
		if _, err := Files(path, good, opt3); !errors.Is(err, ErrInput) {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, delta := range []float64{0, -1, 1, math.NaN()} {
		if _, err := Files(good, good, Options{Delta: delta}); !errors.Is(err, ErrInput) {
			t.Errorf("delta %v: %v", delta, err)
		}
	}
}

// runFolder writes records with the given knees into one folder.
func runFolder(t *testing.T, change func(*results.Summary, *results.Env), knees ...float64) string {
	t.Helper()
	dir := t.TempDir()
	for i, knee := range knees {
		env := results.Env{Class: results.EnvClass{OS: "linux", Arch: "amd64", CPUBrand: "Test", LogicalCores: 2, UsableCores: 2, GoVersion: "go1.26", CPUFeatures: []string{"avx2"}}}
		lower, p99 := knee, 40.
		sum := results.Summary{Valid: true, StartedAt: lineTime, Workload: "transfer", Engine: "solo", Nodes: 1, Link: results.Link{Kind: "loopback"}}
		sum.Knee = results.Knee{LowerTxPerSec: &lower, Confirmed: true, Confirmations: 3}
		sum.LatencyMS.Commit.P99 = &p99
		if change != nil {
			change(&sum, &env)
		}
		folder := filepath.Join(dir, fmt.Sprintf("run%02d", i))
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(filepath.Join(folder, recordName))
		if err != nil {
			t.Fatal(err)
		}
		w := results.NewWriter(f, "run")
		if err := errors.Join(w.Write(env), w.WriteSummary(&sum), w.Close(), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRecords(t *testing.T) {
	base := runFolder(t, nil, around(1, 6, 90_000, .01)...)
	head := runFolder(t, nil, around(2, 6, 80_000, .01)...)
	res := mustCompare(t, base, head, opt3)
	if res.Verdict != Slower || res.Rows[0].Metric != "tps" || res.Rows[0].BaseRuns != 6 {
		t.Errorf("%+v", res.Rows)
	}
	one := mustCompare(t, filepath.Join(base, "run00"), filepath.Join(head, "run00", recordName), opt3)
	if one.Verdict != Inconclusive || one.Rows[0].CI95 != nil || one.Rows[0].Ratio == nil || *one.Rows[0].RunsFor != 4 {
		t.Errorf("one run per side: %+v", one.Rows[0])
	}
	other := runFolder(t, func(s *results.Summary, e *results.Env) {
		s.Workload, e.Class.CPUFeatures = "kv", []string{"avx512f"}
	}, 80_000)
	_, err := Files(base, other, opt3)
	if !errors.Is(err, ErrClass) || !strings.Contains(err.Error(), "workload: transfer against kv") ||
		!strings.Contains(err.Error(), "only base has avx2, only head has avx512f") {
		t.Error(err)
	}
	invalid := runFolder(t, func(s *results.Summary, _ *results.Env) {
		s.Valid, s.Warnings = false, []string{"the generator lagged"}
	}, around(3, 6, 50_000, .01)...)
	if res := mustCompare(t, base, invalid, opt3); res.Verdict != Inconclusive || !strings.Contains(strings.Join(res.Warnings, " "), "INVALID") {
		t.Errorf("an invalid side decides: %s, %q", res.Verdict, res.Warnings)
	}
	if _, err := Files(base, write(t, "b.txt", benchText("ns/op", 1)), opt3); !errors.Is(err, ErrInput) {
		t.Error(err)
	}
}

func TestHTML(t *testing.T) {
	res := mustCompare(t, write(t, "a.txt", benchText("ns/op", around(1, 10, 100, .01)...)), write(t, "b.txt", benchText("ns/op", around(2, 10, 106, .01)...)), opt3)
	res.Warnings = append(res.Warnings, "<script>alert(1)</script>")
	pageText, err := res.HTML()
	if err != nil {
		t.Fatal(err)
	}
	text := string(pageText)
	if strings.Contains(text, "<script") {
		t.Error("text of a file became markup")
	}
	for _, want := range []string{"weir compare: <span class=\"slower\">slower", "<svg", "95 % interval", "sec/op (lower is better)"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(benchText("ns/op", 1, 2, 3)))
	f.Add([]byte(`{"schema":"weir.run/1","type":"summary","valid":true,"knee":{"lower_tx_per_sec":5}}`))
	f.Add([]byte(`{"schema":"weir.load/1","committed_tx_per_sec":-5}`))
	f.Add([]byte("Unit x better=lower\nBenchmarkA 1 0 x -1 y\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, b := newArm("a"), newArm("b")
		if err := a.read(raw, "a"); err != nil {
			if !errors.Is(err, ErrInput) {
				t.Fatal(err)
			}
			return
		}
		if err := b.read(raw, "b"); err != nil {
			t.Fatal("the same bytes were read once and not twice:", err)
		}
		if len(a.order) == 0 {
			return
		}
		res, err := compareArms(a, b, opt3)
		if err != nil {
			if !errors.Is(err, ErrInput) && !errors.Is(err, ErrClass) {
				t.Fatal(err)
			}
			return
		}
		if res.Verdict == Slower || res.Verdict == Faster {
			t.Fatalf("a file is %s than itself", res.Verdict)
		}
		if _, err := json.Marshal(res); err != nil {
			t.Fatal(err)
		}
		res.Text()
		if _, err := res.HTML(); err != nil {
			t.Fatal(err)
		}
	})
}
