package loadgen

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// ErrSchedule says that a schedule cannot be made as asked.
var ErrSchedule = errors.New("bad schedule")

// Schedule is an arrival process in the form of a flag and of a record, such
// as "poisson" or "ramp:100..5000,poisson"; ScheduleHelp lists the forms. With
// the rate, the duration and the seed it determines every intended time.
type Schedule string

// The schedules that take their rate from outside, as a search for the knee
// needs it.
const (
	Constant Schedule = "constant" // one every 1/rate seconds
	Poisson  Schedule = "poisson"  // independent arrivals: exponential gaps with mean 1/rate
)

// ScheduleHelp describes the text forms, a line each, for a command's help.
const ScheduleHelp = `  constant                  one every 1/rate s
  poisson                   independent arrivals at the rate
  ramp:100..5000            rate grows evenly over the duration, tx/s
  step:100,200,400@10s      each rate for 10 s; the last one stays
  burst:5000/50ms/1s[/100]  5000 tx/s for 50 ms of every s, else 100 or none
  sine:1000±500@10s         around 1000 with a period of 10 s (or 1000+-500)
  trace:FILE                CSV "time,rate" (s, tx/s; holds until the next row)
                            or "time,tx" (transactions until the next row)
  replay:RECORD#TRIAL       the intended times of a recorded trial again;
                            with ,windows: its counts per window, spread out
  Arrivals of the forms with rates of their own are evenly spaced in the
  cumulative rate; with ",poisson" behind they are random at that rate.`

// maxScheduled bounds a schedule: 17 bytes are kept per transaction (intended
// and sent time, state), 1.1 GB at the bound, which is that of a corpus.
const maxScheduled = 1 << 26

const scheduleKinds = "constant, poisson, ramp:A..B, step:A,B,…@DURATION, burst:RATE/ON/PERIOD, sine:MEAN±AMPLITUDE@PERIOD, trace:FILE or replay:RECORD#TRIAL"

// ParseSchedule checks the text of a schedule, without opening files, and
// returns it in its usual form. Errors wrap ErrSchedule.
func ParseSchedule(text string) (Schedule, error) {
	f, err := parseForm(Schedule(text))
	if err != nil {
		return "", err
	}
	return f.text, nil
}

// TakesRate tells whether the schedule's rate is given beside it. All others
// state their own rates, so that a search cannot vary them.
func (s Schedule) TakesRate() bool { return s == Constant || s == Poisson }

// HasDuration tells whether the schedule has a length of its own, so that none
// need be given.
func (s Schedule) HasDuration() bool {
	f, err := parseForm(s)
	return err == nil && (f.natural > 0 || f.path != "")
}

// form is a schedule's text taken apart.
type form struct {
	text    Schedule // canonical
	kind    string
	poisson bool // random arrivals
	shape   func(duration time.Duration) (curve, error)
	natural time.Duration // length of its own; 0: none
	path    string        // of trace and replay
	digest  string        // of trace: SHA-256 the file must have, hex; empty: any
	trial   int           // of replay
	windows bool          // of replay
}

func parseForm(s Schedule) (form, error) {
	text := strings.TrimSpace(string(s))
	kind, args, has := strings.Cut(text, ":")
	kind = strings.ToLower(kind)
	f := form{kind: kind}
	if !has && (kind == string(Constant) || kind == string(Poisson)) {
		f.text, f.poisson = Schedule(kind), kind == string(Poisson)
		return f, nil
	}
	parse := map[string]func(*form, string) error{
		"ramp": parseRamp, "step": parseStep, "burst": parseBurst, "sine": parseSine, "trace": parseTrace, "replay": parseReplay,
	}[kind]
	if parse == nil || !has {
		return form{}, fmt.Errorf("%w: %q is not known; use %s", ErrSchedule, text, scheduleKinds)
	}
	if kind != "replay" { // which repeats the arrivals that were
		if rest, ok := strings.CutSuffix(args, ","+string(Poisson)); ok {
			args, f.poisson = rest, true
		} else {
			args = strings.TrimSuffix(args, ",even")
		}
	}
	if err := parse(&f, args); err != nil {
		return form{}, fmt.Errorf("%w: %q: %w", ErrSchedule, text, err)
	}
	if f.poisson {
		f.text += ",poisson"
	}
	return f, nil
}

// Plan is a schedule with all that its intended times depend on, but the seed.
type Plan struct {
	// Schedule is what a record states: with the rate, the duration and the seed
	// it gives the same times again. For a replay it is that of the recorded
	// trial, for a trace it holds the file's digest.
	Schedule     Schedule
	RateTxPerSec float64 // the mean over the duration
	Duration     time.Duration
	// Seed replaces the caller's, for a replay; nil otherwise.
	Seed *uint64

	poisson bool
	curve   curve // nil: constant rate
	offered int64 // of a replay: how many it must give; 0: not known
}

