package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/chainweir/weir/results"
)

// usedIn is how busy a trial kept each resource, 0 to 1; what is not known is
// absent.
func (v *view) usedIn(t *results.Trial) map[string]float64 {
	out := map[string]float64{}
	if t.WindowSec == nil || !(*t.WindowSec > 0) {
		return out
	}
	sec := *t.WindowSec
	node, host := v.cores()
	put := func(key string, used *int64, units float64) {
		if used != nil && units > 0 {
			out[key] = float64(*used) / 1e9 / sec / units
		}
	}
	put("host_cpu", t.HostCPUBusyNS, host)
	put("generator", t.Generator.CPUNS, host)
	if n := t.Node; n != nil {
		if n.CPUUserNS != nil && n.CPUSysNS != nil {
			all := *n.CPUUserNS + *n.CPUSysNS
			put("cpu", &all, node)
		}
		put("disk", n.DiskBusyNS, 1)
		for _, st := range n.Stages {
			if st.Workers == 1 && st.Name == string(v.sum.Demand.SerialStage) && v.sum.Demand.SerialSource != results.SourceProfile {
				put("serial", &st.BusyNS, 1)
			}
		}
	}
	if w := t.Wire; w != nil {
		c := v.sum.Link.CapacityBitsPerSec
		if w.In.Bytes != nil && c.In != nil && *c.In > 0 {
			out["wire_in"] = 8 * float64(*w.In.Bytes) / sec / *c.In
		}
		if w.Out.Bytes != nil && c.Out != nil && *c.Out > 0 {
			out["wire_out"] = 8 * float64(*w.Out.Bytes) / sec / *c.Out
		}
	}
	return out
}

// modelLine is what a resource's use is expected to be: at = base + slope · rate,
// and, for a fitted one, the walls when any one trial is left out.
type modelLine struct {
	base, slope float64
	fit         *results.DemandModel
}

// line returns the fitted model of a resource, or the line that its demand makes.
func (v *view) line(r *resource) (modelLine, bool) {
	for i := range v.sum.Demand.Models {
		if m := &v.sum.Demand.Models[i]; m.Resource == r.key && m.SecPerTx > 0 {
			return modelLine{base: m.IdleSecPerSec + m.SecPerBatch*m.BatchesPerSec, slope: m.SecPerTx, fit: m}, true
		}
	}
	if d := r.demand(&v.sum.Demand); d != nil && *d > 0 {
		return modelLine{slope: *d}, true
	}
	return modelLine{}, false
}

func (l *modelLine) wall() float64 { return (1 - l.base) / l.slope }

// farthest is how many times the highest measured rate the models' figure shows at
// most: what lies beyond is stated in words.
const farthest = 4

