package report

import (
	"strings"
	"unicode/utf8"
)

// A scene is a figure as flat shapes, in pixels from the top left corner. It is
// drawn as SVG or as PNG, so both show the same.
type scene struct {
	w, h  float64
	items []item
}

type shape int

const (
	shapePath   shape = iota // an open line
	shapeArea                // a closed, filled path
	shapeCircle              // filled, around pts[0]
	shapeText                // at pts[0], the baseline
)

type anchor int

const (
	anchorStart anchor = iota
	anchorMiddle
	anchorEnd
)

type point struct{ x, y float64 }

// item is one shape. Colours are named by what they mean; each way of drawing
// has its own table of them.
type item struct {
	shape  shape
	ink    ink
	pts    []point
	width  float64   // of a path
	radius float64   // of a circle
	dash   []float64 // of a path; empty: solid
	alpha  float64   // of an area; 0: opaque
	text   string
	size   float64
	bold   bool
	anchor anchor
	tip    string // what a pointer resting on the shape is told
}

// ink is the meaning of a colour.
type ink string

// Inks. The series are told apart by mark, dash or label too, never by colour
// alone.
const (
	inkText  ink = "text"
	inkMuted ink = "muted"
	inkGrid  ink = "grid"
	inkAxis  ink = "axis"
	inkPaper ink = "paper"
	inkWall  ink = "wall"
	ink1     ink = "s1"
	ink2     ink = "s2"
	ink3     ink = "s3"
	ink4     ink = "s4"
	ink5     ink = "s5"
	ink6     ink = "s6"
)

// colour is a hexadecimal RGB value on light and on dark paper.
type colour struct{ light, dark string }

// inkOrder keeps the style sheet the same from run to run.
var inkOrder = []ink{inkText, inkMuted, inkGrid, inkAxis, inkPaper, inkWall, ink1, ink2, ink3, ink4, ink5, ink6}

// palette has at least 4.5:1 for text and 3:1 for marks against both papers. Blue,
// orange, green, purple, pink and grey stay apart for colour-blind readers in
// this order.
var palette = map[ink]colour{
	inkText:  {"#1b1f24", "#e8eaed"},
	inkMuted: {"#59636e", "#a3adb8"},
	inkGrid:  {"#e3e6ea", "#2c333b"},
	inkAxis:  {"#8b949e", "#6e7781"},
	inkPaper: {"#ffffff", "#14181d"},
	inkWall:  {"#c8281e", "#ff7b72"},
	ink1:     {"#0b63ce", "#6cb0ff"},
	ink2:     {"#b75301", "#f2a151"},
	ink3:     {"#0c7d5b", "#4fc79b"},
	ink4:     {"#7a3fc4", "#c39bff"},
	ink5:     {"#b3296f", "#ff8fc2"},
	ink6:     {"#6a737d", "#9aa4ae"},
}

func (s *scene) add(i item) { s.items = append(s.items, i) }

func (s *scene) line(k ink, width float64, dash []float64, pts ...point) {
	s.add(item{shape: shapePath, ink: k, width: width, dash: dash, pts: pts})
}

func (s *scene) area(k ink, alpha float64, tip string, pts ...point) {
	s.add(item{shape: shapeArea, ink: k, alpha: alpha, tip: tip, pts: pts})
}

func (s *scene) rect(k ink, alpha float64, tip string, x0, y0, x1, y1 float64) {
	s.area(k, alpha, tip, point{x0, y0}, point{x1, y0}, point{x1, y1}, point{x0, y1})
}

func (s *scene) text(k ink, size float64, a anchor, x, y float64, text string) {
	s.add(item{shape: shapeText, ink: k, size: size, anchor: a, pts: []point{{x, y}}, text: text})
}

// label writes a text over what is there, on a patch of paper.
func (s *scene) label(k ink, size float64, a anchor, x, y float64, text string) {
	w := textWidth(text, size)
	left := x
	switch a {
	case anchorMiddle:
		left -= w / 2
	case anchorEnd:
		left -= w
	}
	s.rect(inkPaper, 0.8, "", left-2, y-size*0.9, left+w+2, y+size*0.3)
	s.text(k, size, a, x, y, text)
}

func (s *scene) boldText(k ink, size float64, x, y float64, text string) {
	s.add(item{shape: shapeText, ink: k, size: size, bold: true, pts: []point{{x, y}}, text: text})
}

// mark is the shape of a data point.
type mark int

const (
	markNone mark = iota
	markDot
	markCross
	markTriangle
	markSquare
	markRing
)

// mark draws a data point at (x, y).
func (s *scene) mark(m mark, k ink, x, y, r float64, tip string) {
	switch m {
	case markNone:
	case markDot:
		s.add(item{shape: shapeCircle, ink: k, radius: r, pts: []point{{x, y}}, tip: tip})
	case markRing:
		s.add(item{shape: shapeCircle, ink: k, radius: r, pts: []point{{x, y}}, tip: tip})
		s.add(item{shape: shapeCircle, ink: inkPaper, radius: r - 1.5, pts: []point{{x, y}}, tip: tip})
	case markSquare:
		s.rect(k, 0, tip, x-r*0.9, y-r*0.9, x+r*0.9, y+r*0.9)
	case markTriangle:
		s.area(k, 0, tip, point{x, y - r*1.15}, point{x + r*1.1, y + r*0.85}, point{x - r*1.1, y + r*0.85})
	case markCross:
		// Two strokes as one area each, so that the tip is easy to hit.
		const t = 1.1
		for _, sign := range []float64{1, -1} {
			s.area(k, 0, tip, point{x - r - t/2, y - sign*r + sign*t/2}, point{x - r + t/2, y - sign*r - sign*t/2},
				point{x + r + t/2, y + sign*r - sign*t/2}, point{x + r - t/2, y + sign*r + sign*t/2})
		}
	}
}

// textWidth is about how wide a text is. Readers have different fonts; the
// widest common sans serif (DejaVu Sans) is what it goes by.
func textWidth(text string, size float64) float64 {
	w := 0.0
	for _, r := range text {
		switch {
		case strings.ContainsRune("iljI'", r):
			w += 0.28
		case strings.ContainsRune(" .,:;|/·", r):
			w += 0.33
		case strings.ContainsRune("tfr()-", r):
			w += 0.39
		case strings.ContainsRune("csvxyzk", r):
			w += 0.56
		case strings.ContainsRune("mMW%…", r):
			w += 0.96
		case strings.ContainsRune("w=<>≤≥+×", r):
			w += 0.84
		case r >= 'A' && r <= 'Z':
			w += 0.7
		default:
			w += 0.635
		}
	}
	return w * size
}

// shorten cuts a text that is wider than it may be.
func shorten(text string, size, width float64) string {
	if textWidth(text, size) <= width {
		return text
	}
	for len(text) > 0 {
		_, n := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-n]
		if textWidth(text+"…", size) <= width {
			return text + "…"
		}
	}
	return ""
}
