package ci

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"golang.org/x/perf/benchfmt"

	"github.com/chainweir/weir/bench/stat"
	"github.com/chainweir/weir/results"
)

// usage is what the system says about an ended process.
type usage struct {
	wall, cpu   time.Duration
	maxRSSBytes *int64
}

// sample returns the metrics of any process. They stand aside where the process
// tells figures of its own.
func (u usage) sample(aside bool) []Value {
	time := mTime
	time.Aside = aside
	out := []Value{{time, u.wall.Seconds()}, {mCPU, u.cpu.Seconds()}}
	if u.maxRSSBytes != nil {
		out = append(out, Value{mRSS, float64(*u.maxRSSBytes)})
	}
	return out
}

// read finds out what kind of output a run made, and what it says.
func (r *Runner) read(stdout []byte, u usage) (Sample, error) {
	s, known, err := readOutput(stdout)
	if err != nil {
		return s, err
	}
	switch {
	case s.Invalid != "":
		return s, nil
	case r.Answer != nil:
		found := r.Answer.FindSubmatch(stdout)
		if found == nil {
			return s, fmt.Errorf("its output has no answer: nothing matches --answer %s", r.Answer)
		}
		s.Answer = string(found[min(1, len(found)-1)])
	case !known && !r.AnyAnswer:
		s.Answer = string(stdout)
	}
	for _, v := range u.sample(len(s.Values) > 0) {
		if _, told := s.value(v.Name); !told {
			s.Values = append(s.Values, v)
		}
	}
	return s, nil
}

// readOutput reads the three forms that carry figures: the object of weir run
// and weir load, an object with metrics, and Go benchmark text. known is false
// for any other output.
func readOutput(stdout []byte) (s Sample, known bool, err error) {
	text := bytes.TrimSpace(stdout)
	if len(text) > 0 && text[0] == '{' && json.Valid(text) {
		var head struct {
			Schema  string                     `json:"schema"`
			Metrics map[string]json.RawMessage `json:"metrics"`
		}
		known := json.Unmarshal(text, &head) == nil
		switch {
		case !known: // its schema or metrics mean something else
		case head.Schema == results.SchemaRun:
			s, err = readRun(text)
			return s, true, err
		case head.Schema == results.SchemaLoad:
			s, err = readLoad(text)
			return s, true, err
		case len(head.Metrics) > 0:
			s, err = readMetrics(text)
			return s, true, err
		}
		return s, false, nil
	}
	return readBench(stdout)
}

func readRun(text []byte) (Sample, error) {
	var sum results.Summary
	if err := json.Unmarshal(text, &sum); err != nil {
		return Sample{}, fmt.Errorf("its %s object cannot be read: %w", results.SchemaRun, err)
	}
	var s Sample
	if !sum.Valid {
		s.Invalid = orSilent(strings.Join(sum.Warnings, "; "))
		return s, nil
	}
	s.add(mTPS, sum.Knee.LowerTxPerSec)
	s.add(mP50, sum.LatencyMS.Commit.P50)
	s.add(mP99, sum.LatencyMS.Commit.P99)
	s.add(mP999, sum.LatencyMS.Commit.P999)
	s.add(mAccept, sum.LatencyMS.Accept.P99)
	s.add(mWire, both(sum.Wire.BytesPerTx))
	s.add(mWireIn, sum.Wire.BytesPerTx.In)
	s.add(mWireOut, sum.Wire.BytesPerTx.Out)
	s.add(mWireMTU, both(sum.Wire.BytesPerTxMTU1500))
	s.add(mCPUPerTx, sum.Demand.CPU)
	return s, nil
}

func both(v results.InOut) *float64 {
	if v.In == nil || v.Out == nil {
		return nil
	}
	sum := *v.In + *v.Out
	return &sum
}

func readLoad(text []byte) (Sample, error) {
	var l results.LoadResult
	if err := json.Unmarshal(text, &l); err != nil {
		return Sample{}, fmt.Errorf("its %s object cannot be read: %w", results.SchemaLoad, err)
	}
	var s Sample
	if !l.Valid || l.Interrupted {
		s.Invalid = orSilent(l.InvalidReason)
		return s, nil
	}
	s.add(mTPS, l.CommittedTxPerSec)
	s.add(mP50, l.LatencyMS.Commit.P50)
	s.add(mP99, l.LatencyMS.Commit.P99)
	s.add(mP999, l.LatencyMS.Commit.P999)
	s.add(mAccept, l.LatencyMS.Accept.P99)
	return s, nil
}

func orSilent(reason string) string {
	if reason == "" {
		return "it does not say why"
	}
	return reason
}

