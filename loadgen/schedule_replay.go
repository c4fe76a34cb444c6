package loadgen

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chainweir/weir/results"
)

func parseReplay(f *form, args string) error {
	if rest, ok := strings.CutSuffix(args, ",windows"); ok {
		args, f.windows = rest, true
	}
	i := strings.LastIndex(args, "#")
	if i < 1 {
		return errors.New("write replay:RECORD#TRIAL, such as replay:run.jsonl#3")
	}
	n, err := strconv.Atoi(args[i+1:])
	if err != nil || n < 0 {
		return fmt.Errorf("trial %q is not a number, write replay:RECORD#TRIAL, such as replay:run.jsonl#3", args[i+1:])
	}
	f.path, f.trial = args[:i], n
	f.text = Schedule("replay:" + args)
	if f.windows {
		f.text += ",windows"
	}
	return nil
}

// replay is the plan of a recorded trial.
func (f *form) replay(rateTxPerSec float64, duration time.Duration) (Plan, error) {
	p, err := f.recorded()
	switch {
	case err != nil:
		return Plan{}, err
	case rateTxPerSec != 0 && math.Abs(rateTxPerSec-p.RateTxPerSec) > 1e-9*p.RateTxPerSec:
		return Plan{}, fmt.Errorf("%w: %q repeats %v tx/s, leave the rate of %v out", ErrSchedule, f.text, p.RateTxPerSec, rateTxPerSec)
	case duration != 0 && duration != p.Duration:
		return Plan{}, fmt.Errorf("%w: %q lasts %s, leave the duration of %s out", ErrSchedule, f.text, p.Duration, duration)
	}
	return p, nil
}

// recorded reads the trial.
func (f *form) recorded() (Plan, error) {
	rec, err := results.ReadValidPart(f.path, true)
	if err != nil {
		return Plan{}, fmt.Errorf("%w: %w", ErrSchedule, err)
	}
	i := slices.IndexFunc(rec.Trials, func(t results.Trial) bool { return t.ID == f.trial })
	if i < 0 {
		var ids []string
		for _, t := range rec.Trials {
			ids = append(ids, strconv.Itoa(t.ID))
		}
		return Plan{}, fmt.Errorf("%w: %s has no trial %d, only %s", ErrSchedule, f.path, f.trial, strings.Join(ids, ", "))
	}
	t := &rec.Trials[i]
	// A float64 of seconds holds the ns of any duration that a run can have.
	duration := time.Duration(math.Round(t.DurationSec * 1e9))
	if !(t.DurationSec > 0) || duration > maxDuration {
		return Plan{}, fmt.Errorf("%w: trial %d of %s lasts %v s, which is no duration of a run", ErrSchedule, f.trial, f.path, t.DurationSec)
	}
	if f.windows {
		return f.replayWindows(t, rec.Windows, duration)
	}
	if strings.HasPrefix(t.Schedule, "replay:") {
		return Plan{}, fmt.Errorf("%w: trial %d of %s is itself %q; replay that", ErrSchedule, f.trial, f.path, t.Schedule)
	}
	p, err := Schedule(t.Schedule).Plan(t.OfferedTxPerSec, duration)
	if err != nil {
		return Plan{}, fmt.Errorf("%w; its windows can still be replayed: replay:%s#%d,windows", err, f.path, f.trial)
	}
	seed := t.Seed
	p.Seed, p.offered = &seed, t.Counts.Offered
	return p, nil
}

// replayWindows spreads the offered transactions of each window over it.
func (f *form) replayWindows(t *results.Trial, all []results.Window, duration time.Duration) (Plan, error) {
	var own []results.Window
	for _, w := range all {
		if w.TrialID == t.ID {
			own = append(own, w)
		}
	}
	slices.SortFunc(own, func(a, b results.Window) int { return a.Index - b.Index })
	p := &pieces{}
	for _, w := range own {
		length := min(float64(w.DurationNS), float64(duration)-p.endNS)
		switch {
		case w.StartNS != int64(p.endNS) && length > 0, w.DurationNS <= 0, w.Counts.Offered < 0:
			return Plan{}, fmt.Errorf("%w: window %d of trial %d in %s does not follow the one before it", ErrSchedule, w.Index, t.ID, f.path)
		case length > 0:
			p.add(length, float64(w.Counts.Offered), 0)
		}
	}
	if len(p.list) == 0 {
		return Plan{}, fmt.Errorf("%w: %s has no windows of trial %d", ErrSchedule, f.path, t.ID)
	}
	c := p.cut(duration)
	plan := Plan{Schedule: f.text, RateTxPerSec: c.mass() / duration.Seconds(), Duration: duration, curve: c}
	return plan, plan.checkRate(plan.RateTxPerSec)
}
