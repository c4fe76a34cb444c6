package report

import (
	"math"
	"strings"
)

// size is one of the two forms of a figure: beside others on a wide page, or
// alone on a telephone.
type size struct {
	name   string
	w, h   float64
	titles float64 // font sizes
	labels float64
}

var (
	wide   = size{"wide", 720, 420, 15, 12.5}
	narrow = size{"narrow", 360, 340, 14, 12}
)

// chart is a figure that can be drawn in any size.
type chart interface {
	draw(size) *scene
}

// xyChart has two numeric axes.
type xyChart struct {
	title  string
	x, y   axis
	bands  []band // upright, the whole height
	boxes  []box
	ranges []ribbon
	across []refLine // level lines
	down   []refLine // upright lines
	series []series
	keys   []key // in the legend, behind those of the series
}

// band marks a stretch of the x axis.
type band struct {
	lo, hi float64
	ink    ink
	label  string
}

// box is a filled rectangle in the units of the axes.
type box struct {
	x0, x1, y0, y1 float64
	ink            ink
	tip            string
}

// ribbon is what lies between two curves.
type ribbon struct {
	xs, lo, hi []float64
	ink        ink
	name       string // in the legend; empty: not there
}

// refLine is a line at one value.
type refLine struct {
	at    float64
	ink   ink
	label string
}

// series are points, joined or not.
type series struct {
	name   string // in the legend; empty: not there
	ink    ink
	mark   mark
	joined bool
	dash   []float64
	pts    []dataPoint
}

type dataPoint struct {
	x, y float64
	tip  string
	mark mark // markNone: the one of the series
}

// plot maps the units of a chart to places in a scene.
type plot struct {
	s              *scene
	x, y           *axis
	x0, x1, y0, y1 float64 // y0 is the lower edge
}

// at returns the place of a value; what is outside the axes is put on their edge.
func (p *plot) at(x, y float64) (point, bool) {
	fx, okX := p.x.fraction(x)
	fy, okY := p.y.fraction(y)
	fx, fy = min(max(fx, 0), 1), min(max(fy, 0), 1)
	return point{p.x0 + fx*(p.x1-p.x0), p.y0 + fy*(p.y1-p.y0)}, okX && okY
}

func (c *xyChart) draw(z size) *scene {
	s := &scene{w: z.w, h: z.h}
	top := drawHead(s, z, c.title, c.legend())
	left := 10.0
	for _, t := range c.y.marks(6) {
		left = max(left, textWidth(t.name, z.labels)+16)
	}
	p := &plot{s: s, x: &c.x, y: &c.y, x0: left, x1: z.w - 18, y0: z.h - 46, y1: top + 26}
	s.text(inkMuted, z.labels, anchorStart, 6, top+8, shorten(c.y.label, z.labels, z.w-12))
	labelY := p.y1 + 14.0
	for _, r := range c.across { // labels of upright lines stand below those of level ones
		if a, ok := p.at(c.x.lo, r.at); ok && a.y-5 < labelY+z.labels && a.y+z.labels+4 > labelY {
			labelY = a.y + z.labels + 4
		}
	}
	labels := c.drawBands(p, labelY, z.labels)
	p.drawAxes(z)
	for _, l := range labels {
		p.labelBeside(z, l.ink, l.at.x, l.at.y, l.text)
	}
	for _, r := range c.ranges {
		p.ribbon(r)
	}
	for _, b := range c.boxes {
		a, okA := p.at(b.x0, b.y0)
		d, okD := p.at(b.x1, b.y1)
		if okA && okD {
			s.rect(b.ink, 0, b.tip, a.x, a.y, d.x, d.y)
		}
	}
	for _, r := range c.across {
		a, ok := p.at(c.x.lo, r.at)
		if f, _ := c.y.fraction(r.at); ok && f >= 0 && f <= 1 {
			s.line(r.ink, 1.5, []float64{6, 4}, point{p.x0, a.y}, point{p.x1, a.y})
			s.label(r.ink, z.labels, anchorStart, p.x0+6, a.y-5, shorten(r.label, z.labels, p.x1-p.x0-12))
		}
	}
	for k, r := range c.down {
		a, ok := p.at(r.at, c.y.lo)
		if f, _ := c.x.fraction(r.at); ok && f >= 0 && f <= 1 {
			s.line(r.ink, 1.5, []float64{6, 4}, point{a.x, p.y0}, point{a.x, p.y1})
			p.labelBeside(z, r.ink, a.x, labelY+float64(k)*(z.labels+3), r.label)
		}
	}
	for i := range c.series {
		p.series(&c.series[i])
	}
	return s
}

// bandLabel is written once the grid is there.
type bandLabel struct {
	at   point
	ink  ink
	text string
}

// drawBands draws the bands and returns their labels.
func (c *xyChart) drawBands(p *plot, labelY, fontSize float64) (labels []bandLabel) {
	for k, b := range c.bands {
		lo, okL := p.at(b.lo, c.y.lo)
		hi, okH := p.at(b.hi, c.y.lo)
		if !okL || !okH {
			continue
		}
		if hi.x-lo.x < 3 { // a narrow interval must still be seen
			lo.x, hi.x = (lo.x+hi.x)/2-1.5, (lo.x+hi.x)/2+1.5
		}
		p.s.rect(b.ink, 0.18, b.label, lo.x, p.y0, hi.x, p.y1)
		y := labelY + float64(k)*(fontSize+3)
		labels = append(labels, bandLabel{point{(lo.x + hi.x) / 2, y}, b.ink, b.label})
	}
	return labels
}