// readMetrics reads what any program may print: an object whose metrics are
// numbers, or objects with value, unit and better, with the answer beside them.
func readMetrics(text []byte) (Sample, error) {
	var doc struct {
		Metrics orderedMetrics  `json:"metrics"`
		Answer  json.RawMessage `json:"answer"`
		Valid   *bool           `json:"valid"`
		Invalid string          `json:"invalid_reason"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return Sample{}, fmt.Errorf("its metrics cannot be read: %w; write {\"metrics\":{\"tps\":{\"value\":1200,\"unit\":\"tx/s\",\"better\":\"higher\"}},\"answer\":\"…\"}", err)
	}
	s := Sample{Answer: string(doc.Answer)}
	if doc.Valid != nil && !*doc.Valid {
		s.Invalid = orSilent(doc.Invalid)
		return s, nil
	}
	for _, m := range doc.Metrics {
		s.add(m.Metric, m.value)
	}
	return s, nil
}

type toldMetric struct {
	Metric
	value *float64
}

// orderedMetrics keeps the order in which an object names its keys.
type orderedMetrics []toldMetric

// UnmarshalJSON implements json.Unmarshaler.
func (o *orderedMetrics) UnmarshalJSON(b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		name, ok := key.(string)
		if !ok || strings.ContainsAny(name, "<>=,") || strings.TrimSpace(name) == "" {
			return fmt.Errorf("%v is no name of a metric: it must have a letter, and none of < > = and comma", key)
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return err
		}
		m, err := oneMetric(name, raw)
		if err != nil {
			return fmt.Errorf("metric %s: %w", name, err)
		}
		*o = append(*o, m)
	}
	return nil
}

// knownMetrics are those whose meaning does not depend on who says them.
var knownMetrics = []Metric{mTPS, mP50, mP99, mP999, mWire}

func oneMetric(name string, raw json.RawMessage) (toldMetric, error) {
	m := toldMetric{Metric: Metric{Name: name}}
	for _, k := range knownMetrics {
		if k.Name == name {
			m.Unit, m.Better = k.Unit, k.Better
		}
	}
	if json.Unmarshal(raw, &m.value) == nil {
		return m, nil // a number, or null: not known
	}
	var full struct {
		Value  *float64 `json:"value"`
		Unit   *string  `json:"unit"`
		Better *Better  `json:"better"`
	}
	if err := json.Unmarshal(raw, &full); err != nil {
		return m, errors.New("is neither a number nor an object with value, unit and better")
	}
	m.value = full.Value
	if full.Unit != nil {
		m.Unit = *full.Unit
		m.Better = betterByUnit(m.Unit)
	}
	if full.Better != nil {
		m.Better = *full.Better
	}
	if m.Better != Higher && m.Better != Lower && m.Better != Unknown {
		return m, fmt.Errorf("better is %q, write %q or %q", m.Better, Higher, Lower)
	}
	return m, nil
}

// readBench reads Go benchmark text. A benchmark that has several lines (-count)
// counts once, with its median: the process is what is repeated.
func readBench(stdout []byte) (Sample, bool, error) {
	var order []Metric
	values := make(map[string][]float64)
	r := benchfmt.NewReader(bytes.NewReader(stdout), "stdout")
	for r.Scan() {
		res, ok := r.Result().(*benchfmt.Result)
		if !ok {
			continue // metadata of units, or a line that only looks like a benchmark
		}
		for _, v := range res.Values {
			m := Metric{Name: benchName(res.Name) + " " + v.Unit, Unit: v.Unit, Better: betterByUnit(v.Unit)}
			if values[m.Name] == nil {
				order = append(order, m)
			}
			if !math.IsNaN(v.Value) && !math.IsInf(v.Value, 0) {
				values[m.Name] = append(values[m.Name], v.Value)
			}
		}
	}
	if err := r.Err(); err != nil {
		return Sample{}, false, fmt.Errorf("its output cannot be read as benchmark text: %w", err)
	}
	var s Sample
	for _, m := range order {
		switch r.Units().GetBetter(m.Unit) {
		case 1:
			m.Better = Higher
		case -1:
			m.Better = Lower
		}
		if list := values[m.Name]; len(list) > 0 {
			s.Values = append(s.Values, Value{m, stat.Median(list)})
		}
	}
	return s, len(s.Values) > 0, nil
}

// benchName is a benchmark's name as gates have it: without the number of
// processors at its end, and with no character that a gate gives a meaning.
func benchName(n benchfmt.Name) string {
	name := string(n)
	if i := strings.LastIndexByte(name, '-'); i > 0 && strings.Trim(name[i+1:], "0123456789") == "" {
		name = name[:i]
	}
	return strings.NewReplacer("<=", "≤", ">=", "≥", ",", ";").Replace(name)
}
