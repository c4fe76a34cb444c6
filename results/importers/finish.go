package importers

import (
	"errors"
	"fmt"
	"math"
)

// errNotFinite keeps NaN and infinities, which some tools print, out of a Run.
var errNotFinite = errors.New("not a finite number at or above zero")

// finish checks the figures of a run, computes what follows from others, and
// lints it.
func (r *Run) finish() error {
	for name, v := range map[string]*float64{
		"clients": r.Clients, "offered rate": r.OfferedTxPerSec, "sent rate": r.SentTxPerSec, "throughput": r.ReportedTxPerSec,
		"committed rate": r.CommittedTxPerSec, "duration": r.DurationSec, "iteration": r.IterationMS,
		"latency p50": r.LatencyMS.P50, "latency p90": r.LatencyMS.P90, "latency p95": r.LatencyMS.P95, "latency p99": r.LatencyMS.P99,
		"latency p99.9": r.LatencyMS.P999, "latency deviation": r.LatencyMS.StdDev,
	} {
		if v != nil && (math.IsNaN(*v) || math.IsInf(*v, 0) || *v < 0) {
			return fmt.Errorf("%s %v: %w", name, *v, errNotFinite)
		}
	}
	for name, v := range map[string]*float64{"min": r.LatencyMS.Min, "mean": r.LatencyMS.Mean, "max": r.LatencyMS.Max} {
		if v != nil && (math.IsNaN(*v) || math.IsInf(*v, 0)) {
			return fmt.Errorf("latency %s %v: %w", name, *v, errNotFinite)
		}
	}
	for name, v := range map[string]*int64{
		"nodes": r.Nodes, "transaction size": r.TxBytes, "offered": r.Offered, "sent": r.Sent, "dropped": r.Dropped,
		"committed": r.Committed, "failed": r.Failed, "samples": r.LatencyMS.Samples,
	} {
		if v != nil && *v < 0 {
			return fmt.Errorf("%s %d is below zero", name, *v)
		}
	}
	r.derive()
	r.Lints = lintRun(r)
	return nil
}

// derive fills in what follows from other figures.
func (r *Run) derive() {
	if r.Sent == nil && r.Committed != nil && r.Failed != nil {
		r.Sent = ptr(*r.Committed + *r.Failed)
	}
	if r.Offered == nil && r.Sent != nil && r.Dropped != nil {
		r.Offered = ptr(*r.Sent + *r.Dropped)
	}
	if r.DurationSec == nil || *r.DurationSec == 0 {
		return
	}
	if r.CommittedTxPerSec == nil && r.Committed != nil {
		r.CommittedTxPerSec = ptr(float64(*r.Committed) / *r.DurationSec)
	}
}

// Concurrency is how many transactions are in the system at a time: what a tool
// says where each client waits for its answer, and by Little's law (committed
// rate × mean latency) otherwise. how says which; it is empty, and n nil, when
// neither is known.
func (r *Run) Concurrency() (n *float64, how string) {
	if r.Closed && r.Clients != nil {
		return r.Clients, "clients"
	}
	if r.CommittedTxPerSec != nil && r.LatencyMS.Mean != nil && *r.LatencyMS.Mean > 0 {
		return ptr(*r.CommittedTxPerSec * *r.LatencyMS.Mean / 1e3), "little"
	}
	return nil, ""
}
