package compare

import (
	"bytes"
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"
)

// sparkWidth is the number of characters of a small plot in the terminal.
const sparkWidth = 48

// Text returns the history as lines of at most 80 columns: for every series a
// small plot, its latest value, and its changes.
func (h *History) Text() []string {
	var out []string
	few := 0
	group := ""
	for _, s := range h.Series {
		if now := s.Name + "\x00" + s.Machine; now != group {
			if group != "" {
				out = append(out, "")
			}
			group = now
			out = append(out, wrapped("", s.Name)...)
			out = append(out, wrapped("  ", s.Machine)...)
		}
		title := s.Metric + " " + s.Unit
		first, last := s.Points[0], s.Points[len(s.Points)-1]
		if len(s.Points) == 1 {
			few++
			out = append(out, wrapped("  ", fmt.Sprintf("%s %s on %s", title, value(last.Value, s.Unit), day(last.At)))...)
			continue
		}
		if s.Better != "" {
			title += " (" + s.Better + " is better)"
		}
		out = append(out, wrapped("  ", title)...)
		out = append(out, "  "+s.spark(),
			fmt.Sprintf("  %d points, %s to %s, %s to %s, latest %s", len(s.Points), day(first.At), day(last.At),
				value(s.low(), s.Unit), value(s.high(), s.Unit), value(last.Value, s.Unit)))
		for _, c := range s.Changes {
			out = append(out, "  "+c.line(s.Unit))
		}
		switch {
		case !s.Searched:
			few++
		case len(s.Changes) == 0:
			out = append(out, "  no change")
		}
	}
	if few > 0 {
		out = append(out, "")
		out = append(out, wrapped("note: ", fmt.Sprintf("%d of %d series have fewer than %d points: too few to look for changes", few, len(h.Series), 2*shortestStretch))...)
	}
	for _, w := range h.Warnings {
		out = append(out, wrapped("warning: ", w)...)
	}
	return out
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func (c Change) line(unit string) string {
	by := ""
	if c.Ratio != nil {
		by = fmt.Sprintf("  %+.1f %%", 100*(*c.Ratio-1))
	}
	verdict := string(c.Verdict)
	if c.Verdict == Same {
		verdict = "level the same, spread changed"
	}
	rev := ""
	if c.Revision != nil {
		rev = "  " + (*c.Revision)[:min(len(*c.Revision), 10)]
	}
	return fmt.Sprintf("%s%s  %s → %s%s  %s  p %s", day(c.At), rev, value(c.Before, unit), value(c.After, unit), by, verdict, probability(c.P))
}

func (s *Series) low() float64 {
	v := math.Inf(1)
	for _, p := range s.Points {
		v = min(v, p.Value)
	}
	return v
}

func (s *Series) high() float64 {
	v := math.Inf(-1)
	for _, p := range s.Points {
		v = max(v, p.Value)
	}
	return v
}

// spark draws the values as bars of eight heights, a bar │ standing before the
// first value after a change. Long series show the mean of neighbours.
func (s *Series) spark() string {
	bars := []rune("▁▂▃▄▅▆▇█")
	lo, hi := s.low(), s.high()
	each := (len(s.Points) + sparkWidth - 1) / sparkWidth
	var b strings.Builder
	for i := 0; i < len(s.Points); i += each {
		end := min(i+each, len(s.Points))
		sum := 0.0
		for _, p := range s.Points[i:end] {
			sum += p.Value / float64(end-i)
		}
		for _, c := range s.Changes {
			if c.Index >= i && c.Index < end {
				b.WriteRune('│')
			}
		}
		at := 3
		if hi > lo {
			at = int((sum - lo) / (hi - lo) * 7.999)
		}
		b.WriteRune(bars[max(0, min(7, at))])
	}
	return b.String()
}

// historyPanel is one plot of the page.
type historyPanel struct {
	Title, Machine string
	ID             int
	Y              int
	Points         []historyDot
	Levels         []historyLevel
	Changes        []historyLine
	Ticks          []tick
	From, To       string
	Unit           string
}

type historyDot struct {
	X, Y float64
	Text string
}

type historyLevel struct{ From, To, Y float64 }

type historyLine struct {
	X    float64
	Text string
}

// Sizes of a panel.
const (
	panelWidth, panelHeight          = 760, 190
	panelLeft, panelRight            = 90, 15
	panelTop, panelBottom, panelStep = 34, 30, 210
)

// SVG returns the series as one picture, a panel each, points evenly spaced.
func (h *History) SVG() ([]byte, error) {
	var panels []historyPanel
	for i, s := range h.Series {
		panels = append(panels, s.panel(i))
	}
	var out bytes.Buffer
	err := historyPicture.Execute(&out, struct {
		Panels        []historyPanel
		Width, Height int
	}{panels, panelWidth, max(1, len(panels)) * panelStep})
	if err != nil {
		return nil, fmt.Errorf("the picture of the history: %w", err)
	}
	return out.Bytes(), nil
}

func (s *Series) panel(i int) historyPanel {
	p := historyPanel{
		Title: fmt.Sprintf("%s · %s", s.Name, s.Metric), Machine: s.Machine, ID: i, Y: i * panelStep, Unit: s.Unit,
		From: day(s.Points[0].At), To: day(s.Points[len(s.Points)-1].At),
	}
	if s.Better != "" {
		p.Unit += ", " + s.Better + " is better"
	}
	lo, hi := s.low(), s.high()
	if hi == lo {
		lo, hi = lo-math.Max(1e-12, math.Abs(lo)/10), hi+math.Max(1e-12, math.Abs(hi)/10)
	}
	margin := (hi - lo) / 10
	lo, hi = lo-margin, hi+margin
	x := func(k float64) float64 {
		if len(s.Points) == 1 {
			return (panelLeft + panelWidth - panelRight) / 2
		}
		return panelLeft + 8 + k/float64(len(s.Points)-1)*(panelWidth-panelRight-panelLeft-16)
	}
	y := func(v float64) float64 {
		return panelTop + (hi-v)/(hi-lo)*(panelHeight-panelTop-panelBottom)
	}
	for k, pt := range s.Points {
		text := day(pt.At) + " " + value(pt.Value, s.Unit)
		if pt.Revision != nil {
			text += " " + *pt.Revision
		}
		p.Points = append(p.Points, historyDot{x(float64(k)), y(pt.Value), text})
	}
	from := 0
	for _, c := range s.Changes {
		p.Changes = append(p.Changes, historyLine{x(float64(c.Index) - 0.5), c.line(s.Unit)})
		p.Levels = append(p.Levels, historyLevel{x(float64(from)), x(float64(c.Index - 1)), y(c.Before)})
		from = c.Index
	}
	if n := len(s.Changes); n > 0 {
		p.Levels = append(p.Levels, historyLevel{x(float64(from)), x(float64(len(s.Points) - 1)), y(s.Changes[n-1].After)})
	}
	for _, share := range []float64{0.1, 0.5, 0.9} {
		v := lo + share*(hi-lo)
		p.Ticks = append(p.Ticks, tick{y(v), value(v, s.Unit)})
	}
	return p
}

var historyPicture = template.Must(template.New("history").Funcs(template.FuncMap{
	"add": func(a, b float64) float64 { return a + b },
}).Parse(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{.Width}} {{.Height}}" width="{{.Width}}" height="{{.Height}}" role="img"><title>History with change points</title>
<style>svg{color-scheme:light dark;--fg:#1b1f24;--bg:#fff;--dim:#5b6470;--dot:#0b62c4;--bad:#c0262d}@media(prefers-color-scheme:dark){svg{--fg:#e6e9ed;--bg:#15181c;--dim:#a2abb6;--dot:#6cb2ff;--bad:#ff7b72}}rect.bg{fill:var(--bg)}text{fill:var(--fg);font:12px system-ui,sans-serif}text.dim{fill:var(--dim);font-size:11px}circle{fill:var(--dot)}line.level{stroke:var(--dot);stroke-opacity:.5;stroke-width:2}line.change{stroke:var(--bad);stroke-dasharray:4 3}line.axis{stroke:var(--dim)}</style>
<rect class="bg" width="100%" height="100%"/>
{{range .Panels}}<g transform="translate(0 {{.Y}})" role="img" aria-labelledby="h{{.ID}}"><title id="h{{.ID}}">{{.Title}}</title>
<text x="10" y="14">{{.Title}} ({{.Unit}})</text><text class="dim" x="10" y="28">{{.Machine}}</text>
{{range .Ticks}}<text class="dim" x="84" y="{{add .X 4}}" text-anchor="end">{{.Text}}</text><line class="axis" x1="86" x2="90" y1="{{.X}}" y2="{{.X}}"/>{{end}}
<line class="axis" x1="90" x2="90" y1="34" y2="160"/><line class="axis" x1="90" x2="745" y1="160" y2="160"/>
<text class="dim" x="90" y="176">{{.From}}</text><text class="dim" x="745" y="176" text-anchor="end">{{.To}}</text><text class="dim" x="417" y="176" text-anchor="middle">measurements in order of time</text>
{{range .Levels}}<line class="level" x1="{{.From}}" x2="{{.To}}" y1="{{.Y}}" y2="{{.Y}}"/>{{end}}{{range .Changes}}<line class="change" x1="{{.X}}" x2="{{.X}}" y1="34" y2="160"><title>{{.Text}}</title></line>{{end}}
{{range .Points}}<circle cx="{{.X}}" cy="{{.Y}}" r="3"><title>{{.Text}}</title></circle>{{end}}</g>
{{end}}</svg>
`))
