package compare

import (
	"bytes"
	"fmt"
	"html/template"
	"math"
)

// HTML returns the comparison as one self-contained page: no scripts, no
// further files, dark and light, and a table that is read aloud in order.
func (res *Result) HTML() ([]byte, error) {
	var out bytes.Buffer
	if err := page.Execute(&out, pageOf(res)); err != nil {
		return nil, fmt.Errorf("the page of the comparison: %w", err)
	}
	return out.Bytes(), nil
}

type pageData struct {
	*Result
	Headline string
	Sections []section
}

type section struct {
	Unit   string
	Head   string
	Rows   []pageRow
	Mean   string
	Plots  []plot // of the same: the style sheet shows one
	ID     int
	Method string
}

type pageRow struct {
	Row
	BaseText, HeadText, RatioText, IntervalText, PText string
}

// plot is a forest plot: ratios with their intervals around 1.
type plot struct {
	Size                string // wide, or narrow: for telephones
	Width, Height, Left int
	Rows                string // label of the upright axis
	Marks               []mark
	Ticks               []tick
	SameFrom, SameWidth float64
	One                 float64
	Axis                int
}

type mark struct {
	Name        string
	NameY, Y    int
	X, From, To float64
	Interval    bool
	Verdict     Verdict
}

type tick struct {
	X    float64
	Text string
}

func pageOf(res *Result) pageData {
	d := pageData{Result: res, Headline: res.Headline()}
	for i, unit := range res.units() {
		s := section{Unit: unit, Head: unitHead(unit, res.betterOf(unit)), ID: i}
		var rows []Row
		for _, row := range res.Rows {
			if row.Unit != unit {
				continue
			}
			p := "–"
			if row.P != nil {
				p = probability(*row.P)
			}
			rows = append(rows, row)
			s.Rows = append(s.Rows, pageRow{
				row, value(row.Base, unit) + plusMinus(row.BaseSpread), value(row.Head, unit) + plusMinus(row.HeadSpread),
				ratio(row.Ratio), interval(row.CI95), p,
			})
		}
		for _, g := range res.Geomeans {
			if g.Unit == unit {
				s.Mean = fmt.Sprintf("geometric mean of %d ratios %s: %d slower, %d faster", g.Rows, ratio(&g.Ratio), g.Slower, g.Faster)
			}
		}
		s.Plots = []plot{forest(rows, res.Delta, "wide"), forest(rows, res.Delta, "narrow")}
		d.Sections = append(d.Sections, s)
	}
	return d
}

// forest lays out the plot on a logarithmic axis that holds every interval. In
// the narrow one names stand above their marks.
func forest(rows []Row, delta float64, size string) plot {
	width, left, step, named, letters := 760, 290, 26, 5, 36
	if size == "narrow" {
		width, left, step, named, letters = 360, 20, 42, -12, 42
	}
	const right, top = 20, 44
	reach := 1.5 * math.Log1p(delta)
	for _, row := range rows {
		if row.Ratio != nil {
			reach = max(reach, 1.08*math.Abs(math.Log(*row.Ratio)))
		}
		if row.CI95 != nil {
			reach = max(reach, 1.08*math.Abs(math.Log(row.CI95[0])), 1.08*math.Abs(math.Log(row.CI95[1])))
		}
	}
	reach = min(reach, math.Log(1e6))
	middle, half := float64(left)+float64(width-left-right)/2, float64(width-left-right)/2
	x := func(r float64) float64 { return middle + half*max(-1, min(1, math.Log(r)/reach)) }
	p := plot{Size: size, Width: width, Left: left, One: middle, SameFrom: x(1 / (1 + delta)), Rows: "quantity"}
	p.SameWidth = x(1+delta) - p.SameFrom
	y := top
	if named < 0 {
		y += 18
	}
	for _, row := range rows {
		if row.Ratio == nil {
			continue
		}
		m := mark{Name: clipTo(row.Metric, letters), NameY: y + named, Y: y, X: x(*row.Ratio), Verdict: row.Verdict}
		if row.CI95 != nil {
			m.Interval, m.From, m.To = true, x(row.CI95[0]), x(row.CI95[1])
		}
		p.Marks = append(p.Marks, m)
		y += step
	}
	p.Axis = y
	for _, share := range []float64{-0.9, -0.45, 0, 0.45, 0.9} {
		r := math.Exp(share * reach)
		p.Ticks = append(p.Ticks, tick{x(r), number(r)})
	}
	p.Height = y + 44
	return p
}

func clipTo(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return "…" + string(r[len(r)-n+1:])
	}
	return s
}

