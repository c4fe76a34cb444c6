package results

import "math"

// Counts says what became of the transactions of a schedule. The two sums
// offered = sent + dropped and sent = committed + Σ rejected + expired + lost
// must hold; Accepted is a stage on the way and part of neither.
type Counts struct {
	Offered   int64      `json:"offered"`
	Sent      int64      `json:"sent"`
	Dropped   int64      `json:"dropped"` // asked for by the schedule, never sent
	Accepted  int64      `json:"accepted"`
	Committed int64      `json:"committed"`
	Rejected  Rejections `json:"rejected"` // reason → count, e.g. "exec:insufficient_funds"
	Expired   int64      `json:"expired"`
	Lost      int64      `json:"lost"` // sent, and nothing was heard of it
}

// Rejections counts refused transactions by reason. Nil is written as {}.
type Rejections map[string]int64

// RejectedTotal returns the sum over all reasons.
func (c Counts) RejectedTotal() int64 {
	var n int64
	for _, v := range c.Rejected {
		n += v
	}
	return n
}

// Add returns the stage-wise sum of two counts; neither is changed.
func (c Counts) Add(o Counts) Counts {
	sum := Counts{
		Offered:   c.Offered + o.Offered,
		Sent:      c.Sent + o.Sent,
		Dropped:   c.Dropped + o.Dropped,
		Accepted:  c.Accepted + o.Accepted,
		Committed: c.Committed + o.Committed,
		Rejected:  make(Rejections, len(c.Rejected)+len(o.Rejected)),
		Expired:   c.Expired + o.Expired,
		Lost:      c.Lost + o.Lost,
	}
	for reason, n := range c.Rejected {
		sum.Rejected[reason] += n
	}
	for reason, n := range o.Rejected {
		sum.Rejected[reason] += n
	}
	return sum
}

// Fidelity returns sent / offered, nil when nothing was offered.
func (c Counts) Fidelity() *float64 {
	return Ratio(float64(c.Sent), float64(c.Offered))
}

// DropSplit says why transactions were never sent. Its two parts sum to
// Counts.Dropped.
type DropSplit struct {
	Generator    int64 `json:"generator"`    // the generator was late
	Backpressure int64 `json:"backpressure"` // the socket or the outstanding limit was full
}

// Ratio returns num / den, or nil, meaning not known, when the denominator is
// zero or the quotient is not a finite number.
func Ratio(num, den float64) *float64 {
	if den == 0 {
		return nil
	}
	q := num / den
	if math.IsNaN(q) || math.IsInf(q, 0) {
		return nil
	}
	return &q
}
