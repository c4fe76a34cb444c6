package importers

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"
)

// vegetaReport is vegeta report -type=json. Times are in ns.
type vegetaReport struct {
	Latencies *struct {
		Mean *float64 `json:"mean"`
		P50  *float64 `json:"50th"`
		P90  *float64 `json:"90th"`
		P95  *float64 `json:"95th"`
		P99  *float64 `json:"99th"`
		Max  *float64 `json:"max"`
		Min  *float64 `json:"min"`
	} `json:"latencies"`
	DurationNS *float64 `json:"duration"`
	WaitNS     *float64 `json:"wait"`
	Requests   *int64   `json:"requests"`
	Rate       *float64 `json:"rate"`
	Throughput *float64 `json:"throughput"`
	Success    *float64 `json:"success"`
	Errors     []string `json:"errors"`
}

// vegetaHit is a line of vegeta encode --to=json.
type vegetaHit struct {
	Attack    string     `json:"attack"`
	Code      *int64     `json:"code"`
	Timestamp *time.Time `json:"timestamp"`
	LatencyNS *float64   `json:"latency"`
	Error     string     `json:"error"`
}

const vegetaNote = "latency counts from the actual send, and an answer is not a commit"

// readVegeta reads a report, or hits one by one; several of either may follow
// each other, one object per line.
func readVegeta(r *bufio.Reader, name string, _ Options) ([]Run, error) {
	head, _ := r.Peek(32 << 10)
	if !bytes.Contains(head, []byte(`"latencies"`)) {
		return readVegetaHits(r, name)
	}
	data, err := whole(r, name)
	if err != nil {
		return nil, err
	}
	var runs []Run
	dec := json.NewDecoder(bytes.NewReader(data))
	for dec.More() {
		line := 1 + bytes.Count(data[:dec.InputOffset()], []byte("\n"))
		if rest := data[dec.InputOffset():]; len(runs) > 0 {
			line += bytes.Count(rest[:len(rest)-len(bytes.TrimLeft(rest, " \t\r\n"))], []byte("\n"))
		}
		var v vegetaReport
		if err := dec.Decode(&v); err != nil {
			return nil, fmt.Errorf("%s:%d: %w: %w", name, max(line, lineOf(data, err)), ErrBadResult, jsonError(data, err))
		}
		run, err := v.run()
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w: %w", name, line, ErrBadResult, err)
		}
		if run.Line = line; len(runs) == maxRuns {
			return nil, fmt.Errorf("%s:%d: %w: more than %d reports", name, line, ErrBadResult, maxRuns)
		}
		runs = append(runs, run)
	}
	return runs, nil
}

func (v *vegetaReport) run() (Run, error) {
	if v.Latencies == nil || v.Requests == nil || v.Success == nil || v.DurationNS == nil {
		return Run{}, errors.New("latencies, requests, success or duration is missing: not a report of vegeta")
	}
	if !(*v.Success >= 0 && *v.Success <= 1) || *v.Requests < 0 || *v.DurationNS < 0 {
		return Run{}, fmt.Errorf("success %v of %d requests in %v ns", *v.Success, *v.Requests, *v.DurationNS)
	}
	ms := func(ns *float64) *float64 {
		if ns == nil {
			return nil
		}
		return ptr(*ns / 1e6)
	}
	l := v.Latencies
	run := Run{
		Sent: v.Requests, SentTxPerSec: v.Rate, ReportedTxPerSec: v.Throughput,
		LatencyMS: Latency{
			Min: ms(l.Min), Mean: ms(l.Mean), P50: ms(l.P50), P90: ms(l.P90), P95: ms(l.P95), P99: ms(l.P99), Max: ms(l.Max),
			Samples: v.Requests,
		},
	}
	run.Committed = ptr(int64(math.Round(*v.Success * float64(*v.Requests))))
	run.Failed = ptr(*v.Requests - *run.Committed)
	total := *v.DurationNS
	if v.WaitNS != nil {
		total += *v.WaitNS
	}
	if total > 0 {
		run.DurationSec = ptr(total / 1e9)
	}
	if *run.Failed > 0 {
		run.note("latencies include those of requests that failed")
	}
	run.note("vegeta keeps its rate but a report does not say which was asked for")
	run.note(vegetaNote)
	return run, nil
}

// maxAttacks bounds what a file can make us keep: each has a histogram.
const maxAttacks = 64

// vegetaAttack collects the hits of one attack.
type vegetaAttack struct {
	line                int
	sent, failed        int64
	first, last, answer time.Time
	good                *samples
}

func readVegetaHits(r *bufio.Reader, name string) ([]Run, error) {
	attacks := make(map[string]*vegetaAttack)
	var order []string
	err := lines(r, name, func(n int, line []byte) error {
		var h vegetaHit
		if err := json.Unmarshal(line, &h); err != nil {
			return jsonError(line, err)
		}
		if h.Timestamp == nil || h.LatencyNS == nil || h.Code == nil {
			return errors.New("timestamp, latency or code is missing: not a hit of vegeta")
		}
		a := attacks[h.Attack]
		if a == nil {
			if len(attacks) == maxAttacks {
				return fmt.Errorf("more than %d attacks", maxAttacks)
			}
			a = &vegetaAttack{line: n, first: *h.Timestamp, good: newSamples()}
			attacks[h.Attack], order = a, append(order, h.Attack)
		}
		return a.hit(&h)
	})
	if err != nil {
		return nil, err
	}
	var runs []Run
	for _, key := range order {
		a := attacks[key]
		run := Run{Line: a.line, Name: key, Sent: ptr(a.sent), Failed: ptr(a.failed), Committed: ptr(a.sent - a.failed)}
		if sec := a.answer.Sub(a.first).Seconds(); sec > 0 {
			run.DurationSec = ptr(sec)
			run.ReportedTxPerSec = ptr(float64(a.sent-a.failed) / sec) // vegeta counts successes only
		}
		if sec := a.last.Sub(a.first).Seconds(); sec > 0 {
			run.SentTxPerSec = ptr(float64(a.sent) / sec)
		}
		if run.LatencyMS, run.Histogram, err = a.good.latency(); err != nil {
			return nil, fmt.Errorf("%s:%d: %w: %w", name, a.line, ErrBadResult, err)
		}
		run.note(vegetaNote)
		runs = append(runs, run)
	}
	return runs, nil
}

func (a *vegetaAttack) hit(h *vegetaHit) error {
	if !(*h.LatencyNS >= 0 && *h.LatencyNS <= float64(maxLatencyNS)) {
		return fmt.Errorf("a latency of %v ns", *h.LatencyNS)
	}
	a.sent++
	if h.Timestamp.Before(a.first) {
		a.first = *h.Timestamp
	}
	if h.Timestamp.After(a.last) {
		a.last = *h.Timestamp
	}
	if end := h.Timestamp.Add(time.Duration(*h.LatencyNS)); end.After(a.answer) {
		a.answer = end
	}
	if *h.Code < 200 || *h.Code >= 400 || h.Error != "" {
		a.failed++
		return nil
	}
	return a.good.add(*h.LatencyNS)
}
