package knee

import (
	"context"
	"errors"
	"testing"
	"time"
)

// A trial at a fraction of the knee that measured something else has no latency
// to report.
func TestSpoiledLatencyTrialHasNoFigure(t *testing.T) {
	s := sharp(50_000)
	plain := s.trial
	s.trial = func(ctx context.Context, spec TrialSpec) (Observation, error) {
		o, err := plain(ctx, spec)
		if spec.Phase == LatencyOnly {
			o.Invalid = "the clock jumped"
		}
		return o, err
	}
	r := mustSearch(t, s.config(32*time.Second, 20_000), s)
	if len(r.LatencyAt) == 0 {
		t.Fatalf("no latency point: %v", r.Warnings)
	}
	for _, p := range r.LatencyAt {
		if p.Commit != nil {
			t.Errorf("at %v of the knee: %+v from a trial that is %s", p.Fraction, *p.Commit, r.Trials[p.Trial-1].Judgement.Verdict)
		}
	}
}

// An interruption ends the search with its error in whatever trial it comes,
// though the runner returns what it saw until then and no error.
func TestInterruptedInAnyTrial(t *testing.T) {
	whole := sharp(50_000)
	r := mustSearch(t, whole.config(32*time.Second, 20_000), whole)
	for stop := 1; stop <= len(r.Trials); stop++ {
		ctx, cancel := context.WithCancel(t.Context())
		s := sharp(50_000)
		plain := s.trial
		s.trial = func(ctx context.Context, spec TrialSpec) (Observation, error) {
			if err := ctx.Err(); err != nil {
				return Observation{}, err
			}
			o, err := plain(ctx, spec)
			if spec.Index == stop {
				cancel()
				o.Invalid = "the run was interrupted"
			}
			return o, err
		}
		got, err := Search(ctx, s.config(32*time.Second, 20_000), s)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("interrupted in trial %d of %d: error %v", stop, len(r.Trials), err)
		}
		if len(got.Trials) != stop || got.Trials[stop-1].Judgement.Verdict != Invalid {
			t.Errorf("interrupted in trial %d: %d trials are in the result", stop, len(got.Trials))
		}
		cancel()
	}
}

// An upper bound that grazes its limit is looked at from above once; a search
// that knows its answer ends, however much time is left.
func TestGrazingUpperBoundEndsTheSearch(t *testing.T) {
	for _, knee := range []float64{31_000, 50_000, 77_777} {
		s := &scripted{trial: func(_ context.Context, spec TrialSpec) (Observation, error) {
			p99 := 500 * time.Millisecond
			if spec.RateTxPerSec > knee {
				p99 = 1200 * time.Millisecond
			}
			return answer(spec, 1e9, p99), nil
		}}
		cfg := s.config(60*time.Second, 20_000)
		cfg.Budget = 10 * time.Minute
		r := mustSearch(t, cfg, s)
		if !r.Confirmed || !contains(r, knee) {
			t.Errorf("%s", describe(r, knee))
		}
		at := map[float64]int{}
		for _, trial := range r.Trials {
			at[trial.Spec.RateTxPerSec]++
		}
		for rate, n := range at {
			if n > r.Wanted+3 {
				t.Errorf("knee %v: %d trials at %v tx/s, %s of %s used", knee, n, rate, r.Elapsed, cfg.Budget)
			}
		}
	}
}

// A finished search that is judged again gives the interval that it gave.
func TestReplayGivesTheSameInterval(t *testing.T) {
	stalled := 0
	for _, kind := range []string{"queue", "latency"} {
		for seed := range uint64(40) {
			s, limitS, guess := drawCase(kind, seed)
			s.stall, s.noise = 0.2, 0.2
			r, _ := searchServer(t, s, limitS, guess, seed)
			cfg := ForBudget(32*time.Second, 400*time.Millisecond, guess)
			cfg.SLO, cfg.WidthGoal, cfg.Confirmations = r.SLO, DefaultWidthGoal, r.Wanted
			var trials []Replayed
			for _, trial := range r.Trials {
				aside := trial.Discarded != "" && trial.Judgement.Verdict == Bad
				trials = append(trials, Replayed{Spec: trial.Spec, Observed: trial.Observed, SetAside: aside})
				if trial.Discarded != "" && trial.Judgement.Cause == CauseGenerator {
					stalled++
				}
			}
			again, err := Replay(cfg, trials, r.Bound, r.Inconclusive)
			if err != nil {
				t.Fatal(err)
			}
			if deref(again.LowerTxPerSec) != deref(r.LowerTxPerSec) || deref(again.UpperTxPerSec) != deref(r.UpperTxPerSec) || again.Confirmed != r.Confirmed {
				t.Errorf("%s, seed %d: the search found [%v, %v] confirmed %v, its trials give [%v, %v] confirmed %v", kind, seed,
					deref(r.LowerTxPerSec), deref(r.UpperTxPerSec), r.Confirmed, deref(again.LowerTxPerSec), deref(again.UpperTxPerSec), again.Confirmed)
			}
		}
	}
	if stalled < 10 {
		t.Fatalf("only %d trials were held up: the test shows nothing", stalled)
	}
}