// labelBeside writes a text to the side of an upright line that has more room.
func (p *plot) labelBeside(z size, k ink, x, y float64, text string) {
	if x-p.x0 > p.x1-x {
		p.s.label(k, z.labels, anchorEnd, x-5, y, shorten(text, z.labels, x-5-p.x0))
		return
	}
	p.s.label(k, z.labels, anchorStart, x+5, y, shorten(text, z.labels, p.x1-x-5))
}

// drawAxes draws grid, ticks and the label of the x axis.
func (p *plot) drawAxes(z size) {
	s := p.s
	for _, t := range p.y.marks(6) {
		y := p.y0 + t.at*(p.y1-p.y0)
		if t.name != "" {
			s.line(inkGrid, 1, nil, point{p.x0, y}, point{p.x1, y})
			s.text(inkMuted, z.labels, anchorEnd, p.x0-6, y+4, t.name)
		}
	}
	p.drawX(z, true)
	s.line(inkAxis, 1, nil, point{p.x0, p.y1}, point{p.x0, p.y0})
}

// drawX draws the lower axis.
func (p *plot) drawX(z size, grid bool) {
	s := p.s
	most := int((p.x1 - p.x0) / 62)
	if len(p.x.ticks) > 0 {
		most = int((p.x1 - p.x0) / 26)
	}
	last := math.Inf(-1)
	for _, t := range p.x.marks(most) {
		x := p.x0 + t.at*(p.x1-p.x0)
		if grid && len(p.x.ticks) == 0 && t.name != "" {
			s.line(inkGrid, 1, nil, point{x, p.y0}, point{x, p.y1})
		}
		w := textWidth(t.name, z.labels)
		if t.name == "" || x-w/2 < last {
			continue // names never overlap
		}
		last = x + w/2 + 6
		s.text(inkMuted, z.labels, anchorMiddle, max(w/2+2, min(x, z.w-w/2-2)), p.y0+17, t.name)
	}
	s.line(inkAxis, 1, nil, point{p.x0, p.y0}, point{p.x1, p.y0})
	s.text(inkMuted, z.labels, anchorMiddle, (p.x0+p.x1)/2, p.y0+37, shorten(p.x.label, z.labels, z.w-8))
}

func (p *plot) ribbon(r ribbon) {
	var up, down []point
	for k := range r.xs {
		a, okA := p.at(r.xs[k], r.lo[k])
		b, okB := p.at(r.xs[k], r.hi[k])
		if okA && okB {
			down = append(down, a)
			up = append(up, b)
		}
	}
	for k := len(down) - 1; k >= 0; k-- {
		up = append(up, down[k])
	}
	if len(up) > 2 {
		p.s.area(r.ink, 0.2, r.name, up...)
	}
}

func (p *plot) series(r *series) {
	var line []point
	for _, d := range r.pts {
		if at, ok := p.at(d.x, d.y); ok {
			line = append(line, at)
		}
	}
	if r.joined && len(line) > 1 {
		p.s.line(r.ink, 2, r.dash, line...)
	}
	for _, d := range r.pts {
		m := r.mark
		if d.mark != markNone {
			m = d.mark
		}
		if at, ok := p.at(d.x, d.y); ok {
			p.s.mark(m, r.ink, at.x, at.y, 4.2, d.tip)
		}
	}
}

// key is one entry of a legend.
type key struct {
	name string
	ink  ink
	mark mark
	line bool
	dash []float64
	area bool
	soft bool // the area is as pale as a ribbon
}

func (c *xyChart) legend() []key {
	var keys []key
	for i := range c.series {
		r := &c.series[i]
		if r.name != "" && len(r.pts) > 0 {
			keys = append(keys, key{name: r.name, ink: r.ink, mark: r.mark, line: r.joined, dash: r.dash})
		}
	}
	for _, r := range c.ranges {
		if r.name != "" {
			keys = append(keys, key{name: r.name, ink: r.ink, area: true, soft: true})
		}
	}
	return append(keys, c.keys...)
}

// drawHead writes title and legend and returns the height that they took.
func drawHead(s *scene, z size, title string, keys []key) float64 {
	y := 8.0
	for _, line := range strings.Split(fold(title, z.titles*1.04, z.w-12), "\n") {
		y += z.titles + 4
		s.boldText(inkText, z.titles, 6, y, line)
	}
	if len(keys) == 0 {
		return y + 10
	}
	x := 6.0
	y += z.labels + 9
	for _, k := range keys {
		name := shorten(k.name, z.labels, z.w-44)
		w := 26 + textWidth(name, z.labels) + 14
		if x > 6 && x+w > z.w {
			x = 6
			y += z.labels + 6
		}
		mid := y - z.labels*0.35
		switch {
		case k.area && k.soft:
			s.rect(k.ink, 0.3, "", x, mid-5, x+20, mid+5)
		case k.area:
			s.rect(k.ink, 0, "", x+4, mid-5, x+16, mid+5)
		default:
			if k.line {
				s.line(k.ink, 2, k.dash, point{x, mid}, point{x + 20, mid})
			}
			s.mark(k.mark, k.ink, x+10, mid, 4.2, "")
		}
		s.text(inkText, z.labels, anchorStart, x+26, y, name)
		x += w
	}
	return y + 12
}

// fold breaks a text into lines that fit.
func fold(text string, size, width float64) string {
	var b strings.Builder
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case textWidth(line+" "+word, size) > width:
			b.WriteString(line + "\n")
			line = word
		default:
			line += " " + word
		}
	}
	b.WriteString(line)
	return b.String()
}
