package loadgen

import (
	"fmt"
	"math"
	"runtime/metrics"
	"time"

	"github.com/chainweir/weir/results"
)

// Limits of the generator's self-check. Beyond one of them it is the generator
// that was measured, and the trial is invalid. They are wide: a generator that
// shares two cores with a busy node uses a sixth of them, waits some ms for a
// core and sends up to 100 ms late.
const (
	cpuShareLimit     = 0.90 // of the cores that it may use
	gcPauseShareLimit = 0.02 // of the time
	gcPauseLeast      = 20 * time.Millisecond
	schedLagLimit     = 100 * time.Millisecond
	// sendLagLimit is a quarter of the usual limit of commit latency, which
	// counts from the intended send and so contains the lag.
	sendLagLimit = 250 * time.Millisecond
)

// clockStepLimit is how far the wall clock may move against the monotonic one
// before a run says so. Clock discipline moves it by 0.5 ms a second at most.
const clockStepLimit = 50 * time.Millisecond

const schedMetric = "/sched/latencies:seconds"

// schedLatency is the runtime's histogram of how long runnable goroutines
// waited, since the program began; nil where the runtime has none.
func schedLatency() *metrics.Float64Histogram {
	s := []metrics.Sample{{Name: schedMetric}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindFloat64Histogram {
		return nil
	}
	return s[0].Value.Float64Histogram()
}

// schedP99 is the 99th percentile of what came between two readings, as the
// upper edge of its bucket.
func schedP99(a, b *metrics.Float64Histogram) *int64 {
	if a == nil || b == nil || len(a.Counts) != len(b.Counts) {
		return nil
	}
	var total uint64
	for i := range b.Counts {
		total += b.Counts[i] - a.Counts[i]
	}
	if total == 0 {
		return nil
	}
	need := total - total/100
	var seen uint64
	for i := range b.Counts {
		if seen += b.Counts[i] - a.Counts[i]; seen >= need {
			edge := b.Buckets[i+1]
			if math.IsInf(edge, 1) {
				edge = b.Buckets[i]
			}
			ns := int64(edge * 1e9)
			return &ns
		}
	}
	return nil
}

// check fills in the generator's self-check from what is known of the run.
func (r *run) check(o *Outcome, sched *int64) {
	g := &o.Trial.Generator
	c := &results.SelfCheck{
		LoadNS: int64(r.cfg.Duration), ElapsedNS: o.EndNS, Cores: float64(r.procs),
		CPUShareLimit:  cpuShareLimit,
		GCPauseLimitNS: max(int64(gcPauseShareLimit*float64(o.EndNS)), int64(gcPauseLeast)),
		SchedLagP99NS:  sched, SchedLagLimitNS: int64(schedLagLimit),
		SendLagP99NS: g.LagP99NS, AllBlockedNS: o.allBlockedNS, SendLagLimitNS: int64(sendLagLimit),
		Fidelity: o.Trial.Fidelity,
	}
	if g.CPUNS != nil {
		c.CPUShare = results.Ratio(float64(*g.CPUNS), float64(c.ElapsedNS)*c.Cores)
	}
	if g.GCPauseNS != nil {
		c.GCPauseShare = results.Ratio(float64(*g.GCPauseNS), float64(c.ElapsedNS))
	}
	c.Failed = c.Judge()
	c.OK = len(c.Failed) == 0
	g.Check = c
}

// clockStep is how far the wall clock moved beside the time that passed by the
// monotonic clock. All of a run is timed by that one and not affected; a machine
// that was suspended shows here too.
func clockStep(began, ended time.Time, passed time.Duration) time.Duration {
	return ended.Round(0).Sub(began.Round(0)) - passed
}

// stepWarning says what a moved clock means for a record, if it moved.
func stepWarning(step time.Duration) string {
	if step.Abs() <= clockStepLimit {
		return ""
	}
	return fmt.Sprintf("the wall clock moved by %s during the run, or the machine was suspended: latencies are not affected, they are taken from the monotonic clock; times of day in the record and in blocks are", step.Round(time.Millisecond))
}
