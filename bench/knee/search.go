package knee

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Search looks for the knee. It returns an error only when the settings are
// wrong, a trial could not be run, or ctx ended; the result then holds the
// trials so far. A search that ran but cannot tell returns no error and says
// so in Result.Inconclusive.
//
// A trial is started only when it is expected to end in time, and its context
// ends half a trial after the budget, so a runner that honours its context
// cannot make the search later than that.
func Search(ctx context.Context, cfg Config, runner Runner) (Result, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return Result{}, err
	}
	s := &search{cfg: cfg, runner: runner, plan: newPlanner(cfg), started: cfg.Now()}
	s.result.SLO, s.result.Wanted = cfg.SLO, cfg.Confirmations
	end, err := s.find(ctx)
	s.conclude(end)
	if err == nil && s.result.Confirmed {
		err = s.latencies(ctx)
	}
	s.result.Elapsed = s.elapsed()
	s.emit(Event{Kind: Finished, Text: s.result.Inconclusive})
	return s.result, err
}

type search struct {
	cfg     Config
	runner  Runner
	plan    *planner
	started time.Time
	result  Result

	spoiled int // trials in a row that the environment spoiled
	stalls  int // trials in which the generator was held up
	// Mean time around good trials and around others: an overloaded system
	// takes longer to drain.
	overheadGood, overheadBad mean
}

type mean struct {
	sum time.Duration
	n   int
}

func (m *mean) add(d time.Duration) { m.sum += max(d, 0); m.n++ }

// or returns the mean, and at least the expectation.
func (m *mean) or(expected time.Duration) time.Duration {
	if m.n == 0 {
		return expected
	}
	return max(expected, m.sum/time.Duration(m.n))
}

func (s *search) elapsed() time.Duration { return s.cfg.Now().Sub(s.started) }
func (s *search) left() time.Duration    { return s.cfg.Budget - s.elapsed() }

// cost is what a trial is expected to take. A hopeful one is expected to go
// well.
func (s *search) cost(full, hopeful bool) time.Duration {
	d := s.cfg.ExploreTrial
	if full {
		d = s.cfg.FullTrial
	}
	around := s.overheadGood.or(s.cfg.TrialOverhead)
	if !hopeful {
		around = max(around, s.overheadBad.or(s.cfg.TrialOverhead))
	}
	return d + around
}

// find runs trials until the planner is done.
func (s *search) find(ctx context.Context) (move, error) {
	for len(s.result.Trials) < maxTrials {
		m := s.plan.next(s.left(), s.cost)
		if m.done {
			return m, nil
		}
		if s.left() < s.cost(m.full, m.phase == Confirm) {
			return move{done: true, bound: BoundBudget, stop: "the time was over: give a larger budget"}, nil
		}
		trial, err := s.run(ctx, m)
		if err != nil {
			return move{done: true, bound: BoundEnvironment, stop: err.Error()}, err
		}
		if trial == nil {
			return move{done: true, bound: BoundBudget, stop: "a trial did not end within the budget: give a larger budget, or find out why the target does not drain"}, nil
		}
		if end, stop := s.learn(trial); stop {
			return end, nil
		}
	}
	return move{done: true, bound: BoundBudget, stop: fmt.Sprintf("no answer after %d trials", maxTrials)}, nil
}

// learn hands a trial to the planner; stop when trials make no sense any more.
func (s *search) learn(t *Trial) (end move, stop bool) {
	if t.Judgement.Cause == CauseEnvironment {
		t.Discarded = "spoiled: it says nothing about the system"
		s.spoiled++
		s.warn(fmt.Sprintf("trial %d is invalid: %s", t.Spec.Index, t.Judgement.Reason))
		if s.spoiled > maxRetries {
			return move{done: true, bound: BoundEnvironment,
				stop: fmt.Sprintf("%d trials in a row were invalid (%s): find the disturbance and run again", s.spoiled, t.Judgement.Reason)}, true
		}
		return move{}, false // the planner, knowing nothing new, asks for the same trial
	}
	s.spoiled = 0
	if s.stalled(t) {
		return move{}, false // the planner asks for the same trial again
	}
	if d := s.plan.record(t.Spec, t.Observed, t.Judgement); d != nil {
		i := d.spec.Index
		s.result.Trials[i-1].Discarded = d.why + ": the same rate was good when repeated"
		s.warn(fmt.Sprintf("trial %d failed and was good when repeated: set aside as %s", i, d.why))
	}
	if t.Judgement.Cause == CauseGenerator {
		s.warn(fmt.Sprintf("at %s tx/s %s", rateText(t.Spec.RateTxPerSec), t.Judgement.Reason))
	}
	if o := t.Observed; o.Committed+o.Rejected+o.Expired+o.Lost != o.Sent {
		s.warn(fmt.Sprintf("trial %d: the counts do not add up: %d sent, but %d committed + %d rejected + %d expired + %d lost; what is missing counts as loss",
			t.Spec.Index, o.Sent, o.Committed, o.Rejected, o.Expired, o.Lost))
	}
	s.checkPooled(t)
	return move{}, false
}

