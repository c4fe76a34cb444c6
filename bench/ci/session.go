package ci

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Bounds of the arguments.
const (
	// MinRounds is the fewest that reach a confidence of 95 %.
	MinRounds  = 6
	RoundsMost = 1000
	// spareRounds are how many rounds may be taken again because of invalid runs,
	// beside a fifth of those asked for.
	spareRounds = 2
)

// Phases of a measurement.
const (
	PhaseMeasure = "measure"
	PhaseConfirm = "confirm"
)

// RunFunc starts base (Base and Control) or head (Head) once and returns what it
// said. An error ends the measurement.
type RunFunc func(ctx context.Context, arm Arm) (Sample, error)

// RunInfo is one run, as it goes into the record.
type RunInfo struct {
	Phase     string             `json:"phase"`
	Round     int                `json:"round"` // from 1; 0 is thrown away
	Place     int                `json:"place"` // in the round, from 1
	Arm       string             `json:"arm"`
	StartedAt time.Time          `json:"started_at"`
	Values    map[string]float64 `json:"values"`
	Unknown   []string           `json:"unknown"`
	Invalid   string             `json:"invalid"` // why its round was taken again; empty: it counts
}

// Config says what to measure and how long.
type Config struct {
	Run   RunFunc
	Gates []Gate
	// Rounds are taken at least, MaxRounds at most; the control's noise decides.
	Rounds, MaxRounds int
	// Delta is the change to resolve where no gate says it, as a fraction.
	Delta    float64
	Progress func(text string)
	OnRun    func(RunInfo) error // called after every run; an error ends all
}

func (c *Config) check() error {
	switch {
	case c.Rounds < MinRounds || c.Rounds > RoundsMost:
		return fmt.Errorf("%w: %d rounds; %d are the fewest that can reach a confidence of 95 %%, %d the most", ErrSetup, c.Rounds, MinRounds, RoundsMost)
	case c.MaxRounds < c.Rounds || c.MaxRounds > RoundsMost:
		return fmt.Errorf("%w: at most %d rounds, give %d (the fewest asked for) to %d", ErrSetup, c.MaxRounds, c.Rounds, RoundsMost)
	case !(c.Delta > 0 && c.Delta < 1):
		return fmt.Errorf("%w: a resolution of %v, give a fraction above 0 and below 1, such as 0.03", ErrSetup, c.Delta)
	}
	return nil
}

// Result is what a comparison found.
type Result struct {
	Rows []Row `json:"rows"`
	// Verdict sums up the rows that decide: slower if one is, else inconclusive,
	// faster, same.
	Verdict Verdict `json:"verdict"`
	Outcome Outcome `json:"outcome"`
	// Noisy says that the control of a deciding metric fired: the machine changed
	// while it was measured, and every gate is refused, those of other metrics too.
	Noisy       bool     `json:"noisy"`
	Rounds      int      `json:"rounds"` // of the first measurement
	Enough      bool     `json:"enough"` // they resolve what was asked for, by the control
	InvalidRuns int      `json:"invalid_runs"`
	Confirmed   bool     `json:"confirmation_run"` // a second measurement was made
	Warnings    []string `json:"warnings"`
}

// Measure runs base and head until the control says that the rounds are enough,
// judges them, and measures once more when a metric that decides has changed.
//
// Of an interrupted measurement nothing is judged: it returns ctx's error.
func Measure(ctx context.Context, cfg Config) (Result, error) {
	if err := cfg.check(); err != nil {
		return Result{}, err
	}
	m := &measurement{cfg: cfg}
	first, err := m.phase(ctx, PhaseMeasure, cfg.Rounds, cfg.MaxRounds)
	if err != nil {
		return Result{}, err
	}
	res := Result{Rows: first.rows, Rounds: first.rounds, Enough: first.enough, Warnings: first.warnings}
	if slices.ContainsFunc(res.Rows, func(r Row) bool { return r.changed() }) {
		again, err := m.phase(ctx, PhaseConfirm, first.rounds, first.rounds)
		if err != nil {
			return Result{}, err
		}
		res.Confirmed = true
		for i := range res.Rows {
			r := &res.Rows[i]
			if !r.changed() {
				continue
			}
			j := slices.IndexFunc(again.rows, func(a Row) bool { return a.Name == r.Name })
			if j < 0 {
				return Result{}, fmt.Errorf("%w: %s was told in the first measurement and not in the second", ErrInvalidRuns, r.Name)
			}
			r.confirm(again.rows[j])
		}
		for _, w := range again.warnings {
			if !slices.Contains(res.Warnings, w) {
				res.Warnings = append(res.Warnings, w)
			}
		}
	}
	res.InvalidRuns = m.invalid
	res.conclude()
	return res, nil
}

// conclude sums up the rows that decide.
func (r *Result) conclude() {
	verdicts := []Verdict{Same, Faster, Inconclusive, Slower}
	// What a restless machine says is neither a pass nor a failure, so noisy goes
	// before both.
	outcomes := []Outcome{Pass, Undecided, Fail, Noisy}
	v, o := 0, 0
	for _, row := range r.Rows {
		if row.Decides {
			v = max(v, slices.Index(verdicts, row.Verdict))
			o = max(o, slices.Index(outcomes, row.Outcome))
			r.Noisy = r.Noisy || row.Outcome == Noisy
		}
	}
	r.Verdict, r.Outcome = verdicts[v], outcomes[o]
	for i := range r.Rows {
		r.Rows[i].Refused = r.Noisy && r.Rows[i].Decides
	}
	slices.SortStableFunc(r.Rows, func(a, b Row) int { // what decides comes first
		switch {
		case a.Decides == b.Decides:
			return 0
		case a.Decides:
			return -1
		}
		return 1
	})
}

