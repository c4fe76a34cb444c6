package capacity

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// ErrBadPoints says that a set of points cannot be fitted, or not be read.
var ErrBadPoints = errors.New("bad points")

// Limits of a table of points.
const (
	maxPoints  = 10_000
	maxColumns = 64
)

// Point is one measurement: a load or a size, and the throughput there.
type Point struct {
	N float64  // processors, clients, nodes, or bytes of a transaction; > 0
	X float64  // throughput in tx/s, or in any other unit
	R *float64 // response time in seconds, nil when not measured
}

// Table is what ParsePoints read.
type Table struct {
	Points []Point
	NName  string // of the column that became N
	XName  string // of the column that became X
}

// ParsePoints reads a table of measurements with a header: comma, semicolon or
// tab between the columns, lines that begin with # left out. nName and xName
// choose columns; when they are empty, n and x are taken, or, in a table of two
// columns, the first and the second whatever they are called. A column r holds
// response times in seconds. file stands for the source in errors, which wrap
// ErrBadPoints and name the line.
func ParsePoints(file string, data []byte, nName, xName string) (Table, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	in := csv.NewReader(bytes.NewReader(data))
	in.Comma, in.Comment = delimiter(data), '#'
	in.TrimLeadingSpace = in.Comma != '\t'
	in.FieldsPerRecord = -1
	in.ReuseRecord = true
	header, err := in.Read()
	if errors.Is(err, io.EOF) {
		return Table{}, fmt.Errorf("%w: %s is empty: its first line names the columns, such as n,x", ErrBadPoints, file)
	}
	if err != nil {
		return Table{}, fmt.Errorf("%w: %s: %w", ErrBadPoints, file, err)
	}
	line, _ := in.FieldPos(0)
	cols, err := findColumns(header, nName, xName)
	if err != nil {
		return Table{}, fmt.Errorf("%s:%d: %w", file, line, err)
	}
	t := Table{NName: cols.nName, XName: cols.xName}
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Table{}, fmt.Errorf("%w: %s: %w", ErrBadPoints, file, err)
		}
		line, _ = in.FieldPos(0)
		p, err := cols.point(row)
		if err != nil {
			return Table{}, fmt.Errorf("%s:%d: %w", file, line, err)
		}
		if len(t.Points) == maxPoints {
			return Table{}, fmt.Errorf("%s:%d: %w: more than %d points", file, line, ErrBadPoints, maxPoints)
		}
		t.Points = append(t.Points, p)
	}
	if len(t.Points) == 0 {
		return Table{}, fmt.Errorf("%w: %s has a header and no points", ErrBadPoints, file)
	}
	return t, nil
}

// delimiter looks at the first line that is not a comment.
func delimiter(data []byte) rune {
	for line := range bytes.Lines(data) {
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0 || line[0] == '#':
			continue
		case bytes.IndexByte(line, ',') >= 0:
			return ','
		case bytes.IndexByte(line, ';') >= 0:
			return ';'
		case bytes.IndexByte(line, '\t') >= 0:
			return '\t'
		}
		break
	}
	return ','
}

// columns are the places of what a row is read for; r is -1 when there is none.
type columns struct {
	n, x, r, width int
	nName, xName   string
}

func findColumns(header []string, nName, xName string) (columns, error) {
	if len(header) > maxColumns {
		return columns{}, fmt.Errorf("%w: %d columns, at most %d", ErrBadPoints, len(header), maxColumns)
	}
	names := make([]string, len(header))
	numbers := 0
	for i, h := range header {
		names[i] = strings.TrimSpace(h)
		if _, err := strconv.ParseFloat(names[i], 64); err == nil {
			numbers++
		}
	}
	if numbers == len(names) {
		return columns{}, fmt.Errorf("%w: the first line is numbers (%s); put a header above it, such as n,x", ErrBadPoints, strings.Join(names, ","))
	}
	find := func(want string) int {
		return slices.IndexFunc(names, func(s string) bool { return strings.EqualFold(s, want) })
	}
	c := columns{n: find(nName), x: find(xName), r: find("r"), width: len(names)}
	for _, f := range []struct {
		at   *int
		name string
		std  string
		pos  int
	}{{&c.n, nName, "n", 0}, {&c.x, xName, "x", 1}} {
		switch {
		case f.name != "" && *f.at < 0:
			return columns{}, fmt.Errorf("%w: there is no column %q; there are %s", ErrBadPoints, f.name, strings.Join(names, ", "))
		case f.name == "":
			if *f.at = find(f.std); *f.at < 0 && len(names) == 2 {
				*f.at = f.pos
			}
		}
		if *f.at < 0 {
			return columns{}, fmt.Errorf("%w: there is no column %q; there are %s: choose with --%s-column", ErrBadPoints, f.std, strings.Join(names, ", "), f.std)
		}
	}
	if c.n == c.x {
		return columns{}, fmt.Errorf("%w: column %q cannot be both n and x; choose with --n-column and --x-column", ErrBadPoints, names[c.n])
	}
	if c.r == c.n || c.r == c.x {
		c.r = -1
	}
	c.nName, c.xName = names[c.n], names[c.x]
	return c, nil
}

