package results

// Validation is one checked prediction of `weir run --validate`: what the run
// at the first link foretold for other settings, written down before they were
// measured, and what they then gave.
type Validation struct {
	Name              string   `json:"name"` // of the setting in words
	LinkBitsPerSec    float64  `json:"link_bits_per_sec"`
	ValueBytes        *uint64  `json:"value_bytes"` // of each transaction's value; null: the first run's workload
	PredictedTxPerSec float64  `json:"predicted_tx_per_sec"`
	PredictedWall     string   `json:"predicted_wall"`
	Extrapolated      bool     `json:"extrapolated"` // more than twice the highest rate that was measured
	Assumed           string   `json:"assumed"`      // in words, what the prediction takes for granted
	MeasuredTxPerSec  *float64 `json:"measured_tx_per_sec"`
	// MeasuredLower and MeasuredUpper are the interval of the search, of which
	// MeasuredTxPerSec is the (geometric) middle.
	MeasuredLower *float64   `json:"measured_lower_tx_per_sec"`
	MeasuredUpper *float64   `json:"measured_upper_tx_per_sec"`
	MeasuredWall  NullString `json:"measured_wall"`
	// Error is predicted ÷ measured − 1: above 0, too much was promised.
	Error  *float64 `json:"error"`
	Valid  bool     `json:"valid"` // the measurement was conclusive
	Record string   `json:"record"`
}
