package results

// Pacing says how closely the sends followed the schedule. A transaction is
// sent when the write of its frame begins; one that the target took long to
// take counts from there too.
type Pacing struct {
	// BatchWindowNS is the grid on which frames left: transactions that fell due
	// between two points of it travelled together. 0: each at its own time.
	BatchWindowNS int64  `json:"batch_window_ns"`
	Frames        int64  `json:"frames"`
	FrameTxsP50   *int64 `json:"frame_txs_p50"`
	FrameTxsP99   *int64 `json:"frame_txs_p99"`
	FrameTxsMax   *int64 `json:"frame_txs_max"`

	// Lag holds actual − intended send of every transaction that was sent.
	Lag *Histogram `json:"lag"`

	// Sends per interval: IntervalCounts lists {count, intervals with that many
	// actual sends}, ascending, over the whole intervals of the schedule.
	IntervalNS     int64      `json:"interval_ns"`
	IntervalCounts [][2]int64 `json:"interval_counts"`
	// Variance of the counts per interval over their mean. Independent arrivals
	// at a constant rate have 1.
	IntendedDispersion *float64 `json:"intended_dispersion"`
	SentDispersion     *float64 `json:"sent_dispersion"`

	// ChiSquare compares IntervalCounts with the Poisson distribution of the
	// offered rate; nil for other schedules than poisson.
	ChiSquare *FitTest `json:"chi_square"`
	// GapsKS compares the gaps between actual sends with the intended
	// (exponential) distribution; nil where arrivals are not random or a batch
	// window makes gaps meaningless.
	GapsKS *FitTest `json:"gaps_ks"`
}

// FitTest is a goodness-of-fit test of the sends against the schedule.
type FitTest struct {
	Statistic float64 `json:"statistic"` // X², or D of Kolmogorov–Smirnov
	P         float64 `json:"p"`
	N         int64   `json:"n"` // cells, or gaps
}
