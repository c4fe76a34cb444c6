package ci

import (
	"errors"
	"strings"
)

// Better says which way a metric is better.
type Better string

// Directions.
const (
	Higher  Better = "higher"
	Lower   Better = "lower"
	Unknown Better = ""
)

// Errors of this package.
var (
	// ErrSetup is a wrong argument, or a command that cannot be run: nothing was
	// learnt about head.
	ErrSetup = errors.New("cannot measure")
	// ErrHead says that head ended with an error or gave another answer than
	// base: it is wrong, however fast it is.
	ErrHead = errors.New("head is wrong")
	// ErrInvalidRuns says that too many runs called themselves invalid.
	ErrInvalidRuns = errors.New("too many invalid runs")
)

// Metric is a quantity that runs are compared by.
type Metric struct {
	Name   string `json:"metric"`
	Unit   string `json:"unit"`
	Better Better `json:"better"`
	// Aside marks what is shown and decides nothing unless a gate names it.
	Aside bool `json:"aside"`
}

// Value is what one run says about a metric.
type Value struct {
	Metric
	Value float64
}

// Sample is what one run of a process gave.
type Sample struct {
	Values []Value
	// Answer is what must be the same in every run of both commands; empty when
	// the output says itself that it is right.
	Answer string
	// Invalid says, in words, why the run must not be used; the round is then
	// taken again. Empty: it may.
	Invalid string
	// Unknown names metrics that the run could not tell (null in its output).
	Unknown []string
}

func (s *Sample) add(m Metric, v *float64) {
	if v == nil {
		s.Unknown = append(s.Unknown, m.Name)
		return
	}
	s.Values = append(s.Values, Value{m, *v})
}

// The metrics of weir's own commands, and of any process.
var (
	mTPS      = Metric{Name: "tps", Unit: "tx/s", Better: Higher}
	mP50      = Metric{Name: "p50", Unit: "ms", Better: Lower}
	mP99      = Metric{Name: "p99", Unit: "ms", Better: Lower}
	mP999     = Metric{Name: "p999", Unit: "ms", Better: Lower, Aside: true}
	mAccept   = Metric{Name: "accept_p99", Unit: "ms", Better: Lower, Aside: true}
	mWire     = Metric{Name: "wire_bytes_per_tx", Unit: "B/tx", Better: Lower}
	mWireIn   = Metric{Name: "wire_bytes_per_tx_in", Unit: "B/tx", Better: Lower, Aside: true}
	mWireOut  = Metric{Name: "wire_bytes_per_tx_out", Unit: "B/tx", Better: Lower, Aside: true}
	mWireMTU  = Metric{Name: "wire_bytes_per_tx_mtu1500", Unit: "B/tx", Better: Lower, Aside: true}
	mCPUPerTx = Metric{Name: "cpu_sec_per_tx", Unit: "s/tx", Better: Lower}
	mTime     = Metric{Name: "time", Unit: "s", Better: Lower}
	mCPU      = Metric{Name: "cpu_time", Unit: "s", Better: Lower, Aside: true}
	mRSS      = Metric{Name: "max_rss", Unit: "B", Better: Lower, Aside: true}
)

// betterByUnit is what everybody means by a unit: rates are better higher, the
// usual costs of Go benchmarks lower. Of other units nothing is known.
func betterByUnit(unit string) Better {
	switch {
	case strings.HasSuffix(unit, "/s"), strings.HasSuffix(unit, "/sec"):
		return Higher
	case strings.HasSuffix(unit, "/op"), unit == "ns", unit == "us", unit == "ms", unit == "s", unit == "sec", unit == "B":
		return Lower
	}
	return Unknown
}
