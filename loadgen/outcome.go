package loadgen

import (
	"fmt"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/chainweir/weir/bench/stat"
	"github.com/chainweir/weir/results"
)

// Outcome is what a run saw.
type Outcome struct {
	// Trial holds all that the generator knows. Its id, phase, verdict, wire,
	// node and host fields are the caller's to fill in. Valid says that the
	// record can be trusted, not that the load was met: the send fidelity is
	// the caller's to judge.
	//
	// CommittedTxPerSec is committed ÷ the time from the first intended send to
	// the end of the schedule or, if later, the last commit: what commits while
	// a backlog drains needs the time in which it drains.
	Trial results.Trial
	// Windows add up to Trial.Counts. An event counts in the window in which it
	// happened; a dropped transaction in that of its intended time, a lost one
	// in that of its sending. Their TrialID is 0; SetID sets it.
	Windows []results.Window
	// Histograms are the latencies of the whole run by stage, in the order
	// submit, accept, commit, commit_from_send; stages without samples are left out.
	Histograms []results.Histogram

	Accept, Commit, CommitFromSend *LatencyNS // nil: no samples

	// Backlog is the growth per second of accepted − (committed + failed after
	// acceptance) while load was offered, without the first tenth (100 ms to
	// 1 s, at most a quarter) in which the pipeline fills. InFlight is that of
	// sent − (committed + failed). Nil when there were too few samples.
	Backlog, InFlight *stat.Slope

	StartedAt    time.Time // wall clock, before OnStart
	LastCommitNS int64     // since the first intended send; 0 when nothing committed
	EndNS        int64     // end of the drain, since the first intended send

	BytesIn, BytesOut uint64 // payload of the connections during the run
	Frames            int64  // Submit frames that were written
	Conns             int
	BatchWindow       time.Duration

	Interrupted bool   // ctx ended before the run did
	Failure     string // what ended the run before its time, and when; empty: nothing did
	Warnings    []string

	heldBack     float64 // share of the delay at the end that full sockets caused
	allBlockedNS int64   // time in which every socket was full
	schedLagNS   *int64  // p99
}

// LatencyNS is a distribution of latencies in ns.
type LatencyNS struct {
	P50, P90, P99, P999, Max int64
	Count                    int64
}

// SetID gives the trial and its windows their number.
func (o *Outcome) SetID(id int) {
	o.Trial.ID = id
	for i := range o.Windows {
		o.Windows[i].TrialID = id
	}
}

// settle fills in the outcome after all goroutines of the run have ended.
func (r *run) settle(o *Outcome) {
	o.Conns, o.BatchWindow = r.cfg.Conns, r.cfg.BatchWindow
	sum := r.tally()
	var missed int64
	all := gather(sum, r.tallies)
	for _, t := range r.tallies {
		sum.addCounts(t)
	}
	for _, l := range r.links {
		missed += l.sender.missed
		o.Frames += l.sender.frames
		o.LastCommitNS = max(o.LastCommitNS, l.rec.lastCommitNS)
	}
	t := &o.Trial
	t.Seed, t.Schedule, t.StartedAt = r.cfg.Seed, string(r.cfg.Schedule), o.StartedAt
	t.OfferedTxPerSec, t.DurationSec = r.cfg.RateTxPerSec, r.cfg.Duration.Seconds()

	problems := r.windows(o, sum, all)
	if t.Counts.Rejected == nil {
		t.Counts.Rejected = results.Rejections{}
	}
	t.Fidelity = t.Counts.Fidelity()
	// What the source did not have ready is nobody's fault but ours.
	t.DroppedBy.Backpressure = int64(float64(t.Counts.Dropped-missed)*o.heldBack + 0.5)
	if missed > 0 {
		o.Warnings = append(o.Warnings, fmt.Sprintf("%d transactions were not read from the disk in time and were dropped by the generator: allow more memory for them, or use a faster disk", missed))
	}
	t.DroppedBy.Generator = t.Counts.Dropped - t.DroppedBy.Backpressure
	span := max(int64(r.cfg.Duration), o.LastCommitNS)
	t.CommittedTxPerSec = results.Ratio(float64(t.Counts.Committed)*1e9, float64(span))

	problems = append(problems, r.latencies(o, sum, all)...)
	problems = append(problems, r.pacing(o)...)
	if series := r.sampler.series(); series != nil {
		t.BacklogSeries = series
		o.Backlog = slopeOf(series.TSec, series.Backlog)
		o.InFlight = slopeOf(series.TSec, series.InFlight)
	}
	if o.Backlog != nil {
		t.BacklogSlopeTxPerSec2 = &o.Backlog.PerSec
	}
	if o.InFlight != nil {
		t.InFlightSlopeTxPerSec2 = &o.InFlight.PerSec
	}
	if o.LastCommitNS > 0 {
		t.LastCommitNS = &o.LastCommitNS
	}
	r.check(o, o.schedLagNS)
	step := int64(clockStep(r.wallBegan, r.wallEnded, time.Duration(o.EndNS)))
	t.ClockStepNS = &step
	if w := stepWarning(time.Duration(step)); w != "" {
		o.Warnings = append(o.Warnings, w)
	}
	if sum.tooLong > 0 {
		problems = append(problems, fmt.Sprintf("%d latencies exceeded the longest possible run: was the machine suspended?", sum.tooLong))
	}
	r.validate(o, problems)
}

