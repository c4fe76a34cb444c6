package importers

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
)

// readK6Summary reads the end-of-test summary of k6: --summary-export, which
// has the values of a metric right below its name, or the data that
// handleSummary gets, which has them below "values".
func readK6Summary(r *bufio.Reader, name string, _ Options) ([]Run, error) {
	data, err := whole(r, name)
	if err != nil {
		return nil, err
	}
	var file struct {
		Metrics map[string]map[string]json.RawMessage `json:"metrics"`
		State   struct {
			DurationMS *float64 `json:"testRunDurationMs"`
		} `json:"state"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("%s:%d: %w: %w", name, lineOf(data, err), ErrBadResult, jsonError(data, err))
	}
	value := func(metric, key string) *float64 {
		values := file.Metrics[metric]
		if inner, ok := values["values"]; ok {
			var deeper map[string]json.RawMessage
			if json.Unmarshal(inner, &deeper) == nil {
				values = deeper
			}
		}
		var v float64
		if raw, ok := values[key]; !ok || json.Unmarshal(raw, &v) != nil {
			return nil
		}
		return &v
	}
	run := Run{Line: 1, Clients: value("vus", "max"), IterationMS: value("iteration_duration", "avg")}
	metric := ""
	for _, m := range k6Durations {
		if value(m, "avg") != nil {
			metric = m
			break
		}
	}
	count, rate := value("http_reqs", "count"), value("http_reqs", "rate")
	if metric != "http_req_duration" {
		count, rate = value("iterations", "count"), value("iterations", "rate")
	}
	if metric == "" || count == nil || rate == nil {
		return nil, fmt.Errorf("%s:1: %w: no http_reqs and no iterations with count and rate in \"metrics\"", name, ErrBadResult)
	}
	if err := run.k6Counts(*count, *rate, value); err != nil {
		return nil, fmt.Errorf("%s:1: %w: %w", name, ErrBadResult, err)
	}
	if file.State.DurationMS != nil && *file.State.DurationMS > 0 {
		run.DurationSec = ptr(*file.State.DurationMS / 1e3)
	}
	run.TurnsPerSec = value("iterations", "rate")
	run.k6Loop()
	latency := metric
	if value(metric+"{expected_response:true}", "avg") != nil {
		latency = metric + "{expected_response:true}"
	} else if run.Failed != nil && *run.Failed > 0 {
		run.note("latencies include those of requests that failed")
	}
	run.LatencyMS = Latency{
		Min: value(latency, "min"), Mean: value(latency, "avg"), P50: value(latency, "med"), P90: value(latency, "p(90)"),
		P95: value(latency, "p(95)"), P99: value(latency, "p(99)"), P999: value(latency, "p(99.9)"), Max: value(latency, "max"),
	}
	run.note("clients is the most virtual users there were; the summary does not say how long")
	run.note("latency counts from the actual send, not from the intended one, and an answer is not a commit")
	return []Run{run}, nil
}

// k6Counts takes counts and rates. In http_req_failed k6 counts a failed
// request as a pass of the metric, so only its rate is safe to read.
func (r *Run) k6Counts(count, rate float64, value func(metric, key string) *float64) error {
	if !(count >= 0 && count < math.MaxInt64/2) || !(rate >= 0) {
		return fmt.Errorf("%v requests at %v/s", count, rate)
	}
	r.Sent = ptr(int64(count))
	r.SentTxPerSec, r.ReportedTxPerSec = &rate, &rate
	if rate > 0 {
		r.DurationSec = ptr(count / rate)
	}
	r.Dropped = ptr(int64(0)) // k6 leaves the metric out when nothing was dropped
	if d := value("dropped_iterations", "count"); d != nil && *d >= 0 && *d < math.MaxInt64/2 {
		r.Dropped = ptr(int64(*d))
	}
	share := value("http_req_failed", "rate")
	if share == nil {
		share = value("http_req_failed", "value")
	}
	switch {
	case share == nil:
		r.note("the summary has no http_req_failed: how many failed is not known, nor what was committed")
	case !(*share >= 0 && *share <= 1):
		return fmt.Errorf("a share of %v failed", *share)
	default:
		r.Failed = ptr(int64(math.Round(*share * count)))
		r.Committed = ptr(*r.Sent - *r.Failed)
	}
	return nil
}
