package knee

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// scripted is a Runner whose trials are told by a function.
type scripted struct {
	now   time.Time
	cost  time.Duration // around every trial
	trial func(ctx context.Context, spec TrialSpec) (Observation, error)
	specs []TrialSpec
}

func (s *scripted) Run(ctx context.Context, spec TrialSpec) (Observation, error) {
	s.specs = append(s.specs, spec)
	s.now = s.now.Add(spec.Duration + s.cost)
	return s.trial(ctx, spec)
}

func (s *scripted) config(budget time.Duration, guess float64) Config {
	cfg := ForBudget(budget, 400*time.Millisecond, guess)
	s.now = time.Unix(1_700_000_000, 0)
	if s.cost == 0 {
		s.cost = 400 * time.Millisecond
	}
	cfg.Now = func() time.Time { return s.now }
	return cfg
}

// answer is a trial without noise: growth is what exceeds the capacity.
func answer(spec TrialSpec, capacity float64, p99 time.Duration) Observation {
	n := int64(spec.RateTxPerSec * spec.Duration.Seconds())
	return Observation{
		Offered: n, Sent: n, Accepted: n, Committed: n,
		Commit:  &Latency{P50NS: int64(p99) / 2, P90NS: int64(p99) / 2, P99NS: int64(p99), P999NS: int64(p99), MaxNS: int64(p99)},
		Backlog: &Growth{TxPerSec: max(0, spec.RateTxPerSec-capacity), StdErrTxPerSec: spec.RateTxPerSec * 1e-4},
	}
}

func sharp(capacity float64) *scripted {
	return &scripted{trial: func(_ context.Context, spec TrialSpec) (Observation, error) {
		return answer(spec, capacity, 10*time.Millisecond), nil
	}}
}

func mustSearch(t testing.TB, cfg Config, r Runner) Result {
	t.Helper()
	result, err := Search(context.Background(), cfg, r)
	if err != nil {
		t.Fatal(err)
	}
	checkSound(t, result, cfg.Budget)
	return result
}

func TestResultOfAPlainSearch(t *testing.T) {
	s := sharp(50_000)
	cfg := s.config(32*time.Second, 20_000)
	var events []Event
	cfg.Progress = func(e Event) { events = append(events, e) }
	r := mustSearch(t, cfg, s)
	truth := 50_000 / 0.99
	if !r.Confirmed || !contains(r, truth) || r.Bound != BoundSystem || r.Wanted != 3 || len(r.ConfirmTrials) != 3 {
		t.Fatalf("%+v\n%s", r, describe(r, truth))
	}
	if len(r.LatencyAt) != 2 || r.LatencyAt[0].Fraction != 0.9 || r.LatencyAt[1].Fraction != 0.5 {
		t.Fatalf("latency at fractions: %+v", r.LatencyAt)
	}
	for _, l := range r.LatencyAt {
		spec := r.Trials[l.Trial-1].Spec
		if spec.Phase != LatencyOnly || spec.RateTxPerSec != l.RateTxPerSec || math.Abs(l.RateTxPerSec / *r.LowerTxPerSec - l.Fraction) > 1e-3 || l.Commit == nil {
			t.Errorf("latency point %+v of trial %+v", l, spec)
		}
	}
	started, done := 0, 0
	for _, e := range events {
		switch e.Kind {
		case TrialStarted:
			started++
		case TrialDone:
			done++
			if e.Trial == nil || e.Text == "" || e.Trial.Spec.Index != done {
				t.Errorf("event of trial %d: %+v", done, e)
			}
		}
	}
	if last := events[len(events)-1]; last.Kind != Finished || last.LowerTxPerSec == nil || last.UpperTxPerSec == nil {
		t.Errorf("last event %+v", last)
	}
	if started != len(r.Trials) || done != len(r.Trials) {
		t.Errorf("%d trials, %d start events, %d end events", len(r.Trials), started, done)
	}
	seeds := map[uint64]bool{}
	for _, trial := range r.Trials {
		seeds[trial.Spec.Seed] = true
	}
	if len(seeds) != len(r.Trials) {
		t.Error("two trials share a seed")
	}
	if got := r.SLO.String(); got != "p99<1s,loss<0.1%,backlog<=1%,fidelity>=99%" {
		t.Errorf("the result does not say what was asked: %s", got)
	}
}

func TestDeterministic(t *testing.T) {
	s, limitS, guess := drawCase("poisson", 3)
	first, _ := searchServer(t, s, limitS, guess, 3)
	second, _ := searchServer(t, s, limitS, guess, 3)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the same seeds gave two searches:\n%s", diff)
	}
}

