package report

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/chainweir/weir/results"
)

// soakFigure is one figure of a soak: its name, how a value is written, and where
// a piece has it.
type soakFigure struct {
	metric, name string
	ink          ink
	text         func(*float64) string
	of           func(*results.SoakPoint) *float64
}

// soakFigures are in the order of the drift table.
var soakFigures = []soakFigure{
	{"committed_tx_per_sec", "committed (tx/s)", ink1, rateOr, func(p *results.SoakPoint) *float64 { return p.CommittedTxPerSec }},
	{"commit_p50_ms", "commit latency p50", ink2, ms, func(p *results.SoakPoint) *float64 { return p.CommitP50MS }},
	{"commit_p99_ms", "commit latency p99", ink5, ms, func(p *results.SoakPoint) *float64 { return p.CommitP99MS }},
	{"memory_bytes", "memory of the node", ink3, megabytes, func(p *results.SoakPoint) *float64 {
		if p.MemoryBytes == nil {
			return nil
		}
		v := float64(*p.MemoryBytes)
		return &v
	}},
	{"node_cpu_sec_per_tx", "processor time of the node per transaction", ink4, perTx, func(p *results.SoakPoint) *float64 { return p.CPUSecPerTx }},
}

// soakNames are the figure's parts by the metric's name.
func soakNames(metric string) soakFigure {
	if i := slices.IndexFunc(soakFigures, func(f soakFigure) bool { return f.metric == metric }); i >= 0 {
		return soakFigures[i]
	}
	return soakFigure{name: metric, text: rateOr}
}

func megabytes(v *float64) string {
	if v == nil {
		return unknown
	}
	return digits(*v/1e6) + " MB"
}

// soakLoad is the load and its length in words.
func soakLoad(s *results.Soak) string {
	text := rate(s.OfferedTxPerSec) + " tx/s"
	if s.OfFraction != nil {
		text += fmt.Sprintf(" (%.0f %% of the knee)", 100**s.OfFraction)
	}
	return fmt.Sprintf("%s held for %v in %s of %s s", text, time.Duration(s.LoadSec*1e9).Round(time.Second), plural(s.Pieces, "piece"), digits(s.PieceSec))
}

// soakTile is the verdict of a soak.
func (v *view) soakTile() tile {
	s := v.sum.Soak
	held := s.Verdict == results.SoakSteady || s.Verdict == results.SoakImproves
	return tile{Name: "Soak", Value: s.Verdict, More: []string{soakLoad(s), s.Reason}, First: held && v.sum.Knee.LowerTxPerSec == nil}
}

// soakBanner is what a reader must know of a soak before any figure; ok is false
// when there is nothing.
func (v *view) soakBanner() (b banner, ok bool) {
	s := v.sum.Soak
	if s == nil {
		return b, false
	}
	switch s.Verdict {
	case results.SoakDrifts:
		return banner{Head: "THE SOAK DRIFTS", Text: s.Reason}, true
	case results.SoakFails:
		return banner{Head: "THE SOAK FAILS", Text: s.Reason}, true
	case results.SoakInconclusive:
		return banner{Class: "partial", Head: "THE SOAK IS INCONCLUSIVE", Text: s.Reason}, true
	}
	return b, false
}

// soakSection is the drift of every figure, in numbers and over time.
func (v *view) soakSection() (section, []Figure) {
	s := v.sum.Soak
	out := section{Title: "Soak: " + s.Verdict, Text: []string{
		soakLoad(s) + fmt.Sprintf("; the first %d are warm-up and take no part in the drift. %d broke the goal, %d did not measure the system.", s.WarmUp, s.Broken, s.Invalid),
		"Change is Sen's slope over the time under load ÷ the median; p is that of the Mann-Kendall test, its variance widened where pieces depend on each other.",
	}}
	t := captioned{Caption: "Drift over the soak", Table: Table{Head: []string{"figure", "median", "first", "last", "change", "95 % interval", "p", "limit", "verdict"}}}
	for i := range s.Drift {
		d := &s.Drift[i]
		f := soakNames(d.Metric)
		row := []string{f.name, f.text(d.Median), f.text(d.First), f.text(d.Last), signedShare(d.Change), unknown, unknown, fmt.Sprintf("%.0f %% %s", 100*d.Limit, d.Worse), d.Verdict}
		if d.ChangeLow != nil && d.ChangeHigh != nil {
			row[5] = signedShare(d.ChangeLow) + " to " + signedShare(d.ChangeHigh)
		}
		if d.P != nil {
			row[6] = fmt.Sprintf("%.2g", *d.P)
		}
		t.Rows = append(t.Rows, row)
	}
	if len(t.Rows) > 0 {
		out.Tables = []captioned{t}
	}
	figures := gather(v.soakCourse, v.soakLatency)
	out.Figures = drawAll(figures)
	return out, figures
}

