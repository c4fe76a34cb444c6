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

// Schedule is a kind of arrival process.
type Schedule string

// The kinds of schedule.
const (
	Constant Schedule = "constant" // one every 1/rate seconds
	Poisson  Schedule = "poisson"  // independent arrivals: exponential gaps with mean 1/rate
)

// maxScheduled bounds a schedule: 17 bytes are kept per transaction.
const maxScheduled = 1 << 26

// ParseSchedule returns the kind with the given name.
func ParseSchedule(name string) (Schedule, error) {
	switch s := Schedule(strings.ToLower(name)); s {
	case Constant, Poisson:
		return s, nil
	}
	return "", fmt.Errorf("%w: kind %q is not known; use %s or %s", ErrSchedule, name, Constant, Poisson)
}

// Times returns when each transaction is to be sent: offsets from the start in
// ns, ascending, all below the duration. It depends on its arguments alone, so
// a seed and a rate reproduce the load. Errors wrap ErrSchedule.
func Times(kind Schedule, rateTxPerSec float64, duration time.Duration, seed uint64) ([]int64, error) {
	if err := checkSchedule(kind, rateTxPerSec, duration); err != nil {
		return nil, err
	}
	end := float64(duration)
	gapNS := 1e9 / rateTxPerSec
	out := make([]int64, 0, MaxTxs(rateTxPerSec, duration))
	if kind == Constant {
		// From the index and not by adding up, so that no error accumulates.
		for i := 0; float64(i)*gapNS < end; i++ {
			out = append(out, int64(float64(i)*gapNS))
		}
		return out, nil
	}
	rng := rand.New(rand.NewPCG(seed, scheduleStream))
	for t := rng.ExpFloat64() * gapNS; t < end; t += rng.ExpFloat64() * gapNS {
		out = append(out, int64(t))
	}
	return out, nil
}

// scheduleStream keeps the schedule's random numbers apart from those of other
// users of the same seed.
const scheduleStream = 0x7363686564756c65

// MaxTxs is how many transactions a schedule needs at most, so that a corpus
// can be made before the seed is chosen: eight standard deviations above the
// mean of a Poisson schedule, which is exceeded less than once in 10^14.
func MaxTxs(rateTxPerSec float64, duration time.Duration) int {
	mean := rateTxPerSec * duration.Seconds()
	if !(mean > 0 && mean <= maxScheduled) {
		return 0
	}
	return int(mean+8*math.Sqrt(mean)) + 32
}

func checkSchedule(kind Schedule, rate float64, duration time.Duration) error {
	if _, err := ParseSchedule(string(kind)); err != nil {
		return err
	}
	switch {
	case !(rate > 0) || math.IsInf(rate, 1):
		return fmt.Errorf("%w: rate %v tx/s, give a finite rate above zero", ErrSchedule, rate)
	case duration <= 0:
		return fmt.Errorf("%w: duration %s, give one above zero", ErrSchedule, duration)
	case rate*duration.Seconds() > maxScheduled:
		return fmt.Errorf("%w: %v tx/s for %s are over %d transactions; lower the rate or the duration", ErrSchedule, rate, duration, maxScheduled)
	}
	return nil
}
