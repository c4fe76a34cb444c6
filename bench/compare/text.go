package compare

import (
	"fmt"
	"math"
	"strings"

	"golang.org/x/perf/benchunit"
)

// columns is the width that a table fits.
const columns = 80

// Widths of the columns of a table.
const (
	nameWidth  = 14
	valueWidth = 11
)

// Text returns the comparison as lines of at most 80 columns, grouped by unit.
func (res *Result) Text() []string {
	out := wrapped("base  ", res.Base)
	out = append(out, wrapped("head  ", res.Head)...)
	for _, unit := range res.units() {
		out = append(out, "")
		out = append(out, wrapped("", unitHead(unit, res.betterOf(unit)))...)
		out = append(out, fmt.Sprintf("%-*s %*s %*s %6s %-14s %-6s %s", nameWidth, "", valueWidth, "base", valueWidth, "head", "ratio", "95 % interval", "p", "verdict"))
		for _, row := range res.Rows {
			if row.Unit == unit {
				out = append(out, row.lines()...)
			}
		}
		for _, g := range res.Geomeans {
			if g.Unit == unit {
				out = append(out, g.line())
			}
		}
	}
	out = append(out, "")
	for _, w := range res.Warnings {
		out = append(out, wrapped("warning: ", w)...)
	}
	for _, n := range res.Notes {
		out = append(out, wrapped("note: ", n)...)
	}
	for _, side := range []struct {
		name string
		list []string
	}{{"base", res.OnlyBase}, {"head", res.OnlyHead}} {
		if len(side.list) > 0 {
			out = append(out, wrapped("note: ", fmt.Sprintf("only %s has %s", side.name, some(side.list)))...)
		}
	}
	return append(out, wrapped("verdict: ", res.Headline())...)
}

// Headline is the verdict in one sentence.
func (res *Result) Headline() string {
	count := map[Verdict]int{}
	for _, row := range res.Rows {
		count[row.Verdict]++
	}
	var parts []string
	for _, v := range []Verdict{Slower, Faster, Changed, Same, Inconclusive} {
		if count[v] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[v], v))
		}
	}
	text := fmt.Sprintf("%s (%s of %d rows; changes within ±%.3g %% count as same)", res.Verdict, strings.Join(parts, ", "), len(res.Rows), 100*res.Delta)
	if res.Noisy {
		text = "noisy, so " + text
	}
	if why := res.undecided(); why != "" {
		text += "; " + why
	}
	return text
}

// undecided sums up why rows are inconclusive and what would decide them.
func (res *Result) undecided() string {
	most, unknown, reason := 0, 0, ""
	for _, row := range res.Rows {
		if row.Verdict != Inconclusive {
			continue
		}
		if reason == "" {
			reason = row.Reason
		}
		if row.RunsFor == nil {
			unknown++
		} else {
			most = max(most, *row.RunsFor)
		}
	}
	switch {
	case reason == "":
		return ""
	case most > 0 && unknown > 0:
		return fmt.Sprintf("%s; about %d runs per side would decide all but %d", reason, most, unknown)
	case most > 0:
		return fmt.Sprintf("%s; about %d runs per side would decide", reason, most)
	}
	return reason
}

// units lists the units in the order of the rows.
func (res *Result) units() []string {
	var out []string
	seen := map[string]bool{}
	for _, row := range res.Rows {
		if !seen[row.Unit] {
			seen[row.Unit] = true
			out = append(out, row.Unit)
		}
	}
	return out
}

func (res *Result) betterOf(unit string) string {
	for _, row := range res.Rows {
		if row.Unit == unit {
			return row.Better
		}
	}
	return ""
}

func unitHead(unit, better string) string {
	if better == "" {
		return unit + " (which way is better is not known: write a line \"Unit " + unit + " better=lower\")"
	}
	return unit + " (" + better + " is better)"
}

// lines is a row; a long name stands on a line of its own.
func (row *Row) lines() []string {
	var out []string
	name := row.Metric
	if len([]rune(name)) > nameWidth {
		out = append(out, name)
		name = ""
	}
	p := "-"
	if row.P != nil {
		p = probability(*row.P)
	}
	return append(out, strings.TrimRight(fmt.Sprintf("%-*s %*s %*s %6s %-14s %-6s %s", nameWidth, name,
		valueWidth, value(row.Base, row.Unit)+plusMinus(row.BaseSpread),
		valueWidth, value(row.Head, row.Unit)+plusMinus(row.HeadSpread),
		ratio(row.Ratio), interval(row.CI95), p, row.Verdict), " "))
}

func (g Geomean) line() string {
	parts := []string{fmt.Sprintf("%d of %d slower", g.Slower, g.Rows), fmt.Sprintf("%d faster", g.Faster)}
	if g.Changed > 0 {
		parts = []string{fmt.Sprintf("%d of %d changed", g.Changed, g.Rows)}
	}
	return fmt.Sprintf("%-*s %*s %*s %6s %s", nameWidth, "geomean", valueWidth, "", valueWidth, "", ratio(&g.Ratio), strings.Join(parts, ", "))
}

// value formats a figure with the prefix that its unit wants.
func value(v float64, unit string) string {
	if v == 0 {
		return "0"
	}
	if unit == "ms" || unit == "us" { // these carry a prefix of their own
		return trimNumber(v)
	}
	class := benchunit.ClassOf(unit)
	if a := math.Abs(v); class == benchunit.Decimal && a >= 1 && a < 1000 {
		return trimNumber(v)
	}
	return benchunit.Scale(v, class)
}

func trimNumber(v float64) string { return fmt.Sprintf("%.4g", v) }

func plusMinus(s *float64) string {
	if s == nil {
		return ""
	}
	if *s >= 0.995 {
		return " >99%"
	}
	return fmt.Sprintf(" ±%.0f%%", 100**s)
}

func ratio(r *float64) string {
	if r == nil {
		return "-"
	}
	return number(*r)
}

// probability never rounds to a certainty.
func probability(p float64) string {
	if p < 0.0005 {
		return "<0.001"
	}
	return fmt.Sprintf("%.3f", p)
}

// number keeps three decimals, or four digits where there are more.
func number(r float64) string {
	if r >= 99.95 || r < 0.001 {
		return fmt.Sprintf("%.3g", r)
	}
	if r >= 9.9995 {
		return fmt.Sprintf("%.2f", r)
	}
	return fmt.Sprintf("%.3f", r)
}

func interval(ci *[2]float64) string {
	if ci == nil {
		return "-"
	}
	return "[" + number(ci[0]) + ", " + number(ci[1]) + "]"
}

// wrapped breaks a text at spaces behind a label, and indents what follows.
func wrapped(label, text string) []string {
	var out []string
	line := label
	empty := true
	for _, word := range strings.Fields(text) {
		if !empty && len([]rune(line))+1+len([]rune(word)) > columns {
			out = append(out, line)
			line, empty = strings.Repeat(" ", 2), true
		}
		if !empty {
			line += " "
		}
		line += word
		empty = false
	}
	return append(out, line)
}
