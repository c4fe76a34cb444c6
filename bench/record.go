package bench

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/chainweir/weir/bench/knee"
	"github.com/chainweir/weir/results"
)

// unwritable ends a run whose record cannot be written.
func (r *run) unwritable(err error) {
	if r.abort != nil {
		r.abort(err)
	}
}

// failedWords begin the warning of a run that an error ended.
const failedWords = "the run failed: "

// cutShort tells whether a run did not come to its end.
func cutShort(s *results.Summary) bool {
	return s.Interrupted || slices.ContainsFunc(s.Warnings, func(w string) bool { return strings.HasPrefix(w, failedWords) })
}

// finish writes the summary, whatever happened before.
func (r *run) finish(ctx context.Context, cause error) error {
	s := &r.sum
	sec := time.Since(r.started).Seconds()
	s.DurationSec = &sec
	if cause != nil {
		s.Valid = false
		if ctx.Err() != nil || errors.Is(cause, context.Canceled) {
			s.Interrupted = true
			r.warn("interrupted: the record holds what was measured until then")
		} else {
			r.warn("%s%v", failedWords, cause)
		}
	}
	slices.Sort(s.Warnings)
	s.Warnings = slices.Compact(s.Warnings)
	return r.rec.WriteSummary(s)
}

// judged is what a record keeps of a judgement's grounds.
func judged(k *knee.Trial) *results.Judged {
	j := &results.Judged{Cause: results.NullString(k.Judgement.Cause)}
	if g := k.Observed.Backlog; g != nil {
		j.BacklogTxPerSec2, j.BacklogStdErrTxPerSec2 = &g.TxPerSec, &g.StdErrTxPerSec
	}
	return j
}

// searched is what a record keeps of a search beside its trials.
func searched(res knee.Result, cfg knee.Config) *results.Search {
	s := &results.Search{
		Bound: results.NullString(res.Bound), Inconclusive: results.NullString(res.Inconclusive),
		WidthGoal: cfg.WidthGoal, FullTrialSec: cfg.FullTrial.Seconds(), ConfirmTrials: res.ConfirmTrials,
	}
	if s.WidthGoal == 0 {
		s.WidthGoal = knee.DefaultWidthGoal
	}
	for _, t := range res.Trials {
		if t.Discarded != "" && t.Judgement.Verdict == knee.Bad {
			s.SetAside = append(s.SetAside, t.Spec.Index)
		}
	}
	return s
}
