package importers

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// k6Line is a line of --out json: the declaration of a metric, or a sample.
type k6Line struct {
	Metric string `json:"metric"`
	Type   string `json:"type"`
	Data   struct {
		Time  time.Time `json:"time"`
		Value *float64  `json:"value"`
		Tags  *struct {
			Scenario string `json:"scenario"`
			Expected string `json:"expected_response"`
		} `json:"tags"`
	} `json:"data"`
}

// k6Durations are the metrics that can be the latency of a request, best first.
// The last is that of scripts without any of k6's own protocols.
var k6Durations = []string{"http_req_duration", "grpc_req_duration", "iteration_duration"}

// k6Scenario collects one scenario: each has an executor and a rate of its own.
type k6Scenario struct {
	line        int
	durations   map[string]*samples // of what did not fail
	first, last map[string]time.Time
	all         map[string]int64
	failed      int64
	failedKnown bool
	tagged      int64 // samples marked expected_response=false
	dropped     int64
	iterations  *samples
}

func newK6Scenario(line int) *k6Scenario {
	return &k6Scenario{
		line: line, durations: make(map[string]*samples), all: make(map[string]int64),
		first: make(map[string]time.Time), last: make(map[string]time.Time), iterations: newSamples(),
	}
}

// maxK6Scenarios bounds what a file can make us keep: each has histograms.
const maxK6Scenarios = 64

// readK6 reads the lines of k6 run --out json=FILE, one run per scenario.
func readK6(r *bufio.Reader, name string, _ Options) ([]Run, error) {
	scenarios := make(map[string]*k6Scenario)
	vus := newSamples() // a gauge, not a latency: only its mean is used
	err := lines(r, name, func(n int, line []byte) error {
		var l k6Line
		if err := json.Unmarshal(line, &l); err != nil {
			return jsonError(line, err)
		}
		switch {
		case l.Type == "Metric":
			return nil
		case l.Type != "Point" || l.Metric == "":
			return fmt.Errorf("type %q, metric %q: k6 writes Metric and Point", l.Type, l.Metric)
		case l.Data.Value == nil || l.Data.Time.IsZero():
			return fmt.Errorf("the point of %s lacks its time or its value", l.Metric)
		case l.Metric == "vus":
			return vus.add(*l.Data.Value)
		}
		key := ""
		if l.Data.Tags != nil {
			key = l.Data.Tags.Scenario
		}
		s := scenarios[key]
		if s == nil {
			if len(scenarios) == maxK6Scenarios {
				return fmt.Errorf("more than %d scenarios", maxK6Scenarios)
			}
			s = newK6Scenario(n)
			scenarios[key] = s
		}
		return s.point(&l)
	})
	if err != nil {
		return nil, err
	}
	var runs []Run
	for _, key := range slices.Sorted(maps.Keys(scenarios)) {
		run, ok, err := scenarios[key].run(key)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w: %w", name, scenarios[key].line, ErrBadResult, err)
		}
		if ok {
			runs = append(runs, run)
		}
	}
	if len(runs) == 1 && vus.n > 0 {
		runs[0].Clients = ptr(vus.mean)
		runs[0].k6Loop()
	} else {
		for i := range runs {
			runs[i].note("k6 counts virtual users for all scenarios together: those of each are not known")
		}
	}
	return runs, nil
}

func (s *k6Scenario) point(l *k6Line) error {
	v, tags := *l.Data.Value, l.Data.Tags
	switch l.Metric {
	case "dropped_iterations":
		if v < 0 || v > math.MaxInt32 {
			return fmt.Errorf("dropped_iterations is %v", v)
		}
		s.dropped += int64(v)
		return nil
	case "http_req_failed":
		s.failedKnown = true
		if v != 0 {
			s.failed++
		}
		return nil
	}
	if !slices.Contains(k6Durations, l.Metric) {
		return nil
	}
	if v < 0 {
		return fmt.Errorf("%s is %v ms", l.Metric, v)
	}
	if l.Metric == "iteration_duration" {
		if err := s.iterations.add(v * 1e6); err != nil {
			return err
		}
	}
	// The time of a sample is that of the request's end.
	begin := l.Data.Time.Add(-time.Duration(min(v, float64(maxLatencyNS)/1e6) * 1e6))
	if first, ok := s.first[l.Metric]; !ok || begin.Before(first) {
		s.first[l.Metric] = begin
	}
	if l.Data.Time.After(s.last[l.Metric]) {
		s.last[l.Metric] = l.Data.Time
	}
	s.all[l.Metric]++
	if tags != nil && tags.Expected == "false" {
		s.tagged++
		return nil
	}
	if s.durations[l.Metric] == nil {
		s.durations[l.Metric] = newSamples()
	}
	return s.durations[l.Metric].add(v * 1e6)
}

// run is what the scenario came to; ok is false when nothing was asked in it.
func (s *k6Scenario) run(name string) (Run, bool, error) {
	metric := ""
	for _, m := range k6Durations {
		if s.all[m] > 0 {
			metric = m
			break
		}
	}
	if metric == "" {
		if s.dropped > 0 {
			return Run{}, false, errors.New("iterations were dropped and none was run")
		}
		return Run{}, false, nil
	}
	run := Run{Line: s.line, Name: name, Sent: ptr(s.all[metric]), Dropped: ptr(s.dropped)}
	if s.dropped > 0 {
		// k6 drops iterations only where the executor keeps a rate of its own.
		run.note("dropped are iterations that k6 had no virtual user for")
	}
	if s.iterations.n > 0 {
		run.IterationMS = ptr(s.iterations.mean / 1e6)
		if sec := s.last["iteration_duration"].Sub(s.first["iteration_duration"]).Seconds(); sec > 0 {
			run.TurnsPerSec = ptr(float64(s.iterations.n) / sec)
		}
	}
	failed := s.tagged
	switch {
	case metric == "http_req_duration" && s.failedKnown:
		failed = s.failed
	case metric != "http_req_duration":
		run.note("k6 does not say which " + metric + " failed: all are counted as good")
	}
	run.Failed = ptr(min(failed, *run.Sent))
	run.Committed = ptr(*run.Sent - *run.Failed)
	if metric != "http_req_duration" {
		run.note("latency is " + metric)
	}
	run.note("latency counts from the actual send, not from the intended one, and an answer is not a commit")
	sec := s.last[metric].Sub(s.first[metric]).Seconds()
	if sec > 0 {
		run.DurationSec = ptr(sec)
		run.SentTxPerSec = ptr(float64(*run.Sent) / sec)
		run.ReportedTxPerSec = run.SentTxPerSec // k6's http_reqs counts failures too
	}
	var err error
	if good := s.durations[metric]; good != nil {
		run.LatencyMS, run.Histogram, err = good.latency()
	}
	return run, true, err
}

// k6Loop tells a closed loop from one with a rate of its own, which k6 does not
// write down. An executor with a rate keeps users in reserve, and drops
// iterations when it has none left; one without keeps every user busy all the
// time.
func (r *Run) k6Loop() {
	if r.Clients == nil || *r.Clients == 0 || r.TurnsPerSec == nil || r.IterationMS == nil || r.Dropped == nil || *r.Dropped > 0 {
		return
	}
	const busy = 1 - maxResidual
	r.Closed = *r.TurnsPerSec**r.IterationMS/1e3 >= busy**r.Clients
}
