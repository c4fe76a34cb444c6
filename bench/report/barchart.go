package report

import "slices"

// barChart has one bar per row, made of segments, over a linear axis. The row
// labels are its other axis.
type barChart struct {
	title string
	rows  []barRow
	of    string // what the rows are
	x     axis
	down  []refLine // upright lines
}

type barRow struct {
	label    string
	value    string // written behind the bar
	segments []segment
	strong   bool // the row that matters
}

type segment struct {
	name  string // in the legend; empty: not there
	value float64
	ink   ink
	tip   string
}

const barPitch = 34.0

func (c *barChart) draw(z size) *scene {
	s := &scene{w: z.w}
	top := drawHead(s, z, c.title, c.legend())
	stacked := z.w < 500 // labels stand above their bars
	pitch := barPitch
	left, right := 10.0, 10.0
	if stacked {
		pitch += z.labels + 5
	} else {
		for _, r := range c.rows {
			left = max(left, textWidth(r.label, z.labels*1.12)+18) // the row that matters is bold
			right = max(right, textWidth(r.value, z.labels)+14)
		}
		left, right = min(left, z.w*0.32), min(right, z.w*0.34)
	}
	// Room for the labels of the lines, above the bars.
	lines := float64(len(c.down)) * (z.labels + 4)
	p := &plot{s: s, x: &c.x, y: &axis{hi: 1}, x0: left, x1: z.w - right - 8, y1: top + 24 + lines}
	p.y0 = p.y1 + float64(len(c.rows))*pitch + 4
	s.h = p.y0 + 46
	s.text(inkMuted, z.labels, anchorStart, 6, top+8, c.of)
	for _, t := range c.x.marks(int((p.x1 - p.x0) / 62)) {
		x := p.x0 + t.at*(p.x1-p.x0)
		s.line(inkGrid, 1, nil, point{x, p.y0}, point{x, p.y1})
	}
	p.drawX(z, false)
	s.line(inkAxis, 1, nil, point{p.x0, p.y1}, point{p.x0, p.y0})
	for k, r := range c.down {
		f, ok := c.x.fraction(r.at)
		if !ok || f < 0 || f > 1 {
			continue
		}
		x := p.x0 + f*(p.x1-p.x0)
		y := top + 24 + float64(k+1)*(z.labels+4) - 6
		s.line(r.ink, 1.5, []float64{6, 4}, point{x, p.y0}, point{x, y + 4})
		wider := *p
		wider.x0, wider.x1 = 6, z.w-6
		wider.labelBeside(z, r.ink, x, y, r.label)
	}
	for k, r := range c.rows {
		c.row(p, z, &r, p.y1+float64(k)*pitch, stacked)
	}
	return s
}

func (c *barChart) row(p *plot, z size, r *barRow, y float64, stacked bool) {
	s := p.s
	k := inkText
	if r.strong {
		k = inkWall
	}
	barTop := y + 6
	if stacked {
		barTop += z.labels + 5
		label := shorten(r.label, z.labels, (z.w-16)*0.6)
		s.add(item{shape: shapeText, ink: k, size: z.labels, bold: r.strong, pts: []point{{p.x0 + 4, y + z.labels + 2}}, text: label})
		value := shorten(r.value, z.labels, z.w-28-textWidth(label, z.labels))
		s.label(inkMuted, z.labels, anchorEnd, z.w-8, y+z.labels+2, value)
	} else {
		label := shorten(r.label, z.labels, p.x0-14)
		s.add(item{
			shape: shapeText, ink: k, size: z.labels, bold: r.strong, anchor: anchorEnd,
			pts: []point{{p.x0 - 8, barTop + 11 + z.labels*0.35}}, text: label,
		})
	}
	sum, end := 0.0, p.x0
	for _, g := range r.segments {
		from, okF := c.x.fraction(sum)
		sum += g.value
		to, okT := c.x.fraction(sum)
		if !okF || !okT {
			continue
		}
		from, to = min(max(from, 0), 1), min(max(to, 0), 1)
		x0 := p.x0 + from*(p.x1-p.x0)
		end = p.x0 + to*(p.x1-p.x0)
		if g.value > 0 && end-x0 < 1 {
			end = x0 + 1 // there is something
		}
		if end > x0 {
			s.rect(g.ink, 0, g.tip, x0, barTop, end, barTop+22)
		}
	}
	if !stacked && r.value != "" {
		s.label(inkText, z.labels, anchorStart, end+8, barTop+11+z.labels*0.35, shorten(r.value, z.labels, z.w-end-10))
	}
}

func (c *barChart) legend() []key {
	var keys []key
	for _, r := range c.rows {
		for _, g := range r.segments {
			if g.name != "" && !slices.ContainsFunc(keys, func(k key) bool { return k.name == g.name }) {
				keys = append(keys, key{name: g.name, ink: g.ink, area: true})
			}
		}
	}
	return keys
}
