package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"unicode"
)

var (
	//go:embed page.tmpl
	pageText string
	//go:embed page.css
	pageCSS string

	pageTemplate = template.Must(template.New("page").Parse(pageText))
)

// page is what the template fills in: one file that needs nothing else, not even
// scripts.
type page struct {
	Title    string // of the window
	Style    template.CSS
	Heading  string
	Sub      string
	Banners  []banner
	Tiles    []tile
	Warnings []string
	Sections []section
	Foot     string
}

// banner stands above everything else.
type banner struct {
	Class string // "", "partial" or "note"
	Head  string
	Text  string
	List  []string
}

// tile is one figure of the verdict.
type tile struct {
	Name, Value string
	More        []string
	First       bool
}

type section struct {
	Title   string
	Text    []string
	Tables  []captioned
	Figures []drawn
	Facts   []captioned
	Steps   []string
	Link    *link
}

type captioned struct {
	Caption string
	Table
}

type drawn struct {
	ID, About string
	Drawing   template.HTML
	Table     captioned
}

type link struct{ Href, Text string }

// pageStyle is the style sheet: the inks on light and on dark paper; paper that
// is printed on is always light.
func pageStyle() template.CSS {
	return template.CSS(":root{color-scheme:light dark;--font:" + fontFamily + ";" + inkVariables(false) + "}\n" +
		"@media (prefers-color-scheme:dark){:root{" + inkVariables(true) + "}}\n" +
		"@media print{:root{color-scheme:light;" + inkVariables(false) + "}}\n" +
		inkStyles() + pageCSS) //nolint:gosec // nothing of it comes from a record
}

// render fills in the page.
func (p *page) render() ([]byte, error) {
	p.Style = pageStyle()
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("the report cannot be written: %w", err)
	}
	// The template escapes; control characters it lets through.
	return bytes.Map(func(r rune) rune {
		if r != '\n' && unicode.IsControl(r) || r == 0xfffe || r == 0xffff {
			return ' '
		}
		return r
	}, bytes.ToValidUTF8(b.Bytes(), []byte("\ufffd"))), nil
}

// drawAll puts figures into the page.
func drawAll(figures []Figure) []drawn {
	out := make([]drawn, 0, len(figures))
	for i := range figures {
		f := &figures[i]
		out = append(out, drawn{
			ID: f.ID, About: f.About, Table: captioned{f.Title, f.Table},
			Drawing: template.HTML(f.inline()), //nolint:gosec // every text in it went through clean
		})
	}
	return out
}
