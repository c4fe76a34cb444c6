package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/chainweir/weir/bench/capacity"
	"github.com/chainweir/weir/results"
)

// flight is one trial as a closed system would see it: how much work was in
// flight on average, and what came out.
type flight struct {
	id    int
	n     float64 // transactions in flight: rate × mean time in the system (Little 1961)
	x     float64 // committed per second
	meanS float64 // mean commit latency in seconds
}

// flights are those of the good trials. In a trial that fell behind, the time in
// the system grows with the length of the trial and says nothing.
func (v *view) flights() []flight {
	var out []flight
	for i := range v.rec.Trials {
		t := &v.rec.Trials[i]
		if !t.Valid || t.Verdict != results.VerdictGood || t.CommittedTxPerSec == nil || !(*t.CommittedTxPerSec > 0) {
			continue
		}
		h, unit, _, err := v.histogram("commit", v.rec.Trials[i:i+1])
		if err != nil || h == nil || h.TotalCount() == 0 {
			continue
		}
		mean := h.Mean() * float64(unit) / 1e9
		if mean > 0 {
			out = append(out, flight{t.ID, *t.CommittedTxPerSec * mean, *t.CommittedTxPerSec, mean})
		}
	}
	slices.SortStableFunc(out, func(a, b flight) int { return cmp.Compare(a.n, b.n) })
	return out
}

// inFlight shows throughput over the work in flight, under its two bounds: the
// latency of an unloaded system, and the first wall.
func (v *view) inFlight() (Figure, bool) {
	fl := v.flights()
	if len(fl) < 2 {
		return Figure{}, false
	}
	c := &xyChart{title: "Throughput over the work in flight, under its bounds"}
	pts := series{name: "good trial", ink: ink1, mark: markDot}
	table := Table{Head: []string{"trial", "in flight (tx)", "committed tx/s", "mean latency", "bound tx/s"}}
	fastest := fl[0].meanS
	for _, f := range fl {
		fastest = min(fastest, f.meanS)
	}
	wall := 0.0
	for _, r := range resources {
		if d := r.demand(&v.sum.Demand); d != nil && *d > 0 && (wall == 0 || 1 / *d < wall) {
			wall = 1 / *d
		}
	}
	bound := func(n float64) float64 {
		b := n / fastest
		if wall > 0 {
			b = min(b, wall)
		}
		return b
	}
	var ns []float64
	top := wall
	for _, f := range fl {
		mean := f.meanS * 1000
		pts.pts = append(pts.pts, dataPoint{x: f.n, y: f.x, tip: fmt.Sprintf("trial %d: %s in flight, %s tx/s, mean latency %s", f.id, rate(f.n), rate(f.x), ms(&mean))})
		table.Rows = append(table.Rows, []string{fmt.Sprint(f.id), rate(f.n), rate(f.x), ms(&mean), rate(bound(f.n))})
		ns = append(ns, f.n)
		top = max(top, f.x)
	}
	c.x = linearAxis("transactions in flight (tx, rate × mean latency)", tickRate, slices.Max(ns))
	low := series{name: fmt.Sprintf("bound of latency: N ÷ %s", milli(fastest*1000)), ink: ink6, joined: true, dash: []float64{2, 3}}
	low.pts = []dataPoint{{}, {x: min(top*1.05*fastest, c.x.hi), y: min(top*1.05, c.x.hi/fastest)}}
	c.series = append(c.series, low)
	if wall > 0 {
		c.across = []refLine{{wall, inkWall, fmt.Sprintf("bound of the first wall: %s tx/s", rate(wall))}}
	}
	c.series = append(c.series, pts)
	c.y = linearAxis("committed throughput (tx/s)", tickRate, top*1.1)
	fitted := c.addUSL(fl, top*1.2)
	return xyFigure("in-flight",
		"With N transactions in flight, throughput is at most N ÷ the mean latency of the fastest trial, and at most 1 ÷ the largest demand at the knee. How far below the corner a trial lies is what queueing costs; one above the second bound cost less than those at the knee."+fitted,
		c, table), true
}

