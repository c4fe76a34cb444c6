package knee

import (
	"context"
	"time"
)

// Phase says what a trial is for.
type Phase string

// The phases, in the order in which a search goes through them.
const (
	Explore     Phase = "explore" // find the order of magnitude, short
	Bisect      Phase = "bisect"  // narrow the bracket
	Confirm     Phase = "confirm" // repeat the lower bound at full length
	CheckUpper  Phase = "upper"   // repeat the upper bound at full length
	LatencyOnly Phase = "latency" // latency at a fraction of the knee; decides nothing
)

// TrialSpec is one trial to be run.
type TrialSpec struct {
	Index        int // 1, 2, 3 … in the order of running
	RateTxPerSec float64
	Duration     time.Duration // of the offered load, without start, drain and stop
	Phase        Phase
	Seed         uint64 // for the arrival schedule; differs in every trial
}

// Runner runs trials. It starts from a comparable state every time (a fresh
// node, or a drained one), ends on its own, and returns when ctx is done. An
// error means that the trial could not be run at all and ends the search; a
// trial that ran and went badly is an Observation.
type Runner interface {
	Run(ctx context.Context, spec TrialSpec) (Observation, error)
}

// Latency is a summary in nanoseconds from the intended send.
type Latency struct {
	P50NS, P90NS, P99NS, P999NS, MaxNS int64
}

// Growth is a slope with its standard error, in tx/s.
type Growth struct {
	TxPerSec       float64
	StdErrTxPerSec float64
}

// Observation is what one trial saw. Counts are transactions of the whole
// trial, after the drain.
type Observation struct {
	Offered             int64 // asked for by the schedule
	Sent                int64 // written to the socket
	DroppedGenerator    int64 // never sent because the generator was late
	DroppedBackpressure int64 // never sent because the socket was full: the system or the wire pushed back
	Accepted            int64 // acknowledged by the node
	Committed           int64 // in a committed block, and valid
	Rejected            int64 // all stages and reasons together
	Expired             int64
	Lost                int64 // no outcome by the end of the drain

	Commit *Latency // nil when nothing committed or it is not known
	Accept *Latency // nil when the target does not acknowledge
	// Backlog is the growth of accepted − committed while load was offered,
	// without the first moments in which the pipeline fills; nil when it could
	// not be measured. Commits come in blocks, so the backlog is a saw-tooth:
	// sample it several times per block, or the teeth look like growth.
	Backlog *Growth

	// Invalid says in words why the trial measured something else than the
	// system (clock jump, foreign load); empty when it is sound.
	Invalid string
	// Generator says in words which limit of its self-check the generator broke:
	// it was measured, and not the system. Empty when it was fit.
	Generator string
}

// Fidelity is sent ÷ offered; a trial that offered nothing has none (0).
func (o Observation) Fidelity() float64 {
	if o.Offered <= 0 {
		return 0
	}
	return float64(o.Sent) / float64(o.Offered)
}

// Loss is the share of sent transactions that did not commit, whatever became
// of them: rejected, expired, lost or not accounted for.
func (o Observation) Loss() float64 {
	if o.Sent <= 0 {
		return 0
	}
	return float64(o.Sent-o.Committed) / float64(o.Sent)
}

// capacityHint is the rate at which the system got rid of work while load was
// offered: what it took in, less what piled up. It guides the search and is
// never reported: a system that collapses shows a number far too low.
func (o Observation) capacityHint(spec TrialSpec) float64 {
	if o.Backlog == nil || spec.Duration <= 0 {
		return 0
	}
	in := o.Accepted
	if in == 0 {
		in = o.Sent
	}
	return max(0, float64(in)/spec.Duration.Seconds()-o.Backlog.TxPerSec)
}
