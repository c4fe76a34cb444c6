package report

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
	"unicode"
)

const fontFamily = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"

// inkStyles are the rules that give inks their colours, by variables that the
// page sets for light and dark paper.
func inkStyles() string {
	var b strings.Builder
	for _, k := range inkOrder {
		fmt.Fprintf(&b, ".f-%s{fill:var(--%s)}.l-%s{stroke:var(--%s)}\n", k, k, k, k)
	}
	return b.String()
}

// inkVariables sets the variables for light or dark paper.
func inkVariables(dark bool) string {
	var b strings.Builder
	for _, k := range inkOrder {
		c := palette[k].light
		if dark {
			c = palette[k].dark
		}
		fmt.Fprintf(&b, "--%s:%s;", k, c)
	}
	return b.String()
}

// svg draws the scene for a page: colours come from its style sheet. id must be
// unique there; title and desc are what a screen reader says.
func (s *scene) svg(id, class, title, desc string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" class="%s" viewBox="0 0 %s %s" role="img" aria-labelledby="%s-t %s-d">`,
		html.EscapeString(class), num(s.w), num(s.h), id, id)
	fmt.Fprintf(&b, `<title id="%s-t">%s</title><desc id="%s-d">%s</desc>`, id, clean(title), id, clean(desc))
	for i := range s.items {
		s.items[i].svg(&b)
	}
	b.WriteString("</svg>")
	return b.Bytes()
}

// svgFile draws the scene as a file of its own, on white paper.
func (s *scene) svgFile(title, desc string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%s" height="%s" viewBox="0 0 %s %s" role="img" aria-labelledby="t d">`+"\n",
		num(s.w), num(s.h), num(s.w), num(s.h))
	fmt.Fprintf(&b, "<title id=\"t\">%s</title>\n<desc id=\"d\">%s</desc>\n", clean(title), clean(desc))
	b.WriteString("<style>text{font-family:" + fontFamily + "}path{fill:none}\n")
	for _, k := range inkOrder {
		fmt.Fprintf(&b, ".f-%s{fill:%s}.l-%s{stroke:%s}\n", k, palette[k].light, k, palette[k].light)
	}
	fmt.Fprintf(&b, "</style>\n<rect width=\"%s\" height=\"%s\" class=\"f-%s\"/>\n", num(s.w), num(s.h), inkPaper)
	for i := range s.items {
		s.items[i].svg(&b)
		b.WriteByte('\n')
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func (i *item) svg(b *bytes.Buffer) {
	switch i.shape {
	case shapePath:
		fmt.Fprintf(b, `<path class="l-%s" stroke-width="%s"`, i.ink, num(i.width))
		if len(i.dash) > 0 {
			words := make([]string, len(i.dash))
			for k, d := range i.dash {
				words[k] = num(d)
			}
			fmt.Fprintf(b, ` stroke-dasharray="%s"`, strings.Join(words, " "))
		}
		fmt.Fprintf(b, ` d="%s"`, pathOf(i.pts))
		i.end(b, "path")
	case shapeArea:
		fmt.Fprintf(b, `<polygon class="f-%s"`, i.ink)
		if i.alpha > 0 {
			fmt.Fprintf(b, ` fill-opacity="%s"`, num(i.alpha))
		}
		b.WriteString(` points="`)
		for k, p := range i.pts {
			if k > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(num(p.x) + "," + num(p.y))
		}
		b.WriteByte('"')
		i.end(b, "polygon")
	case shapeCircle:
		fmt.Fprintf(b, `<circle class="f-%s" cx="%s" cy="%s" r="%s"`, i.ink, num(i.pts[0].x), num(i.pts[0].y), num(i.radius))
		i.end(b, "circle")
	case shapeText:
		fmt.Fprintf(b, `<text class="f-%s" x="%s" y="%s" font-size="%s"`, i.ink, num(i.pts[0].x), num(i.pts[0].y), num(i.size))
		if i.bold {
			b.WriteString(` font-weight="600"`)
		}
		switch i.anchor {
		case anchorMiddle:
			b.WriteString(` text-anchor="middle"`)
		case anchorEnd:
			b.WriteString(` text-anchor="end"`)
		}
		b.WriteString(">" + clean(i.text) + "</text>")
	}
}

// end closes a shape's tag, with its tip where it has one.
func (i *item) end(b *bytes.Buffer, tag string) {
	if i.tip == "" {
		b.WriteString("/>")
		return
	}
	fmt.Fprintf(b, "><title>%s</title></%s>", clean(i.tip), tag)
}

func pathOf(pts []point) string {
	var b strings.Builder
	for k, p := range pts {
		letter := byte('L')
		if k == 0 {
			letter = 'M'
		}
		b.WriteByte(letter)
		b.WriteString(num(p.x) + " " + num(p.y))
	}
	return b.String()
}

// num is a coordinate with a tenth of a pixel. What is not a number would end
// the drawing in some readers, so it becomes 0; scales keep it from happening.
func num(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "0"
	}
	return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)
}

// clean makes a text safe inside XML: escaped, and without the control
// characters that XML does not have.
func clean(text string) string {
	return html.EscapeString(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == 0xfffe || r == 0xffff {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "�")))
}