func TestWarmUpIsRepeated(t *testing.T) {
	for seed := range uint64(10) {
		s, limitS, _ := drawCase("warm-up", seed)
		truth := s.trueKnee(limitS)
		r, _ := searchServer(t, s, limitS, truth*0.8, seed)
		if len(r.Trials) < 2 || r.Trials[0].Judgement.Verdict != Bad || !strings.HasPrefix(r.Trials[0].Discarded, "warm-up") || r.Trials[1].Spec.RateTxPerSec != r.Trials[0].Spec.RateTxPerSec {
			t.Errorf("seed %d: the cold first trial was not repeated and set aside\n%s", seed, describe(r, truth))
		}
		if !contains(r, truth) {
			t.Errorf("seed %d: a cold start spoiled the answer\n%s", seed, describe(r, truth))
		}
	}
}

// TestGuessFarOff: two orders of magnitude are more than the default budget
// promises, but a longer one must do.
func TestGuessFarOff(t *testing.T) {
	for _, off := range []float64{0.001, 0.01, 100, 1000} {
		s := sharp(50_000)
		cfg := s.config(32*time.Second, 50_000*off)
		cfg.Budget = 60 * time.Second
		r := mustSearch(t, cfg, s)
		if !r.Confirmed || !contains(r, 50_000/0.99) {
			t.Errorf("guess off by %v\n%s", off, describe(r, 50_000/0.99))
		}
	}
}

func TestServiceLevelOutOfReach(t *testing.T) {
	s := sharp(50_000)
	cfg := s.config(32*time.Second, 1000)
	var err error
	if cfg.SLO, err = ParseSLO("p99<1ms"); err != nil {
		t.Fatal(err)
	}
	r := mustSearch(t, cfg, s)
	if r.Confirmed || r.Bound != BoundSLO || r.LowerTxPerSec != nil || !strings.Contains(r.Inconclusive, "tighter") {
		t.Errorf("%s", describe(r, 50_000))
	}
}

func TestMaxRate(t *testing.T) {
	s := sharp(50_000)
	cfg := s.config(32*time.Second, 1000)
	cfg.MaxTxPerSec = 30_000
	r := mustSearch(t, cfg, s)
	if r.Confirmed || r.Bound != BoundMaxRate || deref(r.LowerTxPerSec) != 30_000 || r.UpperTxPerSec != nil || r.Confirmations != 3 {
		t.Errorf("lower %v\n%s", deref(r.LowerTxPerSec), describe(r, 50_000))
	}
	for _, spec := range s.specs {
		if spec.RateTxPerSec > 30_000 {
			t.Errorf("offered %v tx/s, more than allowed", spec.RateTxPerSec)
		}
	}
}

func TestGeneratorNeverEnough(t *testing.T) {
	s := &scripted{}
	s.trial = func(_ context.Context, spec TrialSpec) (Observation, error) {
		o := answer(spec, 50_000, time.Millisecond)
		short(&o, o.Offered/2, o.Offered-o.Offered/2, 0)
		return o, nil
	}
	r := mustSearch(t, s.config(60*time.Second, 1000), s)
	if r.Confirmed || r.Bound != BoundGenerator || r.LowerTxPerSec != nil {
		t.Errorf("%s", describe(r, 50_000))
	}
}

func TestEnvironment(t *testing.T) {
	spoil := func(when func(i int) bool) *scripted {
		s := &scripted{}
		s.trial = func(_ context.Context, spec TrialSpec) (Observation, error) {
			o := answer(spec, 50_000, time.Millisecond)
			if when(spec.Index) {
				o.Invalid = "another process took the cores"
			}
			return o, nil
		}
		return s
	}
	s := spoil(func(i int) bool { return i%4 == 1 }) // the first, and now and then
	if r := mustSearch(t, s.config(60*time.Second, 20_000), s); !r.Confirmed || !contains(r, 50_000/0.99) {
		t.Errorf("single spoiled trials must only cost time\n%s", describe(r, 50_000/0.99))
	}
	s = spoil(func(i int) bool { return i >= 3 })
	r := mustSearch(t, s.config(60*time.Second, 20_000), s)
	if r.Confirmed || r.Bound != BoundEnvironment || len(r.Trials) != 4 || !strings.Contains(r.Inconclusive, "took the cores") {
		t.Errorf("two spoiled trials in a row must end the search\n%s", describe(r, 50_000))
	}
}

