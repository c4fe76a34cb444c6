package compare

import (
	"fmt"
	"io"
	"math"
	"strings"

	"golang.org/x/perf/benchfmt"
)

// benchTraits are the header keys whose values make the figures of two files
// incomparable. Other keys that differ are noted.
var benchTraits = map[string]bool{
	"goos": true, "goarch": true, "cpu": true, "cpu-key": true, "cores": true, "gomaxprocs": true,
	"kernel": true, "slo": true, "link": true, "placement": true, "target": true,
}

// readBench adds the benchmarks of a text to a. Lines that are no benchmarks are
// skipped, as the format wants it; a benchmark line that is broken, or a value
// that is no finite number, is an error.
func (a *arm) readBench(in io.Reader, path string) error {
	r := benchfmt.NewReader(in, path)
	// A benchmark that occurs in two packages is two benchmarks; those of the
	// only package of a file keep their short names.
	type line struct {
		pkg, name string
		values    []benchfmt.Value
	}
	var lines []line
	packages := map[string]bool{}
	for r.Scan() {
		switch rec := r.Result().(type) {
		case *benchfmt.SyntaxError:
			return fmt.Errorf("%w: %w", ErrInput, rec)
		case *benchfmt.Result:
			name, at := rec.Pos()
			for _, v := range rec.Values {
				if math.IsNaN(v.Value) || math.IsInf(v.Value, 0) {
					return fmt.Errorf("%w: %s:%d: %s has the value %v %s: take the line out, or measure again",
						ErrInput, name, at, rec.Name, v.Value, v.Unit)
				}
			}
			for _, c := range rec.Config {
				if c.File && c.Key != "pkg" {
					a.traits.add(c.Key, string(c.Value))
				}
			}
			c := rec.Clone()
			packages[c.GetConfig("pkg")] = true
			lines = append(lines, line{c.GetConfig("pkg"), string(c.Name), c.Values})
		}
	}
	if err := r.Err(); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrInput, path, err)
	}
	if len(lines) == 0 {
		return fmt.Errorf("%w: %s has no benchmark line (\"BenchmarkName 10 123 ns/op\") and is no record: name the output of go test -bench, a record.jsonl, or the folder of a run",
			ErrInput, path)
	}
	for _, l := range lines {
		name := l.name
		if len(packages) > 1 && l.pkg != "" {
			name = l.pkg + "." + name
		}
		for _, v := range l.values {
			a.add(name, v.Unit, betterByUnit(v.Unit), v.Value)
		}
	}
	for key, meta := range r.Units() {
		for _, s := range a.order {
			switch {
			case s.unit != key.Unit:
			case key.Key == "better" && (meta.Value == Higher || meta.Value == Lower):
				s.better = meta.Value
			case key.Key == "assume":
				s.exact = meta.Value == "exact"
			}
		}
	}
	for _, s := range a.order {
		a.runs = max(a.runs, len(s.values))
	}
	return nil
}

// forbids tells whether a difference in the trait forbids a comparison.
func (a *arm) forbids(trait string) bool {
	return a.kind != kindBench || benchTraits[trait]
}

// traitText makes a key of a header or of JSON readable.
func traitText(key string) string { return strings.ReplaceAll(key, "_", " ") }
