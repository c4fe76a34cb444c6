package importers

import (
	"encoding/json"

	"github.com/chainweir/weir/results"
)

// Schema is that of a Set in JSON.
const Schema = "weir.import/1"

// Formats that are read, as Set.Format and the argument of Read have them.
const (
	FormatK6         = "k6"         // lines of --out json
	FormatK6Summary  = "k6-summary" // --summary-export, or data of handleSummary
	FormatVegeta     = "vegeta"     // report -type=json, or lines of encode --to=json
	FormatCaliper    = "caliper"    // report.html, or the table in the log
	FormatLoadtime   = "loadtime"   // CometBFT: text report
	FormatLoadtimeCS = "loadtime-csv"
	FormatHotStuff   = "hotstuff" // SUMMARY or RESULTS blocks
)

// Formats lists them in the order in which help shows them.
var Formats = []string{FormatK6, FormatK6Summary, FormatVegeta, FormatCaliper, FormatLoadtime, FormatLoadtimeCS, FormatHotStuff}

// Set is what one or more files hold.
type Set struct {
	Schema string `json:"schema"`
	Runs   []Run  `json:"runs"`
	// Warnings are about the files; those about a run are with it.
	Warnings []string `json:"warnings"`
}

// MarshalJSON writes empty lists as [].
func (s Set) MarshalJSON() ([]byte, error) {
	type plain Set
	s.Schema = Schema
	if s.Runs == nil {
		s.Runs = []Run{}
	}
	if s.Warnings == nil {
		s.Warnings = []string{}
	}
	return json.Marshal(plain(s))
}

// Run is one measurement: a round, an experiment, a scenario.
type Run struct {
	Format string `json:"format"`
	File   string `json:"file"`
	Line   int    `json:"line"` // where it begins, from 1
	Name   string `json:"name"` // as the tool has it; may be empty

	Nodes *int64 `json:"nodes"`
	// Clients is how many asked at a time: virtual users, connections. It is a
	// concurrency only where each waits for its answer (Closed).
	Clients *float64 `json:"clients"`
	// Closed: the next request waits for the answer to the last, so a slow system
	// is asked less, and latencies leave out what nobody waited for.
	Closed  bool   `json:"closed_loop"`
	TxBytes *int64 `json:"tx_bytes"`

	OfferedTxPerSec *float64 `json:"offered_tx_per_sec"` // what was asked for
	SentTxPerSec    *float64 `json:"sent_tx_per_sec"`
	// ReportedTxPerSec is what the tool calls throughput, CommittedTxPerSec what
	// was committed and valid, per second of DurationSec.
	ReportedTxPerSec  *float64 `json:"reported_tx_per_sec"`
	CommittedTxPerSec *float64 `json:"committed_tx_per_sec"`

	Offered   *int64 `json:"offered"`
	Sent      *int64 `json:"sent"`
	Dropped   *int64 `json:"dropped"` // asked for and never sent
	Committed *int64 `json:"committed"`
	Failed    *int64 `json:"failed"`

	DurationSec *float64 `json:"duration_sec"` // first send to last commit
	LatencyMS   Latency  `json:"latency_ms"`   // of what did not fail, unless a note says so
	// IterationMS is the mean of a client's whole turn, think time included, and
	// TurnsPerSec how many there were (k6).
	IterationMS *float64 `json:"iteration_mean_ms"`
	TurnsPerSec *float64 `json:"iterations_per_sec"`

	// Histogram holds the latencies when the tool wrote them one by one.
	Histogram *results.Histogram `json:"histogram,omitempty"`

	Notes []string `json:"notes"` // what is not known, and why
	Lints []Lint   `json:"lints"`
}

// MarshalJSON writes empty lists as [].
func (r Run) MarshalJSON() ([]byte, error) {
	type plain Run
	if r.Notes == nil {
		r.Notes = []string{}
	}
	if r.Lints == nil {
		r.Lints = []Lint{}
	}
	return json.Marshal(plain(r))
}

// Latency is in milliseconds.
type Latency struct {
	Min    *float64 `json:"min"`
	Mean   *float64 `json:"mean"`
	StdDev *float64 `json:"stddev"`
	P50    *float64 `json:"p50"`
	P90    *float64 `json:"p90"`
	P95    *float64 `json:"p95"`
	P99    *float64 `json:"p99"`
	P999   *float64 `json:"p999"`
	Max    *float64 `json:"max"`
	// Samples is how many they are computed from, Negative how many of them were
	// below zero.
	Samples  *int64 `json:"samples"`
	Negative *int64 `json:"negative"`
}

func (r *Run) note(text string) { r.Notes = append(r.Notes, text) }

// ptr is new with a value, for literals of other types than their default.
func ptr[T any](v T) *T { return &v }