// TestPooledBacklog: a growth that every confirmation forgives as noise is
// seen when all of them are taken together.
func TestPooledBacklog(t *testing.T) {
	s := &scripted{}
	s.trial = func(_ context.Context, spec TrialSpec) (Observation, error) {
		o := answer(spec, 50_000, time.Millisecond)
		// Between 48k and 50k it grows by 3 % ± 2 %: not significant once.
		if spec.RateTxPerSec > 48_000 {
			o.Backlog.TxPerSec += 0.03 * spec.RateTxPerSec
		}
		o.Backlog.StdErrTxPerSec = 0.02 * spec.RateTxPerSec
		return o, nil
	}
	cfg := s.config(120*time.Second, 40_000)
	r := mustSearch(t, cfg, s)
	found := false
	for _, w := range r.Warnings {
		found = found || strings.Contains(w, "over all of them the backlog grew")
	}
	if !found || deref(r.LowerTxPerSec) > 48_000 {
		t.Errorf("lower %v, warnings %q\n%s", deref(r.LowerTxPerSec), r.Warnings, describe(r, 48_000))
	}
}

func TestCountsThatDoNotAddUp(t *testing.T) {
	s := &scripted{}
	s.trial = func(_ context.Context, spec TrialSpec) (Observation, error) {
		o := answer(spec, 50_000, time.Millisecond)
		o.Expired = 7
		return o, nil
	}
	r := mustSearch(t, s.config(32*time.Second, 20_000), s)
	if len(r.Warnings) == 0 || !strings.Contains(r.Warnings[0], "do not add up") {
		t.Errorf("warnings %q", r.Warnings)
	}
}

func TestRunnerFails(t *testing.T) {
	broken := errors.New("node did not start")
	s := &scripted{}
	s.trial = func(_ context.Context, spec TrialSpec) (Observation, error) {
		if spec.Index == 3 {
			return Observation{}, broken
		}
		return answer(spec, 50_000, time.Millisecond), nil
	}
	r, err := Search(context.Background(), s.config(32*time.Second, 20_000), s)
	if !errors.Is(err, broken) || len(r.Trials) != 2 || r.Confirmed || r.Inconclusive == "" || r.LowerTxPerSec == nil {
		t.Errorf("%v, %+v: want the error and what was measured before", err, r)
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &scripted{}
	s.trial = func(_ context.Context, spec TrialSpec) (Observation, error) {
		if spec.Index == 4 {
			cancel()
			return Observation{}, ctx.Err()
		}
		return answer(spec, 50_000, time.Millisecond), nil
	}
	r, err := Search(ctx, s.config(32*time.Second, 20_000), s)
	if !errors.Is(err, context.Canceled) || len(r.Trials) != 3 || r.Confirmed {
		t.Errorf("%v, %d trials, confirmed %v", err, len(r.Trials), r.Confirmed)
	}
}

// TestTrialThatHangs: a runner that waits for its context is cut off at the
// end of the budget, and the search ends without an error.
func TestTrialThatHangs(t *testing.T) {
	s := &scripted{}
	s.trial = func(ctx context.Context, spec TrialSpec) (Observation, error) {
		if spec.Index == 2 {
			<-ctx.Done()
			return Observation{}, ctx.Err()
		}
		return answer(spec, 50_000, time.Millisecond), nil
	}
	cfg := s.config(32*time.Second, 20_000)
	cfg.ExploreTrial, cfg.FullTrial, cfg.TrialOverhead, cfg.Budget = 2*time.Millisecond, 4*time.Millisecond, time.Millisecond, 50*time.Millisecond
	s.cost = time.Millisecond
	r, err := Search(context.Background(), cfg, s)
	if err != nil || r.Bound != BoundBudget || r.Confirmed || len(r.Trials) != 1 {
		t.Errorf("%v\n%s", err, describe(r, 50_000))
	}
}

// TestBudgetIsKept: trials that take longer than promised make the search
// inconclusive, not late.
func TestBudgetIsKept(t *testing.T) {
	for _, around := range []time.Duration{0, time.Second, 3 * time.Second} {
		for _, budget := range []time.Duration{13 * time.Second, 20 * time.Second, 5 * time.Minute} {
			s := sharp(50_000)
			s.cost = around
			cfg := s.config(budget, 5_000)
			s.cost = around
			r, err := Search(context.Background(), cfg, s)
			if err != nil {
				t.Fatal(err)
			}
			// The first trial is planned with the promised overhead only.
			if late := r.Elapsed - cfg.Budget; late > max(0, around-cfg.TrialOverhead) {
				t.Errorf("overhead %v: %v late of %v", around, late, cfg.Budget)
			}
			if !r.Confirmed && r.Bound != BoundBudget {
				t.Errorf("overhead %v, budget %v: bound %q", around, budget, r.Bound)
			}
			if budget == 5*time.Minute && !r.Confirmed {
				t.Errorf("five minutes were not enough with an overhead of %v\n%s", around, describe(r, 50_000/0.99))
			}
		}
	}
}

func TestBadConfig(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no start":       func(c *Config) { c.StartTxPerSec = 0 },
		"start NaN":      func(c *Config) { c.StartTxPerSec = math.NaN() },
		"start Inf":      func(c *Config) { c.StartTxPerSec = math.Inf(1) },
		"limits":         func(c *Config) { c.MinTxPerSec, c.MaxTxPerSec = 10, 1 },
		"negative max":   func(c *Config) { c.MaxTxPerSec = -1 },
		"width":          func(c *Config) { c.WidthGoal = 0.0001 },
		"confirmations":  func(c *Config) { c.Confirmations = -1 },
		"trial lengths":  func(c *Config) { c.FullTrial = c.ExploreTrial / 2 },
		"no trial":       func(c *Config) { c.ExploreTrial = 0 },
		"overhead":       func(c *Config) { c.TrialOverhead = -1 },
		"budget":         func(c *Config) { c.Budget = 5 * time.Second },
		"zero fraction":  func(c *Config) { c.LatencyFractions = []float64{0} },
		"large fraction": func(c *Config) { c.LatencyFractions = []float64{1.5} },
	} {
		s := sharp(1000)
		cfg := s.config(32*time.Second, 100)
		change(&cfg)
		if _, err := Search(context.Background(), cfg, s); !errors.Is(err, ErrBadConfig) {
			t.Errorf("%s: %v, want ErrBadConfig", name, err)
		}
		if len(s.specs) != 0 {
			t.Errorf("%s: a trial was run with wrong settings", name)
		}
	}
}

