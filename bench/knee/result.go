package knee

import "time"

// What ended the growth: the values of Result.Bound.
const (
	BoundSystem      = "system"      // the system under test: the search found its knee
	BoundGenerator   = "generator"   // the generator could not offer more
	BoundMaxRate     = "max_rate"    // the highest rate allowed was still good
	BoundSLO         = "slo"         // no rate was good
	BoundBudget      = "budget"      // the time was over
	BoundEnvironment = "environment" // something else disturbed the trials
)

// Trial is one trial with its judgement.
type Trial struct {
	Spec      TrialSpec
	Observed  Observation
	Judgement Judgement
	Elapsed   time.Duration // with start, drain and stop
	// Discarded says why the verdict was not used; empty when it was.
	Discarded string
}

// LatencyPoint is the latency at a fraction of the knee.
type LatencyPoint struct {
	Fraction     float64
	RateTxPerSec float64
	Trial        int // Spec.Index of the trial
	Commit       *Latency
}

// Result is the answer of a search. Rates are offered rates in tx/s; nil
// means unknown.
type Result struct {
	LowerTxPerSec *float64 // highest rate that held
	UpperTxPerSec *float64 // lowest rate above it that did not
	RelativeWidth *float64 // (upper − lower) ÷ lower

	// Confirmed: the lower bound passed all its confirmations, the upper one
	// failed because of the system, and the width goal was reached.
	Confirmed     bool
	Confirmations int // passed by the lower bound
	Wanted        int // asked for
	ConfirmTrials []int

	Bound string
	// Inconclusive says why this is not a knee within the width goal; empty
	// when it is.
	Inconclusive string

	LatencyAt []LatencyPoint
	Trials    []Trial
	Warnings  []string
	Elapsed   time.Duration
	SLO       SLO // with the implied terms
}

// EventKind tells events apart.
type EventKind string

// The events of a search.
const (
	TrialStarted EventKind = "trial_started"
	TrialDone    EventKind = "trial_done"
	Note         EventKind = "note" // a warning, as it happens
	Finished     EventKind = "finished"
)

// Event is progress as a value: enough to draw one line.
type Event struct {
	Kind          EventKind
	Spec          TrialSpec // of the trial that started or ended
	Trial         *Trial    // with TrialDone; not to be changed
	LowerTxPerSec *float64  // bounds so far
	UpperTxPerSec *float64
	Left          time.Duration // of the budget
	Text          string        // the warning, or the verdict's reason
}