// measurement is a Measure under way.
type measurement struct {
	cfg     Config
	answer  *string // of the first run; all others must give the same
	invalid int
}

// phaseResult is one series of rounds, judged.
type phaseResult struct {
	rows     []Row
	rounds   int
	enough   bool
	warnings []string
}

func (m *measurement) phase(ctx context.Context, name string, least, most int) (phaseResult, error) {
	var t table
	discarded, err := m.round(ctx, name, 0, Order(0))
	if err != nil {
		return phaseResult{}, err
	}
	metrics := common(discarded)
	gates, err := bindGates(m.cfg.Gates, metrics)
	if err != nil {
		return phaseResult{}, err
	}
	out := phaseResult{rounds: least}
	for n := 0; n < out.rounds; n++ {
		m.progress("%s: round %d of %d", name, n+1, out.rounds)
		samples, err := m.round(ctx, name, n+1, Order(n))
		if err != nil {
			return phaseResult{}, err
		}
		t.add(samples)
		if n+1 >= least {
			out.rounds, out.enough = m.size(t.series(gates, m.cfg.Delta), n+1, most)
		}
	}
	list := t.series(gates, m.cfg.Delta)
	for metric, gate := range gates {
		if !slices.ContainsFunc(list, func(s *series) bool { return s.Name == metric }) {
			return phaseResult{}, fmt.Errorf("%w: gate %q: some of %d rounds could not tell %s", ErrInvalidRuns, gate.Text, len(t.rounds), metric)
		}
	}
	if !slices.ContainsFunc(list, func(s *series) bool { return s.decides(len(gates) > 0) }) {
		return phaseResult{}, fmt.Errorf("%w: base and head have no metric in common: base tells %s", ErrSetup, names(metrics))
	}
	out.warnings = t.warnings()
	out.rows, err = judge(list, len(gates) > 0)
	return out, err
}

// size returns the rounds to take by the noise of the control so far, and
// whether they are enough. head is not looked at.
func (m *measurement) size(list []*series, have, most int) (rounds int, enough bool) {
	gated := len(m.cfg.Gates) > 0
	deciding := 0
	for _, s := range list {
		if s.decides(gated) {
			deciding++
		}
	}
	rounds, enough = have, true
	for _, s := range list {
		if !s.decides(gated) {
			continue
		}
		_, control, ok := s.contrasts()
		if !ok {
			continue
		}
		n, resolved := roundsFor(sdOf(control), s.deltaLog(), deciding, have, most)
		rounds, enough = max(rounds, n), enough && resolved
	}
	return rounds, enough
}

// round takes one round, and takes it again while a run of it is invalid.
func (m *measurement) round(ctx context.Context, phase string, number int, order [armsPerRound]Arm) ([armsPerRound]Sample, error) {
	spare := spareRounds + m.cfg.Rounds/5
	for {
		samples, invalid, err := m.once(ctx, phase, number, order)
		if err != nil || invalid == "" {
			return samples, err
		}
		if m.invalid++; m.invalid > spare {
			return samples, fmt.Errorf("%w: %d, the last says: %s; see weir doctor", ErrInvalidRuns, m.invalid, invalid)
		}
	}
}

func (m *measurement) once(ctx context.Context, phase string, number int, order [armsPerRound]Arm) (samples [armsPerRound]Sample, invalid string, err error) {
	for place, arm := range order {
		if err := ctx.Err(); err != nil {
			return samples, "", err
		}
		started := time.Now().UTC()
		s, err := m.cfg.Run(ctx, arm)
		if err != nil {
			return samples, "", errors.Join(ctx.Err(), err)
		}
		if m.cfg.OnRun != nil {
			info := RunInfo{Phase: phase, Round: number, Place: place + 1, Arm: arm.String(), StartedAt: started, Unknown: s.Unknown, Invalid: s.Invalid, Values: make(map[string]float64)}
			for _, v := range s.Values {
				info.Values[v.Name] = v.Value
			}
			if err := m.cfg.OnRun(info); err != nil {
				return samples, "", err
			}
		}
		if s.Invalid != "" {
			return samples, fmt.Sprintf("%s: %s", arm, s.Invalid), nil
		}
		if err := m.verify(arm, s.Answer); err != nil {
			return samples, "", err
		}
		samples[arm] = s
	}
	return samples, "", nil
}

// verify holds an answer against the first one.
func (m *measurement) verify(arm Arm, answer string) error {
	switch {
	case m.answer == nil:
		m.answer = &answer
		return nil
	case *m.answer == answer:
		return nil
	case arm == Head:
		return fmt.Errorf("%w: it answers %s, base answers %s; if the answer may differ, say what must not with --answer REGEXP", ErrHead, brief(answer), brief(*m.answer))
	}
	return fmt.Errorf("%w: base answers %s once and %s another time; if its output may differ, say what must not with --answer REGEXP", ErrSetup, brief(*m.answer), brief(answer))
}

func (m *measurement) progress(format string, args ...any) {
	if m.cfg.Progress != nil {
		m.cfg.Progress(fmt.Sprintf(format, args...))
	}
}