// addUSL draws the Universal Scalability Law through the trials with the 95 % band
// of the curve, as far as they show it, and says in words how good it is beside
// plain bounds.
func (c *xyChart) addUSL(fl []flight, top float64) string {
	points := make([]capacity.Point, len(fl))
	for i, f := range fl {
		points[i] = capacity.Point{N: f.n, X: f.x, R: capacity.Known(f.meanS)}
	}
	all, _, err := capacity.Choose(points)
	if err != nil {
		return " No model was fitted: " + err.Error() + "."
	}
	var usl *capacity.Fit
	words := ""
	for _, m := range all {
		if m.Err != nil || m.Fit.Model == capacity.ModelPayload { // N is no size here
			continue
		}
		words += fmt.Sprintf(" Error of %s at trials that it had not seen: %.1f %%.", modelNames[m.Fit.Model], 100*m.CVShare)
		if m.Fit.Model == capacity.ModelUSL {
			usl = m.Fit
		}
	}
	if usl == nil {
		return words + " The USL (universal scalability law) was not fitted: these trials do not show its parameters."
	}
	curve := series{name: "USL", ink: ink4, joined: true}
	band := ribbon{ink: ink4, name: "95 % band of the USL"}
	const steps = 80
	for k := range steps + 1 {
		n := usl.MinN + (usl.MaxN-usl.MinN)*float64(k)/steps
		if !(n > 0) {
			continue
		}
		p := usl.At(n)
		curve.pts = append(curve.pts, dataPoint{x: n, y: p.X})
		if p.Mean != nil {
			band.xs, band.lo, band.hi = append(band.xs, n), append(band.lo, max(p.Mean.Low, 0)), append(band.hi, min(p.Mean.High, top))
		}
	}
	c.series = append([]series{curve}, c.series...)
	if len(band.xs) > 1 {
		c.ranges = append(c.ranges, band)
	} else {
		words += " The trials do not tell the width of its band."
	}
	return words + " The fit takes N as exact, which it is not: it describes these trials and forecasts nothing."
}

var modelNames = map[string]string{
	capacity.ModelBounds: "the bounds", capacity.ModelAmdahl: "Amdahl's law", capacity.ModelUSL: "the USL (universal scalability law)",
}

// validation compares what was foretold with what was then measured.
func (v *view) validation() (Figure, bool) {
	c := &xyChart{title: "Predictions against measurements"}
	table := Table{Head: []string{"setting", "predicted tx/s", "measured tx/s", "error", "wall foretold", "wall found", "conclusive"}}
	exact := series{name: "exact", ink: ink6, joined: true, dash: []float64{5, 4}}
	pts := series{name: "setting", ink: ink1, mark: markDot}
	var vs []float64
	for i := range v.sum.Validation {
		p := &v.sum.Validation[i]
		e := unknown
		if p.Error != nil {
			e = fmt.Sprintf("%+.1f %%", 100**p.Error)
		}
		table.Rows = append(table.Rows, []string{
			p.Name, rate(p.PredictedTxPerSec), rateOr(p.MeasuredTxPerSec), e, p.PredictedWall, orUnknown(p.MeasuredWall), map[bool]string{true: "yes", false: "no"}[p.Valid],
		})
		if p.MeasuredTxPerSec == nil || !(*p.MeasuredTxPerSec > 0) || !(p.PredictedTxPerSec > 0) {
			continue
		}
		m := markDot
		if !p.Valid {
			m = markTriangle
		}
		pts.pts = append(pts.pts, dataPoint{x: p.PredictedTxPerSec, y: *p.MeasuredTxPerSec, mark: m, tip: fmt.Sprintf("%s: predicted %s, measured %s tx/s (%s)", p.Name, rate(p.PredictedTxPerSec), rate(*p.MeasuredTxPerSec), e)})
		vs = append(vs, p.PredictedTxPerSec, *p.MeasuredTxPerSec)
	}
	if len(pts.pts) == 0 {
		return Figure{}, false
	}
	c.x = logAxis("predicted throughput (tx/s, logarithmic)", tickRate, vs...)
	c.y = logAxis("measured throughput (tx/s, logarithmic)", tickRate, vs...)
	exact.pts = []dataPoint{{x: c.x.lo, y: c.x.lo}, {x: c.x.hi, y: c.x.hi}}
	c.series = []series{exact, pts}
	about := "Written down before they were measured; a mark below the line was promised too much. Triangles are inconclusive measurements."
	if v.sum.PredictionsSHA256 != "" {
		about += " sha256 of the predictions: " + v.sum.PredictionsSHA256[:min(12, len(v.sum.PredictionsSHA256))] + "…"
	}
	return xyFigure("validation", about, c, table), true
}
