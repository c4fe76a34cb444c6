package ci

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Gate bounds by how much a metric may get worse.
type Gate struct {
	Text   string // as it was written
	Metric string // a metric's name, or a unit that stands for all metrics in it
	Better Better // what the comparison implies: >= higher, <= lower
	// Limit is the change that is still allowed, as a fraction, 0 or above: 0.03
	// for both tps>=-3% and p99<=+3%. 0 allows none that is certain, however small:
	// allocs/op<=+0%.
	Limit float64
}

// GateExample is what messages show.
const GateExample = "tps>=-3%,p99<=+5%,wire_bytes_per_tx<=+1%"

// limitMax is the largest change of a gate, as a fraction; beyond it a gate can
// hardly fail, and a factor was meant.
const limitMax = 10

// ParseGates reads gate expressions, separated by commas: NAME>=-N% for what
// is better higher, NAME<=+N% for what is better lower, NAME being a metric or,
// for Go benchmarks, a unit. An empty text has no gates.
func ParseGates(text string) ([]Gate, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var out []Gate
	for part := range strings.SplitSeq(text, ",") {
		g, err := parseGate(strings.TrimSpace(part))
		if err != nil {
			return nil, fmt.Errorf("gate %q: %w; write %s", part, err, GateExample)
		}
		if slices.ContainsFunc(out, func(o Gate) bool { return o.Metric == g.Metric }) {
			return nil, fmt.Errorf("gate %q: %s has a gate already; give one bound for each", part, g.Metric)
		}
		out = append(out, g)
	}
	return out, nil
}

func parseGate(text string) (Gate, error) {
	// A benchmark's name may hold a = of its own (Sum/n=1).
	at := strings.LastIndex(text, ">=")
	if at < 0 {
		at = strings.LastIndex(text, "<=")
	}
	if at < 0 {
		return Gate{}, fmt.Errorf("has no >= or <=")
	}
	name, rest := strings.TrimSpace(text[:at]), text[at:]
	g := Gate{Text: text, Metric: tidyName(name)}
	if name == "" || strings.ContainsAny(name, "<>") {
		return Gate{}, fmt.Errorf("names no metric before %s", rest[:2])
	}
	if g.Better = Lower; rest[0] == '>' {
		g.Better = Higher
	}
	number, percent := strings.CutSuffix(strings.TrimSpace(rest[2:]), "%")
	if !percent {
		return Gate{}, fmt.Errorf("%q is no percentage of the base's value", strings.TrimSpace(rest[2:]))
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return Gate{}, fmt.Errorf("%q is no number", number)
	}
	worse := v / 100
	if g.Better == Higher {
		worse = -worse
	}
	switch {
	case worse < 0:
		return Gate{}, fmt.Errorf("%+g%% asks head to be better than base, and a gate bounds how much worse it may be", v)
	case g.Better == Higher && worse >= 1:
		return Gate{}, fmt.Errorf("%+g%% allows everything: no value falls by 100%% or more", v)
	case worse > limitMax:
		return Gate{}, fmt.Errorf("%+g%% allows everything up to %g times the base's value", v, 1+worse)
	}
	g.Limit = math.Abs(worse) // no negative zero
	return g, nil
}

// logLimit is the limit on the scale that rounds are judged on: how far the
// logarithm may move in the worse direction.
func (g Gate) logLimit() float64 {
	if g.Better == Higher {
		return -math.Log1p(-g.Limit)
	}
	return math.Log1p(g.Limit)
}

// matches tells whether the gate is about the metric: by its name, or by the
// unit of a Go benchmark.
func (g Gate) matches(m Metric) bool {
	if g.Metric == m.Name {
		return true
	}
	_, unit, of := strings.Cut(m.Name, " ")
	return of && g.Metric == unit
}

// tidyName writes a Go benchmark's unit as metrics have it: in base units.
func tidyName(name string) string {
	head, unit, of := cutLast(name, " ")
	if !of {
		head, unit = "", name
	}
	switch unit {
	case "ns/op":
		unit = "sec/op"
	case "MB/s":
		unit = "B/s"
	}
	if of {
		return strings.TrimPrefix(head, "Benchmark") + " " + unit
	}
	return unit
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// bindGates gives every metric its gate. A gate without a metric, and one that
// looks at the wrong side of its metric, wrap ErrSetup.
func bindGates(gates []Gate, metrics []Metric) (map[string]Gate, error) {
	out := make(map[string]Gate)
	for _, g := range gates {
		found := false
		for _, m := range metrics {
			if !g.matches(m) {
				continue
			}
			found = true
			if m.Better != Unknown && m.Better != g.Better {
				return nil, fmt.Errorf("%w: gate %q: %s is better %s: write %s", ErrSetup, g.Text, m.Name, m.Better, gateFor(m, g.Limit))
			}
			if _, twice := out[m.Name]; !twice || g.Metric == m.Name {
				out[m.Name] = g // the metric's own gate goes before its unit's
			}
		}
		if !found {
			return nil, fmt.Errorf("%w: gate %q: the commands tell no %s; they tell %s", ErrSetup, g.Text, g.Metric, names(metrics))
		}
	}
	return out, nil
}

func gateFor(m Metric, limit float64) string {
	if m.Better == Higher {
		return fmt.Sprintf("%s>=-%g%%", m.Name, 100*limit)
	}
	return fmt.Sprintf("%s<=+%g%%", m.Name, 100*limit)
}

func names(metrics []Metric) string {
	const most = 12
	var list []string
	for i, m := range metrics {
		if i == most {
			list = append(list, fmt.Sprintf("and %d more", len(metrics)-most))
			break
		}
		list = append(list, m.Name)
	}
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, ", ")
}
