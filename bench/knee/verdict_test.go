package knee

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// fine is a trial of two seconds at 10 000 tx/s without any fault.
func fine() Observation {
	return Observation{
		Offered: 20_000, Sent: 20_000, Accepted: 20_000, Committed: 20_000,
		Commit:  &Latency{P50NS: 5e6, P90NS: 9e6, P99NS: 20e6, P999NS: 40e6, MaxNS: 80e6},
		Accept:  &Latency{P50NS: 1e6, P90NS: 2e6, P99NS: 3e6, P999NS: 4e6, MaxNS: 5e6},
		Backlog: &Growth{TxPerSec: 10, StdErrTxPerSec: 5},
	}
}

func TestJudge(t *testing.T) {
	spec := TrialSpec{RateTxPerSec: 10_000, Duration: 2 * time.Second}
	for name, c := range map[string]struct {
		slo     string
		change  func(o *Observation)
		verdict Verdict
		cause   Cause
		says    string
	}{
		"fine":              {"", func(*Observation) {}, Good, CauseNone, "commit p99 20ms"},
		"loss":              {"", func(o *Observation) { o.Committed, o.Rejected = 19_900, 100 }, Bad, CauseLoss, "loss 0.5%, limit 0.1%"},
		"loss just kept":    {"", func(o *Observation) { o.Committed, o.Lost = 19_981, 19 }, Good, CauseNone, "loss 0.095%"},
		"unaccounted":       {"", func(o *Observation) { o.Committed = 10_000 }, Bad, CauseLoss, "loss 50%"},
		"nothing":           {"", func(o *Observation) { o.Committed, o.Lost, o.Commit, o.Backlog = 0, 20_000, nil, nil }, Bad, CauseLoss, "nothing committed"},
		"p99":               {"p99<10ms", func(*Observation) {}, Bad, CauseLatency, "commit p99 20ms, limit 10ms"},
		"p50":               {"p50<5ms", func(*Observation) {}, Bad, CauseLatency, "commit p50 5ms, limit 5ms"},
		"p90":               {"p90<1ms", func(*Observation) {}, Bad, CauseLatency, "commit p90 9ms"},
		"p999":              {"p999<1ms", func(*Observation) {}, Bad, CauseLatency, "commit p999 40ms"},
		"max":               {"max<1ms", func(*Observation) {}, Bad, CauseLatency, "commit max 80ms"},
		"accept":            {"accept_p99<2ms", func(*Observation) {}, Bad, CauseLatency, "accept p99 3ms, limit 2ms"},
		"accept unknown":    {"accept_p99<2ms", func(o *Observation) { o.Accept = nil }, Invalid, CauseEnvironment, "does not report"},
		"commit unknown":    {"", func(o *Observation) { o.Commit = nil }, Invalid, CauseEnvironment, "does not report"},
		"backlog":           {"", func(o *Observation) { o.Backlog.TxPerSec = 300 }, Bad, CauseBacklog, "backlog grows by 300 tx/s, 3% of the offered rate"},
		"backlog at limit":  {"", func(o *Observation) { o.Backlog.TxPerSec = 100 }, Good, CauseNone, "backlog 100"},
		"backlog shrinks":   {"", func(o *Observation) { o.Backlog.TxPerSec = -900 }, Good, CauseNone, "backlog -900"},
		"backlog in noise":  {"", func(o *Observation) { *o.Backlog = Growth{300, 200} }, Good, CauseNone, "backlog 300"},
		"noise is capped":   {"", func(o *Observation) { *o.Backlog = Growth{600, 5000} }, Bad, CauseBacklog, "6%"},
		"backlog unknown":   {"", func(o *Observation) { o.Backlog = nil }, Invalid, CauseEnvironment, "too short"},
		"generator":         {"", func(o *Observation) { short(o, 19_000, 1000, 0) }, Invalid, CauseGenerator, "95% of the offered load"},
		"fidelity kept":     {"", func(o *Observation) { short(o, 19_800, 200, 0) }, Good, CauseNone, "loss 0%"},
		"back-pressure":     {"", func(o *Observation) { short(o, 19_000, 0, 1000) }, Bad, CauseBackpressure, "socket was full: 5%"},
		"mostly pressure":   {"", func(o *Observation) { short(o, 19_000, 400, 600) }, Bad, CauseBackpressure, "socket was full"},
		"mostly generator":  {"", func(o *Observation) { short(o, 19_000, 600, 400) }, Invalid, CauseGenerator, "generator"},
		"environment":       {"", func(o *Observation) { o.Invalid = "the clock jumped by 3 s" }, Invalid, CauseEnvironment, "clock jumped"},
		"nothing offered":   {"", func(o *Observation) { *o = Observation{} }, Invalid, CauseEnvironment, "offered no transaction"},
		"more sent":         {"", func(o *Observation) { o.Sent = 30_000 }, Invalid, CauseEnvironment, "contradict"},
		"more committed":    {"", func(o *Observation) { o.Committed = 30_000 }, Invalid, CauseEnvironment, "contradict"},
		"several, in order": {"p99<10ms", func(o *Observation) { o.Committed, o.Backlog.TxPerSec = 10_000, 5000 }, Bad, CauseLoss, "; commit p99"},
	} {
		slo, err := ParseSLO(c.slo)
		if err != nil {
			t.Fatal(err)
		}
		o := fine()
		c.change(&o)
		j := Judge(slo, spec, o, 0.05)
		if j.Verdict != c.verdict || j.Cause != c.cause || !strings.Contains(j.Reason, c.says) {
			t.Errorf("%s: %+v, want %s/%s with %q", name, j, c.verdict, c.cause, c.says)
		}
	}
}

