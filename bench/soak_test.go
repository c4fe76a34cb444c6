package bench

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chainweir/weir/results"
)

// soakSeries makes a soak of n pieces with 1 % noise. change is applied to a
// figure as the share of it that has been added by the end.
func soakSeries(n int, seed uint64, change map[string]float64) *results.Soak {
	rng := rand.New(rand.NewPCG(seed, 1))
	s := &results.Soak{OfferedTxPerSec: 5000, PieceSec: 10, LoadSec: float64(10 * n)}
	for i := range n {
		at := float64(i) / float64(n-1)
		value := func(name string, base float64) *float64 {
			v := base * (1 + change[name]*at + 0.01*rng.NormFloat64())
			return &v
		}
		p := results.SoakPoint{
			TSec: 10*float64(i) + 5, CommittedTxPerSec: value("rate", 5000), CommitP50MS: value("p50", 6), CommitP99MS: value("p99", 14),
			CPUSecPerTx: value("cpu", 2e-5), OthersBusy: value("others", 0.1), Verdict: results.VerdictGood,
		}
		b := int64(*value("memory", 4e7))
		p.MemoryBytes, p.MemorySource = &b, "rss"
		s.Series = append(s.Series, p)
	}
	return s
}

func TestSoakVerdict(t *testing.T) {
	for _, c := range []struct {
		name    string
		n       int
		change  map[string]float64
		edit    func(*results.Soak)
		verdict string
		reason  string
	}{
		{"nothing changes", 60, nil, nil, results.SoakSteady, "within its limit"},
		{"memory leaks", 60, map[string]float64{"memory": 0.5}, nil, results.SoakDrifts, "memory_bytes +"},
		{"memory is given back", 60, map[string]float64{"memory": -0.3}, nil, results.SoakImproves, "memory_bytes -"},
		{"the rate falls", 60, map[string]float64{"rate": -0.06}, nil, results.SoakDrifts, "committed_tx_per_sec -"},
		{"the rate rises", 60, map[string]float64{"rate": 0.06}, nil, results.SoakImproves, "committed_tx_per_sec +"},
		{"the tail grows", 60, map[string]float64{"p99": 0.6}, nil, results.SoakDrifts, "commit_p99_ms"},
		{"a transaction costs more", 60, map[string]float64{"cpu": 0.12}, nil, results.SoakDrifts, "node_cpu_sec_per_tx"},
		{"less than the limit", 60, map[string]float64{"memory": 0.04, "p50": 0.05, "p99": 0.1, "cpu": 0.02}, nil, results.SoakSteady, ""},
		{"others got busier", 60, map[string]float64{"p50": 0.5, "others": 2}, nil, results.SoakInconclusive, "other work on the machine rose"},
		{"too short", 10, nil, nil, results.SoakInconclusive, "soak longer"},
		{"nothing at all", 0, nil, nil, results.SoakInconclusive, "soak longer"},
		{"pieces break the goal", 60, nil, func(s *results.Soak) {
			for i := range 7 {
				s.Series[8*i].Verdict, s.Series[8*i].Reason = results.VerdictBad, "loss 1 %, limit 0.1 %"
			}
		}, results.SoakFails, "7 of 60 pieces broke the goal at 5000 tx/s; the last of them: loss 1 %"},
		{"the generator was measured", 60, nil, func(s *results.Soak) {
			for i := range 7 {
				s.Series[8*i].Verdict, s.Series[8*i].Reason = results.VerdictInvalid, "the generator was late"
			}
		}, results.SoakInconclusive, "7 of 60 pieces did not measure the system; the last of them: the generator was late"},
		{"an invalid piece is no point of the drift", 60, nil, func(s *results.Soak) {
			s.Series[30].Verdict, s.Series[30].CommittedTxPerSec = results.VerdictInvalid, new(float64)
		}, results.SoakSteady, ""},
		{"memory and cost of a peer are unknown", 60, nil, func(s *results.Soak) {
			for i := range s.Series {
				s.Series[i].MemoryBytes, s.Series[i].CPUSecPerTx, s.Series[i].OthersBusy = nil, nil, nil
			}
		}, results.SoakSteady, ""},
		{"latency is unknown", 60, nil, func(s *results.Soak) {
			for i := range s.Series {
				s.Series[i].CommitP99MS = nil
			}
		}, results.SoakInconclusive, "commit_p99_ms is not known"},
		{"a series of a week", 6000, map[string]float64{"memory": 0.5}, nil, results.SoakDrifts, "memory_bytes +"},
	} {
		s := soakSeries(c.n, 7, c.change)
		if c.edit != nil {
			c.edit(s)
		}
		concludeSoak(s)
		if s.Verdict != c.verdict || !strings.Contains(s.Reason, c.reason) {
			t.Errorf("%s: %s (%s), want %s (%s)", c.name, s.Verdict, s.Reason, c.verdict, c.reason)
		}
	}
}