func signedShare(v *float64) string {
	if v == nil {
		return unknown
	}
	return fmt.Sprintf("%+.1f %%", 100**v)
}

// soakDots bounds the marks of a line: a week has twenty thousand pieces.
const soakDots = 240

// soakPoints are the pieces, or the medians of neighbours where there are many:
// minutes under load and the value, without pieces that did not measure.
func (v *view) soakPoints(f *soakFigure) (minutes, values []float64) {
	series := v.sum.Soak.Series
	each := (len(series) + soakDots - 1) / soakDots
	for i := 0; i < len(series); i += each {
		var t, y []float64
		for k := i; k < min(i+each, len(series)); k++ {
			if x := f.of(&series[k]); x != nil && series[k].Verdict != results.VerdictInvalid && !math.IsNaN(*x) && !math.IsInf(*x, 0) {
				t, y = append(t, series[k].TSec/60), append(y, *x)
			}
		}
		if len(y) > 0 {
			slices.Sort(y)
			minutes, values = append(minutes, t[len(t)/2]), append(values, y[len(y)/2])
		}
	}
	return minutes, values
}

// soakCourse shows rate, memory and processor time of the pieces beside their
// medians.
func (v *view) soakCourse() (Figure, bool) {
	c := &xyChart{title: "Rate, memory and CPU over the soak"}
	f, ok := v.soakChart(c, []int{0, 3, 4}, true)
	if !ok {
		return f, false
	}
	return xyFigure("soak-course", "Each line is a figure of the pieces ÷ its median: a line that leaves 100 % and stays away drifts.", c, f.Table), true
}

// soakLatency shows the latency of the pieces.
func (v *view) soakLatency() (Figure, bool) {
	c := &xyChart{title: "Commit latency over the soak"}
	f, ok := v.soakChart(c, []int{1, 2}, false)
	if !ok {
		return f, false
	}
	return xyFigure("soak-latency", "Commit latency of each piece, from the intended send.", c, f.Table), true
}

// soakChart draws some of soakFigures over time; relative ones as shares of their
// median.
func (v *view) soakChart(c *xyChart, which []int, relative bool) (Figure, bool) {
	table := Table{Head: []string{"figure", "time under load (min)", "value"}}
	var xs, ys []float64
	for _, i := range which {
		f := &soakFigures[i]
		t, y := v.soakPoints(f)
		sorted := slices.Clone(y)
		slices.Sort(sorted)
		if len(y) < 2 || relative && !(sorted[len(sorted)/2] > 0) {
			continue
		}
		line := series{name: f.name, ink: f.ink, joined: true}
		for k := range y {
			at := y[k]
			if relative {
				at /= sorted[len(sorted)/2]
			}
			line.pts = append(line.pts, dataPoint{x: t[k], y: at, tip: fmt.Sprintf("%s at %s min: %s", f.name, digits(t[k]), f.text(&y[k]))})
			table.Rows = append(table.Rows, []string{f.name, digits(t[k]), f.text(&y[k])})
			xs, ys = append(xs, t[k]), append(ys, at)
		}
		c.series = append(c.series, line)
	}
	if len(c.series) == 0 {
		return Figure{}, false
	}
	c.x = linearAxis("time under load (min)", plain, xs...)
	if relative {
		c.y = linearAxis("value ÷ its median (%)", tickPercent, ys...)
		c.across = []refLine{{1, inkAxis, "median"}}
	} else {
		c.y = linearAxis("commit latency (ms)", plain, ys...)
	}
	return Figure{Table: table}, true
}