// stalled sets a trial aside in which the generator fell short of a rate that
// it has offered before, or of a lower one: then something held the generator
// up, and neither it nor the system has its limit there. It is believed only so
// often: a generator that fails again and again is the limit after all.
func (s *search) stalled(t *Trial) bool {
	if t.Judgement.Cause != CauseGenerator || s.stalls >= maxStalls {
		return false
	}
	could := 0.0
	for _, o := range s.result.Trials {
		if o.Judgement.Verdict == Good || o.Judgement.Verdict == Bad && o.Judgement.Cause != CauseBackpressure {
			could = max(could, o.Spec.RateTxPerSec)
		}
	}
	if could < t.Spec.RateTxPerSec {
		return false
	}
	s.stalls++
	t.Discarded = "disturbed: the generator offered as much in another trial"
	s.warn(fmt.Sprintf("trial %d is set aside: %s, but it offered %s tx/s before, so something held it up", t.Spec.Index, t.Judgement.Reason, rateText(could)))
	return true
}

// checkPooled judges the confirmations of a rate together, once they are
// complete.
func (s *search) checkPooled(t *Trial) {
	e := s.plan.table.at(t.Spec.RateTxPerSec)
	if t.Spec.Phase != Confirm || t.Judgement.Verdict != Good || e.confirms != s.cfg.Confirmations {
		return
	}
	if g, broken := s.plan.pooledBacklog(e); broken {
		e.fullBad++
		s.warn(fmt.Sprintf("%s tx/s passed %d times, but over all of them the backlog grew by %s ± %s tx/s: the rate is not taken as sustained",
			rateText(e.rate), e.confirms, rateText(g.TxPerSec), rateText(g.StdErrTxPerSec)))
	}
}

// run runs one trial and notes it. It returns nil without an error when the
// budget ended the trial.
func (s *search) run(ctx context.Context, m move) (*Trial, error) {
	spec := TrialSpec{
		Index:        len(s.result.Trials) + 1,
		RateTxPerSec: m.rate,
		Duration:     s.cfg.ExploreTrial,
		Phase:        m.phase,
	}
	if m.full {
		spec.Duration = s.cfg.FullTrial
	}
	spec.Seed = trialSeed(s.cfg.Seed, spec.Index)
	s.emit(Event{Kind: TrialStarted, Spec: spec})

	// Half a trial of grace: a target that drains slowly should still give an
	// observation, and not lose the time already spent.
	limit := s.left() + spec.Duration/2
	trialCtx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	began := s.cfg.Now()
	observed, err := s.runner.Run(trialCtx, spec)
	took := s.cfg.Now().Sub(began)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, fmt.Errorf("search interrupted in trial %d at %s tx/s: %w", spec.Index, rateText(spec.RateTxPerSec), ctx.Err())
	case err != nil && errors.Is(trialCtx.Err(), context.DeadlineExceeded):
		s.warn(fmt.Sprintf("trial %d at %s tx/s did not end in %s and was cut off: %v", spec.Index, rateText(spec.RateTxPerSec), limit.Round(time.Millisecond), err))
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("trial %d at %s tx/s could not be run: %w", spec.Index, rateText(spec.RateTxPerSec), err)
	}
	t := Trial{Spec: spec, Observed: observed, Judgement: Judge(s.cfg.SLO, spec, observed, s.cfg.WidthGoal), Elapsed: took}
	if t.Judgement.Verdict == Good {
		s.overheadGood.add(took - spec.Duration)
	} else {
		s.overheadBad.add(took - spec.Duration)
	}
	s.result.Trials = append(s.result.Trials, t)
	done := &s.result.Trials[len(s.result.Trials)-1]
	s.emit(Event{Kind: TrialDone, Spec: spec, Trial: done, Text: t.Judgement.Reason})
	if err := ctx.Err(); err != nil {
		// A runner may give back what it saw until then: that is no trial to go on with.
		return nil, fmt.Errorf("search interrupted in trial %d at %s tx/s: %w", spec.Index, rateText(spec.RateTxPerSec), err)
	}
	return done, nil
}

// latencies runs a trial at each fraction of the knee, as far as time goes.
func (s *search) latencies(ctx context.Context) error {
	for _, f := range s.cfg.LatencyFractions {
		if s.left() < s.cost(true, true) {
			s.warn(fmt.Sprintf("no time was left for the latency at %s of the knee", percentText(f)))
			continue
		}
		t, err := s.run(ctx, move{rate: s.plan.clamp(f * *s.result.LowerTxPerSec), phase: LatencyOnly, full: true})
		if err != nil || t == nil {
			return err
		}
		if t.Judgement.Verdict != Good {
			s.warn(fmt.Sprintf("at %s of the knee a trial was %s: %s; the machine is noisier than the search could see",
				percentText(f), t.Judgement.Verdict, t.Judgement.Reason))
		}
		p := LatencyPoint{Fraction: f, RateTxPerSec: t.Spec.RateTxPerSec, Trial: t.Spec.Index}
		if t.Judgement.Verdict != Invalid {
			p.Commit = t.Observed.Commit
		}
		s.result.LatencyAt = append(s.result.LatencyAt, p)
	}
	return nil
}

func (s *search) warn(text string) {
	if slices.Contains(s.result.Warnings, text) {
		return
	}
	s.result.Warnings = append(s.result.Warnings, text)
	s.emit(Event{Kind: Note, Text: text})
}

func (s *search) emit(e Event) {
	if s.cfg.Progress == nil {
		return
	}
	lower, upper := s.plan.table.bounds()
	e.LowerTxPerSec, e.UpperTxPerSec, e.Left = rateOf(lower), rateOf(upper), s.left()
	s.cfg.Progress(e)
}

func rateOf(e *evidence) *float64 {
	if e == nil {
		return nil
	}
	rate := e.rate
	return &rate
}

// trialSeed spreads one seed over the trials (the SplitMix64 finaliser), so
// that trials differ and a run can be repeated.
func trialSeed(seed uint64, index int) uint64 {
	z := seed + uint64(index)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
