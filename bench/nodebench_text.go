package bench

import (
	"bytes"
	"fmt"
	"strconv"

	"golang.org/x/perf/benchfmt"

	"github.com/chainweir/weir/asm/cpu"
)

// Text returns the samples of the required figures as Go benchmark text, the
// input of benchstat: one line for each sample. The header holds what two runs
// must have in common to be compared; what differs between any two, the commit
// and the load, is in comments, and so are the figures asked and the verdicts.
// Conclude is called before.
func (r *NodeBench) Text() ([]byte, error) {
	var b bytes.Buffer
	d := r.Env.Detail
	if d.VCSRevision != "" {
		fmt.Fprintf(&b, "# commit %s\n", d.VCSRevision)
	}
	if d.LoadAverage1 != nil {
		fmt.Fprintf(&b, "# load average %.2f before the run\n", *d.LoadAverage1)
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(&b, "# warning: %s\n", w)
	}
	for i := range r.Required {
		q := &r.Required[i]
		fmt.Fprintf(&b, "# %s: asked %s, measured %s %s: %s\n", q.Row, q.AskedText(), q.MedianText(), q.IntervalText(), q.Verdict)
	}
	w := benchfmt.NewWriter(&b)
	config := r.textConfig()
	units := make(map[string]bool)
	for i := range r.Required {
		q := &r.Required[i]
		unit, scale := q.textUnit()
		if !units[unit] && len(q.Samples) > 0 {
			units[unit] = true
			better := "higher"
			if q.AtMost {
				better = "lower"
			}
			key := benchfmt.UnitMetadataKey{Unit: unit, Key: "better"}
			if err := w.Write(&benchfmt.UnitMetadata{UnitMetadataKey: key, OrigUnit: unit, Value: better}); err != nil {
				return nil, fmt.Errorf("benchmark text: %w", err)
			}
		}
		for _, x := range q.Samples {
			res := &benchfmt.Result{
				Config: config, Name: benchfmt.Name("Node" + q.name), Iters: 1,
				Values: []benchfmt.Value{{Value: x * scale, Unit: unit}},
			}
			if err := w.Write(res); err != nil {
				return nil, fmt.Errorf("benchmark text: %w", err)
			}
		}
	}
	return b.Bytes(), nil
}

// textUnit is the unit of the benchmark text, which says which way is better,
// and the factor to it.
func (q *Requirement) textUnit() (string, float64) {
	switch {
	case q.base != "":
		return q.base, q.scale
	case q.Unit == "ratio" && q.AtMost:
		return "time-ratio", 1
	}
	return q.Unit, 1
}

func (r *NodeBench) textConfig() []benchfmt.Config {
	var list []benchfmt.Config
	add := func(key, value string) {
		if value != "" {
			list = append(list, benchfmt.Config{Key: key, Value: []byte(value), File: true})
		}
	}
	c := r.Env.Class
	add("cpu", string(c.CPUBrand))
	add("cpu-key", cpu.Host().Key())
	add("goarch", c.Arch)
	add("gomaxprocs", strconv.Itoa(r.Cores))
	add("goos", c.OS)
	add("kernel", string(c.Kernel))
	add("version-go", c.GoVersion)
	return list
}

// number is a figure with as many digits as its size needs.
func number(x float64) string {
	switch {
	case x == 0:
		return "0"
	case x >= 1000:
		return strconv.FormatFloat(x, 'f', 0, 64)
	case x >= 0.1:
		return strconv.FormatFloat(x, 'g', 3, 64)
	}
	return strconv.FormatFloat(x, 'f', 4, 64)
}

// AskedText is the figure asked for, with its unit.
func (q *Requirement) AskedText() string {
	sign := "≥"
	if q.AtMost {
		sign = "≤"
	}
	return q.withUnit(sign + " " + number(q.Asked))
}

// MedianText is what was measured, - for nothing.
func (q *Requirement) MedianText() string {
	if q.Median == nil {
		return "-"
	}
	return q.withUnit(number(*q.Median))
}

// IntervalText is the interval of the median, or how many samples were too few
// for one.
func (q *Requirement) IntervalText() string {
	switch {
	case q.CI95 != nil:
		return "[" + number(q.CI95[0]) + ", " + number(q.CI95[1]) + "]"
	case len(q.Samples) > 0:
		return fmt.Sprintf("(n = %d)", len(q.Samples))
	}
	return ""
}

func (q *Requirement) withUnit(s string) string {
	if q.Unit == "ratio" {
		return s
	}
	return s + " " + q.Unit
}
