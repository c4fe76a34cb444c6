package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// Shape of the search. The figures are ratios of rates.
const (
	firstGrowth = 2.0  // of the rate while nothing has failed, in the first round
	laterGrowth = 1.2  // in the others, which begin where the last one ended
	widthGoal   = 1.10 // upper ÷ lower to reach
	maxTrials   = 40
	minRate     = 100.0 // tx/s; below it the search gives up
)

// trial is what one offered rate gave. Latencies are in milliseconds.
type trial struct {
	OfferedTxPerSec   float64 `json:"offered_tx_per_sec"`
	CommittedTxPerSec float64 `json:"committed_tx_per_sec"` // of what was offered in the window that counts
	Offered           int     `json:"offered"`
	Committed         int     `json:"committed"`
	P50MS             float64 `json:"commit_p50_ms"`
	P99MS             float64 `json:"commit_p99_ms"`
	MaxMS             float64 `json:"commit_max_ms"`
	Good              bool    `json:"good"`
	Reason            string  `json:"reason"`
}

// bracket is what a search found: the trial at the highest rate that was good
// and the lowest rate above it that was not. Upper is 0 when none was too
// high.
type bracket struct {
	Lower    *trial  `json:"lower"`
	Upper    float64 `json:"upper_tx_per_sec"`
	Trials   []trial `json:"trials"`
	Complete bool    `json:"complete"` // the bracket is as narrow as wanted
}

// offer runs a trial at a rate. It rounds the rate to what can be offered and
// says so in the trial.
type offer func(ctx context.Context, txPerSec float64) (trial, error)

// searchPlan says where a search begins and when it must end.
type searchPlan struct {
	start  float64
	growth float64
	now    func() time.Time
	until  time.Time     // no trial starts that is not expected to end by then
	trial  time.Duration // expected; the longest one seen takes its place
}

// errTooHigh says that every rate was too high.
var errTooHigh = errors.New("no knee")

// errTimeOver ends a search whose next trial would be late.
var errTimeOver = errors.New("the time was over")

// find looks for the highest good rate: the rate grows until a trial fails, or
// falls until one is good, and the bracket is then halved on a logarithmic
// scale. A rate counts as too high only when it failed twice: one failure on a
// machine that does other things as well is no news, and one success is taken
// at its word. Both rules favour the system searched.
//
// What was found until an error or the end of the time is returned in any case;
// the end of the time is no error.
func find(ctx context.Context, plan searchPlan, run offer) (bracket, error) {
	var b bracket
	plan.start = max(plan.start, minRate)
	for len(b.Trials) < maxTrials && !b.Complete {
		rate := b.next(plan)
		if rate < minRate {
			return b, fmt.Errorf("%w: not even %.0f tx/s were good: %s", errTooHigh, b.Upper, b.Trials[len(b.Trials)-1].Reason)
		}
		good, err := b.twice(ctx, &plan, rate, run)
		if errors.Is(err, errTimeOver) {
			return b, nil
		}
		if err != nil {
			return b, err
		}
		if good == nil {
			b.Upper = rate
		} else {
			b.Lower = good
		}
		b.Complete = b.Lower != nil && b.Upper > 0 && b.Upper <= b.Lower.OfferedTxPerSec*widthGoal
	}
	return b, nil
}

// next is the rate to try.
func (b *bracket) next(plan searchPlan) float64 {
	switch {
	case b.Lower == nil && b.Upper == 0:
		return plan.start
	case b.Lower == nil:
		return b.Upper / plan.growth
	case b.Upper == 0:
		return b.Lower.OfferedTxPerSec * plan.growth
	}
	return math.Sqrt(b.Lower.OfferedTxPerSec * b.Upper)
}

// twice runs a trial, and again if it failed. It returns the good one, or nil.
func (b *bracket) twice(ctx context.Context, plan *searchPlan, rate float64, run offer) (*trial, error) {
	for range 2 {
		began := plan.now()
		if began.Add(plan.trial).After(plan.until) {
			return nil, errTimeOver
		}
		t, err := run(ctx, rate)
		if err != nil {
			return nil, fmt.Errorf("at %.0f tx/s: %w", rate, err)
		}
		plan.trial = max(plan.trial, plan.now().Sub(began))
		b.Trials = append(b.Trials, t)
		if t.Good {
			return &t, nil
		}
	}
	return nil, nil
}
