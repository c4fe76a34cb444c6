package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/chainweir/weir/asm/cpu"
	"github.com/chainweir/weir/hash"
	"github.com/chainweir/weir/hash/hashbench"
)

// hashReport is the object of weir hash --json.
type hashReport struct {
	Schema      string            `json:"schema"`
	CPU         hashCPU           `json:"cpu"`
	Kernels     string            `json:"kernels_version"`
	Rows        []hashbench.Row   `json:"rows"`
	Choices     []hashChoice      `json:"choices"`
	Unavailable []hashUnavailable `json:"unavailable"`
	Warnings    []string          `json:"warnings"`
}

type hashCPU struct {
	Arch     string   `json:"arch"`
	Vendor   *string  `json:"vendor"`
	Brand    *string  `json:"brand"`
	Family   *int     `json:"family"`
	Model    *int     `json:"model"`
	Stepping *int     `json:"stepping"`
	Features []string `json:"features"`
	Key      string   `json:"key"`
}

type hashChoice struct {
	Kernel string          `json:"kernel"`
	Unit   string          `json:"unit"` // what from and n count
	Source cpu.Source      `json:"source"`
	Steps  []cpu.Crossover `json:"steps"`
	Ladder []cpu.Rung      `json:"ladder,omitempty"` // with --explain
}

type hashUnavailable struct {
	Kernel string `json:"kernel"`
	Impl   string `json:"impl"`
	Reason string `json:"reason"`
}

func newHashReport(rows []hashbench.Row, warnings []string, f hashFlags) hashReport {
	r := hashReport{
		Schema:      "weir.hash/1",
		Choices:     []hashChoice{},
		CPU:         newHashCPU(cpu.Host()),
		Kernels:     cpu.Kernels.Version(),
		Rows:        append([]hashbench.Row{}, rows...), // [] and not null in JSON
		Unavailable: []hashUnavailable{},
		Warnings:    append([]string{}, warnings...),
	}
	for _, e := range cpu.Kernels.Explain() {
		c := hashChoice{Kernel: e.Kernel, Unit: e.Unit, Source: e.Source, Steps: e.Steps}
		if len(f.kernels) > 0 && !slices.Contains(f.kernels, e.Kernel) && !slices.Contains(f.kernels, e.Leader) {
			continue
		}
		if f.explain {
			c.Ladder = e.Ladder
		}
		r.Choices = append(r.Choices, c)
	}
	for _, im := range hash.Implementations() {
		if im.Unavailable != "" {
			r.Unavailable = append(r.Unavailable, hashUnavailable{im.Kernel, im.Name, im.Unavailable})
		}
	}
	return r
}

// newHashCPU gives null for what the processor does not tell: outside x86
// there is no CPUID family, and 0 would be a claim.
func newHashCPU(id cpu.Identity) hashCPU {
	text := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	c := hashCPU{Arch: id.Arch, Vendor: text(id.Vendor), Brand: text(id.Brand), Features: append([]string{}, id.Features...), Key: id.Key()}
	if id.Family != 0 {
		c.Family, c.Model, c.Stepping = &id.Family, &id.Model, &id.Stepping
	}
	return c
}

func (r hashReport) print(w io.Writer) error {
	fmt.Fprintln(w, r.CPU.line())
	fmt.Fprintln(w)
	const header, line = "%-13s %-8s %7s %8s %11s %11s %6s %s\n", "%-13s %-8s %7d %8d %11.1f %11.1f %6.2f %s\n"
	fmt.Fprintf(w, header, "kernel", "impl", "n", "bytes", "ns/op", "median", "GB/s", "verified")
	for _, row := range r.Rows {
		verified, impl := "WRONG", row.Impl
		if row.Verified {
			verified = "yes"
		}
		if row.Chosen {
			impl += " *"
		}
		fmt.Fprintf(w, line, row.Kernel, impl, row.N, row.Size, row.NSPerOp, row.MedianNSPerOp, row.BytesPerSec/1e9, verified)
	}
	fmt.Fprintln(w, "\n* chosen at this size; ns/op is per item, best sample")
	r.printUnavailable(w)
	return r.printChoices(w)
}

// printUnavailable has one line for each implementation and reason, not one for
// each kernel too.
func (r hashReport) printUnavailable(w io.Writer) {
	kernels := map[hashUnavailable][]string{}
	var order []hashUnavailable
	for _, u := range r.Unavailable {
		key := hashUnavailable{Impl: u.Impl, Reason: u.Reason}
		if kernels[key] == nil {
			order = append(order, key)
		}
		kernels[key] = append(kernels[key], u.Kernel)
	}
	for _, key := range order {
		fmt.Fprintf(w, "not here  %s: %s (%s)\n", key.Impl, key.Reason, strings.Join(kernels[key], ", "))
	}
}

func (c hashCPU) line() string {
	parts := []string{c.Arch}
	if c.Brand != nil {
		parts = append(parts, *c.Brand)
	}
	if c.Vendor != nil {
		parts = append(parts, *c.Vendor)
	}
	if c.Family != nil {
		parts = append(parts, fmt.Sprintf("family %d model %d stepping %d", *c.Family, *c.Model, *c.Stepping))
	}
	return "processor  " + strings.Join(parts, " · ")
}

// printChoices shows the ladder, where it was asked for, and what follows
// from it.
func (r hashReport) printChoices(w io.Writer) error {
	for _, c := range r.Choices {
		if len(c.Ladder) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s: best ns per call\n", c.Kernel)
		for _, rung := range c.Ladder {
			fmt.Fprintf(w, "  %6d %s", rung.N, c.Unit)
			for _, t := range rung.Times {
				fmt.Fprintf(w, "  %s %.0f", t.Impl, t.NSPerCall)
			}
			fmt.Fprintln(w)
			for _, skipped := range rung.Skipped {
				fmt.Fprintf(w, "         not %s: %s\n", skipped.Impl, skipped.Why)
			}
		}
	}
	fmt.Fprintln(w)
	for _, c := range r.Choices {
		steps := make([]string, len(c.Steps))
		for i, s := range c.Steps {
			steps[i] = s.Impl
			if s.From > 0 {
				steps[i] = fmt.Sprintf("%s from %d %s", s.Impl, s.From, c.Unit)
			}
		}
		if _, err := fmt.Fprintf(w, "chosen  %-16s %s (%s)\n", c.Kernel, strings.Join(steps, ", "), c.Source); err != nil {
			return err
		}
	}
	return nil
}