// models shows how busy the resources get as the rate grows: what was measured, the
// models, and where they say that a resource is full.
func (v *view) models() (Figure, bool) {
	c := &xyChart{title: "Models: how busy each resource gets as the rate grows", across: []refLine{{1, inkWall, "full"}}}
	table := Table{Head: []string{"resource", "model (X in tx/s)", "full at tx/s", "range when a trial is left out", "error of the fit", "÷ highest rate measured"}}
	points := map[string][]dataPoint{}
	top := 0.0
	for i := range v.rec.Trials {
		t := &v.rec.Trials[i]
		if !t.Valid || t.CommittedTxPerSec == nil {
			continue
		}
		top = max(top, *t.CommittedTxPerSec)
		for key, u := range v.usedIn(t) {
			points[key] = append(points[key], dataPoint{
				x: *t.CommittedTxPerSec, y: u, tip: fmt.Sprintf("trial %d: %s tx/s, %s %.1f %%", t.ID, rate(*t.CommittedTxPerSec), key, 100*u),
			})
		}
	}
	if !(top > 0) {
		return Figure{}, false
	}
	end, ys := top, []float64{1.05}
	for _, r := range resources {
		l, ok := v.line(&r)
		if ok && !math.IsInf(l.wall(), 0) && l.wall() < farthest*top {
			end = max(end, l.wall())
			if l.fit != nil {
				end = max(end, min(l.fit.WallHighTxPerSec, farthest*top))
			}
		}
		for _, p := range points[r.key] {
			ys = append(ys, p.y)
		}
	}
	end *= 1.04
	var errors []string
	for _, r := range resources {
		l, ok := v.line(&r)
		if !ok && len(points[r.key]) == 0 {
			continue
		}
		name := r.name
		if len(points[r.key]) == 0 { // the line bears the name
			c.keys = append(c.keys, key{name: name, ink: r.ink, line: true})
		}
		c.series = append(c.series, series{name: name, ink: r.ink, mark: r.mark, pts: points[r.key]})
		if !ok {
			continue
		}
		if l.fit != nil {
			errors = append(errors, fmt.Sprintf("%s %.0f %%", name, 100*l.fit.RelativeError))
		}
		c.addLine(&l, &r, top, end)
		table.Rows = append(table.Rows, l.row(r.name, top))
	}
	if len(c.series) == 0 {
		return Figure{}, false
	}
	c.x = linearAxis("committed throughput (tx/s)", tickRate, end)
	c.y = linearAxis("share of the resource in use (%)", tickPercent, min(slices.Max(ys), 1.5))
	about := "Marks are valid trials. A line is the demand at the knee times the rate, or, where the record holds one, the model that was fitted over the trials, with a band for the lines when any one trial is left out; dashed beyond the highest rate measured."
	if len(errors) > 0 {
		about += " A fitted model counts batches too: its line takes as many as it expects at the wall, so a trial can lie off it. Error of the fits: " + strings.Join(errors, ", ") + "."
	}
	for _, r := range resources {
		if l, ok := v.line(&r); ok && l.wall() > farthest*top && !math.IsInf(l.wall(), 0) {
			about += fmt.Sprintf(" Off the chart: %s is full at %s tx/s.", r.name, rate(l.wall()))
		}
	}
	return xyFigure("models", about, c, table), true
}

// addLine draws a model up to where the resource is full, its extrapolated part
// dashed, and the band of a fitted one.
func (c *xyChart) addLine(l *modelLine, r *resource, top, end float64) {
	at := func(x float64) dataPoint { return dataPoint{x: x, y: l.base + l.slope*x} }
	full := min(l.wall(), end)
	if !(full > 0) {
		return
	}
	c.series = append(c.series, series{ink: r.ink, joined: true, pts: []dataPoint{at(0), at(min(top, full))}})
	if full > top {
		c.series = append(c.series, series{ink: r.ink, joined: true, dash: []float64{5, 4}, pts: []dataPoint{at(top), at(full)}})
	}
	m := l.fit
	if m == nil || !(m.WallLowTxPerSec > 0) || !(m.WallHighTxPerSec >= m.WallLowTxPerSec) {
		return
	}
	band := ribbon{ink: r.ink}
	for k := range 25 {
		x := end * float64(k) / 24
		use := func(wall float64) float64 { return l.base + (1-l.base)*x/wall }
		band.xs = append(band.xs, x)
		band.lo = append(band.lo, min(use(m.WallHighTxPerSec), 1))
		band.hi = append(band.hi, min(use(m.WallLowTxPerSec), 1))
	}
	c.ranges = append(c.ranges, band)
}

// row is the model's line of the table.
func (l *modelLine) row(name string, top float64) []string {
	formula := fmt.Sprintf("%s · X", perTx(&l.slope))
	full := "never"
	if w := l.wall(); w > 0 {
		full = rate(w)
	}
	if l.fit == nil {
		return []string{name, formula, full, "-", "-", fmt.Sprintf("%.1f", l.wall()/top)}
	}
	if l.base > 0 {
		formula = fmt.Sprintf("%.1f %% + %s", 100*l.base, formula)
	}
	m := l.fit
	far := fmt.Sprintf("%.1f", m.Extrapolation)
	if m.Extrapolation > 2 {
		far += " (extrapolated)"
	}
	return []string{
		name, formula, full, rate(m.WallLowTxPerSec) + " – " + rate(m.WallHighTxPerSec),
		fmt.Sprintf("%.1f %% over %s", 100*m.RelativeError, plural(m.Trials, "trial")), far,
	}
}
