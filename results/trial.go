package results

import "time"

// Phase is the part of the search that a trial belongs to.
type Phase string

// Phases of a search, in the order in which they run.
const (
	PhaseExplore Phase = "explore" // exponential, upwards
	PhaseBisect  Phase = "bisect"
	PhaseConfirm Phase = "confirm" // the lower bound again, k times
	PhaseLatency Phase = "latency" // fractions of the knee
)

// Verdict is the outcome of a trial.
type Verdict string

// Verdicts. An invalid trial measured something else than the system, mostly
// the generator, and takes no part in the search.
const (
	VerdictGood    Verdict = "good"
	VerdictBad     Verdict = "bad"
	VerdictInvalid Verdict = "invalid"
)

// Trial is one schedule run against one target. Schema and Type are set on
// encoding.
type Trial struct {
	Schema string `json:"schema"`
	Type   string `json:"type"`

	ID              int       `json:"id"` // from 1, unique in the record
	Phase           Phase     `json:"phase"`
	Seed            uint64    `json:"seed"`
	Schedule        string    `json:"schedule"` // its text form: constant, poisson, ramp:100..5000, …
	StartedAt       time.Time `json:"started_at"`
	OfferedTxPerSec float64   `json:"offered_tx_per_sec"`
	DurationSec     float64   `json:"duration_sec"`
	// WindowSec runs from the first intended send to the last commit event; the
	// wire and usage counters cover it. Nil when it was not measured.
	WindowSec *float64 `json:"window_sec"`

	Counts    Counts    `json:"counts"`
	DroppedBy DropSplit `json:"dropped_by"`
	Fidelity  *float64  `json:"fidelity"` // sent / offered
	LatencyMS Latencies `json:"latency_ms"`
	// BacklogSlopeTxPerSec2 is the growth of accepted − committed.
	BacklogSlopeTxPerSec2 *float64 `json:"backlog_slope_tx_per_sec2"`
	// InFlightSlopeTxPerSec2 is the growth of sent − committed: it also sees
	// what waits before the acknowledgement.
	InFlightSlopeTxPerSec2 *float64 `json:"in_flight_slope_tx_per_sec2"`
	CommittedTxPerSec      *float64 `json:"committed_tx_per_sec"`

	Wire          *WireCounters  `json:"wire"`
	Node          *NodeUsage     `json:"node"`
	Generator     GeneratorUsage `json:"generator"`
	HostCPUBusyNS *int64         `json:"host_cpu_busy_ns"` // all cores, idle and iowait excluded
	// Agent is what an agent beside a remote node saw; absent without one.
	Agent *AgentUsage `json:"agent,omitempty"`

	Valid         bool    `json:"valid"`
	InvalidReason string  `json:"invalid_reason"` // empty when valid
	Verdict       Verdict `json:"verdict"`
	Reason        string  `json:"reason"` // why the verdict, in words

	// Keys below may be missing, which means the same as null: records of the
	// first release lack them.

	// LastCommitNS is the time of the last commit since the first intended send.
	LastCommitNS  *int64         `json:"last_commit_ns,omitempty"`
	BacklogSeries *BacklogSeries `json:"backlog_series,omitempty"`
	Judged        *Judged        `json:"judged,omitempty"`
	// ClockStepNS is how far the wall clock moved beside the monotonic one, which
	// all latencies are taken from.
	ClockStepNS *int64 `json:"clock_step_ns,omitempty"`
}

// TrialShort is what the summary repeats of a trial.
type TrialShort struct {
	ID                    int      `json:"id"`
	Phase                 Phase    `json:"phase"`
	OfferedTxPerSec       float64  `json:"offered_tx_per_sec"`
	DurationSec           float64  `json:"duration_sec"`
	Counts                Counts   `json:"counts"`
	CommittedTxPerSec     *float64 `json:"committed_tx_per_sec"`
	CommitP50MS           *float64 `json:"commit_p50_ms"`
	CommitP99MS           *float64 `json:"commit_p99_ms"`
	BacklogSlopeTxPerSec2 *float64 `json:"backlog_slope_tx_per_sec2"`
	Verdict               Verdict  `json:"verdict"`
	Reason                string   `json:"reason"`
}

