package report

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/chainweir/weir/results"
)

// ErrEmpty reports a record that holds nothing to show.
var ErrEmpty = errors.New("nothing to report")

// view is a record with what figures need of it found once.
type view struct {
	rec     results.Record
	env     results.Env
	sum     results.Summary
	partial bool // there is no summary: the run ended early
	// knee are the trials whose values the summary's are: those that confirmed the
	// lower bound. source says in words which they are.
	knee   []results.Trial
	source string
	notes  []string // about what the report itself could not use
}

func newView(rec results.Record) (*view, error) {
	if len(rec.Trials) == 0 && rec.Summary == nil {
		return nil, fmt.Errorf("%w: the record holds no trial and no summary; the run ended before its first trial", ErrEmpty)
	}
	v := &view{rec: rec, partial: rec.Summary == nil, notes: rec.Notes}
	if rec.Env != nil {
		v.env = *rec.Env
	}
	if rec.Summary != nil {
		v.sum = *rec.Summary
	}
	if len(v.sum.Trials) == 0 {
		for i := range rec.Trials {
			v.sum.Trials = append(v.sum.Trials, rec.Trials[i].Short())
		}
	}
	v.findKnee()
	return v, nil
}

// findKnee looks for the trials at the lower bound: by the summary's list, else
// by rate, else the good trials at the highest rate.
func (v *view) findKnee() {
	good := func(t *results.Trial) bool { return t.Valid && t.Verdict == results.VerdictGood }
	pick := func(want func(*results.Trial) bool) bool {
		for i := range v.rec.Trials {
			if want(&v.rec.Trials[i]) {
				v.knee = append(v.knee, v.rec.Trials[i])
			}
		}
		return len(v.knee) > 0
	}
	if s := v.sum.Search; s != nil && pick(func(t *results.Trial) bool { return slices.Contains(s.ConfirmTrials, t.ID) }) {
		v.source = fmt.Sprintf("the %s that confirmed the lower bound", plural(len(v.knee), "trial"))
		return
	}
	if l := v.sum.Knee.LowerTxPerSec; l != nil && pick(func(t *results.Trial) bool {
		return good(t) && t.Phase != results.PhaseLatency && math.Abs(t.OfferedTxPerSec-*l) <= 1e-6**l
	}) {
		v.source = fmt.Sprintf("the %s at the lower bound", plural(len(v.knee), "good trial"))
		return
	}
	top := 0.0
	for i := range v.rec.Trials {
		if good(&v.rec.Trials[i]) {
			top = max(top, v.rec.Trials[i].OfferedTxPerSec)
		}
	}
	if pick(func(t *results.Trial) bool { return good(t) && t.OfferedTxPerSec == top }) {
		v.source = "the good trial at the highest rate"
		return
	}
	// Nothing was good: the trial that committed most is still worth a look.
	best := -1
	for i := range v.rec.Trials {
		if c := v.rec.Trials[i].CommittedTxPerSec; c != nil && (best < 0 || *c > *v.rec.Trials[best].CommittedTxPerSec) {
			best = i
		}
	}
	if best >= 0 {
		v.knee = []results.Trial{v.rec.Trials[best]}
		v.source = fmt.Sprintf("trial %d, which was not good", v.knee[0].ID)
	}
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// histogram merges a stage's histograms of some trials. negative counts the
// samples below zero. h is nil when there are none that can be read.
func (v *view) histogram(stage string, of []results.Trial) (h *hdrhistogram.Histogram, unitNS, negative int64, err error) {
	for i := range v.rec.Windows {
		w := &v.rec.Windows[i]
		if !slices.ContainsFunc(of, func(t results.Trial) bool { return t.ID == w.TrialID }) {
			continue
		}
		for _, e := range w.Histograms {
			if e.Stage != stage {
				continue
			}
			one, err := e.Decode()
			if err != nil {
				return nil, 0, 0, fmt.Errorf("window %d of trial %d: %w", w.Index, w.TrialID, err)
			}
			switch {
			case h == nil:
				h, unitNS = one, e.UnitNS
			case e.UnitNS != unitNS:
				return nil, 0, 0, fmt.Errorf("window %d of trial %d: its histogram counts in units of %d ns, others of %d ns: they cannot be merged",
					w.Index, w.TrialID, e.UnitNS, unitNS)
			default:
				if dropped := h.Merge(one); dropped > 0 {
					return nil, 0, 0, fmt.Errorf("window %d of trial %d: %d values are outside the range of the other windows' histograms",
						w.Index, w.TrialID, dropped)
				}
			}
			negative += e.Negative
		}
	}
	return h, unitNS, negative, nil
}

// byOffered returns the trials in order of their offered rate.
func (v *view) byOffered() []results.TrialShort {
	t := slices.Clone(v.sum.Trials)
	slices.SortStableFunc(t, func(a, b results.TrialShort) int { return cmp.Compare(a.OfferedTxPerSec, b.OfferedTxPerSec) })
	return t
}

// cores returns what processor time is divided by, 0 when unknown.
func (v *view) cores() (node, host float64) {
	if m := v.sum.Machine; m != nil {
		return m.NodeCores, m.HostCores
	}
	return v.env.Class.UsableCores, v.env.Class.UsableCores
}

// kneeText is the interval in words; empty when nothing was found.
func (v *view) kneeText() string {
	k := &v.sum.Knee
	switch {
	case k.LowerTxPerSec == nil && k.UpperTxPerSec == nil:
		return ""
	case k.LowerTxPerSec == nil:
		return "below " + rate(*k.UpperTxPerSec)
	case k.UpperTxPerSec == nil:
		return rate(*k.LowerTxPerSec) + " or more"
	}
	return rate(*k.LowerTxPerSec) + " – " + rate(*k.UpperTxPerSec)
}