// windows counts every transaction once, by stage and window, and sums up.
func (r *run) windows(o *Outcome, sum *tally, all *latencies) (problems []string) {
	counts := make([]results.Counts, len(sum.slots))
	for i := range sum.slots {
		counts[i] = sum.counts(&sum.slots[i])
	}
	for i := range r.times {
		intended := &counts[sum.index(r.times[i])]
		intended.Offered++
		word := r.sent[i].Load()
		if word == 0 || r.state[i] == 0 && r.failed(i, word&connMask) {
			intended.Dropped++
			continue
		}
		sent := &counts[sum.index(word>>connBits)]
		sent.Sent++
		if r.state[i]&bitsFinal == 0 {
			sent.Lost++
		}
	}
	last := sum.index(max(int64(r.cfg.Duration)-1, o.LastCommitNS, o.EndNS))
	// Answers still come while the counters are read after the end.
	for i := len(sum.slots) - 1; i > last; i-- {
		if sum.slots[i].touched() {
			last = i
		}
	}
	for i := range last + 1 {
		hs, err := all.window(i, &sum.slots[i].negative)
		if err != nil {
			problems = append(problems, err.Error())
		}
		o.Windows = append(o.Windows, results.Window{
			Index: i, StartNS: int64(i) * sum.windowNS, DurationNS: sum.windowNS, Counts: counts[i], Histograms: hs,
		})
		o.Trial.Counts = o.Trial.Counts.Add(counts[i])
	}
	return problems
}

// failed tells whether transaction i was in the frame that its connection could
// not write.
func (r *run) failed(i int, conn int64) bool {
	s := r.links[conn-1].sender
	return i >= s.failedFirst && i < s.failedFirst+s.failedCount
}

// latencies fills in quantiles and histograms of the whole run.
func (r *run) latencies(o *Outcome, sum *tally, all *latencies) (problems []string) {
	l := &o.Trial.LatencyMS
	quantiles := [numStages]*results.Quantiles{&l.Submit, &l.Accept, &l.Commit, &l.CommitFromSend}
	short := [numStages]**LatencyNS{stageAccept: &o.Accept, stageCommit: &o.Commit, stageCommitFromSend: &o.CommitFromSend}
	for st := range numStages {
		var negative int64
		for i := range sum.slots {
			negative += sum.slots[i].negative[st]
		}
		h := all.whole(st)
		*quantiles[st] = results.QuantilesMS(h, unitNS, negative)
		if short[st] != nil {
			*short[st] = latencyNS(h)
		}
		if h == nil {
			continue
		}
		enc, err := results.EncodeHistogram(h, stageNames[st], unitNS, negative)
		if err != nil {
			problems = append(problems, err.Error())
			continue
		}
		o.Histograms = append(o.Histograms, enc)
	}
	return problems
}

func latencyNS(h *hdrhistogram.Histogram) *LatencyNS {
	if h == nil || h.TotalCount() == 0 {
		return nil
	}
	at := func(q float64) int64 { return h.ValueAtQuantile(q) * unitNS }
	return &LatencyNS{P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: h.Max() * unitNS, Count: h.TotalCount()}
}

// validate decides whether the record can be trusted.
func (r *run) validate(o *Outcome, problems []string) {
	var why []string
	switch {
	case o.Interrupted:
		why = append(why, "the run was interrupted")
	case r.failure != nil:
		o.Failure = fmt.Sprintf("%.1f s after the first transaction, %s", float64(r.failedNS)/1e9, r.failure)
		why = append(why, o.Failure)
	}
	for a := range numAnomalies {
		var n int64
		var first uint64
		for _, l := range r.links {
			if n == 0 {
				first = l.rec.firstAnomaly[a]
			}
			n += l.rec.anomalies[a]
		}
		if n > 0 {
			why = append(why, fmt.Sprintf("the node contradicts itself: transactions %s: %d, the first is number %d", anomalyNames[a], n, first))
		}
	}
	why = append(why, problems...)
	why = append(why, o.Trial.Generator.Check.Failed...)
	for _, v := range results.CheckTrial(o.Trial) {
		why = append(why, v.String())
	}
	o.Trial.Valid = len(why) == 0
	o.Trial.InvalidReason = strings.Join(why, "; ")
}
