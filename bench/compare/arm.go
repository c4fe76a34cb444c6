package compare

import (
	"errors"
	"strings"

	"github.com/chainweir/weir/results"
)

// Errors of this package. The text names file, line and value.
var (
	// ErrInput is a file that cannot be compared: of a foreign format, cut off, or
	// with a value that is no number.
	ErrInput = errors.New("cannot compare")
	// ErrClass says that the two sides were measured on machines, or with
	// settings, whose numbers do not belong beside each other.
	ErrClass = errors.New("not comparable")
)

// Directions in which a quantity is better; empty when nothing is known.
const (
	Higher = "higher"
	Lower  = "lower"
)

// Kinds of input. Only like kinds compare.
const (
	kindRecord = "weir.run/1 records"
	kindLoad   = "weir.load/1 results"
	kindBench  = "Go benchmark text"
)

// series are the values of one quantity, one per run, in the order of the runs.
type series struct {
	metric string
	unit   string
	better string
	exact  bool // repeated measurement does not change it: every change is real
	values []float64
}

// key names a quantity on both sides.
func (s *series) key() string { return s.metric + "\x00" + s.unit }

// arm is one side of a comparison.
type arm struct {
	path   string
	kind   string
	order  []*series
	byKey  map[string]*series
	runs   int
	traits traits   // what must be equal on both sides
	envs   []runEnv // the machine of each run that says it
	notes  []string // what a reader must know, about this side
	bad    []string // why it must not be judged
	quiet  []string // differences that explain and do not forbid
}

// runEnv is where one run was made.
type runEnv struct {
	path string
	env  results.Env
}

func newArm(path string) *arm {
	return &arm{path: path, byKey: map[string]*series{}, traits: traits{}}
}

// add appends a value; the first one of a quantity decides on its direction.
func (a *arm) add(metric, unit, better string, v float64) *series {
	s := &series{metric: metric, unit: unit, better: better}
	if had := a.byKey[s.key()]; had != nil {
		s = had
	} else {
		a.byKey[s.key()] = s
		a.order = append(a.order, s)
	}
	s.values = append(s.values, v)
	return s
}

// traits are named properties. A property has more than one value when the runs
// of one side differ.
type traits map[string][]string

func (t traits) add(key, value string) {
	for _, had := range t[key] {
		if had == value {
			return
		}
	}
	t[key] = append(t[key], value)
}

func (t traits) text(key string) string {
	if len(t[key]) == 0 {
		return "unknown"
	}
	return strings.Join(t[key], " | ")
}

// betterByUnit is what everybody means by a unit. Of other units nothing is
// known, unless the text says so in a line "Unit NAME better=lower".
func betterByUnit(unit string) string {
	switch {
	case strings.HasSuffix(unit, "/s"), strings.HasSuffix(unit, "/sec"), strings.HasPrefix(unit, "ops/"):
		return Higher
	case strings.HasSuffix(unit, "/op"), strings.HasSuffix(unit, "/item"), strings.HasSuffix(unit, "/tx"),
		strings.HasSuffix(unit, "-sec"), strings.HasSuffix(unit, "-ns"), strings.HasSuffix(unit, "-bytes"), strings.HasSuffix(unit, "-B"):
		return Lower
	}
	switch unit {
	case "ns", "us", "µs", "ms", "s", "sec", "B", "bytes":
		return Lower
	}
	return ""
}
