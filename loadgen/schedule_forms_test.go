package loadgen

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/results"
)

func mustTimes(t testing.TB, s Schedule, rate float64, d time.Duration, seed uint64) []int64 {
	t.Helper()
	p, err := s.Plan(rate, d)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	out, err := p.Times(seed)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return out
}

// within counts the times in [from, to).
func within(times []int64, from, to time.Duration) int {
	a, _ := slices.BinarySearch(times, int64(from))
	b, _ := slices.BinarySearch(times, int64(to))
	return b - a
}

func writeTrace(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trace.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestScheduleFormsByHand(t *testing.T) {
	sec := time.Second
	trace := writeTrace(t, "time,tx\n# from a log\n1700000000,5\n1700000001,0\n1700000001.5,20\n1700000002.5,3\n")
	rates := writeTrace(t, "\ufeffTime, rate\n0,100\n10,0\n20,50\n")
	for _, c := range []struct {
		text     Schedule
		duration time.Duration // 0: its own
		from, to time.Duration
		want     int
	}{
		{"ramp:0..100", 10 * sec, 0, 10 * sec, 500},
		{"ramp:0..100", 10 * sec, 0, 5 * sec, 125},
		{"ramp:100..0", 10 * sec, 5 * sec, 10 * sec, 125},
		{"ramp:50..50", 10 * sec, 2 * sec, 3 * sec, 50},
		{"step:100,200,400@10s", 0, 10 * sec, 20 * sec, 2000},
		{"step:100,200,400@10s", 15 * sec, 0, 15 * sec, 2000},
		{"step:100,200,400@10s", 40 * sec, 30 * sec, 40 * sec, 4000},
		{"burst:5000/50ms/1s", 2 * sec, 0, 2 * sec, 500},
		{"burst:5000/50ms/1s", 2 * sec, 1050 * time.Millisecond, 2 * sec, 0},
		{"burst:5000/50ms/1s/100", 2 * sec, 1050 * time.Millisecond, 2 * sec, 95},
		{"sine:1000±500@10s", 10 * sec, 0, 10 * sec, 10_000},
		{"sine:1000+-500@10s", 10 * sec, 0, 5 * sec, 5000 + 1592}, // 500·10/π more in the first half
		{Schedule("trace:" + trace), 0, 0, 4 * sec, 28},
		{Schedule("trace:" + trace), 0, sec, 1500 * time.Millisecond, 0},
		{Schedule("trace:" + trace), 0, 1500 * time.Millisecond, 2500 * time.Millisecond, 20},
		{Schedule("trace:" + rates), 0, 0, 10 * sec, 1000},
		{Schedule("trace:" + rates), 0, 20 * sec, 30 * sec, 500},
		{Schedule("trace:" + rates), 60 * sec, 20 * sec, 60 * sec, 2000},
	} {
		times := mustTimes(t, c.text, 0, c.duration, 1)
		if got := within(times, c.from, c.to); got < c.want-1 || got > c.want+1 {
			t.Errorf("%s: %d from %s to %s, want %d", c.text, got, c.from, c.to, c.want)
		}
	}
}

// Every arrival of an even schedule lies where the cumulative rate reaches its
// number; a random one is a Poisson process after time-rescaling.
func TestShapedSchedulesFollowTheirRate(t *testing.T) {
	for _, text := range []Schedule{"ramp:100..30000", "ramp:20000..0", "step:500,40000,3000@2s", "burst:50000/50ms/300ms/200", "sine:20000±20000@3s"} {
		p, err := text.Plan(0, 8*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		even, _ := p.Times(1)
		for i, at := range even {
			// A ns more or less is worth the rate × 1 ns.
			if off := p.curve.until(float64(at)) - float64(i); math.Abs(off) > 1e-3 {
				t.Fatalf("%s: arrival %d at %d ns, where the cumulative rate is %v", text, i, at, p.curve.until(float64(at)))
			}
		}
		random := mustTimes(t, text+",poisson", 0, 8*time.Second, 3)
		scaled := make([]int64, len(random)) // one expected arrival per ms
		for i, at := range random {
			scaled[i] = int64(p.curve.until(float64(at)) * 1e6)
		}
		if _, ks := fits(t, scaled, 1000, time.Duration(p.curve.mass()*1e6)); ks < 0.001 {
			t.Errorf("%s: gaps are exponential with p = %v", text, ks)
		}
		if dev := math.Abs(float64(len(random))-p.curve.mass()) / math.Sqrt(p.curve.mass()); dev > 4 {
			t.Errorf("%s: %d arrivals, %.0f expected", text, len(random), p.curve.mass())
		}
	}
}

// drawForm draws the text of any schedule with rates of its own.
func drawForm(t *rapid.T) Schedule {
	rate := func(name string) string { return rateText(rapid.Float64Range(0, 20_000).Draw(t, name)) }
	length := func(name string) time.Duration {
		return time.Duration(rapid.Int64Range(int64(time.Millisecond), int64(time.Second)).Draw(t, name))
	}
	var s string
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		s = "ramp:" + rate("a") + "..1" + rate("b")
	case 1:
		s = fmt.Sprintf("step:1%s,%s,%s@%s", rate("a"), rate("b"), rate("c"), length("step"))
	case 2:
		on := length("on")
		s = fmt.Sprintf("burst:1%s/%s/%s/%s", rate("a"), on, on+length("off"), rate("b"))
	default:
		mean := rapid.Float64Range(1, 20_000).Draw(t, "mean")
		s = fmt.Sprintf("sine:%s±%s@%s", rateText(mean), rateText(mean*rapid.Float64Range(0, 1).Draw(t, "share")), length("period"))
	}
	return Schedule(s + rapid.SampledFrom([]string{"", ",even", ",poisson"}).Draw(t, "arrivals"))
}

func TestAnyFormIsAscendingBoundedAndReproducible(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawForm(t)
		d := time.Duration(rapid.Int64Range(1e6, int64(2*time.Second)).Draw(t, "duration"))
		seed := rapid.Uint64().Draw(t, "seed")
		p, err := text.Plan(0, d)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Times(seed)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.IsSorted(got) || len(got) > p.MaxTxs() || len(got) > 0 && (got[0] < 0 || got[len(got)-1] >= int64(d)) {
			t.Fatalf("%s: %d times are not ascending within [0, %d)", text, len(got), d)
		}
		if !p.poisson {
			if mass := p.curve.mass(); math.Abs(float64(len(got))-mass) > 1.001 {
				t.Fatalf("%s: %d arrivals, the rate adds up to %v", text, len(got), mass)
			}
		}
		// What a record states gives the same times.
		again, err := Times(p.Schedule, p.RateTxPerSec, p.Duration, seed)
		if err != nil || !slices.Equal(got, again) {
			t.Fatalf("%s: as %s with %v tx/s: %v", text, p.Schedule, p.RateTxPerSec, err)
		}
	})
}