// TestAnyServer: whatever a server answers, the result is sound, in time and
// consistent with what was seen; and a sharp knee is found exactly.
func TestAnyServer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		capacity := math.Exp(rapid.Float64Range(math.Log(100), math.Log(1e6)).Draw(t, "capacity"))
		guess := capacity * math.Pow(10, rapid.Float64Range(-1, 1).Draw(t, "guess"))
		chaos := rapid.SampledFrom([]float64{0, 0, 0.2, 1}).Draw(t, "chaos")
		answers := rapid.SliceOfN(rapid.IntRange(0, 9), 40, 40).Draw(t, "answers")
		s := &scripted{}
		s.trial = func(_ context.Context, spec TrialSpec) (Observation, error) {
			o := answer(spec, capacity, 10*time.Millisecond)
			if pick := answers[spec.Index%len(answers)]; float64(pick) < 10*chaos {
				switch pick % 5 {
				case 0:
					o.Committed, o.Lost = o.Committed/2, o.Sent-o.Committed/2
				case 1:
					short(&o, o.Offered/2, o.Offered-o.Offered/2, 0)
				case 2:
					o.Commit.P99NS = 5e9
				case 3:
					o.Invalid = "disturbed"
				case 4:
					o.Backlog.TxPerSec = spec.RateTxPerSec / 2
				}
			}
			return o, nil
		}
		cfg := s.config(32*time.Second, guess)
		r, err := Search(context.Background(), cfg, s)
		if err != nil {
			t.Fatal(err)
		}
		checkSound(t, r, cfg.Budget)
		if truth := capacity / 0.99; chaos == 0 && (!r.Confirmed || !contains(r, truth)) {
			t.Fatalf("sharp knee at %v missed\n%s", truth, describe(r, truth))
		}
	})
}

func TestTrialSeed(t *testing.T) {
	seen := map[uint64]string{}
	for seed := range uint64(50) {
		for index := 1; index <= 50; index++ {
			key := fmt.Sprintf("%d/%d", seed, index)
			if other, dup := seen[trialSeed(seed, index)]; dup {
				t.Fatalf("%s and %s share a seed", key, other)
			}
			seen[trialSeed(seed, index)] = key
		}
	}
}

func TestForBudget(t *testing.T) {
	cfg := ForBudget(32*time.Second, 400*time.Millisecond, 1000)
	if cfg.ExploreTrial != 1200*time.Millisecond || cfg.FullTrial != 2*time.Second {
		t.Errorf("trials of %v and %v, want 1.2 s and 2 s", cfg.ExploreTrial, cfg.FullTrial)
	}
	for _, budget := range []time.Duration{8 * time.Second, 13 * time.Second, time.Minute, 10 * time.Minute, 10 * time.Hour} {
		if _, err := ForBudget(budget, 400*time.Millisecond, 1000).withDefaults(); err != nil {
			t.Errorf("%v: %v", budget, err)
		}
	}
}
