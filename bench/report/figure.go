package report

import (
	"fmt"
	"strings"
)

// Figure is one drawing of a report: the same content as SVG, as PNG and as a
// table.
type Figure struct {
	ID     string // stable; a file name without its ending
	Title  string
	XLabel string // quantity and unit
	YLabel string
	About  string // what it shows, in a sentence or two
	Table  Table

	chart chart
}

// Table is the figure's values for those who cannot see it, or want the numbers.
type Table struct {
	Head []string
	Rows [][]string
}

// SVG returns the figure as a file on white paper, 720 pixels wide.
func (f *Figure) SVG() []byte { return f.chart.draw(wide).svgFile(f.Title, f.description()) }

// PNG returns the figure as a file on white paper, 1440 dots wide.
func (f *Figure) PNG() ([]byte, error) {
	data, err := f.chart.draw(wide).png()
	if err != nil {
		return nil, fmt.Errorf("figure %s: %w", f.ID, err)
	}
	return data, nil
}

// inline returns the figure for a page, in both sizes; the style sheet shows one.
func (f *Figure) inline() []byte {
	var out []byte
	for _, z := range []size{wide, narrow} {
		out = append(out, f.chart.draw(z).svg(f.ID+"-"+z.name, "fig "+z.name, f.Title, f.description())...)
	}
	return out
}

// description is what a screen reader says before the table.
func (f *Figure) description() string {
	return strings.TrimSpace(f.About + " Horizontal axis: " + f.XLabel + ". Vertical axis: " + f.YLabel + ".")
}

// xyFigure and barFigure take the labels of the axes from the chart, so that they
// are stated once.

func xyFigure(id, about string, c *xyChart, t Table) Figure {
	return Figure{ID: id, Title: c.title, XLabel: c.x.label, YLabel: c.y.label, About: about, Table: t, chart: c}
}

func barFigure(id, about string, c *barChart, t Table) Figure {
	return Figure{ID: id, Title: c.title, XLabel: c.x.label, YLabel: c.of, About: about, Table: t, chart: c}
}
