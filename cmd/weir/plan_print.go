package main

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/chainweir/weir/bench/plan"
)

func printPlan(w io.Writer, p *plan.Plan) {
	q := p.Question
	link := "link not in the plan"
	if q.LinkBits != nil {
		link = plan.Bits(*q.LinkBits)
	}
	asked := fmt.Sprintf("%d %s · %.4g cores · %s · %.0f B a transaction · %.0f %% headroom",
		q.Nodes, plural(q.Nodes, "node"), q.Cores, link, q.TxBytes, 100*q.Headroom)
	printWrapped(w, asked, helpColumns)
	if q.Nodes > 1 {
		fmt.Fprintf(w, "  dissemination: %s\n", map[string]string{
			plan.SingleLeader: "one leader sends every transaction to all others",
			plan.EveryNode:    "every node sends its own clients' transactions to all others",
		}[q.Dissemination])
	}
	fmt.Fprintln(w)
	carried := fmt.Sprintf("%s tx/s (%s without headroom)", siRate(p.MaxTx), siRate(p.BoundTx))
	if p.Feasible != nil {
		answer := "NO"
		if *p.Feasible {
			answer = "YES"
		}
		fmt.Fprintf(w, "%-13s %s: %s tx/s asked, %s carried\n", "answer", answer, siRate(*q.RateTxPerSec), carried)
	} else {
		fmt.Fprintf(w, "%-13s %s\n", "carries", carried)
	}
	if p.Extrapolated {
		fmt.Fprintf(w, "%-13s EXTRAPOLATED: see the reasons below\n", "")
	}
	fmt.Fprintf(w, "%-13s %s\n", "first wall", wallText(p.First, q.Nodes))
	if p.Next != nil {
		fmt.Fprintf(w, "%-13s %s\n", "next wall", wallText(*p.Next, q.Nodes))
	}
	if p.DisseminationCeiling != nil {
		fmt.Fprintf(w, "%-13s %s tx/s by payload alone, one leader sending to %d\n", "ceiling", siRate(*p.DisseminationCeiling), q.Nodes-1)
	}
	for i, c := range p.Changes {
		label := "then"
		if i == 0 {
			label = "to lift it"
		}
		after := fmt.Sprintf("%s: %s tx/s, then %s is the wall", c.Text, siRate(c.MaxTx), c.First)
		printWrapped(w, fmt.Sprintf("%-13s %s", label, after), helpColumns)
	}
	printDemands(w, p)
	printSensitivity(w, p)
	printROI(w, p.HashROI)
	printTrust(w, p)
}

func wallText(x plan.Wall, nodes int) string {
	role := ""
	if nodes > 1 {
		role = " of the " + x.Role
	}
	return fmt.Sprintf("%s%s at %s tx/s", strings.ReplaceAll(x.Resource, "_", " "), role, siRate(x.TxPerSec))
}

func printDemands(w io.Writer, p *plan.Plan) {
	at := "at the most carried"
	if p.Question.RateTxPerSec != nil {
		at = "at the rate asked"
	}
	fmt.Fprintf(w, "\n%-9s %-9s %10s %12s   %s\n", "role", "resource", "per tx", "wall tx/s", "busy "+at)
	for _, d := range p.Demand {
		queue := ", R/S no end"
		if d.ResponseFactor != nil {
			queue = fmt.Sprintf(", R/S %.2f", *d.ResponseFactor)
		}
		fmt.Fprintf(w, "%-9s %-9s %10s %12s   %s %.0f %%%s\n", d.Role, strings.ReplaceAll(d.Resource, "_", " "),
			secText(d.SecPerTx), siRate(d.WallTx), bar(d.Utilisation, 12), 100*d.Utilisation, queue)
	}
}

// printSensitivity draws one bar per value, on one scale.
func printSensitivity(w io.Writer, p *plan.Plan) {
	most := 0.0
	for _, s := range p.Sensitivity {
		for _, x := range s.Points {
			most = max(most, x.MaxTx)
		}
	}
	if most == 0 {
		return
	}
	fmt.Fprintf(w, "\nwhat is carried when one setting varies (* as asked)\n")
	for _, s := range p.Sensitivity {
		for i, x := range s.Points {
			name := ""
			if i == 0 {
				name = s.Setting
			}
			value := fmt.Sprintf("%.6g", x.Value)
			if s.Setting == "link" {
				value = plan.Bits(x.Value)
			}
			mark := " "
			if x.Asked {
				mark = "*"
			}
			fmt.Fprintf(w, "%-6s %12s %s %s %8s %s\n", name, value, mark, bar(x.MaxTx/most, 36), siRate(x.MaxTx), x.Wall)
		}
	}
}

func printROI(w io.Writer, r *plan.HashROI) {
	if r == nil {
		return
	}
	fmt.Fprintln(w)
	printWrapped(w, "hash ROI      "+r.Summary(), helpColumns)
	if !r.CPUWall {
		return
	}
	for _, row := range r.Rows {
		speed := "no time"
		if row.Speedup != nil {
			speed = fmt.Sprintf("%.4g×", *row.Speedup)
		}
		fmt.Fprintf(w, "  %9s %10s tx/s  %+.2f %% [%+.2f, %+.2f]  %s\n", speed, siRate(row.MaxTx), 100*row.Gain, 100*row.GainCI95[0], 100*row.GainCI95[1], row.Wall)
	}
}

func printTrust(w io.Writer, p *plan.Plan) {
	fmt.Fprintln(w)
	for _, c := range p.Fit {
		e := "unknown"
		if c.Error != nil {
			e = fmt.Sprintf("%+.1f %%", 100**c.Error)
		}
		printWrapped(w, fmt.Sprintf("fit: %s: computed %s tx/s (%s), measured %s: %s", c.Record, siRate(c.Predicted), c.Wall, figure(c.Measured, "%.0f"), e), helpColumns)
	}
	for _, group := range []struct {
		with string
		list []string
	}{{"EXTRAPOLATED: ", p.Extrapolations}, {"assumed: ", p.Assumed}, {"warning: ", p.Warnings}} {
		for _, t := range prefixed(group.with, group.list) {
			printWrapped(w, t, helpColumns)
		}
	}
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// siRate is a rate with three digits: 12.3k.
func siRate(v float64) string {
	for _, u := range []struct {
		unit float64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if v >= 0.9995*u.unit {
			return fmt.Sprintf("%.3g%s", v/u.unit, u.name)
		}
	}
	return fmt.Sprintf("%.3g", v)
}

func secText(v float64) string {
	switch {
	case v >= 1e-3:
		return fmt.Sprintf("%.3g ms", v*1e3)
	case v >= 1e-6:
		return fmt.Sprintf("%.3g µs", v*1e6)
	}
	return fmt.Sprintf("%.3g ns", v*1e9)
}

// bar is a share as a bar of so many columns; above 1 it is full and says so.
func bar(share float64, columns int) string {
	n := int(math.Round(min(max(share, 0), 1) * float64(columns)))
	fill := strings.Repeat("█", n) + strings.Repeat("·", columns-n)
	if share > 1 {
		fill = fill[:len(fill)-len("█")] + "▶"
	}
	return fill
}
