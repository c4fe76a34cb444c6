package bench

import (
	"fmt"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/chainweir/weir/bench/knee"
	"github.com/chainweir/weir/bench/stat"
	"github.com/chainweir/weir/loadgen"
	"github.com/chainweir/weir/results"
)

// stages of latency, as windows name them.
var latencyStages = []string{"submit", "accept", "commit", "commit_from_send"}

// merged are histograms of one stage, added up.
type merged struct {
	hdr      *hdrhistogram.Histogram
	unitNS   int64
	negative int64
}

func (m *merged) quantiles() results.Quantiles {
	return results.QuantilesMS(m.hdr, m.unitNS, m.negative)
}

// latency is the same in the form that trials are judged by.
func (m *merged) latency() *knee.Latency {
	if m == nil || m.hdr == nil || m.hdr.TotalCount() == 0 {
		return nil
	}
	at := func(q float64) int64 { return m.hdr.ValueAtQuantile(q) * m.unitNS }
	return &knee.Latency{P50NS: at(50), P90NS: at(90), P99NS: at(99), P999NS: at(99.9), MaxNS: m.hdr.Max() * m.unitNS}
}

// add merges one window's histogram.
func (m *merged) add(h results.Histogram) error {
	one, err := h.Decode()
	switch {
	case err != nil:
		return err
	case m.hdr == nil:
		m.hdr, m.unitNS = one, h.UnitNS
	case m.unitNS != h.UnitNS:
		return fmt.Errorf("histogram %q is in units of %d ns, the others in %d", h.Stage, h.UnitNS, m.unitNS)
	default:
		if lost := m.hdr.Merge(one); lost > 0 {
			return fmt.Errorf("histogram %q: %d samples are beyond the range of the others", h.Stage, lost)
		}
	}
	m.negative += h.Negative
	return nil
}

// windowsOf are the indexes of a trial's windows, in their order.
func (c *checker) windowsOf(id int) []int {
	var own []int
	for i := range c.rec.Windows {
		if c.rec.Windows[i].TrialID == id {
			own = append(own, i)
		}
	}
	slices.SortStableFunc(own, func(a, b int) int { return c.rec.Windows[a].Index - c.rec.Windows[b].Index })
	return own
}

// trial checks the windows of a trial, and the trial against them.
func (c *checker) trial(i int) {
	t := &c.rec.Trials[i]
	line, where := c.lines.trials[i], fmt.Sprintf("trial %d", t.ID)
	own := c.windowsOf(t.ID)
	if len(own) == 0 {
		c.note("trial %d has no windows: its counts and latencies cannot be computed again", t.ID)
		return
	}
	stages := c.windows(t, own)
	c.stages[t.ID] = stages
	c.offered(t, own)
	again := *t
	again.Counts = results.Counts{}
	for _, k := range own {
		again.Counts = again.Counts.Add(c.rec.Windows[k].Counts)
	}
	again.Fidelity = again.Counts.Fidelity()
	again.LatencyMS = results.Latencies{
		Submit: stages["submit"].quantiles(), Accept: stages["accept"].quantiles(),
		Commit: stages["commit"].quantiles(), CommitFromSend: stages["commit_from_send"].quantiles(),
	}
	given := givenTrial
	switch {
	case t.LastCommitNS != nil || again.Counts.Committed == 0 && !c.first:
		span := t.DurationSec * 1e9
		if t.LastCommitNS != nil {
			span = max(span, float64(*t.LastCommitNS))
			c.lastCommit(t, own, line)
		}
		again.CommittedTxPerSec = results.Ratio(float64(again.Counts.Committed)*1e9, span)
	default:
		given = append(slices.Clone(given), Given{"committed_tx_per_sec", "the record does not have the time of the last commit"})
	}
	given = c.slopes(t, &again, given)
	selfCheck(&again)
	if s := c.rec.Summary; s != nil && !c.first {
		again.Seed = knee.TrialSeed(s.Seed, t.ID)
		c.judge(&again, stages)
	} else {
		given = append(slices.Clone(given), Given{"seed", "the record has no grounds of its search"}, Given{"verdict", "as above"},
			Given{"reason", "as above"}, Given{"valid", "as above"}, Given{"judged", "as above"})
	}
	c.compare(line, where, given, t, again)
	c.takenAsGiven("trial.", given)
}