func short(o *Observation, sent, generator, pressure int64) {
	o.Sent, o.Accepted, o.Committed = sent, sent, sent
	o.DroppedGenerator, o.DroppedBackpressure = generator, pressure
}

func TestShortDuration(t *testing.T) {
	for ns, want := range map[int64]string{0: "0s", 999: "999ns", 20e6: "20ms", 610_123_456: "610ms", 1_234_567_890: "1.23s", 95_678_900_000: "1m35.7s", 3_000_000_000_000: "50m0s"} {
		if got := shortDuration(ns); got != want {
			t.Errorf("%d ns: %s, want %s", ns, got, want)
		}
	}
}

// TestJudgeMonotone: a trial that gets worse in one respect never gets a
// better verdict.
func TestJudgeMonotone(t *testing.T) {
	slo, err := ParseSLO("p99<500ms")
	if err != nil {
		t.Fatal(err)
	}
	spec := TrialSpec{RateTxPerSec: 10_000, Duration: 2 * time.Second}
	rapid.Check(t, func(t *rapid.T) {
		o := fine()
		o.Committed = rapid.Int64Range(19_900, 20_000).Draw(t, "committed")
		o.Lost = o.Sent - o.Committed
		o.Commit.P99NS = rapid.Int64Range(1, 1e9).Draw(t, "p99")
		o.Backlog.TxPerSec = rapid.Float64Range(-200, 400).Draw(t, "growth")
		before := Judge(slo, spec, o, 0.05)
		worse := o
		latency, growth := *o.Commit, *o.Backlog
		worse.Commit, worse.Backlog = &latency, &growth
		switch rapid.IntRange(0, 2).Draw(t, "respect") {
		case 0:
			worse.Committed, worse.Lost = worse.Committed/2, worse.Sent-worse.Committed/2
		case 1:
			latency.P99NS *= 3
		case 2:
			growth.TxPerSec += 300
		}
		after := Judge(slo, spec, worse, 0.05)
		if before.Verdict == Bad && after.Verdict != Bad {
			t.Fatalf("%+v became %+v", before, after)
		}
		if before.Reason == "" || after.Reason == "" {
			t.Fatal("a verdict without a reason")
		}
	})
}