func TestTraceIsPinnedByItsDigest(t *testing.T) {
	path := writeTrace(t, "time,rate\n0,1000\n1,2000\n")
	p, err := Schedule("trace:"+path+",poisson").Plan(0, 0)
	if err != nil || p.Duration != 2*time.Second || p.RateTxPerSec != 1500 {
		t.Fatal(p, err)
	}
	if a, b := mustTimes(t, p.Schedule, 0, 0, 9), mustTimes(t, Schedule("trace:"+path+",poisson"), 0, 0, 9); !slices.Equal(a, b) {
		t.Error("the recorded form gives other times")
	}
	if err := os.WriteFile(path, []byte("time,rate\n0,1000\n1,2001\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Schedule.Plan(0, 0); !errors.Is(err, ErrSchedule) || !strings.Contains(err.Error(), "another trace") {
		t.Error(err)
	}
}

func TestBadTraces(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "empty",
		"time,rate\n":                   "0 rows",
		"time,rate\n0,1\n":              "1 rows",
		"0,1\n1,2\n":                    `first line is "0,1"`,
		"time,price\n0,1\n1,1\n":        "time,rate",
		"time,rate\n0,1\n0,2\n":         "line 3: time 0 s does not follow",
		"time,rate\n5,1\n4,2\n":         "line 3: time 4 s does not follow 5 s",
		"time,tx\n0,1\n1,-2\n":          "line 3: tx -2 is below zero",
		"time,tx\n0,1\n1,NaN\n":         `line 3: tx "NaN"`,
		"time,tx\n0,1\nnow,2\n":         `line 3: time "now"`,
		"time,tx\n0,1,2\n":              "line 2",
		"time,tx\n0,1\n1e9,2\n":         "more than 24h",
		"time,tx\n0,0\n1,0\n":           "rate 0 tx/s",
		"time,tx\n0,1\n\"1,2\n":         "not CSV",
		"time,rate\n0,1e300\n1,1e300\n": "finite",
		"time,rate\n0,1e9\n1,1e9\n":     "lower the rate",
	} {
		_, err := Schedule("trace:"+writeTrace(t, text)).Plan(0, 0)
		if !errors.Is(err, ErrSchedule) || want != "finite" && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestReplayGivesTheSameTimes(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "run.jsonl")
	write := func(ts []results.Trial, ws []results.Window) {
		var b bytes.Buffer
		w := results.NewWriter(&b, path)
		for _, x := range ts {
			if err := w.Write(x); err != nil {
				t.Fatal(err)
			}
		}
		for _, x := range ws {
			if err := w.Write(x); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const d = 730 * time.Millisecond
	var trials []results.Trial
	want := map[int][]int64{}
	for i, s := range []Schedule{Constant, Poisson, "burst:9000/10ms/70ms,poisson", "sine:7000±3000@100ms"} {
		rate := 0.0
		if s.TakesRate() {
			rate = 7123.4567
		}
		p, err := s.Plan(rate, d)
		if err != nil {
			t.Fatal(err)
		}
		want[i+1], _ = p.Times(uint64(i) + 77)
		trials = append(trials, results.Trial{ID: i + 1, Phase: results.PhaseExplore, Valid: true, Verdict: results.VerdictBad, Schedule: string(p.Schedule), Seed: uint64(i) + 77,
			OfferedTxPerSec: p.RateTxPerSec, DurationSec: d.Seconds(), Counts: results.Counts{Offered: int64(len(want[i+1]))}})
	}
	windows := []results.Window{
		{TrialID: 2, Index: 1, StartNS: 5e8, DurationNS: 5e8, Counts: results.Counts{Offered: 30}},
		{TrialID: 2, Index: 0, StartNS: 0, DurationNS: 5e8, Counts: results.Counts{Offered: 1000}},
		{TrialID: 2, Index: 2, StartNS: 1e9, DurationNS: 5e8},
	}
	write(trials, windows)
	for id := range want {
		if got := mustTimes(t, Schedule(fmt.Sprintf("replay:%s#%d", path, id)), 0, 0, 5); !slices.Equal(got, want[id]) {
			t.Errorf("trial %d: other times", id)
		}
	}
	got := mustTimes(t, Schedule("replay:"+path+"#2,windows"), 0, 0, 5)
	if len(got) != 1030 || within(got, 0, 500*time.Millisecond) != 1000 || got[1029] >= int64(d) {
		t.Errorf("windows: %d transactions", len(got))
	}

	trials[1].Counts.Offered++
	trials[0].Schedule = "trace:/nowhere.csv"
	write(trials, windows[:1])
	for text, want := range map[string]string{
		"#2": "version", "#1": "its windows can still be replayed", "#9": "no trial 9, only 1, 2, 3, 4", "#2,windows": "does not follow", "#3,windows": "no windows",
	} {
		p, err := Schedule("replay:"+path+text).Plan(0, 0)
		if err == nil {
			_, err = p.Times(0)
		}
		if !errors.Is(err, ErrSchedule) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestScheduleTextsThatAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"": "not known", "fast": "use constant", "poisson:": "not known", "ramp": "not known", "constant:5": "not known",
		"ramp:5": "lacks the end", "ramp:a..5": `start "a"`, "ramp:5..-1": `end "-1"`, "ramp:0..0": "both rates", "ramp:1..Inf": "not a rate",
		"step:1,2": "how long", "step:1,x@1s": `rate 2 "x"`, "step:1@0s": "length of time", "step:1@999h": "length of time",
		"burst:5": "1 parts", "burst:5/2s/1s": "does not fit", "burst:5/x/1s": `burst "x"`, "burst:5/1ms/1s/x": "base",
		"sine:5": "period", "sine:5@1s": "amplitude", "sine:5±6@1s": "below zero", "sine:x±6@1s": "mean",
		"trace:": "no file", "trace:f#sha256=12": "64 hex", "replay:x": "write replay", "replay:x#y": "not a number", "replay:#1": "write replay",
	} {
		if s, err := ParseSchedule(text); !errors.Is(err, ErrSchedule) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q %v, want %q", text, s, err, want)
		}
	}
	for text, want := range map[string]string{
		" Step:100,2e2@1m": "step:100,200@1m0s", "sine:10+-5@1s,poisson": "sine:10±5@1s,poisson", "ramp:1..2,even": "ramp:1..2",
		"CONSTANT": "constant", "replay:a#b#3,windows": "replay:a#b#3,windows", "burst:5/1ms/1s/0": "burst:5/1ms/1s",
	} {
		s, err := ParseSchedule(text)
		if err != nil || string(s) != want {
			t.Errorf("%q: %q %v, want %q", text, s, err, want)
		}
		if again, err := ParseSchedule(string(s)); again != s || err != nil {
			t.Errorf("%q is not canonical: %q %v", s, again, err)
		}
	}
	if _, err := Schedule("ramp:1..2").Plan(100, time.Second); err == nil || !strings.Contains(err.Error(), "leave the rate of 100 out") {
		t.Error(err)
	}
	if _, err := Schedule("burst:5/1ns/2ns").Plan(0, time.Hour); err == nil || !strings.Contains(err.Error(), "longer period") {
		t.Error(err)
	}
}

func FuzzTrace(f *testing.F) {
	f.Add([]byte("time,rate\n0,1\n1,2\n"))
	f.Add([]byte("time,tx\n1700000000,5\n1700000001.5,0\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := decodeTrace(data)
		if err != nil {
			return
		}
		if p.endNS <= 0 || !(p.mass() >= 0) {
			t.Fatalf("%d pieces of %v ns with %v transactions", len(p.list), p.endNS, p.mass())
		}
	})
}