// Plan reads what the schedule needs and works out its rates. A rate of 0 and
// a duration of 0 take the schedule's own; a rate is required by those that
// have none and refused by all others. Errors wrap ErrSchedule.
func (s Schedule) Plan(rateTxPerSec float64, duration time.Duration) (Plan, error) {
	f, err := parseForm(s)
	if err != nil {
		return Plan{}, err
	}
	if f.kind == "replay" {
		return f.replay(rateTxPerSec, duration)
	}
	p := Plan{Schedule: f.text, RateTxPerSec: rateTxPerSec, Duration: duration, poisson: f.poisson}
	if f.kind == "trace" {
		if err := f.readTrace(); err != nil {
			return Plan{}, err
		}
		p.Schedule = f.text
	}
	if p.Duration == 0 {
		p.Duration = f.natural
	}
	if p.Duration <= 0 {
		return Plan{}, fmt.Errorf("%w: duration %s, give one above zero", ErrSchedule, p.Duration)
	}
	if f.shape == nil {
		return p, p.checkRate(rateTxPerSec)
	}
	if p.curve, err = f.shape(p.Duration); err != nil {
		return Plan{}, fmt.Errorf("%w: %q: %w", ErrSchedule, f.text, err)
	}
	p.RateTxPerSec = p.curve.mass() / p.Duration.Seconds()
	// A plan's own rate may be given back to it, as a record does.
	if rateTxPerSec != 0 && math.Abs(rateTxPerSec-p.RateTxPerSec) > 1e-9*p.RateTxPerSec {
		return Plan{}, fmt.Errorf("%w: %q states its own rates (%.6g tx/s in the mean), leave the rate of %v out", ErrSchedule, f.text, p.RateTxPerSec, rateTxPerSec)
	}
	return p, p.checkRate(p.RateTxPerSec)
}

func (p *Plan) checkRate(rate float64) error {
	switch {
	case !(rate > 0) || math.IsInf(rate, 1):
		return fmt.Errorf("%w: rate %v tx/s, give a finite rate above zero", ErrSchedule, rate)
	case rate*p.Duration.Seconds() > maxScheduled:
		return fmt.Errorf("%w: %v tx/s for %s are over %d transactions; lower the rate or the duration", ErrSchedule, rate, p.Duration, maxScheduled)
	}
	return nil
}

// PeakTxPerSec is the highest rate of the plan; that of random arrivals is the
// expected one.
func (p *Plan) PeakTxPerSec() float64 {
	if p.curve == nil {
		return p.RateTxPerSec
	}
	return p.curve.peak() * 1e9
}

// MaxTxs is how many transactions the plan needs at most, whatever the seed.
func (p Plan) MaxTxs() int { return MaxTxs(p.RateTxPerSec, p.Duration) }

// Times returns when each transaction is to be sent: offsets from the start in
// ns, ascending, all below the duration, 8 bytes per transaction. They depend
// on the plan and the seed alone, never on what the target does.
func (p Plan) Times(seed uint64) ([]int64, error) {
	if p.Seed != nil {
		seed = *p.Seed
	}
	end := float64(p.Duration)
	gapNS := 1e9 / p.RateTxPerSec
	out := make([]int64, 0, p.MaxTxs())
	rng := rand.New(rand.NewPCG(seed, scheduleStream))
	switch {
	case p.curve != nil && p.poisson:
		// Time-rescaled: unit exponential gaps on the cumulative rate.
		m := 0.0
		out = p.curve.times(func() float64 { m += rng.ExpFloat64(); return m }, out)
	case p.curve != nil:
		i := -1.0
		out = p.curve.times(func() float64 { i++; return i }, out)
	case p.poisson:
		for t := rng.ExpFloat64() * gapNS; t < end; t += rng.ExpFloat64() * gapNS {
			out = append(out, int64(t))
		}
	default:
		// From the index and not by adding up, so that no error accumulates.
		for i := 0; float64(i)*gapNS < end; i++ {
			out = append(out, int64(float64(i)*gapNS))
		}
	}
	if p.offered > 0 && int64(len(out)) != p.offered {
		return nil, fmt.Errorf("%w: the recorded trial offered %d transactions, %q gives %d: the record is of another version; replay its windows (…#TRIAL,windows)",
			ErrSchedule, p.offered, p.Schedule, len(out))
	}
	return out, nil
}

// Times is Plan and Plan.Times in one.
func Times(s Schedule, rateTxPerSec float64, duration time.Duration, seed uint64) ([]int64, error) {
	if duration <= 0 {
		return nil, fmt.Errorf("%w: duration %s, give one above zero", ErrSchedule, duration)
	}
	p, err := s.Plan(rateTxPerSec, duration)
	if err != nil {
		return nil, err
	}
	return p.Times(seed)
}

// scheduleStream keeps the schedule's random numbers apart from those of other
// users of the same seed.
const scheduleStream = 0x7363686564756c65

// MaxTxs is how many transactions a schedule with the given mean rate needs at
// most, so that a corpus can be made before the seed is chosen: eight standard
// deviations above the mean of a Poisson schedule, which is exceeded less than
// once in 10^14.
func MaxTxs(rateTxPerSec float64, duration time.Duration) int {
	mean := rateTxPerSec * duration.Seconds()
	if !(mean > 0 && mean <= maxScheduled) {
		return 0
	}
	return int(mean+8*math.Sqrt(mean)) + 32
}
