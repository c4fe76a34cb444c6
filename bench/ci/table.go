package ci

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// table collects the rounds of a phase.
type table struct {
	rounds [][armsPerRound]Sample
}

func (t *table) add(round [armsPerRound]Sample) { t.rounds = append(t.rounds, round) }

// common returns the metrics that all arms of a round told, in base's order.
func common(round [armsPerRound]Sample) []Metric {
	var out []Metric
	for _, v := range round[Base].Values {
		if _, ok := round[Head].value(v.Name); !ok {
			continue
		}
		if _, ok := round[Control].value(v.Name); ok {
			out = append(out, v.Metric)
		}
	}
	return out
}

func (s *Sample) value(name string) (float64, bool) {
	i := slices.IndexFunc(s.Values, func(v Value) bool { return v.Name == name })
	if i < 0 {
		return 0, false
	}
	return s.Values[i].Value, true
}

// series returns the metrics that every run told, with their gates.
func (t *table) series(gates map[string]Gate, delta float64) []*series {
	var out []*series
	if len(t.rounds) == 0 {
		return nil
	}
	for _, m := range common(t.rounds[0]) {
		s := &series{Metric: m, delta: delta}
		if g, ok := gates[m.Name]; ok {
			s.gate = &g
			s.Better = g.Better // the gate says it of a unit that is not known
		}
		whole := true
		for i := range t.rounds {
			for arm := range s.arms {
				v, ok := t.rounds[i][arm].value(m.Name)
				whole = whole && ok && !math.IsNaN(v) && !math.IsInf(v, 0)
				s.arms[arm] = append(s.arms[arm], v)
			}
		}
		if whole {
			out = append(out, s)
		}
	}
	return out
}

// warnings names the metrics that some runs did not tell: they are left out.
func (t *table) warnings() []string {
	count := make(map[string]int) // runs that tell the metric
	var order []string
	for i := range t.rounds {
		for arm := range t.rounds[i] {
			s := &t.rounds[i][arm]
			for _, v := range s.Values {
				if count[v.Name]++; count[v.Name] == 1 {
					order = append(order, v.Name)
				}
			}
			for _, name := range s.Unknown {
				if !slices.Contains(order, name) {
					order = append(order, name)
				}
			}
		}
	}
	runs := armsPerRound * len(t.rounds)
	var left []string
	for _, name := range order {
		if n := count[name]; n < runs {
			left = append(left, fmt.Sprintf("%s (%d of %d runs)", name, n, runs))
		}
	}
	if len(left) == 0 {
		return nil
	}
	return []string{"not judged, because not every run tells it: " + strings.Join(left, ", ")}
}

// brief shows an answer in a message.
func brief(answer string) string {
	const most = 60
	r := []rune(strings.TrimSpace(answer))
	if len(r) > most {
		return fmt.Sprintf("%q…", string(r[:most]))
	}
	return fmt.Sprintf("%q", string(r))
}
