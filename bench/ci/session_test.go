package ci

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// script is a RunFunc that says what a table says, with a jitter too small to
// matter, so that no two runs are equal by chance.
func script(values func(arm Arm, run int) Sample) RunFunc {
	run := 0
	return func(_ context.Context, arm Arm) (Sample, error) {
		run++
		return values(arm, run), nil
	}
}

func config(run RunFunc, t *testing.T, gates string) Config {
	t.Helper()
	g, err := ParseGates(gates)
	if err != nil {
		t.Fatal(err)
	}
	return Config{Run: run, Gates: g, Rounds: 8, MaxRounds: 12, Delta: 0.03}
}

func timed(v float64) Sample { return Sample{Values: []Value{{mTime, v}}, Answer: "42"} }

func jitter(run int) float64 { return 1 + 1e-4*float64(run*7919%101)/101 }

func TestMeasureOrderAndRecord(t *testing.T) {
	var order strings.Builder
	cfg := config(script(func(_ Arm, run int) Sample { return timed(jitter(run)) }), t, "time<=+3%")
	var infos []RunInfo
	cfg.OnRun = func(i RunInfo) error {
		infos = append(infos, i)
		if i.Round > 0 && i.Arm != "control" {
			order.WriteString(map[string]string{"base": "A", "head": "B"}[i.Arm])
		}
		return nil
	}
	res, err := Measure(t.Context(), cfg)
	if err != nil || res.Outcome != Pass || res.Verdict != Same || res.Confirmed || !res.Enough {
		t.Fatalf("%+v, %v", res, err)
	}
	if got, want := order.String(), "ABBABAABBAABABBA"; got != want {
		t.Errorf("order %s, want %s", got, want)
	}
	if len(infos) != 27 || infos[0].Round != 0 || infos[26].Round != 8 || infos[26].Place != 3 || infos[0].Phase != PhaseMeasure || infos[4].Values["time"] == 0 {
		t.Errorf("%d runs, the first %+v", len(infos), infos[0])
	}
	// The thrown away round is in no sample.
	if n := len(res.Rows[0].BaseSamples); n != 8 || res.Rows[0].Pairs != 8 {
		t.Errorf("%d samples of 8 rounds", n)
	}
}

func TestMeasureConfirms(t *testing.T) {
	const runsOfPhase = armsPerRound * (8 + 1)
	for name, c := range map[string]struct {
		factor    func(run int) float64 // of head
		verdict   Verdict
		outcome   Outcome
		confirmed bool
		first     Verdict
	}{
		"slower twice":            {func(int) float64 { return 1.1 }, Slower, Fail, true, Slower},
		"faster twice":            {func(int) float64 { return 0.9 }, Faster, Pass, true, Faster},
		"slower once":             {func(run int) float64 { return 1 + 0.1*b2f(run <= runsOfPhase) }, Same, Pass, false, Slower},
		"slower, then faster":     {func(run int) float64 { return 0.9 + 0.2*b2f(run <= runsOfPhase) }, Inconclusive, Undecided, false, Slower},
		"slower, then within":     {func(run int) float64 { return 1.01 + 0.1*b2f(run <= runsOfPhase) }, Same, Pass, false, Slower},
		"faster, then far slower": {func(run int) float64 { return 1.1 - 0.2*b2f(run <= runsOfPhase) }, Inconclusive, Undecided, false, Faster},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(script(func(arm Arm, run int) Sample {
				v := jitter(run)
				if arm == Head {
					v *= c.factor(run)
				}
				return timed(v)
			}), t, "time<=+3%")
			res, err := Measure(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			r := res.Rows[0]
			if !res.Confirmed || res.Verdict != c.verdict || res.Outcome != c.outcome || r.Confirmed != c.confirmed || r.First == nil || r.First.Verdict != c.first {
				t.Errorf("verdict %s, outcome %s, row confirmed %v, first %+v; want %+v", res.Verdict, res.Outcome, r.Confirmed, r.First, c)
			}
		})
	}
}

