package knee

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrBadSLO says that a service level expression cannot be understood.
var ErrBadSLO = errors.New("bad service level")

// DefaultSLO is used when the user names none.
const DefaultSLO = "p99<1s,loss<0.1%"

// Metric is what a term of a service level limits.
type Metric string

// The metrics. Latencies count from the intended send.
const (
	P50       Metric = "p50" // commit latency
	P90       Metric = "p90"
	P99       Metric = "p99"
	P999      Metric = "p999"
	Max       Metric = "max"
	AcceptP99 Metric = "accept_p99" // latency of the node's acknowledgement
	Loss      Metric = "loss"       // share of sent transactions that did not commit
	Fidelity  Metric = "fidelity"   // sent ÷ offered
	Backlog   Metric = "backlog"    // growth of accepted − committed as a share of the offered rate
)

var allMetrics = []Metric{P50, P90, P99, P999, Max, AcceptP99, Loss, Fidelity, Backlog}

// implied terms hold for every search unless the expression names the metric:
// without them a system that drops half of its load would count as fast.
var implied = []Term{
	{Metric: Loss, Op: "<", Limit: 0.001},
	{Metric: Backlog, Op: "<=", Limit: 0.01},
	{Metric: Fidelity, Op: ">=", Limit: 0.99},
}

// Term is one condition.
type Term struct {
	Metric Metric
	Op     string  // "<", "<=", ">" or ">="
	Limit  float64 // latencies in nanoseconds, all others a ratio (0.001 is 0.1 %)
}

// SLO is a conjunction of terms, at most one per metric.
type SLO struct{ Terms []Term }

// ParseSLO reads an expression such as "p99<2s,loss<0.1%": terms separated by
// commas, each a metric, a comparison and a limit. Latency limits are Go
// durations, all other limits a percentage or a ratio. Loss, backlog and
// fidelity keep their usual limits (0.1 %, 1 %, 99 %) unless named. The empty
// expression is DefaultSLO. Errors wrap ErrBadSLO and name the term.
func ParseSLO(expr string) (SLO, error) {
	if strings.TrimSpace(expr) == "" {
		expr = DefaultSLO
	}
	if len(expr) > 512 {
		return SLO{}, fmt.Errorf("%w: the expression has %d characters, at most 512 make sense", ErrBadSLO, len(expr))
	}
	var s SLO
	for part := range strings.SplitSeq(expr, ",") {
		term, err := parseTerm(strings.TrimSpace(part))
		if err != nil {
			return SLO{}, err
		}
		if _, dup := s.term(term.Metric); dup {
			return SLO{}, fmt.Errorf("%w: term %q limits %s a second time, give each metric once", ErrBadSLO, strings.TrimSpace(part), term.Metric)
		}
		s.Terms = append(s.Terms, term)
	}
	for _, t := range implied {
		if _, ok := s.term(t.Metric); !ok {
			s.Terms = append(s.Terms, t)
		}
	}
	return s, nil
}

func parseTerm(text string) (Term, error) {
	if text == "" {
		return Term{}, fmt.Errorf("%w: an empty term, write terms as in %q without a comma too many", ErrBadSLO, DefaultSLO)
	}
	at := strings.IndexAny(text, "<>=")
	if at < 0 {
		return Term{}, fmt.Errorf("%w: term %q has no comparison, write it as in p99<1s", ErrBadSLO, text)
	}
	t := Term{Metric: Metric(strings.TrimSpace(text[:at]))}
	rest := text[at:]
	for _, op := range []string{"<=", ">=", "<", ">"} { // longest first
		if strings.HasPrefix(rest, op) {
			t.Op, rest = op, strings.TrimSpace(rest[len(op):])
			break
		}
	}
	if t.Op == "" {
		return Term{}, fmt.Errorf("%w: term %q has an unknown comparison, use <, <=, > or >=", ErrBadSLO, text)
	}
	if !slices.Contains(allMetrics, t.Metric) {
		return Term{}, fmt.Errorf("%w: term %q names the unknown metric %q, use one of p50, p90, p99, p999, max, accept_p99, loss, fidelity, backlog", ErrBadSLO, text, t.Metric)
	}
	if floor := t.Op[0] == '>'; floor != (t.Metric == Fidelity) {
		want := "an upper limit: write " + string(t.Metric) + "<" + rest
		if t.Metric == Fidelity {
			want = "a lower limit: write fidelity>" + rest
		}
		return Term{}, fmt.Errorf("%w: term %q limits %s from the wrong side, it takes %s", ErrBadSLO, text, t.Metric, want)
	}
	var err error
	if t.Metric.isLatency() {
		t.Limit, err = parseLatency(text, rest)
	} else {
		t.Limit, err = parseRatio(text, rest)
	}
	return t, err
}

func parseLatency(text, limit string) (float64, error) {
	d, err := time.ParseDuration(limit)
	if err != nil {
		return 0, fmt.Errorf("%w: term %q has the limit %q, which is not a duration: write it as in 500ms or 2s", ErrBadSLO, text, limit)
	}
	if d <= 0 {
		return 0, fmt.Errorf("%w: term %q has the limit %s, nothing commits in no time: give a limit above zero", ErrBadSLO, text, d)
	}
	return float64(d), nil
}

func parseRatio(text, limit string) (float64, error) {
	number, percent := strings.CutSuffix(limit, "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		v /= 100
	}
	if err != nil || math.IsNaN(v) {
		return 0, fmt.Errorf("%w: term %q has the limit %q, which is neither a percentage (0.1%%) nor a ratio (0.001)", ErrBadSLO, text, limit)
	}
	if v < 0 || v > 1 {
		return 0, fmt.Errorf("%w: term %q has the limit %q, a share lies between 0%% and 100%%", ErrBadSLO, text, limit)
	}
	return v, nil
}

func (m Metric) isLatency() bool { return m != Loss && m != Fidelity && m != Backlog }

func (s SLO) term(m Metric) (Term, bool) {
	for _, t := range s.Terms {
		if t.Metric == m {
			return t, true
		}
	}
	return Term{}, false
}

// holds reports whether a measured value keeps the term.
func (t Term) holds(v float64) bool {
	switch t.Op {
	case "<":
		return v < t.Limit
	case "<=":
		return v <= t.Limit
	case ">":
		return v > t.Limit
	default:
		return v >= t.Limit
	}
}

// String is the term as ParseSLO reads it.
func (t Term) String() string { return string(t.Metric) + t.Op + t.limitText() }

func (t Term) limitText() string {
	if t.Metric.isLatency() {
		return time.Duration(t.Limit).String()
	}
	return percentText(t.Limit)
}

// String lists every term, the implied ones too, so that a record says what
// was really asked.
func (s SLO) String() string {
	parts := make([]string, len(s.Terms))
	for i, t := range s.Terms {
		parts[i] = t.String()
	}
	return strings.Join(parts, ",")
}

// percentText writes a ratio as a percentage with at most four digits, without
// the noise of binary fractions.
func percentText(ratio float64) string {
	return strconv.FormatFloat(ratio*100, 'g', 4, 64) + "%"
}