// TestSoakSeesALeak: the slope, the interval and the ends of the line are those
// that were put in.
func TestSoakSeesALeak(t *testing.T) {
	s := soakSeries(60, 3, map[string]float64{"memory": 0.5})
	concludeSoak(s)
	d := s.Drift[3]
	wantPerHour := 4e7 * 0.5 / 590 * 3600
	if d.Metric != "memory_bytes" || d.N != 54 || s.WarmUp != 6 {
		t.Fatalf("%+v, warm-up %d", d, s.WarmUp)
	}
	if math.Abs(*d.PerHour/wantPerHour-1) > 0.05 || math.Abs(*d.Last/6e7-1) > 0.02 || !(*d.ChangeLow < *d.Change && *d.Change < *d.ChangeHigh) {
		t.Errorf("%v per hour, want %v; last %v", *d.PerHour, wantPerHour, *d.Last)
	}
}

// TestSoakFalseAlarms: where nothing changes, no verdict is a drift, and nearly
// all are steady.
func TestSoakFalseAlarms(t *testing.T) {
	steady := 0
	for seed := range uint64(100) {
		s := soakSeries(60, 100+seed, nil)
		concludeSoak(s)
		switch s.Verdict {
		case results.SoakSteady:
			steady++
		case results.SoakDrifts, results.SoakFails:
			t.Errorf("seed %d: %s: %s", seed, s.Verdict, s.Reason)
		}
	}
	if steady < 95 {
		t.Errorf("%d of 100 are steady", steady)
	}
}

func TestPieceOf(t *testing.T) {
	for _, c := range []struct {
		total time.Duration
		rate  float64
		want  time.Duration
	}{
		{10 * time.Minute, 1000, 10 * time.Second}, {20 * time.Second, 1000, time.Second}, {24 * time.Hour, 1000, 30 * time.Second},
		{10 * time.Minute, 400_000, 2600 * time.Millisecond}, {time.Hour, 1 << 20, time.Second},
	} {
		if got := pieceOf(c.total, c.rate); got != c.want {
			t.Errorf("%v at %v tx/s: pieces of %v, want %v", c.total, c.rate, got, c.want)
		}
	}
}

func TestSoakRefuses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	for _, c := range []struct {
		why  string
		edit func(*SoakConfig)
		want string
	}{
		{"too short", func(c *SoakConfig) { c.For = time.Second }, "a soak of 1s"},
		{"too long", func(c *SoakConfig) { c.For = 400 * time.Hour }, "a soak of 400h"},
		{"negative", func(c *SoakConfig) { c.RateTxPerSec = -1 }, "-1 tx/s"},
		{"not a number", func(c *SoakConfig) { c.RateTxPerSec = math.NaN() }, "NaN tx/s"},
		{"above the bound", func(c *SoakConfig) { c.MaxRate, c.RateTxPerSec = 100, 200 }, "--max-rate 100"},
		{"too many", func(c *SoakConfig) { c.RateTxPerSec = 1e9 }, "at most 1048576"},
		{"continued", func(c *SoakConfig) { c.Resume = true }, "cannot be continued"},
	} {
		cfg := SoakConfig{Config: Config{OutDir: dir}, For: time.Minute, RateTxPerSec: 100}
		c.edit(&cfg)
		_, err := Soak(context.Background(), cfg)
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.why, err, c.want)
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: a folder was made", c.why)
		}
	}
}