func b2f(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func TestMeasureVerifiesAnswers(t *testing.T) {
	run := func(wrong Arm, from int) RunFunc {
		return script(func(arm Arm, run int) Sample {
			s := timed(jitter(run))
			if arm == wrong && run >= from {
				s.Answer = "43"
			}
			return s
		})
	}
	for from := 1; from < 20; from += 5 {
		if _, err := Measure(t.Context(), config(run(Head, from), t, "")); !errors.Is(err, ErrHead) || !strings.Contains(err.Error(), `"43"`) || !strings.Contains(err.Error(), `"42"`) {
			t.Errorf("head is wrong from run %d on: %v", from, err)
		}
	}
	if _, err := Measure(t.Context(), config(run(Base, 9), t, "")); !errors.Is(err, ErrSetup) || !strings.Contains(err.Error(), "--answer") {
		t.Errorf("base changes its answer: %v", err)
	}
}

func TestMeasureTakesInvalidRoundsAgain(t *testing.T) {
	var bad int
	cfg := config(script(func(_ Arm, run int) Sample {
		s := timed(jitter(run))
		if bad > 0 && (run%11 == 0 || bad > 2 && run%3 == 0) {
			bad--
			return Sample{Invalid: "generator was late"}
		}
		return s
	}), t, "")
	bad = 2
	res, err := Measure(t.Context(), cfg)
	if err != nil || res.InvalidRuns != 2 || res.Rows[0].Pairs != 8 {
		t.Errorf("two invalid runs: %+v, %v", res, err)
	}
	bad = 100
	if _, err = Measure(t.Context(), cfg); !errors.Is(err, ErrInvalidRuns) || !strings.Contains(err.Error(), "generator was late") {
		t.Errorf("ever more invalid runs: %v", err)
	}
}

func TestMeasureLeavesOutWhatIsUnknown(t *testing.T) {
	run := script(func(_ Arm, run int) Sample {
		s := timed(jitter(run))
		if run != 12 {
			s.Values = append(s.Values, Value{mWire, 300})
		} else {
			s.Unknown = []string{mWire.Name}
		}
		return s
	})
	res, err := Measure(t.Context(), config(run, t, ""))
	if err != nil || len(res.Rows) != 1 || len(res.Warnings) != 1 || !strings.Contains(res.Warnings[0], "wire_bytes_per_tx (23 of 24 runs)") {
		t.Errorf("%+v, %v", res, err)
	}
	run = script(func(_ Arm, run int) Sample {
		s := timed(jitter(run))
		if run != 12 {
			s.Values = append(s.Values, Value{mWire, 300})
		}
		return s
	})
	if _, err := Measure(t.Context(), config(run, t, "wire_bytes_per_tx<=+1%")); !errors.Is(err, ErrInvalidRuns) || !strings.Contains(err.Error(), "wire_bytes_per_tx<=+1%") {
		t.Errorf("a gate on what one run did not tell: %v", err)
	}
	nothing := script(func(arm Arm, _ int) Sample {
		return Sample{Values: []Value{{Metric{Name: arm.String()}, 1}}}
	})
	if _, err := Measure(t.Context(), config(nothing, t, "")); !errors.Is(err, ErrSetup) || !strings.Contains(err.Error(), "no metric in common") {
		t.Errorf("no metric in common: %v", err)
	}
}

// Counts of zero have no ratio, and still a verdict.
func TestMeasureZeros(t *testing.T) {
	allocs := Metric{Name: "Sum allocs/op", Unit: "allocs/op", Better: Lower}
	counts := func(head float64) RunFunc {
		return script(func(arm Arm, _ int) Sample {
			v := 0.0
			if arm == Head {
				v = head
			}
			return Sample{Values: []Value{{allocs, v}}}
		})
	}
	for head, want := range map[float64]Outcome{0: Pass, 1: Fail} {
		res, err := Measure(t.Context(), config(counts(head), t, "allocs/op<=+5%"))
		if err != nil || res.Outcome != want || res.Rows[0].Ratio != nil || res.Rows[0].P == nil {
			t.Errorf("0 against %v: %+v, %v, want %s", head, res.Rows, err, want)
		}
	}
}

// A gate that allows nothing is not passed by a certain change because the
// change is smaller than --delta; noise that lies within it passes.
func TestMeasureGateOfZero(t *testing.T) {
	allocs := Metric{Name: "Sum allocs/op", Unit: "allocs/op", Better: Lower}
	for head, want := range map[float64]Outcome{100: Pass, 101: Fail, 99: Pass} {
		cfg := config(script(func(arm Arm, _ int) Sample {
			v := 100.0
			if arm == Head {
				v = head
			}
			return Sample{Values: []Value{{allocs, v}}}
		}), t, "allocs/op<=+0%")
		if res, err := Measure(t.Context(), cfg); err != nil || res.Outcome != want {
			t.Errorf("100 against %v: %+v, %v, want %s", head, res.Rows, err, want)
		}
	}
	noise := script(func(_ Arm, run int) Sample { return timed(jitter(run)) })
	if res, err := Measure(t.Context(), config(noise, t, "time<=+0%")); err != nil || res.Outcome != Pass {
		t.Errorf("noise: %+v, %v", res.Rows, err)
	}
}

// A unit that nobody can judge gets no verdict, until a gate says the direction.
func TestMeasureUnknownDirection(t *testing.T) {
	odd := Metric{Name: "odd", Unit: "things"}
	run := func() RunFunc {
		return script(func(arm Arm, run int) Sample {
			v := jitter(run)
			if arm == Head {
				v *= 1.1
			}
			return Sample{Values: []Value{{odd, v}}}
		})
	}
	for gates, want := range map[string]Outcome{"": Undecided, "odd<=+3%": Fail, "odd>=-3%": Pass} {
		res, err := Measure(t.Context(), config(run(), t, gates))
		if err != nil || res.Outcome != want {
			t.Errorf("10 %% more of something, gate %q: %s, %v, want %s", gates, res.Outcome, err, want)
		}
	}
}

func TestMeasureInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cfg := config(script(func(_ Arm, run int) Sample {
		if run == 10 {
			cancel()
		}
		return timed(jitter(run))
	}), t, "")
	if _, err := Measure(ctx, cfg); !errors.Is(err, context.Canceled) {
		t.Errorf("after Ctrl-C: %v", err)
	}
	full := errors.New("disk full")
	cfg.OnRun = func(RunInfo) error { return full }
	if _, err := Measure(t.Context(), cfg); !errors.Is(err, full) {
		t.Errorf("a record that cannot be written: %v", err)
	}
}

