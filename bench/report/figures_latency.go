package report

import (
	"fmt"
	"math"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/chainweir/weir/results"
)

// latencyStages are the histograms of a record, with what they mean.
var latencyStages = []struct {
	stage, name string
	ink         ink
	dash        []float64
	of          func(*results.Latencies) results.Quantiles
}{
	{"submit", "written to the socket", ink6, []float64{2, 3}, func(l *results.Latencies) results.Quantiles { return l.Submit }},
	{"accept", "acknowledged", ink3, []float64{7, 3}, func(l *results.Latencies) results.Quantiles { return l.Accept }},
	{"commit", "committed", ink1, nil, func(l *results.Latencies) results.Quantiles { return l.Commit }},
	{"commit_from_send", "committed, counted from the actual send", ink4, []float64{7, 3, 2, 3}, func(l *results.Latencies) results.Quantiles { return l.CommitFromSend }},
}

// shares are the percentiles of a table of latencies.
var shares = []float64{0.5, 0.9, 0.99, 0.999, 0.9999}

// cdf is the distribution of the latencies at the knee, its tail stretched so
// that each further nine has the same room.
func (v *view) cdf() (Figure, bool) {
	c := &xyChart{title: "Distribution of latency at the knee"}
	if v.partial || v.sum.Knee.LowerTxPerSec == nil {
		c.title = "Distribution of latency"
	}
	table := Table{Head: []string{"percentile"}}
	for _, s := range shares {
		table.Rows = append(table.Rows, []string{tickShare(s)})
	}
	table.Rows = append(table.Rows, []string{"maximum"}, []string{"samples"}, []string{"below zero (clock skew)"})
	var xs []float64
	top := 0.9
	about := "From " + v.source + "."
	for _, l := range latencyStages {
		h, unit, negative, err := v.histogram(l.stage, v.knee)
		if err != nil {
			v.notes = append(v.notes, "the report leaves out the latencies \""+l.name+"\": "+err.Error())
			continue
		}
		var line series
		var col []string
		var high float64
		switch {
		case h != nil && h.TotalCount() > 0:
			line.pts, col, high = fromHistogram(h, unit, negative)
		case h == nil && len(v.knee) == 1: // percentiles of several trials cannot be put together
			line.pts, col, high = fromQuantiles(l.of(&v.knee[0].LatencyMS))
		}
		if len(line.pts) == 0 {
			continue
		}
		top = max(top, high)
		for _, p := range line.pts {
			xs = append(xs, p.x)
		}
		line.name, line.ink, line.dash, line.joined = l.name, l.ink, l.dash, true
		c.series = append(c.series, line)
		table.Head = append(table.Head, l.name)
		for k := range table.Rows {
			table.Rows[k] = append(table.Rows[k], col[k])
		}
	}
	if len(c.series) == 0 {
		return Figure{}, false
	}
	c.x = logAxis("latency from the intended send (ms, logarithmic)", plain, xs...)
	c.y = axis{label: "share of transactions that were at least as fast (%)", kind: nines, format: tickShare, hi: top}
	if limit, ok := p99Limit(v.sum.SLO); ok && limit >= c.x.lo && limit <= c.x.hi {
		c.down = []refLine{{limit, inkWall, "goal for p99: " + ms(&limit)}}
	}
	return xyFigure("latency-cdf", about+" The tail is stretched: each further nine has the same room.", c, table), true
}

// fromHistogram follows a histogram up to the share beyond which fewer than ten
// samples lie: what is further out is chance.
func fromHistogram(h *hdrhistogram.Histogram, unitNS, negative int64) (pts []dataPoint, col []string, top float64) {
	n := float64(h.TotalCount())
	toMS := func(units int64) float64 { return float64(units) * float64(unitNS) / 1e6 }
	top = min(max(1-10/n, 0.5), 0.99999)
	last := math.Log10(1 - top)
	const steps = 90
	for k := range steps + 1 {
		share := 1 - math.Pow(10, last*float64(k)/steps)
		x := toMS(h.ValueAtQuantile(100 * share))
		if !(x > 0) {
			continue // on a logarithmic axis there is no place for 0
		}
		pts = append(pts, dataPoint{x: x, y: share})
	}
	for _, s := range shares {
		if n*(1-s) < 1 {
			col = append(col, "too few samples")
			continue
		}
		col = append(col, milli(toMS(h.ValueAtQuantile(100*s))))
	}
	return pts, append(col, milli(toMS(h.Max())), fmt.Sprint(h.TotalCount()), fmt.Sprint(negative)), top
}

// fromQuantiles is for trials without windows.
func fromQuantiles(q results.Quantiles) (pts []dataPoint, col []string, top float64) {
	for k, x := range []*float64{q.P50, q.P90, q.P99, q.P999} {
		if x == nil || !(*x > 0) {
			col = append(col, unknown)
			continue
		}
		pts = append(pts, dataPoint{x: *x, y: shares[k]})
		col = append(col, milli(*x))
		top = shares[k]
	}
	highest := unknown
	if q.Max != nil {
		highest = milli(*q.Max)
	}
	return pts, append(col, unknown, highest, fmt.Sprint(q.Count), fmt.Sprint(q.Negative)), top
}

func milli(v float64) string { return ms(&v) }