// Short returns the form of t that goes into a summary.
func (t Trial) Short() TrialShort {
	return TrialShort{
		ID: t.ID, Phase: t.Phase,
		OfferedTxPerSec: t.OfferedTxPerSec, DurationSec: t.DurationSec,
		Counts: t.Counts, CommittedTxPerSec: t.CommittedTxPerSec,
		CommitP50MS: t.LatencyMS.Commit.P50, CommitP99MS: t.LatencyMS.Commit.P99,
		BacklogSlopeTxPerSec2: t.BacklogSlopeTxPerSec2,
		Verdict:               t.Verdict, Reason: t.Reason,
	}
}

// Latencies are in milliseconds. All but CommitFromSend count from the
// intended send; the difference between the two commit rows is the lag of the
// generator.
type Latencies struct {
	Submit         Quantiles `json:"submit"` // until written to the socket
	Accept         Quantiles `json:"accept"` // until acknowledged
	Commit         Quantiles `json:"commit"` // until in a committed block
	CommitFromSend Quantiles `json:"commit_from_send"`
}

// Quantiles describe one histogram, in the unit of the field that holds them.
// With Count 0 every value is nil.
type Quantiles struct {
	P50   *float64 `json:"p50"`
	P90   *float64 `json:"p90"`
	P99   *float64 `json:"p99"`
	P999  *float64 `json:"p999"`
	Max   *float64 `json:"max"`
	Count int64    `json:"count"`
	// Negative counts samples below zero (clock skew); they are not in Count
	// and are never clamped to zero.
	Negative int64 `json:"negative"`
}

// WireCounters are raw counts between the first intended send and the last
// commit event of a trial.
type WireCounters struct {
	Source NullString    `json:"source"`
	Exact  bool          `json:"exact"`
	In     WireDirection `json:"in"`  // towards the node
	Out    WireDirection `json:"out"` // from the node
	// LostEvents counts what the probe itself could not record; above 0 the
	// counters are too low.
	LostEvents *int64 `json:"lost_events"`
}

// WireDirection counts one direction. Packets are frames as a wire would carry
// them (a GSO buffer counts once per segment); Bytes are layer 2 bytes.
type WireDirection struct {
	Packets        *int64 `json:"packets"`
	Bytes          *int64 `json:"bytes"`
	PayloadBytes   *int64 `json:"payload_bytes"`
	Retransmits    *int64 `json:"retransmits"` // segments
	PacketsMTU1500 *int64 `json:"packets_mtu1500"`
	BytesMTU1500   *int64 `json:"bytes_mtu1500"`
}

// NodeUsage is what the node's process used during a trial, all nodes summed.
type NodeUsage struct {
	CPUUserNS  *int64  `json:"cpu_user_ns"`
	CPUSysNS   *int64  `json:"cpu_sys_ns"`
	Stages     []Stage `json:"stages"`
	DiskBusyNS *int64  `json:"disk_busy_ns"` // time in writes and syncs of the block log
	Fsyncs     *int64  `json:"fsyncs"`
	Blocks     *int64  `json:"blocks"`
	Bytes      *int64  `json:"bytes"` // appended to the block log
}

// Stage is one stage of the node's pipeline. Busy and wait are summed over the
// stage's workers.
type Stage struct {
	Name    string `json:"name"`
	Workers int    `json:"workers"` // 1: the stage is serial; 0: not known
	BusyNS  int64  `json:"busy_ns"`
	WaitNS  int64  `json:"wait_ns"`
	Items   int64  `json:"items"`
}

// GeneratorUsage is what the load generator used during a trial.
type GeneratorUsage struct {
	CPUNS          *int64 `json:"cpu_ns"`
	GCPauseNS      *int64 `json:"gc_pause_ns"`
	LagP99NS       *int64 `json:"lag_p99_ns"`       // actual minus intended send
	WriteBlockedNS *int64 `json:"write_blocked_ns"` // waiting for a socket to take bytes

	Pacing *Pacing    `json:"pacing,omitempty"` // nil in records made before it was measured
	Check  *SelfCheck `json:"check,omitempty"`
}
