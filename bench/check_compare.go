package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
)

// sameRatio is how far two floating-point figures may be apart: processors
// that fuse a multiplication and an addition differ in the last digits.
const sameRatio = 1e-9

// givenTrial are the keys of a trial that nothing else in the record is the
// source of, by their paths; a path stands for all below it.
var givenTrial = []Given{
	{"schema", "its name"}, {"type", "its name"}, {"id", "its number"},
	{"phase", "what the search wanted of the trial"},
	{"schedule", "what was asked for"}, {"offered_tx_per_sec", "what was asked for"}, {"duration_sec", "what was asked for"},
	{"started_at", "raw: time of day"},
	{"window_sec", "raw: the span of the usage counters"},
	{"dropped_by", "raw: told apart by the generator (its sum is checked)"},
	{"wire", "raw: counters of the wire"}, {"node", "raw: counters of the node"},
	{"host_cpu_busy_ns", "raw: counters of the host"},
	{"generator.cpu_ns", "raw: counters of the generator"}, {"generator.gc_pause_ns", "raw: counters of the generator"},
	{"generator.write_blocked_ns", "raw: counters of the generator"},
	{"generator.lag_p99_ns", "raw: the senders' own histogram"},
	{"generator.check.elapsed_ns", "raw: wall clock of the trial"}, {"generator.check.load_ns", "what was asked for"}, {"generator.check.cores", "raw: cores of the generator"},
	{"generator.check.all_blocked_ns", "raw: counters of the generator"}, {"generator.check.sched_lag_p99_ns", "raw: the Go runtime's histogram"},
	{"generator.check.cpu_share_limit", "a limit"}, {"generator.check.gc_pause_limit_ns", "a limit"},
	{"generator.check.sched_lag_limit_ns", "a limit"}, {"generator.check.send_lag_limit_ns", "a limit"},
	{"last_commit_ns", "raw: time of the last commit (checked against its window)"},
	{"backlog_series", "raw: means of the sampled queues"},
	{"clock_step_ns", "raw: difference of two clocks"},
	{"agent", "raw: counters of the agent beside the node"},
	{"generator.pacing", "raw: the senders' own histograms"},
	{"invalid_reason", "words (that the trial is invalid is judged again)"},
}

// givenSummary are those of a summary.
var givenSummary = []Given{
	{"schema", "its name"}, {"type", "its name"},
	{"warnings", "words"}, {"interrupted", "how the run ended"},
	{"started_at", "raw: time of day"}, {"duration_sec", "raw: wall clock of the run"},
	{"host", "a name"}, {"record", "a name"}, {"target", "what was asked for"}, {"workload", "what was asked for"},
	{"engine", "what was asked for"}, {"nodes", "what was asked for"}, {"seed", "what was asked for (the trials' seeds come from it)"},
	{"placement", "words"}, {"slo", "what was asked for (the trials are judged by it)"},
	{"kernels", "raw: what the program chose"},
	{"knee.confirmations_wanted", "what was asked for"},
	{"wire.tx_bytes", "raw: length of what was sent"},
	{"link.kind", "raw: the path"}, {"link.capacity_bits_per_sec", "raw: the link test before the search"},
	{"link.nominal_bits_per_sec", "raw: what the device says"}, {"link.mtu_bytes", "raw: what the device says"},
	{"link.interface", "a name"}, {"link.nominal_reason", "words"},
	{"search.bound", "how the search ended"}, {"search.inconclusive", "how the search ended"},
	{"search.width_goal", "what was asked for"}, {"search.full_trial_sec", "what was asked for"},
	{"search.set_aside", "what the search forgave (a good trial at the same rate is looked for)"},
	{"machine.node_cores", "raw: cores of the node"}, {"machine.same_host", "raw: where node and generator ran"}, {"machine.whole_host", "raw: cores of the host"},
	{"sha256", "checked with the bytes of the record"},
	{"validation", "predictions and what other runs measured; their records are beside this one"},
	{"predictions_sha256", "a digest of another file"},
}

// isGiven tells whether a path is one of those listed, or below one.
func isGiven(list []Given, path string) bool {
	return slices.ContainsFunc(list, func(g Given) bool {
		return path == g.What || strings.HasPrefix(path, g.What) && strings.ContainsRune(".[", rune(path[len(g.What)]))
	})
}

// compare holds every leaf of a recorded line against the recomputed one, but
// for those given.
func (c *checker) compare(line int, where string, given []Given, recorded, recomputed any) {
	was, is := leaves(recorded), leaves(recomputed)
	keys := make([]string, 0, len(was))
	for k := range was {
		keys = append(keys, k)
	}
	for k := range is {
		if _, ok := was[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		if isGiven(given, k) {
			continue
		}
		c.rep.Recomputed++
		if a, b := was[k], is[k]; !same(a, b) {
			c.differ(line, where, k, a, b)
		}
	}
}

// leaves are the values of a line without children, by path: a.b, a[0].b.
// An empty list or object is a leaf too, and is dropped: it says what a missing
// one says.
func leaves(v any) map[string]any {
	b, err := json.Marshal(v)
	if err != nil {
		return map[string]any{"": err.Error()}
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var doc any
	if err := dec.Decode(&doc); err != nil {
		return map[string]any{"": err.Error()}
	}
	out := map[string]any{}
	walkLeaves(doc, "", out)
	return out
}

func walkLeaves(v any, path string, out map[string]any) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			p := k
			if path != "" {
				p = path + "." + k
			}
			walkLeaves(x, p, out)
		}
	case []any:
		for i, x := range v {
			walkLeaves(x, fmt.Sprintf("%s[%d]", path, i), out)
		}
	case nil:
		// Missing and null say the same.
	default:
		out[path] = v
	}
}

// same compares two leaves: integers exactly, other numbers to sameRatio.
func same(a, b any) bool {
	x, okX := a.(json.Number)
	y, okY := b.(json.Number)
	if !okX || !okY {
		return a == b
	}
	if x == y {
		return true
	}
	if whole := func(n json.Number) bool { return !strings.ContainsAny(string(n), ".eE") }; whole(x) && whole(y) {
		return false
	}
	f, errF := x.Float64()
	g, errG := y.Float64()
	return errF == nil && errG == nil && math.Abs(f-g) <= sameRatio*max(math.Abs(f), math.Abs(g))
}
