package env

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/chainweir/weir/results"
)

// Difference is one value that two fingerprints do not share.
type Difference struct {
	Key string `json:"key"` // its path in the record, such as class.cpu_brand
	A   string `json:"a"`   // as JSON; "null" when it is not known
	B   string `json:"b"`
	// Class: records that differ in it are not of one kind of machine and are not
	// compared unless forced. A value that one of the two does not know is no
	// such difference: it is told and decides nothing.
	Class bool `json:"class"`
}

// String reads "class.kernel: 6.1 and 6.18".
func (d Difference) String() string { return fmt.Sprintf("%s: %s and %s", d.Key, d.A, d.B) }

// memoryTolerance is how far the memory of two like machines may be apart: the
// kernel keeps some for itself, more or less at each start.
const memoryTolerance = 0.02

// Names tell devices apart and not what they can do.
var onlyNames = []string{"class.nic.name", "class.disk.device"}

// alsoClass are values of detail that change figures like another machine would.
var alsoClass = []string{"detail.governor", "detail.turbo", "detail.smt_active", "detail.clock_source"}

// always differ from run to run, and explain nothing.
var passing = []string{
	"detail.boot_time_unix_ns", "detail.disk_free_bytes", "detail.memory_available_bytes", "detail.host_hash",
	"detail.load_average_1min", "detail.steal_fraction", "detail.fsync_median_ns", "detail.fsync_max_ns",
}

// Differences compares two fingerprints, key by key: those of class first, each
// group in the order of the keys. It is a pure function.
func Differences(a, b results.Env) ([]Difference, error) {
	left, err := flatten(a)
	if err != nil {
		return nil, err
	}
	right, err := flatten(b)
	if err != nil {
		return nil, err
	}
	var out []Difference
	for key := range union(left, right) {
		x, y := text(left, key), text(right, key)
		if x == y || slices.Contains(passing, key) || key == "class.memory_bytes" && alike(left[key], right[key]) {
			continue
		}
		isClass := strings.HasPrefix(key, "class.") && !slices.Contains(onlyNames, key) || slices.Contains(alsoClass, key)
		out = append(out, Difference{key, x, y, isClass && x != "null" && y != "null"})
	}
	slices.SortFunc(out, func(p, q Difference) int {
		if p.Class != q.Class {
			if p.Class {
				return -1
			}
			return 1
		}
		return strings.Compare(p.Key, q.Key)
	})
	return out, nil
}

func union(a, b map[string]any) map[string]bool {
	keys := map[string]bool{}
	for k := range a {
		keys[k] = true
	}
	for k := range b {
		keys[k] = true
	}
	return keys
}

// text is a value as JSON.
func text(m map[string]any, key string) string {
	b, err := json.Marshal(m[key])
	if err != nil {
		return fmt.Sprint(m[key])
	}
	return string(b)
}

// flatten lists the values of class and detail by their path. Lists stay whole.
func flatten(e results.Env) (map[string]any, error) {
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("fingerprint: %w", err)
	}
	var doc map[string]any
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("fingerprint: %w", err)
	}
	out := map[string]any{}
	var walk func(prefix string, v any)
	walk = func(prefix string, v any) {
		if m, ok := v.(map[string]any); ok {
			for k, w := range m {
				walk(prefix+"."+k, w)
			}
			return
		}
		out[prefix] = v
	}
	walk("class", doc["class"])
	walk("detail", doc["detail"])
	return out, nil
}

func alike(a, b any) bool {
	x, ok1 := a.(float64)
	y, ok2 := b.(float64)
	return ok1 && ok2 && math.Abs(x-y) <= memoryTolerance*max(x, y)
}
