package report

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/chainweir/weir/bench/peers/contest"
	"github.com/chainweir/weir/bench/peers/field"
)

// columns is the width of the table.
const columns = 110

const unknown = "-"

// WriteText writes the tables for people.
func (r *Report) WriteText(w io.Writer) error {
	b := bufio.NewWriter(w)
	r.head(b)
	for i := range r.Rows {
		r.Rows[i].write(b)
	}
	r.required(b)
	r.floors(b)
	for _, text := range r.Warnings {
		paragraph(b, "WARNING  ", text)
	}
	if len(r.Warnings) > 0 {
		fmt.Fprintln(b)
	}
	for _, text := range r.Notes {
		paragraph(b, "- ", text)
	}
	return b.Flush()
}

func (r *Report) head(b io.Writer) {
	c, d := r.Env.Class, r.Env.Detail
	brand := string(c.CPUBrand)
	if brand == "" {
		brand = "unknown"
	}
	fmt.Fprintf(b, "processor  %s · %s\n", brand, r.CPU)
	load := unknown
	if d.LoadAverage1 != nil {
		load = fmt.Sprintf("%.2f", *d.LoadAverage1)
	}
	fmt.Fprintf(b, "machine    %s/%s · GOMAXPROCS %d · load average %s before the run\n", c.OS, c.Arch, r.GOMAXPROCS, load)
	if len(r.Without) > 0 {
		fmt.Fprintf(b, "without    %s (hidden from weir and its peers)\n", strings.Join(r.Without, ", "))
	}
	commit := string(d.VCSRevision)
	if commit == "" {
		commit = "unknown"
	}
	if d.VCSModified != nil && *d.VCSModified {
		commit += ", modified"
	}
	fmt.Fprintf(b, "program    commit %s\n", commit)
	var list []string
	for _, path := range slices.Sorted(maps.Keys(r.Versions)) {
		list = append(list, strings.TrimPrefix(path, "github.com/")+" "+r.Versions[path])
	}
	paragraph(b, "libraries  ", strings.Join(list, ", "))
	fmt.Fprintf(b, "method     %d rounds, %.3g ms or more of each contestant in each, order changed every round\n\n",
		r.Rounds, float64(r.SampleNS)/1e6)
	fmt.Fprintf(b, "  %-22s %11s %7s %9s %9s  %s\n", "", "ns/item", "GB/s", "cyc/item", "peer/weir", "95 % interval")
}

func (row *Row) write(b io.Writer) {
	title := row.Row
	switch {
	case row.LeftOut != "":
		paragraph(b, title+"  ", "not measured: "+row.LeftOut)
		fmt.Fprintln(b)
		return
	case row.Chosen != "":
		title += "  (dispatched to " + row.Chosen + ")"
	}
	if row.Noisy {
		title = "! " + title
	}
	fmt.Fprintln(b, title)
	for _, e := range row.Entries {
		if e.LeftOut != "" {
			paragraph(b, fmt.Sprintf("  %-22s ", e.Name), "left out: "+e.LeftOut)
			continue
		}
		note := e.Note
		if e.Role == contest.Control {
			note = strings.TrimSuffix("control, "+note, ", ")
		}
		ratio, interval := "", ""
		if e.Ratio != nil {
			ratio, interval = times(e.Ratio.Median), e.Ratio.interval95()
		}
		line := fmt.Sprintf("  %-22s %11s %7s %9s %9s  %-18s %s", e.Name, number(e.NSPerItem, 4), gigabytes(e.BytesPerSec),
			number(e.CyclesPerItem, 4), ratio, interval, note)
		fmt.Fprintln(b, strings.TrimRight(line, " "))
	}
	fmt.Fprintln(b)
}

// required prints the figures that have to be reached.
func (r *Report) required(b io.Writer) {
	if len(r.Required) == 0 {
		return
	}
	fmt.Fprintf(b, "Required of weir: %s\n", r.RequiredFor)
	fmt.Fprintf(b, "  %-34s %-14s %7s  %-16s %8s %6s  %s\n", "", "peer", "ratio", "95 % interval", "at least", "aim", "verdict")
	for _, q := range r.Required {
		ratio, interval := unknown, ""
		if q.Ratio != nil {
			ratio, interval = times(q.Ratio.Median), q.Ratio.interval95()
		}
		verdict := string(q.Verdict)
		if q.Noisy {
			verdict += " (noisy)"
		}
		fmt.Fprintf(b, "  %-34s %-14s %7s  %-16s %8.2f %6s  %s\n", q.Row, q.Peer, ratio, interval, q.AtLeast, number(q.Aim, 3), verdict)
	}
	fmt.Fprintln(b)
}

// floors prints how far weir is from the least possible.
func (r *Report) floors(b io.Writer) {
	if r.Model == nil {
		fmt.Fprintf(b, "Floors: there is no model of this processor, so how much is left to gain is not known.\n\n")
		return
	}
	if !slices.ContainsFunc(r.Rows, func(row Row) bool { return len(row.Floors) > 0 }) {
		return
	}
	fmt.Fprintf(b, "Floors of one core, cycles per item, and how much of them weir reaches\n")
	paragraph(b, "  model: ", r.Model.Name+", "+r.Model.Source+
		`; slots are counted in docs/kernels.md; "both" is AVX-512 and SHA-NI at once; over 100 % weir goes another way`)
	fmt.Fprintf(b, "  %-34s %9s %9s  %s\n", "", "ns/item", "cyc/item", "floors")
	for i := range r.Rows {
		row := &r.Rows[i]
		ours := row.entry(field.Weir)
		if len(row.Floors) == 0 || ours == nil || ours.NSPerItem == nil {
			continue
		}
		var list []string
		for _, f := range row.Floors {
			text := f.Path + " " + number(&f.CyclesPerItem, 3)
			if f.Reached != nil {
				text += fmt.Sprintf(" (%.0f %%)", 100**f.Reached)
			}
			list = append(list, text)
		}
		fmt.Fprintf(b, "  %-34s %9s %9s  %s\n", row.Row, number(ours.NSPerItem, 4), number(ours.CyclesPerItem, 4), strings.Join(list, ", "))
	}
	fmt.Fprintln(b)
}
