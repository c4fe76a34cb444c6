package compare

import (
	"fmt"

	"github.com/chainweir/weir/bench/stat"
	"github.com/chainweir/weir/results"
)

// Ways in which a record was measured. Only like ones compare: what a search
// finds is a knee, what the others find is what became of a given load.
const (
	bySearch = "a search for the knee"
	byLoad   = "a load of one schedule"
	bySoak   = "a soak"
)

// measuredBy tells them apart.
func measuredBy(rec *results.Record) string {
	switch {
	case rec.Summary.Soak != nil:
		return bySoak
	case rec.IsLoad():
		return byLoad
	}
	return bySearch
}

// measuredNote says what the figures are of.
func measuredNote(how string) string {
	switch how {
	case byLoad:
		return "loads of a fixed rate: tps is what was committed of what was offered, no knee was searched"
	case bySoak:
		return "soaks: tps is the median of the pieces after the warm-up, latencies are of their merged histograms, and a drift is that of the fitted trend, above 1 for the worse; no knee was searched"
	}
	return "latencies and costs are those at each run's own knee: where tps differs they were taken at different rates"
}

// addFixed adds the figures of a load of one schedule, or of a soak without its
// warm-up, to a.
func (a *arm) addFixed(rec *results.Record, path string) error {
	trials := rec.Trials
	if s := rec.Summary.Soak; s != nil {
		trials = trials[min(max(s.WarmUp, 0), len(trials)):]
		if s.OfFraction != nil {
			a.traits.add("offered", fmt.Sprintf("%g of the knee", *s.OfFraction))
		} else {
			a.traits.add("offered_tx_per_sec", fmt.Sprint(s.OfferedTxPerSec))
		}
		a.notes = append(a.notes, fmt.Sprintf("%s: a soak of %.0f s at %.0f tx/s: %s (%s)", path, s.LoadSec, s.OfferedTxPerSec, s.Verdict, s.Reason))
	} else {
		a.traits.add("offered_tx_per_sec", fmt.Sprint(trials[0].OfferedTxPerSec))
	}
	var used []results.Trial
	ids := map[int]bool{}
	for _, t := range trials {
		if t.Valid {
			used = append(used, t)
			ids[t.ID] = true
			a.traits.add("schedule", t.Schedule)
		}
	}
	a.put("tps", "tx/s", Higher, medianOf(used, func(t *results.Trial) *float64 { return t.CommittedTxPerSec }))
	if err := a.addLatencies(rec, used, ids, path); err != nil {
		return err
	}
	a.put("fidelity", "ratio", Higher, medianOf(used, func(t *results.Trial) *float64 { return t.Fidelity }))
	a.addCosts(used)
	if s := rec.Summary.Soak; s != nil {
		a.addDrift(s)
	}
	return nil
}

// addLatencies takes one trial's own quantiles; those of several are of their
// merged histograms, because quantiles have no mean.
func (a *arm) addLatencies(rec *results.Record, used []results.Trial, ids map[int]bool, path string) error {
	if len(used) == 0 {
		return nil
	}
	commit, accept := used[0].LatencyMS.Commit, used[0].LatencyMS.Accept
	if len(used) > 1 {
		var err error
		use := func(w results.Window) bool { return ids[w.TrialID] }
		if commit, err = results.MergedMS(rec.Windows, "commit", use); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrInput, path, err)
		}
		if accept, err = results.MergedMS(rec.Windows, "accept", use); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrInput, path, err)
		}
	}
	a.put("p50", "ms", Lower, commit.P50)
	a.put("p99", "ms", Lower, commit.P99)
	a.put("p999", "ms", Lower, commit.P999)
	a.put("accept_p99", "ms", Lower, accept.P99)
	return nil
}

// addCosts adds what a committed transaction cost: sums over the trials that
// tell both.
func (a *arm) addCosts(used []results.Trial) {
	wire := func(of func(*results.WireCounters) (in, out *int64)) results.InOut {
		var in, out, txs int64
		for i := range used {
			w := used[i].Wire
			if w == nil {
				continue
			}
			if x, y := of(w); x != nil && y != nil {
				in, out, txs = in+*x, out+*y, txs+used[i].Counts.Committed
			}
		}
		return results.InOut{In: results.Ratio(float64(in), float64(txs)), Out: results.Ratio(float64(out), float64(txs))}
	}
	bytes := wire(func(w *results.WireCounters) (in, out *int64) { return w.In.Bytes, w.Out.Bytes })
	mtu := wire(func(w *results.WireCounters) (in, out *int64) { return w.In.BytesMTU1500, w.Out.BytesMTU1500 })
	a.put("wire_bytes_per_tx", "B/tx", Lower, both(bytes))
	a.put("wire_bytes_per_tx_in", "B/tx", Lower, bytes.In)
	a.put("wire_bytes_per_tx_out", "B/tx", Lower, bytes.Out)
	a.put("wire_bytes_per_tx_mtu1500", "B/tx", Lower, both(mtu))
	var ns, txs int64
	for i := range used {
		if n := used[i].Node; n != nil && n.CPUUserNS != nil && n.CPUSysNS != nil {
			ns, txs = ns+*n.CPUUserNS+*n.CPUSysNS, txs+used[i].Counts.Committed
		}
	}
	a.put("node_cpu_sec_per_tx", "s/tx", Lower, results.Ratio(float64(ns)/1e9, float64(txs)))
}

// addDrift adds the memory of a soak, and how its figures moved from the start
// to the end of the fitted line: 1 is steady, more is for the worse.
func (a *arm) addDrift(s *results.Soak) {
	for _, d := range s.Drift {
		if d.Metric == "memory_bytes" {
			a.put(d.Metric, d.Unit, Lower, d.Median)
		}
	}
	for _, d := range s.Drift {
		if d.First == nil || d.Last == nil || *d.First <= 0 || *d.Last <= 0 {
			continue
		}
		drift, unit := *d.Last / *d.First, "end/start"
		if d.Worse == "down" {
			drift, unit = 1/drift, "start/end"
		}
		a.put(d.Metric+"_drift", unit, Lower, &drift)
	}
}

// put adds a value that is known.
func (a *arm) put(metric, unit, better string, v *float64) {
	if v != nil {
		a.add(metric, unit, better, *v)
	}
}

func medianOf(trials []results.Trial, of func(*results.Trial) *float64) *float64 {
	var known []float64
	for i := range trials {
		if v := of(&trials[i]); v != nil {
			known = append(known, *v)
		}
	}
	if len(known) == 0 {
		return nil
	}
	m := stat.Median(known)
	return &m
}
