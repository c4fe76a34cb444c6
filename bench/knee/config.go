package knee

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// ErrBadConfig says that a search cannot be run as asked.
var ErrBadConfig = errors.New("bad search settings")

// DefaultWidthGoal is that of a Config that names none.
const DefaultWidthGoal = 0.05

// maxTrials bounds every search, whatever its budget.
const maxTrials = 500

// Config says what to search for and how long. Start from ForBudget.
type Config struct {
	SLO SLO // the empty value stands for DefaultSLO

	// StartTxPerSec is the first rate tried. A guess within a factor of ten is
	// good enough for the default budget.
	StartTxPerSec float64
	MinTxPerSec   float64 // give up below; default 1
	MaxTxPerSec   float64 // never offer more; 0 means no limit

	WidthGoal     float64 // (upper − lower) ÷ lower to reach; default 0.05
	Confirmations int     // trials the lower bound must pass; default 3

	Budget        time.Duration // for the whole search
	ExploreTrial  time.Duration // length while the bracket is wide
	FullTrial     time.Duration // length when it is tight, and of all confirmations
	TrialOverhead time.Duration // expected time around a trial: node start, drain, stop

	// LatencyFractions of the confirmed lower bound get a trial of their own
	// when the budget allows it; nil means 0.9 and 0.5.
	LatencyFractions []float64

	Seed     uint64
	Progress func(Event)      // called from the searching goroutine; may be nil
	Now      func() time.Time // the clock; nil means time.Now
}

// ForBudget returns settings whose trials are as long as the budget allows:
// 1.2 s and 2 s in a budget of 32 s, in proportion otherwise, within limits.
// The overhead is the expected time around each trial.
func ForBudget(budget, overhead time.Duration, startTxPerSec float64) Config {
	const reference = 32 * time.Second
	scale := float64(budget) / float64(reference)
	within := func(base, low, high time.Duration) time.Duration {
		return min(max(time.Duration(float64(base)*scale).Round(100*time.Millisecond), low), high)
	}
	return Config{
		StartTxPerSec: startTxPerSec,
		Budget:        budget,
		ExploreTrial:  within(1200*time.Millisecond, 500*time.Millisecond, 10*time.Second),
		FullTrial:     within(2*time.Second, 800*time.Millisecond, 30*time.Second),
		TrialOverhead: overhead,
	}
}

// withDefaults fills what was left out and checks the rest.
func (c Config) withDefaults() (Config, error) {
	if len(c.SLO.Terms) == 0 {
		slo, err := ParseSLO("")
		if err != nil {
			return c, err
		}
		c.SLO = slo
	}
	if c.MinTxPerSec == 0 {
		c.MinTxPerSec = 1
	}
	if c.MaxTxPerSec == 0 {
		c.MaxTxPerSec = 1e12 // beyond any machine; keeps the growth finite
	}
	if c.WidthGoal == 0 {
		c.WidthGoal = DefaultWidthGoal
	}
	if c.Confirmations == 0 {
		c.Confirmations = 3
	}
	if c.LatencyFractions == nil {
		c.LatencyFractions = []float64{0.9, 0.5}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, c.check()
}

func (c Config) check() error {
	finite := func(x float64) bool { return x > 0 && !math.IsInf(x, 1) }
	need := time.Duration(c.Confirmations+2) * (c.FullTrial + c.TrialOverhead)
	switch {
	case !finite(c.MinTxPerSec) || !finite(c.MaxTxPerSec) || c.MinTxPerSec > c.MaxTxPerSec:
		return fmt.Errorf("%w: rates from %v to %v tx/s, give finite limits above zero, the lower one first", ErrBadConfig, c.MinTxPerSec, c.MaxTxPerSec)
	case !finite(c.StartTxPerSec):
		return fmt.Errorf("%w: start rate %v tx/s, give a guess above zero", ErrBadConfig, c.StartTxPerSec)
	case !(c.WidthGoal >= 0.005 && c.WidthGoal <= 1):
		return fmt.Errorf("%w: width goal %v, give a share between 0.005 and 1; trials cannot tell rates closer than that apart", ErrBadConfig, c.WidthGoal)
	case c.Confirmations < 1 || c.Confirmations > 100:
		return fmt.Errorf("%w: %d confirmations, give 1 to 100", ErrBadConfig, c.Confirmations)
	case c.ExploreTrial <= 0 || c.FullTrial < c.ExploreTrial:
		return fmt.Errorf("%w: trials of %s and %s, give lengths above zero and the full one not shorter than the exploring one", ErrBadConfig, c.ExploreTrial, c.FullTrial)
	case c.TrialOverhead < 0:
		return fmt.Errorf("%w: overhead %s per trial, give zero or more", ErrBadConfig, c.TrialOverhead)
	case c.Budget < need:
		return fmt.Errorf("%w: a budget of %s cannot hold two bounds and %d confirmations of %s: give at least %s or shorter trials",
			ErrBadConfig, c.Budget, c.Confirmations, c.FullTrial+c.TrialOverhead, need)
	}
	for _, f := range c.LatencyFractions {
		if !(f > 0 && f <= 1) {
			return fmt.Errorf("%w: latency at the fraction %v of the knee, give shares above 0 and up to 1", ErrBadConfig, f)
		}
	}
	return nil
}

// Validate tells whether a search could be run so, without running it. Errors
// wrap ErrBadConfig.
func (c Config) Validate() error {
	_, err := c.withDefaults()
	return err
}
