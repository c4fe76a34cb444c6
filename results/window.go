package results

// Window holds the raw counts of one interval of a trial: how many
// transactions reached each stage in it. The windows of a trial sum to the
// trial's counts, which is what `weir check` recomputes. Schema and Type are
// set on encoding.
type Window struct {
	Schema string `json:"schema"`
	Type   string `json:"type"`

	TrialID    int    `json:"trial_id"`
	Index      int    `json:"index"`    // from 0
	StartNS    int64  `json:"start_ns"` // since the first intended send
	DurationNS int64  `json:"duration_ns"`
	Counts     Counts `json:"counts"`

	Histograms []Histogram `json:"histograms,omitempty"`
}

// Histogram is one latency histogram in a form that can be merged.
type Histogram struct {
	Stage    string `json:"stage"`    // submit, accept, commit, commit_from_send
	UnitNS   int64  `json:"unit_ns"`  // length of one recorded unit: 1 for ns, 1000 for µs
	Negative int64  `json:"negative"` // samples below zero, not in HDR
	HDR      string `json:"hdr"`      // HdrHistogram V2 compressed, base64
}

// LoadResult is the object of `weir load --json`: one trial, flat. Schema is
// set on encoding.
type LoadResult struct {
	Schema string `json:"schema"`

	Counts
	DroppedBy DropSplit `json:"dropped_by"`
	Fidelity  *float64  `json:"fidelity"`
	LatencyMS Latencies `json:"latency_ms"`

	Schedule              string   `json:"schedule"`
	Seed                  uint64   `json:"seed"`
	OfferedTxPerSec       float64  `json:"offered_tx_per_sec"`
	DurationSec           float64  `json:"duration_sec"`
	CommittedTxPerSec     *float64 `json:"committed_tx_per_sec"`
	BacklogSlopeTxPerSec2 *float64 `json:"backlog_slope_tx_per_sec2"`

	Generator GeneratorUsage `json:"generator"`

	Valid         bool     `json:"valid"`
	InvalidReason string   `json:"invalid_reason"`
	Warnings      []string `json:"warnings"`
	Interrupted   bool     `json:"interrupted"`
}

// Load returns t in the form of `weir load --json`.
func (t Trial) Load(warnings []string, interrupted bool) LoadResult {
	return LoadResult{
		Counts: t.Counts, DroppedBy: t.DroppedBy, Fidelity: t.Fidelity, LatencyMS: t.LatencyMS,
		Schedule: t.Schedule, Seed: t.Seed,
		OfferedTxPerSec: t.OfferedTxPerSec, DurationSec: t.DurationSec,
		CommittedTxPerSec: t.CommittedTxPerSec, BacklogSlopeTxPerSec2: t.BacklogSlopeTxPerSec2,
		Generator: t.Generator,
		Valid:     t.Valid, InvalidReason: t.InvalidReason,
		Warnings: warnings, Interrupted: interrupted,
	}
}