var page = template.Must(template.New("compare").Funcs(template.FuncMap{
	"add": func(a, b int) int { return a + b },
	"sub": func(a, b float64) float64 { return a - b },
	"pct": func(v float64) string { return fmt.Sprintf("%.3g %%", 100*v) },
}).Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><title>weir compare: {{.Verdict}}</title>
<style>
:root{color-scheme:light dark;--fg:#1b1f24;--bg:#fff;--dim:#5b6470;--line:#d5dae0;--good:#1a7f37;--bad:#c0262d;--mild:#7a828c;--band:#e8edf3}
@media screen and (prefers-color-scheme:dark){:root{--fg:#e6e9ed;--bg:#15181c;--dim:#a2abb6;--line:#3a4149;--good:#4cc26b;--bad:#ff7b72;--mild:#9aa4af;--band:#252b33}}
@media print{:root{color-scheme:light}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:60rem;margin:0 auto;padding:1rem}
h1{font-size:1.5rem;margin:.5rem 0}h2{font-size:1.15rem;margin:2rem 0 .5rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .6rem;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child{text-align:left;white-space:normal;overflow-wrap:anywhere;min-width:9rem}
.faster{color:var(--good);font-weight:600}.slower{color:var(--bad);font-weight:600}.same,.inconclusive,.changed{color:var(--dim)}
.box{border-left:.3rem solid var(--bad);padding:.3rem .8rem;margin:.5rem 0;background:var(--band)}
caption{text-align:left}svg{display:block;width:100%;height:auto}svg.narrow{display:none}svg text{fill:var(--fg);font:13px system-ui,sans-serif}
svg .axis,svg .one{stroke:var(--dim)}svg .band{fill:var(--band)}
svg .m-faster{stroke:var(--good);fill:var(--good)}svg .m-slower{stroke:var(--bad);fill:var(--bad)}svg .m-same,svg .m-inconclusive,svg .m-changed{stroke:var(--mild);fill:var(--mild)}
p.dim,li.dim{color:var(--dim)}svg text.dim{fill:var(--dim)}
@media(max-width:560px){svg.wide{display:none}svg.narrow{display:block}table{font-size:.8rem}th,td{padding:.3rem .25rem}th:first-child,td:first-child{min-width:6rem}}
@media print{body{max-width:none;font-size:10.5pt}table{font-size:8.5pt}th,td{padding:.2rem .3rem}svg.wide{display:block}svg.narrow{display:none}svg,tr{break-inside:avoid}h2{break-after:avoid}}
</style></head><body>
<h1>weir compare: <span class="{{.Verdict}}">{{.Verdict}}</span></h1>
<p>{{.Headline}}</p>
<p class="dim">base {{.Base}}<br>head {{.Head}}</p>
{{range .Warnings}}<p class="box">{{.}}</p>{{end}}
{{range .Sections}}{{$s := .}}
<h2>{{.Head}}</h2>
<div class="scroll"><table><caption class="dim">medians of the runs, ± median absolute deviation; ratio is head/base</caption>
<thead><tr><th scope="col">quantity</th><th scope="col">base</th><th scope="col">head</th><th scope="col">ratio</th><th scope="col">95 % interval</th><th scope="col">p</th><th scope="col">verdict</th></tr></thead><tbody>
{{range .Rows}}<tr><th scope="row">{{.Metric}}</th><td>{{.BaseText}}</td><td>{{.HeadText}}</td><td>{{.RatioText}}</td><td>{{.IntervalText}}</td><td>{{.PText}}</td><td class="{{.Verdict}}"{{if .Reason}} title="{{.Reason}}"{{end}}>{{.Verdict}}</td></tr>
{{end}}</tbody></table></div>
{{if .Mean}}<p>{{.Mean}}</p>{{end}}
{{range .Plots}}{{if .Marks}}<svg class="{{.Size}}" viewBox="0 0 {{.Width}} {{.Height}}" role="img" aria-labelledby="t{{$s.ID}}{{.Size}} d{{$s.ID}}{{.Size}}"><title id="t{{$s.ID}}{{.Size}}">Ratio head/base of {{$s.Unit}} with 95 % intervals</title><desc id="d{{$s.ID}}{{.Size}}">The table above has the values. Horizontal axis: {{template "ratio" $s}}. Vertical axis: {{.Rows}}.</desc>
<rect class="band" x="{{.SameFrom}}" y="26" width="{{.SameWidth}}" height="{{add .Axis -26}}"/>
<line class="one" x1="{{.One}}" x2="{{.One}}" y1="26" y2="{{.Axis}}" stroke-dasharray="3 3"/>
<text class="dim" x="0" y="14">{{.Rows}}</text><text class="dim" x="{{.One}}" y="14" text-anchor="middle">same</text>
{{range .Marks}}<text x="0" y="{{.NameY}}">{{.Name}}</text>{{if .Interval}}<line class="m-{{.Verdict}}" stroke-width="2" x1="{{.From}}" x2="{{.To}}" y1="{{.Y}}" y2="{{.Y}}"/>{{end}}<circle class="m-{{.Verdict}}" cx="{{.X}}" cy="{{.Y}}" r="4"/>
{{end}}<line class="axis" x1="{{.Left}}" x2="{{.Width}}" y1="{{.Axis}}" y2="{{.Axis}}"/>
{{$axis := .Axis}}{{range .Ticks}}<text x="{{.X}}" y="{{add $axis 18}}" text-anchor="middle">{{.Text}}</text>{{end}}
<text class="dim" x="{{.One}}" y="{{add .Axis 38}}" text-anchor="middle">{{template "ratio" $s}}</text></svg>{{end}}{{end}}
{{end}}
<h2>Method</h2>
<p>One run of a process is one value. Ratios are the median shift of logarithms (Hodges–Lehmann), intervals invert the exact Mann–Whitney test, p is two-sided and is adjusted for {{len .Rows}} rows (Benjamini–Hochberg) before it decides. A row is same when its whole interval lies within ±{{pct .Delta}}. Nothing is dropped as an outlier.</p>
<ul>{{range .Notes}}<li class="dim">{{.}}</li>{{end}}{{range .OnlyBase}}<li class="dim">only base has {{.}}</li>{{end}}{{range .OnlyHead}}<li class="dim">only head has {{.}}</li>{{end}}</ul>
</body></html>
{{define "ratio"}}ratio head/base of {{.Unit}} (1: no change){{end}}`))
