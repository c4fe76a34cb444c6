package bench

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/chainweir/weir/bench/knee"
	"github.com/chainweir/weir/bench/link"
	"github.com/chainweir/weir/bench/stat"
	"github.com/chainweir/weir/loadgen"
	"github.com/chainweir/weir/results"
)

// simulated is a server with one queue and a fixed time of service, run in
// virtual time. It fills in what a real trial measures.
type simulated struct {
	t        testing.TB
	run      *run
	now      time.Time
	txPerSec float64
}

const simWindow = 500 * time.Millisecond

func (s *simulated) Run(_ context.Context, spec knee.TrialSpec) (knee.Observation, error) {
	out := s.serve(spec)
	out.SetID(spec.Index)
	t := out.Trial
	t.Phase, t.Seed, t.Schedule = phaseOf(spec.Phase), spec.Seed, string(loadgen.Constant)
	t.OfferedTxPerSec, t.DurationSec, t.StartedAt = spec.RateTxPerSec, spec.Duration.Seconds(), s.now.UTC()
	s.now = s.now.Add(spec.Duration + 300*time.Millisecond)
	full := fullTrial(spec.Index)
	t.Wire, t.Node, t.HostCPUBusyNS, t.Generator = full.Wire, full.Node, full.HostCPUBusyNS, full.Generator
	t.WindowSec = new(t.DurationSec + 0.02)
	*t.Generator.CPUNS = t.Counts.Sent * 4000
	*t.HostCPUBusyNS, *t.Node.CPUUserNS = t.Counts.Sent*30_000, t.Counts.Sent*20_000
	t.Generator.LagP99NS, t.Generator.GCPauseNS, t.Generator.WriteBlockedNS = new(int64(700_000)), new(int64(90_000)), new(int64(1_000_000))
	t.Generator.Check = &results.SelfCheck{
		LoadNS: int64(spec.Duration), ElapsedNS: int64(spec.Duration), Cores: 2, CPUShareLimit: 0.9, GCPauseLimitNS: 2e7, SchedLagP99NS: new(int64(400_000)),
		SchedLagLimitNS: 1e8, SendLagLimitNS: 25e7, AllBlockedNS: 1000,
	}
	selfCheck(&t)
	s.run.trials.windows[t.ID], s.run.trials.hists[t.ID] = out.Windows, wholeHistograms(s.t, out.Windows)
	s.run.trials.done = append(s.run.trials.done, t)
	obs := observation(&t, out)
	stages := map[string]*merged{"commit": {}, "accept": {}}
	for _, h := range s.run.trials.hists[t.ID] {
		if m := stages[h.Stage]; m != nil {
			if err := m.add(h); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	obs.Commit, obs.Accept = stages["commit"].latency(), stages["accept"].latency()
	return obs, nil
}

// serve puts every transaction through the queue.
func (s *simulated) serve(spec knee.TrialSpec) *loadgen.Outcome {
	times, err := loadgen.Times(loadgen.Constant, spec.RateTxPerSec, spec.Duration, spec.Seed)
	if err != nil {
		s.t.Fatal(err)
	}
	type slot struct {
		counts results.Counts
		hist   map[string]*hdrhistogram.Histogram
	}
	var slots []slot
	at := func(ns int64) *slot {
		for int(ns/int64(simWindow)) >= len(slots) {
			slots = append(slots, slot{hist: map[string]*hdrhistogram.Histogram{}})
		}
		return &slots[ns/int64(simWindow)]
	}
	note := func(stage string, now, since int64) *slot {
		sl := at(now)
		if sl.hist[stage] == nil {
			sl.hist[stage] = hdrhistogram.New(1, 8_000_000, 3)
		}
		if err := sl.hist[stage].RecordValue((now - since) / 1000); err != nil {
			s.t.Fatal(err)
		}
		return sl
	}
	var free, last int64
	var done []int64
	first := times[0]
	for _, abs := range times {
		ns := abs - first
		sl := at(ns)
		sl.counts.Offered++
		note("submit", ns+50_000, ns).counts.Sent++
		note("accept", ns+200_000, ns).counts.Accepted++
		free = max(free, ns+1_000_000) + int64(1e9/s.txPerSec)
		last = free + 3_000_000
		done = append(done, last)
		note("commit", last, ns).counts.Committed++
		note("commit_from_send", last, ns+50_000)
	}
	out := &loadgen.Outcome{LastCommitNS: last}
	for i, sl := range slots {
		w := results.Window{Index: i, StartNS: int64(i) * int64(simWindow), DurationNS: int64(simWindow), Counts: sl.counts}
		for _, stage := range latencyStages {
			if h := sl.hist[stage]; h != nil {
				enc, err := results.EncodeHistogram(h, stage, 1000, 0)
				if err != nil {
					s.t.Fatal(err)
				}
				w.Histograms = append(w.Histograms, enc)
			}
		}
		out.Windows = append(out.Windows, w)
		out.Trial.Counts = out.Trial.Counts.Add(sl.counts)
	}
	s.summarise(out, times, done, spec)
	return out
}

// summarise fills in what a trial says of its windows.
func (s *simulated) summarise(out *loadgen.Outcome, times, done []int64, spec knee.TrialSpec) {
	t := &out.Trial
	series := &results.BacklogSeries{}
	var arrived, left int
	for ns := int64(100e6); ns < int64(spec.Duration); ns += 20e6 {
		for arrived < len(times) && times[arrived]-times[0] <= ns {
			arrived++
		}
		for left < len(done) && done[left] <= ns {
			left++
		}
		series.TSec = append(series.TSec, float64(ns)/1e9)
		series.Backlog = append(series.Backlog, float64(arrived-left))
		series.InFlight = append(series.InFlight, float64(arrived-left)+0.5)
	}
	fit := func(y []float64) *stat.Slope {
		f, err := stat.SlopePerSec(series.TSec, y)
		if err != nil {
			s.t.Fatal(err)
		}
		return &f
	}
	t.BacklogSeries = series
	out.Backlog, out.InFlight = fit(series.Backlog), fit(series.InFlight)
	t.BacklogSlopeTxPerSec2, t.InFlightSlopeTxPerSec2 = &out.Backlog.PerSec, &out.InFlight.PerSec
	t.Fidelity, t.LastCommitNS, t.ClockStepNS = t.Counts.Fidelity(), &out.LastCommitNS, new(int64(-120))
	t.CommittedTxPerSec = results.Ratio(float64(t.Counts.Committed)*1e9, max(float64(spec.Duration), float64(out.LastCommitNS)))
	for _, h := range wholeHistograms(s.t, out.Windows) {
		m := &merged{}
		if err := m.add(h); err != nil {
			s.t.Fatal(err)
		}
		l := &t.LatencyMS
		*map[string]*results.Quantiles{"submit": &l.Submit, "accept": &l.Accept, "commit": &l.Commit, "commit_from_send": &l.CommitFromSend}[h.Stage] = m.quantiles()
	}
}

// wholeHistograms are those of all windows, by stage.
func wholeHistograms(t testing.TB, windows []results.Window) []results.Histogram {
	t.Helper()
	var out []results.Histogram
	for _, stage := range latencyStages {
		m := &merged{}
		for _, w := range windows {
			for _, h := range w.Histograms {
				if h.Stage != stage {
					continue
				}
				if err := m.add(h); err != nil {
					t.Fatal(err)
				}
			}
		}
		enc, err := results.EncodeHistogram(m.hdr, stage, 1000, 0)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, enc)
	}
	return out
}

// simulatedRecord writes the record of a search on the simulated server, by the
// code that writes those of real ones.
func simulatedRecord(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "record.jsonl")
	rec, err := results.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	slo, err := knee.ParseSLO("p99<100ms")
	if err != nil {
		t.Fatal(err)
	}
	r := &run{
		cfg: Config{Progress: func(Progress) {}}, rec: rec, target: &target{}, started: time.Unix(1_780_000_000, 0),
		trials: &trials{windows: map[int][]results.Window{}, hists: map[int][]results.Histogram{}, warnings: map[string]bool{}},
		machine: machine{nodeCores: 2, hostCores: 2, sameHost: true, wholeHost: true,
			link: &link.Result{In: &link.Direction{L2BitsPerSec: 1e9}, Out: &link.Direction{L2BitsPerSec: 9e8}}},
	}
	r.env = results.Env{Class: results.EnvClass{OS: "linux", Arch: "amd64", LogicalCores: 2, UsableCores: 2, GoVersion: "go1.26"}}
	r.sum = results.Summary{
		StartedAt: r.started.UTC(), Host: "sim", Workload: "transfer", Engine: "solo", Nodes: 1, Seed: 42, SLO: slo.String(), Placement: "here",
	}
	r.sum.Link.CapacityBitsPerSec = results.InOut{In: new(1e9), Out: new(9e8)}
	r.sum.Wire.TxBytes, r.sum.Link.Kind = new(200.0), results.LinkNetwork
	if err := rec.Write(r.env); err != nil {
		t.Fatal(err)
	}
	sim := &simulated{t: t, run: r, now: r.started, txPerSec: 600}
	cfg := knee.ForBudget(30*time.Second, 300*time.Millisecond, 400)
	cfg.SLO, cfg.Seed, cfg.Now = slo, r.sum.Seed, func() time.Time { return sim.now }
	cfg.Progress = r.onEvent
	r.kneeCfg = cfg
	res, err := knee.Search(context.Background(), cfg, sim)
	if err != nil {
		t.Fatal(err)
	}
	r.conclude(res)
	if !r.sum.Valid || r.sum.Knee.UpperTxPerSec == nil || len(r.sum.Knee.LatencyAt) == 0 {
		t.Fatalf("the simulated search found no knee: %+v %q", r.sum.Knee, r.sum.Warnings)
	}
	if err := r.finish(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	if err := rec.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func readRecord(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
