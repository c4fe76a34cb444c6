package compare

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/chainweir/weir/bench/env"
	"github.com/chainweir/weir/results"
)

// recordMetric is a figure of a run's summary.
type recordMetric struct {
	name, unit, better string
	of                 func(*results.Summary) *float64
}

// recordMetrics are the rows of a comparison of runs, by the names that gates
// use too.
var recordMetrics = []recordMetric{
	{"tps", "tx/s", Higher, func(s *results.Summary) *float64 { return s.Knee.LowerTxPerSec }},
	{"p50", "ms", Lower, func(s *results.Summary) *float64 { return s.LatencyMS.Commit.P50 }},
	{"p99", "ms", Lower, func(s *results.Summary) *float64 { return s.LatencyMS.Commit.P99 }},
	{"p999", "ms", Lower, func(s *results.Summary) *float64 { return s.LatencyMS.Commit.P999 }},
	{"accept_p99", "ms", Lower, func(s *results.Summary) *float64 { return s.LatencyMS.Accept.P99 }},
	{"wire_bytes_per_tx", "B/tx", Lower, func(s *results.Summary) *float64 { return both(s.Wire.BytesPerTx) }},
	{"wire_bytes_per_tx_in", "B/tx", Lower, func(s *results.Summary) *float64 { return s.Wire.BytesPerTx.In }},
	{"wire_bytes_per_tx_out", "B/tx", Lower, func(s *results.Summary) *float64 { return s.Wire.BytesPerTx.Out }},
	{"wire_bytes_per_tx_mtu1500", "B/tx", Lower, func(s *results.Summary) *float64 { return both(s.Wire.BytesPerTxMTU1500) }},
	{"cpu_sec_per_tx", "s/tx", Lower, func(s *results.Summary) *float64 { return s.Demand.CPU }},
	{"serial_sec_per_tx", "s/tx", Lower, func(s *results.Summary) *float64 { return s.Demand.Serial }},
	{"disk_sec_per_tx", "s/tx", Lower, func(s *results.Summary) *float64 { return s.Demand.Disk }},
}

func both(v results.InOut) *float64 {
	if v.In == nil || v.Out == nil {
		return nil
	}
	sum := *v.In + *v.Out
	return &sum
}

// readRecord adds one run to a.
func (a *arm) readRecord(raw []byte, path string) error {
	rec, err := results.ParseValid(raw, path, false)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInput, err)
	}
	if rec.Summary == nil {
		return fmt.Errorf("%w: %s has no summary, so the run did not end: continue it with weir run --resume, or compare another one", ErrInput, path)
	}
	return a.addRun(&rec, path)
}

func (a *arm) addRun(rec *results.Record, path string) error {
	machine, sum, how := rec.Env, rec.Summary, measuredBy(rec)
	a.runs++
	if !sum.Valid {
		a.bad = append(a.bad, fmt.Sprintf("%s is an INVALID run: %s", path, orSilent(sum.Warnings)))
	} else if how == bySearch && !sum.Knee.Confirmed {
		a.notes = append(a.notes, path+": the knee is not confirmed")
	}
	a.traits.add("measured", how)
	if how == bySearch {
		for _, m := range recordMetrics {
			a.put(m.name, m.unit, m.better, m.of(sum))
		}
	} else if err := a.addFixed(rec, path); err != nil {
		return err
	}
	for key, value := range map[string]string{
		"workload": sum.Workload, "engine": sum.Engine, "nodes": fmt.Sprint(sum.Nodes), "slo": sum.SLO,
		"placement": sum.Placement, "link": string(sum.Link.Kind), "target": targetKind(string(sum.Target)),
	} {
		a.traits.add(key, value)
	}
	if sum.Link.Kind == results.LinkShaped && sum.Link.NominalBitsPerSec != nil {
		a.traits.add("link_bits_per_sec", fmt.Sprint(*sum.Link.NominalBitsPerSec))
	}
	if machine == nil {
		a.notes = append(a.notes, path+" has no fingerprint of its machine: whether it may be compared is unknown")
		return nil
	}
	a.envs = append(a.envs, runEnv{path, *machine})
	for _, w := range machine.Warnings {
		a.quiet = append(a.quiet, w.Text)
	}
	return nil
}

// targetKind keeps what kind of node was driven; two hosts may differ in name.
func targetKind(target string) string {
	if target == "" {
		return "own node"
	}
	kind, _, _ := strings.Cut(target, "://")
	return kind
}

func orSilent(reasons []string) string {
	if len(reasons) == 0 {
		return "it gives no reason"
	}
	return strings.Join(reasons, "; ")
}