// windows checks each window against its own histograms, and adds these up.
func (c *checker) windows(t *results.Trial, own []int) map[string]*merged {
	stages := map[string]*merged{}
	for _, name := range latencyStages {
		stages[name] = &merged{}
	}
	length := c.rec.Windows[own[0]].DurationNS
	for _, k := range own {
		w, line := &c.rec.Windows[k], c.lines.windows[k]
		where := fmt.Sprintf("trial %d, window %d", t.ID, w.Index)
		c.equal(line, where, "duration_ns", w.DurationNS, length)
		c.equal(line, where, "start_ns", w.StartNS, int64(w.Index)*length)
		samples := map[string]int64{}
		for _, h := range w.Histograms {
			m, ok := stages[h.Stage]
			if !ok {
				c.note("line %d: histograms of stage %q are not known here", line, h.Stage)
				continue
			}
			before := int64(0)
			if m.hdr != nil {
				before = m.hdr.TotalCount()
			}
			if err := m.add(h); err != nil {
				c.differ(line, where, "histograms", err.Error(), "a histogram that can be merged")
				continue
			}
			samples[h.Stage] += m.hdr.TotalCount() - before + h.Negative
		}
		if !t.Valid {
			continue // its histograms may lack what was beyond their range
		}
		c.equal(line, where, "counts.accepted", w.Counts.Accepted, samples["accept"])
		c.equal(line, where, "counts.committed", w.Counts.Committed, samples["commit"])
		c.equal(line, where, "samples of commit_from_send", samples["commit_from_send"], samples["commit"])
	}
	return stages
}

// offered draws the schedule again: how much of it falls into each window is no
// matter of measurement.
func (c *checker) offered(t *results.Trial, own []int) {
	d := time.Duration(t.DurationSec*1e9 + 0.5)
	times, err := loadgen.Times(loadgen.Schedule(t.Schedule), t.OfferedTxPerSec, d, t.Seed)
	if err != nil || len(times) == 0 {
		c.note("trial %d: its schedule %q cannot be drawn again (%v): what it offered is taken as given", t.ID, t.Schedule, err)
		return
	}
	if c.first && int64(len(times)) != t.Counts.Offered {
		return // another way to draw it, in another release
	}
	length := c.rec.Windows[own[0]].DurationNS
	if length <= 0 {
		return // the schema says so
	}
	counts := make([]int64, len(own))
	for _, at := range times {
		counts[min((at-times[0])/length, int64(len(own)-1))]++
	}
	for i, k := range own {
		w := &c.rec.Windows[k]
		c.equal(c.lines.windows[k], fmt.Sprintf("trial %d, window %d", t.ID, w.Index), "counts.offered", w.Counts.Offered, counts[i])
	}
}

// lastCommit holds the time of the last commit against the last window that has
// one.
func (c *checker) lastCommit(t *results.Trial, own []int, line int) {
	c.rep.Recomputed++
	for _, k := range slices.Backward(own) {
		if w := &c.rec.Windows[k]; w.Counts.Committed > 0 {
			last := k == own[len(own)-1] // takes what came later than all of them
			if ns := *t.LastCommitNS; ns < w.StartNS || ns >= w.StartNS+w.DurationNS && !last {
				c.differ(line, fmt.Sprintf("trial %d", t.ID), "last_commit_ns", ns,
					fmt.Sprintf("from %d to %d, window %d", w.StartNS, w.StartNS+w.DurationNS, w.Index))
			}
			return
		}
	}
	c.differ(line, fmt.Sprintf("trial %d", t.ID), "last_commit_ns", *t.LastCommitNS, nil)
}

