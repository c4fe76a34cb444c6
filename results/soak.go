package results

// PhaseSoak is the phase of the trials of a soak: pieces of one long load on one
// node that is not started anew between them.
const PhaseSoak Phase = "soak"

// Verdicts of a soak and of each of its rows.
const (
	SoakSteady       = "steady"       // the interval of the change lies within the limit
	SoakDrifts       = "drifts"       // it changes for the worse, by more than the limit
	SoakImproves     = "improves"     // it changes for the better, by more than the limit
	SoakFails        = "fails"        // too many pieces broke the goal
	SoakInconclusive = "inconclusive" // too few pieces, or too noisy to tell
)

// Soak says how a system held one load over a long time.
type Soak struct {
	Verdict string `json:"verdict"`
	Reason  string `json:"reason"` // in words
	// OfferedTxPerSec is the load; OfFraction the share of the knee that it is,
	// null when the rate was given.
	OfferedTxPerSec float64  `json:"offered_tx_per_sec"`
	OfFraction      *float64 `json:"of_knee"`
	// LoadSec is the time under load, RestSec the time between the pieces in
	// which the next transactions were signed.
	LoadSec  float64 `json:"load_sec"`
	RestSec  float64 `json:"rest_sec"`
	PieceSec float64 `json:"piece_sec"`
	// Pieces is how many there were, WarmUp how many at the start take no part
	// in the rows, Broken how many broke the goal, Invalid how many were not
	// measured because of the generator.
	Pieces  int `json:"pieces"`
	WarmUp  int `json:"warm_up_pieces"`
	Broken  int `json:"broken_pieces"`
	Invalid int `json:"invalid_pieces"`

	// OthersChange is how much others_busy rose over the soak, as a share of all
	// cores, when it rose beyond chance; null when it did not or is not known. What
	// drifts together with it is not held against the system.
	OthersChange *float64 `json:"others_busy_change"`

	Drift  []Drift     `json:"drift"`
	Series []SoakPoint `json:"series"`
	Record string      `json:"record"`
}

// Drift is the trend of one figure over a soak.
type Drift struct {
	Metric string `json:"metric"`
	Unit   string `json:"unit"`
	// First and Last are the ends of the fitted line, Median that of the pieces,
	// in Unit.
	First  *float64 `json:"first"`
	Last   *float64 `json:"last"`
	Median *float64 `json:"median"`
	// Change is the growth over the time under load ÷ Median: 0.02 is 2 %.
	Change *float64 `json:"change"`
	// ChangeLow and ChangeHigh are its 95 % interval (Sen's slope).
	ChangeLow  *float64 `json:"change_low"`
	ChangeHigh *float64 `json:"change_high"`
	// PerHour is the slope, in Unit per hour.
	PerHour *float64 `json:"per_hour"`
	P       *float64 `json:"p"` // Mann-Kendall, two-sided
	// Inflation is how far dependence between the pieces widened the variance.
	Inflation *float64 `json:"variance_inflation"`
	// Limit is the change for the worse that is tolerated, a share; Worse is the
	// direction of the worse.
	Limit   float64 `json:"limit"`
	Worse   string  `json:"worse"` // up or down
	N       int     `json:"n"`
	Verdict string  `json:"verdict"`
}

// SoakPoint is one piece in short; what was not measured is null.
type SoakPoint struct {
	TSec              float64  `json:"t_sec"` // middle of the piece, in time under load
	CommittedTxPerSec *float64 `json:"committed_tx_per_sec"`
	CommitP50MS       *float64 `json:"commit_p50_ms"`
	CommitP99MS       *float64 `json:"commit_p99_ms"`
	MemoryBytes       *int64   `json:"memory_bytes"`
	MemorySource      string   `json:"memory_source"` // rss, heap or empty
	CPUSecPerTx       *float64 `json:"node_cpu_sec_per_tx"`
	// OthersBusy is the share of all cores that neither node nor generator used,
	// kernel work charged to neither included.
	OthersBusy *float64 `json:"others_busy"`
	Verdict    Verdict  `json:"verdict"`
	Reason     string   `json:"reason"`
}