// readLoad adds the object of one weir load to a.
func (a *arm) readLoad(raw []byte, path string) error {
	l, err := results.ParseLoad(raw, path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInput, err)
	}
	a.runs++
	if !l.Valid {
		a.bad = append(a.bad, fmt.Sprintf("%s is an INVALID load: %s", path, orSilent([]string{l.InvalidReason})))
	}
	a.traits.add("schedule", l.Schedule)
	a.traits.add("offered_tx_per_sec", fmt.Sprint(l.OfferedTxPerSec))
	for _, v := range []struct {
		name, unit, better string
		value              *float64
	}{
		{"tps", "tx/s", Higher, l.CommittedTxPerSec},
		{"p50", "ms", Lower, l.LatencyMS.Commit.P50},
		{"p99", "ms", Lower, l.LatencyMS.Commit.P99},
		{"p999", "ms", Lower, l.LatencyMS.Commit.P999},
		{"accept_p99", "ms", Lower, l.LatencyMS.Accept.P99},
		{"fidelity", "ratio", Higher, l.Fidelity},
	} {
		if v.value != nil {
			a.add(v.name, v.unit, v.better, *v.value)
		}
	}
	return nil
}

// differences lists the traits in which two sides differ: those that forbid a
// comparison, and those that are only noted.
func differences(a, b *arm) (forbidding, noted []string) {
	keys := map[string]bool{}
	for _, side := range []*arm{a, b} {
		for key, values := range side.traits {
			keys[key] = true
			if len(values) > 1 && side.forbids(key) {
				forbidding = append(forbidding, fmt.Sprintf("%s: the runs of %s differ: %s", traitText(key), side.path, shorten(values)))
			}
		}
	}
	sorted := make([]string, 0, len(keys))
	for key := range keys {
		sorted = append(sorted, key)
	}
	sort.Strings(sorted)
	for _, key := range sorted {
		was, is := a.traits.text(key), b.traits.text(key)
		if was == is {
			continue
		}
		text := fmt.Sprintf("%s: %s against %s", traitText(key), clip(was), clip(is))
		// What one side does not know forbids nothing: older records and other
		// tools lack it.
		if known := len(a.traits[key]) > 0 && len(b.traits[key]) > 0; a.forbids(key) && known {
			forbidding = append(forbidding, text)
		} else {
			noted = append(noted, text)
		}
	}
	other, told := otherMachines(a, b)
	forbidding, noted = append(forbidding, other...), append(noted, told...)
	sort.Strings(forbidding)
	return forbidding, noted
}

// otherMachines compares the machine of every run with that of the first one.
func otherMachines(a, b *arm) (forbidding, noted []string) {
	all := slices.Concat(a.envs, b.envs)
	seen := map[string]bool{}
	for _, run := range all[min(1, len(all)):] {
		diffs, err := env.Differences(all[0].env, run.env)
		if err != nil {
			forbidding = append(forbidding, fmt.Sprintf("%s: %v", run.path, err))
			continue
		}
		for _, d := range diffs {
			name := traitText(strings.TrimPrefix(strings.TrimPrefix(d.Key, "class."), "detail."))
			text := fmt.Sprintf("%s: %s against %s", name, clip(d.A), clip(d.B))
			if d.Key == "class.cpu_features" {
				text = name + ": " + setDifference(d.A, d.B)
			}
			switch {
			case seen[text]:
			case d.Class:
				forbidding = append(forbidding, text)
			default:
				noted = append(noted, text)
			}
			seen[text] = true
		}
	}
	return forbidding, noted
}

func shorten(values []string) string {
	short := make([]string, len(values))
	for i, v := range values {
		short[i] = clip(v)
	}
	return strings.Join(short, " | ")
}

// clip keeps a value on its line.
func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return s
}

// setDifference says which words only one of two lists has.
func setDifference(a, b string) string {
	inA, inB := map[string]bool{}, map[string]bool{}
	for _, w := range words(a) {
		inA[w] = true
	}
	for _, w := range words(b) {
		inB[w] = true
	}
	only := func(list string, other map[string]bool) string {
		var out []string
		for _, w := range words(list) {
			if !other[w] {
				out = append(out, w)
			}
		}
		if len(out) == 0 {
			return "none"
		}
		return clip(strings.Join(out, " "))
	}
	return fmt.Sprintf("only base has %s, only head has %s", only(a, inB), only(b, inA))
}

// words splits a JSON list of words.
func words(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(`[]", `, r) })
}