// slopes fits the growth of the queues again.
func (c *checker) slopes(t, again *results.Trial, given []Given) []Given {
	if t.BacklogSeries == nil && c.first {
		why := "the record does not have the samples"
		return append(slices.Clone(given), Given{"backlog_slope_tx_per_sec2", why}, Given{"in_flight_slope_tx_per_sec2", why})
	}
	again.BacklogSlopeTxPerSec2, again.InFlightSlopeTxPerSec2 = nil, nil
	if s := t.BacklogSeries; s != nil {
		if f, err := stat.SlopePerSec(s.TSec, s.Backlog); err == nil {
			again.BacklogSlopeTxPerSec2 = &f.PerSec
		}
		if f, err := stat.SlopePerSec(s.TSec, s.InFlight); err == nil {
			again.InFlightSlopeTxPerSec2 = &f.PerSec
		}
	}
	return given
}

// selfCheck computes the shares of a generator's self-check, and what they break.
func selfCheck(t *results.Trial) {
	if t.Generator.Check == nil {
		return
	}
	c, g := *t.Generator.Check, &t.Generator
	c.CPUShare, c.GCPauseShare, c.SendLagP99NS, c.Fidelity = nil, nil, g.LagP99NS, t.Fidelity
	if g.CPUNS != nil {
		c.CPUShare = results.Ratio(float64(*g.CPUNS), float64(c.ElapsedNS)*c.Cores)
	}
	if g.GCPauseNS != nil {
		c.GCPauseShare = results.Ratio(float64(*g.GCPauseNS), float64(c.ElapsedNS))
	}
	c.Failed = c.Judge()
	c.OK = len(c.Failed) == 0
	t.Generator.Check = &c
}

// judge gives the verdict again.
func (c *checker) judge(t *results.Trial, stages map[string]*merged) {
	s := c.rec.Summary
	slo, err := knee.ParseSLO(s.SLO)
	if err != nil {
		c.differ(c.lines.summary, "summary", "slo", s.SLO, err.Error())
		return
	}
	spec, obs := observed(t, stages, peerURL(string(s.Target)))
	j := knee.Judge(slo, spec, obs, s.Search.WidthGoal)
	k := knee.Trial{Spec: spec, Observed: obs, Judgement: j}
	t.Verdict, t.Reason, t.Judged = results.Verdict(j.Verdict), j.Reason, judged(&k)
	t.Valid = j.Verdict != knee.Invalid
}

// observed turns a trial of a record into what the search saw. t has been
// computed again but for its raw values.
func observed(t *results.Trial, stages map[string]*merged, peers bool) (knee.TrialSpec, knee.Observation) {
	spec := knee.TrialSpec{
		Index: t.ID, RateTxPerSec: t.OfferedTxPerSec, Duration: time.Duration(t.DurationSec*1e9 + 0.5), Phase: knee.Phase(t.Phase), Seed: t.Seed,
	}
	out := loadgen.Outcome{}
	if s := t.BacklogSeries; s != nil {
		if f, err := stat.SlopePerSec(s.TSec, s.Backlog); err == nil {
			out.Backlog = &f
		}
		if f, err := stat.SlopePerSec(s.TSec, s.InFlight); err == nil {
			out.InFlight = &f
		}
	}
	// What made a trial invalid by itself stands in words. A reason that the
	// judge found in the counts is found again.
	raw := *t
	if j := t.Judged; j != nil && j.Cause != results.NullString(knee.CauseEnvironment) {
		raw.InvalidReason = ""
		if j.Cause == results.NullString(knee.CauseGenerator) {
			raw.InvalidReason = t.Generator.Check.Unfit()
		}
	}
	obs := observation(&raw, &out)
	obs.Commit, obs.Accept = stages["commit"].latency(), stages["accept"].latency() // of none: unknown
	if peers {
		(&target{peer: &peer{}}).lumps(&obs, t.DurationSec)
	}
	return spec, obs
}