func (c *columns) point(row []string) (p Point, err error) {
	if len(row) != c.width {
		return p, fmt.Errorf("%w: %d columns, the header has %d", ErrBadPoints, len(row), c.width)
	}
	read := func(i int, name string) float64 {
		text := strings.TrimSpace(row[i])
		v, perr := strconv.ParseFloat(text, 64)
		if err == nil && (perr != nil || math.IsNaN(v) || math.IsInf(v, 0)) {
			err = fmt.Errorf("%w: %s is %q, want a finite number; leave out rows that were not measured", ErrBadPoints, name, text)
		}
		return v
	}
	p.N, p.X = read(c.n, c.nName), read(c.x, c.xName)
	if c.r >= 0 && strings.TrimSpace(row[c.r]) != "" {
		r := read(c.r, "r")
		p.R = &r
	}
	if err == nil {
		err = p.check()
	}
	return p, err
}

func (p Point) check() error {
	switch {
	case !(p.N > 0) || math.IsInf(p.N, 1):
		return fmt.Errorf("%w: n is %v, want a finite number > 0", ErrBadPoints, p.N)
	case !(p.X >= 0) || math.IsInf(p.X, 1):
		return fmt.Errorf("%w: x is %v at n = %v, want a finite throughput ≥ 0", ErrBadPoints, p.X, p.N)
	case p.R != nil && (!(*p.R > 0) || math.IsInf(*p.R, 1)):
		return fmt.Errorf("%w: r is %v at n = %v, want a response time in seconds > 0, or nothing", ErrBadPoints, *p.R, p.N)
	}
	return nil
}

// checkPoints wants finite points, one more than parameters, at as many
// different n as there are parameters, and some throughput.
func checkPoints(points []Point, params int) error {
	ns := make([]float64, 0, len(points))
	highest := 0.0
	for i, p := range points {
		if err := p.check(); err != nil {
			return fmt.Errorf("point %d: %w", i+1, err)
		}
		ns = append(ns, p.N)
		highest = max(highest, p.X)
	}
	slices.Sort(ns)
	different := len(slices.Compact(ns))
	switch {
	case len(points) < params+1:
		return fmt.Errorf("%w: %d points, a model of %d parameters needs at least %d: measure more", ErrBadPoints, len(points), params, params+1)
	case different < params:
		return fmt.Errorf("%w: %d different n, a model of %d parameters needs at least %d", ErrBadPoints, different, params, params)
	case highest == 0:
		return fmt.Errorf("%w: every throughput is 0", ErrBadPoints)
	}
	return nil
}

// sorted returns the points in order of n, then x. A fit must not depend on the
// order in which points were measured, not even in its last digit.
func sorted(points []Point) []Point {
	out := slices.Clone(points)
	slices.SortStableFunc(out, func(a, b Point) int {
		switch {
		case a.N < b.N || a.N == b.N && a.X < b.X:
			return -1
		case a.N > b.N || a.X > b.X:
			return 1
		}
		return 0
	})
	return out
}

// normalise gives throughput in units of the highest, so that no scale matters.
func normalise(points []Point) (scaled []Point, unit float64) {
	for _, p := range points {
		unit = max(unit, p.X)
	}
	scaled = make([]Point, len(points))
	for i, p := range points {
		scaled[i] = Point{N: p.N, X: p.X / unit}
	}
	return scaled, unit
}
