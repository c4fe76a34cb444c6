package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// scaleKind is how a value becomes a place on an axis.
type scaleKind int

const (
	linear      scaleKind = iota
	logarithmic           // values ≤ 0 have no place
	nines                 // a share of 1: each step is another nine (0.9, 0.99, …)
)

// axis is one side of a chart. Its label names the quantity and its unit.
type axis struct {
	label  string
	kind   scaleKind
	lo, hi float64
	format func(float64) string
	// ticks and names replace the ones that are computed.
	ticks []float64
	names []string
}

// fraction is where on the axis a value lies, 0 at its lower end and 1 at its
// upper one. ok is false when it has no place.
func (a *axis) fraction(v float64) (f float64, ok bool) {
	lo, hi := a.lo, a.hi
	switch a.kind {
	case logarithmic:
		if !(v > 0) {
			return 0, false
		}
		v, lo, hi = math.Log10(v), math.Log10(lo), math.Log10(hi)
	case nines:
		if !(v >= 0 && v < 1) {
			return 0, false
		}
		v, lo, hi = -math.Log10(1-v), -math.Log10(1-lo), -math.Log10(1-hi)
	}
	f = (v - lo) / (hi - lo)
	return f, !math.IsNaN(f) && !math.IsInf(f, 0)
}

// linearAxis starts at 0 and ends at a round number at or above the largest
// value.
func linearAxis(label string, format func(float64) string, values ...float64) axis {
	hi := 0.0
	for _, v := range values {
		if !math.IsInf(v, 0) {
			hi = max(hi, v) // NaN is left to the filter of the caller
		}
	}
	if !(hi > 0) {
		hi = 1
	}
	step := niceStep(hi / 5)
	return axis{label: label, format: format, hi: math.Ceil(hi/step-1e-9) * step}
}

// rangeAxis spans the values, from 0 when the smallest is not far above it. It is
// for marks; a bar would need its 0.
func rangeAxis(label string, format func(float64) string, values ...float64) axis {
	a := linearAxis(label, format, values...)
	low, high := math.Inf(1), 0.0
	for _, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			low, high = min(low, v), max(high, v)
		}
	}
	// Less than two per cent is widened: labels have four digits, and noise is no trend.
	if span := max(high-low, 0.02*high); low > 0.4*high && high > low {
		step := niceStep(span / 5)
		a.lo = max(math.Floor((low-span*0.08)/step)*step, 0)
		a.hi = math.Ceil((high+span*0.08)/step) * step
	}
	return a
}

// mostDecades bounds a logarithmic axis, as a ratio.
const mostDecades = 1e12

// logAxis spans the positive values with room for a mark at both ends. Less than
// a decade is widened, so that noise does not look like a trend.
func logAxis(label string, format func(float64) string, values ...float64) axis {
	lo, hi := math.Inf(1), 0.0
	for _, v := range values {
		if v > 0 && !math.IsInf(v, 1) {
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	if !(hi > 0) {
		lo, hi = 1, 10
	}
	lo = max(lo, hi/mostDecades) // what is lower is drawn on the edge
	lo, hi = roundLog(lo*0.97, -1), roundLog(hi*1.03, 1)
	if hi/lo < 10 {
		hi = lo * 10
	}
	return axis{label: label, kind: logarithmic, format: format, lo: lo, hi: hi}
}

// roundLog goes down or up to 1, 2 or 5 times a power of ten.
func roundLog(v float64, direction int) float64 {
	decade := math.Pow(10, math.Floor(math.Log10(v)))
	steps := []float64{1, 2, 5, 10}
	if direction > 0 {
		for _, s := range steps {
			if s*decade >= v*(1-1e-9) {
				return s * decade
			}
		}
	}
	for k := len(steps) - 1; k >= 0; k-- {
		if steps[k]*decade <= v*(1+1e-9) {
			return steps[k] * decade
		}
	}
	return decade
}

// niceStep is the smallest of 1, 2, 2.5 and 5 times a power of ten that is at
// least v.
func niceStep(v float64) float64 {
	decade := math.Pow(10, math.Floor(math.Log10(v)))
	for _, s := range []float64{1, 2, 2.5, 5} {
		if s*decade >= v*(1-1e-9) {
			return s * decade
		}
	}
	return 10 * decade
}

// tick is a place on an axis with its name; minor ones have none.
type tick struct {
	at   float64 // fraction of the axis
	name string
}

// marks returns the ticks for an axis on which at most most names have room.
func (a *axis) marks(most int) []tick {
	var out []tick
	add := func(v float64, name string) {
		if f, ok := a.fraction(v); ok && f > -1e-9 && f < 1+1e-9 {
			out = append(out, tick{f, name})
		}
	}
	switch {
	case len(a.ticks) > 0:
		every := (len(a.ticks) + most - 1) / max(most, 1)
		for k, v := range a.ticks {
			name := ""
			if k%max(every, 1) == 0 {
				name = a.names[k]
			}
			add(v, name)
		}
	case a.kind == logarithmic:
		decades := math.Log10(a.hi / a.lo)
		for e := math.Floor(math.Log10(a.lo)); e <= math.Ceil(math.Log10(a.hi)); e++ {
			for m := 1.0; m < 10; m++ {
				v := m * math.Pow(10, e)
				name := ""
				if m == 1 || (m == 2 || m == 5) && decades*3 < float64(most) {
					name = a.format(v)
				}
				if name != "" || decades < 4 {
					add(v, name)
				}
			}
		}
	case a.kind == nines:
		for _, p := range []float64{0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999} {
			add(p, a.format(p))
		}
	default:
		step := niceStep((a.hi - a.lo) / float64(max(most, 2)))
		for k := math.Ceil(a.lo/step - 1e-9); k*step <= a.hi*(1+1e-9); k++ {
			v := k*step + 0 // -0 would be written with its sign
			add(v, a.format(v))
		}
	}
	return out
}

// Formats of tick labels. They are short: the unit stands in the axis's label.

func tickRate(v float64) string {
	for _, p := range []struct {
		unit float64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if math.Abs(v) >= p.unit*0.9999 {
			return plain(v/p.unit) + p.name
		}
	}
	return plain(v)
}

// plain is a number with at most four digits and no zeros at its end.
func plain(v float64) string {
	s := strconv.FormatFloat(v, 'g', 4, 64)
	if strings.Contains(s, "e+") && math.Abs(v) < 1e9 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return s
}

func tickPercent(v float64) string { return plain(100*v) + " %" }

// tickShare is a percentile with as many nines as it has.
func tickShare(v float64) string {
	return fmt.Sprintf("%s %%", strconv.FormatFloat(math.Round(v*1e7)/1e5, 'f', -1, 64))
}
