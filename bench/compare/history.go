package compare

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/chainweir/weir/bench/stat"
)

// HistorySchema is that of the lines of a history file and of the object of
// weir history --json; lines also have the type TypePoint.
const (
	HistorySchema = "weir.history/1"
	TypePoint     = "point"
)

// Limits of the search for changes.
const (
	shortestStretch = 3    // values between two changes
	mostPoints      = 1500 // of one series: the newest ones
)

// Point is what one measurement adds to a history: a line of a history file.
type Point struct {
	Schema   string       `json:"schema"`
	Type     string       `json:"type"`
	At       time.Time    `json:"at"`
	Revision *string      `json:"revision"` // of the source measured, null when unknown
	Name     string       `json:"name"`     // what was measured, e.g. "run transfer solo"
	Machine  string       `json:"machine"`  // its class in words: other machines are other series
	Values   []PointValue `json:"values"`
}

// PointValue is one figure: the median of the runs of the measurement.
type PointValue struct {
	Metric string  `json:"metric"`
	Unit   string  `json:"unit"`
	Better string  `json:"better"`
	Value  float64 `json:"value"`
	Runs   int     `json:"runs"`
}

// History is the object of weir history --json.
type History struct {
	Schema   string    `json:"schema"`
	Level    float64   `json:"level"` // of the test for a change
	Series   []*Series `json:"series"`
	Warnings []string  `json:"warnings"`
}

// Series is one figure over time, on one kind of machine.
type Series struct {
	Name    string        `json:"name"`
	Machine string        `json:"machine"`
	Metric  string        `json:"metric"`
	Unit    string        `json:"unit"`
	Better  string        `json:"better"`
	Points  []SeriesPoint `json:"points"`
	Changes []Change      `json:"changes"`
	// Searched is false when there are too few points to look for changes.
	Searched bool `json:"searched"`
}

// SeriesPoint is one value of a series.
type SeriesPoint struct {
	At       time.Time `json:"at"`
	Revision *string   `json:"revision"`
	Value    float64   `json:"value"`
}

// Change is a place where a series changes its level or its spread.
type Change struct {
	Index    int       `json:"index"` // of the first point after it, from 0
	At       time.Time `json:"at"`
	Revision *string   `json:"revision"`
	// Before and After are the medians up to the neighbouring changes.
	Before  float64  `json:"before"`
	After   float64  `json:"after"`
	Ratio   *float64 `json:"ratio"` // after/before, null at zero
	P       float64  `json:"p"`
	Verdict Verdict  `json:"verdict"` // faster, slower, changed; same: the spread only
}

// HistoryOptions say what to look for.
type HistoryOptions struct {
	Level  float64        // of the test, such as 0.05
	Delta  float64        // relative change of the level that matters
	Filter *regexp.Regexp // keeps series whose "name metric unit" it matches
}

// NewHistory sorts points into series, by time, and finds their changes.
func NewHistory(points []Point, opt HistoryOptions) (*History, error) {
	h := &History{Schema: HistorySchema, Level: opt.Level, Series: []*Series{}, Warnings: []string{}}
	points = slices.Clone(points)
	slices.SortStableFunc(points, func(a, b Point) int { return a.At.Compare(b.At) })
	byKey := map[string]*Series{}
	for _, p := range points {
		for _, v := range p.Values {
			if opt.Filter != nil && !opt.Filter.MatchString(p.Name+" "+v.Metric+" "+v.Unit) {
				continue
			}
			key := strings.Join([]string{p.Name, p.Machine, v.Metric, v.Unit}, "\x00")
			s := byKey[key]
			if s == nil {
				s = &Series{Name: p.Name, Machine: p.Machine, Metric: v.Metric, Unit: v.Unit, Changes: []Change{}}
				byKey[key] = s
				h.Series = append(h.Series, s)
			}
			if v.Better != "" {
				s.Better = v.Better
			}
			s.Points = append(s.Points, SeriesPoint{p.At, p.Revision, v.Value})
		}
	}
	for _, s := range h.Series {
		if n := len(s.Points); n > mostPoints {
			h.Warnings = append(h.Warnings, fmt.Sprintf("%s %s has %d points: the newest %d were used", s.Name, s.Metric, n, mostPoints))
			s.Points = s.Points[n-mostPoints:]
		}
		if err := s.findChanges(opt); err != nil {
			return nil, fmt.Errorf("%s %s: %w", s.Name, s.Metric, err)
		}
	}
	return h, nil
}

// findChanges looks at logarithms where there are some, so that a change of a
// tenth counts the same at any level.
func (s *Series) findChanges(opt HistoryOptions) error {
	if len(s.Points) < 2*shortestStretch {
		return nil
	}
	values := make([]float64, len(s.Points))
	for i, p := range s.Points {
		values[i] = p.Value
	}
	logs, _, isLog := scale(values, nil)
	found, err := stat.ChangePoints(logs, shortestStretch, opt.Level)
	if err != nil {
		return err
	}
	s.Searched = true
	for _, f := range found {
		at := s.Points[f.Index]
		c := Change{Index: f.Index, At: at.At, Revision: at.Revision, Before: f.Before, After: f.After, P: f.P, Verdict: Same}
		if isLog {
			c.Before, c.After = math.Exp(f.Before), math.Exp(f.After)
		}
		if c.Before > 0 && c.After > 0 {
			r := c.After / c.Before
			c.Ratio = &r
		}
		if c.Ratio == nil && c.After != c.Before || c.Ratio != nil && math.Abs(math.Log(*c.Ratio)) > math.Log1p(opt.Delta) {
			c.Verdict = direction(s.Better, c.After-c.Before)
		}
		s.Changes = append(s.Changes, c)
	}
	return nil
}

// Worse lists the series whose last change of level was for the worse.
func (h *History) Worse() []string {
	var out []string
	for _, s := range h.Series {
		for _, c := range slices.Backward(s.Changes) {
			if c.Verdict == Same {
				continue
			}
			if c.Verdict == Slower {
				out = append(out, fmt.Sprintf("%s %s since %s", s.Name, s.Metric, c.At.UTC().Format(time.DateOnly)))
			}
			break
		}
	}
	return out
}