func TestMeasureRefuses(t *testing.T) {
	good := config(script(func(_ Arm, run int) Sample { return timed(1) }), t, "")
	for want, c := range map[string]func(*Config){
		"5 rounds": func(c *Config) { c.Rounds = 5 }, "1001 rounds": func(c *Config) { c.Rounds = 1001 },
		"at most 7": func(c *Config) { c.MaxRounds = 7 }, "resolution of 0": func(c *Config) { c.Delta = 0 }, "resolution of 1": func(c *Config) { c.Delta = 1 },
	} {
		cfg := good
		c(&cfg)
		if _, err := Measure(t.Context(), cfg); !errors.Is(err, ErrSetup) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// More noise asks for more rounds, a finer resolution too, and never fewer than
// there are.
func TestRoundsFor(t *testing.T) {
	for _, c := range []struct {
		sd, delta      float64
		least, most, n int
		enough         bool
	}{
		{0, 0.03, 10, 40, 10, true}, {0.03, 0.03, 10, 40, 15, true}, {0.0424, 0.03, 10, 40, 27, true}, {0.0424, 0.05, 10, 40, 12, true}, {0.2, 0.03, 10, 40, 40, false}, {0.0424, 0.03, 35, 40, 35, true},
	} {
		n, enough := roundsFor(c.sd, c.delta, 1, c.least, c.most)
		if n != c.n || enough != c.enough {
			t.Errorf("control of %v, change of %v: %d rounds, enough %v; want %d, %v", c.sd, c.delta, n, enough, c.n, c.enough)
		}
	}
}
