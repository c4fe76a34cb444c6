package bench

import (
	"slices"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/chainweir/weir/bench/knee"
	"github.com/chainweir/weir/results"
)

// onEvent passes progress on and writes each judged trial to the record.
func (r *run) onEvent(e knee.Event) {
	if e.Kind == knee.TrialDone && e.Trial != nil {
		r.judge(e.Trial)
	}
	r.cfg.Progress(Progress{Event: &e})
}

// judge completes a trial with its verdict and writes it.
func (r *run) judge(k *knee.Trial) {
	i := slices.IndexFunc(r.trials.done, func(t results.Trial) bool { return t.ID == k.Spec.Index })
	if i < 0 {
		return
	}
	t := &r.trials.done[i]
	t.Verdict, t.Reason = results.Verdict(k.Judgement.Verdict), k.Judgement.Reason
	if k.Discarded != "" {
		t.Reason += "; not used: " + k.Discarded
	}
	t.Valid = t.Verdict != results.VerdictInvalid
	if t.Valid {
		t.InvalidReason = ""
	} else {
		t.InvalidReason = orElse(t.InvalidReason, t.Reason)
	}
	t.Judged = judged(k)
	r.write(t)
	r.sum.Trials = append(r.sum.Trials, t.Short())
}

// write puts a trial into the record, its windows first: a trial that is there
// is there as a whole. A record that cannot be written ends the run, because
// nothing that it measures from then on could be shown.
func (r *run) write(t *results.Trial) {
	defer delete(r.trials.windows, t.ID)
	for _, w := range r.trials.windows[t.ID] {
		if err := r.rec.Write(w); err != nil {
			r.unwritable(err)
			return
		}
	}
	if err := r.rec.Write(*t); err != nil {
		r.unwritable(err)
	}
}

// conclude turns the search's result into the summary.
func (r *run) conclude(res knee.Result) {
	s := &r.sum
	confirmed := res.Confirmed || wideButConfirmed(res)
	s.Knee = results.Knee{
		LowerTxPerSec: res.LowerTxPerSec, UpperTxPerSec: res.UpperTxPerSec, Confirmed: confirmed,
		Confirmations: res.Confirmations, ConfirmationsWanted: res.Wanted,
	}
	s.SLO = res.SLO.String()
	s.Search = searched(res, r.kneeCfg)
	s.Machine = &results.Machine{
		NodeCores: r.machine.nodeCores, HostCores: r.machine.hostCores, SameHost: r.machine.sameHost, WholeHost: r.machine.wholeHost,
	}
	s.Warnings = append(s.Warnings, res.Warnings...)
	if confirmed && !res.Confirmed {
		s.Warnings = slices.DeleteFunc(s.Warnings, func(w string) bool { return strings.HasPrefix(w, "inconclusive: ") })
		r.warn("the interval is %.0f %% wide, more than the goal: %s", 100**res.RelativeWidth, res.Inconclusive)
	}
	for w := range r.trials.warnings {
		r.warn("%s", w)
	}
	for _, p := range res.LatencyAt {
		l := results.LatencyAt{Fraction: p.Fraction}
		if p.Commit != nil {
			l.P50, l.P99 = msOf(p.Commit.P50NS), msOf(p.Commit.P99NS)
		}
		s.Knee.LatencyAt = append(s.Knee.LatencyAt, l)
	}
	ids := map[int]bool{}
	for _, id := range res.ConfirmTrials {
		ids[id] = true
	}
	s.LatencyMS = results.SummaryLatency{
		Accept: r.merged("accept", ids), Commit: r.merged("commit", ids),
	}
	if u := sumUsage(r.trials.done, ids); u.committed > 0 {
		r.profile(&u, ids)
		u.fill(s, r.machine, r.trials.done)
	} else {
		r.warn("no trial at the lower bound was confirmed, so demands and the wall are unknown")
	}
	if c := s.Utilisation.CPU; s.Bottleneck == results.WallWire && c != nil && *c < idleEnough && !hasModel(s, "cpu") {
		r.warn("the processor was %.0f %% busy, and the trials are too few or too much alike to tell how its demand falls with load: its wall is probably higher than computed here", 100**c)
	}
	if u := s.Bottleneck; u != "" {
		if busy := utilisationOf(s); busy != nil && *busy < fullEnough {
			r.warn("nothing that was measured is full (%s at %.0f %%): the goal was missed by waiting, and %s is only the nearest candidate for the wall", u, 100**busy, u)
		}
	}
	s.Valid = confirmed && s.Bottleneck != ""
}

func hasModel(s *results.Summary, resource string) bool {
	return slices.ContainsFunc(s.Demand.Models, func(m results.DemandModel) bool { return m.Resource == resource })
}

// wideLimit is the width, as a share of the lower bound, up to which an interval
// that missed its goal still answers the question.
const wideLimit = 0.20

// wideButConfirmed tells whether a search that missed its width goal has found an
// interval all the same: the lower bound passed every confirmation, a rate not far
// above failed because of the system, and only noise or time kept the two apart.
// The interval says how sure the answer is; it needs no second verdict.
func wideButConfirmed(res knee.Result) bool {
	switch res.Bound {
	case knee.BoundSystem, knee.BoundEnvironment, knee.BoundBudget:
		return res.Confirmations >= res.Wanted && res.LowerTxPerSec != nil && res.UpperTxPerSec != nil &&
			res.RelativeWidth != nil && *res.RelativeWidth <= wideLimit
	}
	return false
}

// fullEnough is the utilisation from which a resource counts as the wall proven.
const fullEnough = 0.85

// utilisationOf is the measured utilisation of the resource that is named as the
// wall.
func utilisationOf(s *results.Summary) *float64 {
	u := &s.Utilisation
	switch s.Bottleneck {
	case results.WallWire:
		return u.Wire
	case results.WallDisk:
		return u.Disk
	case results.WallSerial:
		return u.Serial
	}
	return larger(u.HostCPU, larger(u.CPU, u.Generator))
}

func msOf(ns int64) *float64 {
	v := float64(ns) / 1e6
	return &v
}

// merged are one stage's percentiles over all trials named: histograms are
// added, never percentiles averaged.
func (r *run) merged(stage string, ids map[int]bool) results.Percentiles {
	var (
		sum      *hdrhistogram.Histogram
		unitNS   int64
		negative int64
	)
	for id := range ids {
		for _, h := range r.trials.hists[id] {
			if h.Stage != stage {
				continue
			}
			one, err := h.Decode()
			if err != nil {
				r.warn("latency of trial %d: %v", id, err)
				return results.Percentiles{}
			}
			unitNS, negative = h.UnitNS, negative+h.Negative
			if sum == nil {
				sum = one
			} else if lost := sum.Merge(one); lost > 0 {
				r.warn("%d latency samples of trial %d were too long to merge", lost, id)
			}
		}
	}
	if sum == nil {
		return results.Percentiles{}
	}
	return results.QuantilesMS(sum, unitNS, negative).Short()
}
