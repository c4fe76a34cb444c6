package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/chainweir/weir/bench/stat"
	"github.com/chainweir/weir/results"
)

// schema of the object that --json prints.
const schema = "weir.nodepeers/1"

// notes are what a reader must know to judge the ratio.
var notes = []string{
	"What is compared: weir verifies one Ed25519 signature per transaction, executes it, commits to its state in a Merkle root and syncs the block before it says committed. CometBFT's kvstore checks no signature and here is one node, while CometBFT is built for many validators that do not trust each other and pays for that even when alone; weir's solo engine orders for itself only. The ratio compares two single nodes and says nothing of networks.",
	"CometBFT: kvstore in the node's process, tuned as in nodepeers/comet.go (pebble, mempool 200000, no recheck, no index, no pause after a block), load from its own loadtime tool, which sends a burst per connection at the start of every second by broadcast_tx_async.",
	"Latency: CometBFT's from the making of a transaction to the time of the next block, as its report counts, which leaves out waiting to be sent and the last write to disk; weir's from the intended send to the client's notice of a durable commit. The difference favours CometBFT, and so does its search: a rate is too high only when it failed twice, and good when it passed once, while weir's has to pass three times without a growing backlog.",
}

// round is one turn of each.
type round struct {
	Comet bracket   `json:"cometbft"`
	Weir  *weirKnee `json:"weir"`  // null: none was found
	Ratio *float64  `json:"ratio"` // of the committed rates at the knees; null when one is unknown
	// Cautious is the same with the lowest rate that was too high for CometBFT
	// in place of the highest that was good.
	Cautious *float64 `json:"ratio_to_upper"`
}

// complete tells that both knees were found.
func (r round) complete() bool { return r.Weir != nil && r.Comet.Lower != nil }

// ratio is the median over the rounds and the order statistics around it.
type ratio struct {
	Median     float64 `json:"median"`
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	Confidence float64 `json:"confidence"` // that the interval holds the median, exact
	Cautious   float64 `json:"median_to_upper"`
}

type report struct {
	Schema   string      `json:"schema"`
	Peer     string      `json:"peer"`
	SLO      string      `json:"slo"`
	TrialSec float64     `json:"trial_sec"`
	Conns    int         `json:"connections"`
	TxBytes  int         `json:"tx_bytes"`
	Rounds   []round     `json:"rounds"`
	Ratio    *ratio      `json:"ratio"` // null: too few rounds found both knees
	AtLeast  float64     `json:"at_least"`
	Warnings []string    `json:"warnings"`
	Notes    []string    `json:"notes"`
	Env      results.Env `json:"env"`
}

func newReport(e results.Env, opt options) *report {
	r := &report{Schema: schema, Peer: "cometbft " + cometVersion, SLO: slo(opt.limit), TrialSec: opt.trial.Seconds(), Conns: opt.conns,
		TxBytes: txBytes, Rounds: []round{}, AtLeast: opt.least, Warnings: []string{}, Notes: notes, Env: e}
	for _, w := range e.Warnings {
		r.warn("%s: %s", w.Text, w.Remedy)
	}
	return r
}

func (r *report) warn(format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
}

// conclude computes the ratios.
func (r *report) conclude() {
	var ratios, cautious []float64
	for i := range r.Rounds {
		rd := &r.Rounds[i]
		if !rd.complete() {
			continue
		}
		x := rd.Weir.CommittedTxPerSec / rd.Comet.Lower.CommittedTxPerSec
		rd.Ratio = &x
		ratios = append(ratios, x)
		if rd.Comet.Upper > 0 {
			y := rd.Weir.CommittedTxPerSec / rd.Comet.Upper
			rd.Cautious = &y
			cautious = append(cautious, y)
		}
	}
	if len(ratios) < minRounds {
		r.warn("%d rounds found both knees, and a ratio needs %d", len(ratios), minRounds)
		return
	}
	iv, err := stat.MedianWithInterval(ratios, confidence(len(ratios)))
	if err != nil {
		r.warn("no interval: %v", err)
		return
	}
	r.Ratio = &ratio{Median: iv.Median, Low: iv.Low, High: iv.High, Confidence: iv.Coverage}
	if len(cautious) > 0 {
		r.Ratio.Cautious = stat.Median(cautious)
	}
}

// confidence is 95 %, or what the range of so few rounds reaches: the median
// lies outside it when all of them fall on one side.
func confidence(rounds int) float64 {
	reach := 1 - math.Exp2(1-float64(rounds))
	return min(0.95, math.Nextafter(reach, 0))
}

// verdict is the answer to --at-least.
func (r *report) verdict() error {
	switch {
	case r.Ratio == nil:
		return inconclusivef("no ratio was found; see the warnings")
	case r.AtLeast > 0 && r.Ratio.Median < r.AtLeast:
		return &exitError{exitFailed, fmt.Errorf("the ratio %.2f is below the %.2f asked for", r.Ratio.Median, r.AtLeast)}
	}
	return nil
}

func (r *report) write(w io.Writer, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		return enc.Encode(r)
	}
	b := bufio.NewWriter(w)
	r.head(b)
	r.table(b)
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

func (r *report) head(b io.Writer) {
	c, d := r.Env.Class, r.Env.Detail
	fmt.Fprintf(b, "machine    %s · %s/%s · %d cores", orUnknown(c.CPUBrand), c.OS, c.Arch, c.LogicalCores)
	if d.LoadAverage1 != nil {
		fmt.Fprintf(b, " · load average %.2f before the run", *d.LoadAverage1)
	}
	if c.Disk != nil {
		fmt.Fprintf(b, " · %s", orUnknown(c.Disk.FS))
	}
	fmt.Fprintf(b, "\nmethod     %d rounds, CometBFT then weir in each, a new chain in every trial, generator on the same cores\n", len(r.Rounds))
	fmt.Fprintf(b, "goal       %s for both; %d byte transactions, %d connections\n\n", r.SLO, r.TxBytes, r.Conns)
}

func (r *report) table(b io.Writer) {
	const line = "  %-6s %-18s %12s %12s %9s %9s %7s\n"
	fmt.Fprintf(b, line, "round", "", "knee tx/s", "too high", "p50 ms", "p99 ms", "ratio")
	number := func(x float64) string {
		if x == 0 {
			return "-"
		}
		return fmt.Sprintf("%.0f", x)
	}
	var theirs, ours []float64
	for i, rd := range r.Rounds {
		name := fmt.Sprint(i + 1)
		if t := rd.Comet.Lower; t != nil {
			fmt.Fprintf(b, line, name, r.Peer, number(t.CommittedTxPerSec), number(rd.Comet.Upper), number(t.P50MS), number(t.P99MS), "")
			theirs = append(theirs, t.CommittedTxPerSec)
		} else {
			fmt.Fprintf(b, line, name, r.Peer, "unknown", number(rd.Comet.Upper), "-", "-", "")
		}
		if k := rd.Weir; k != nil {
			x := "-"
			if rd.Ratio != nil {
				x = fmt.Sprintf("%.2f", *rd.Ratio)
			}
			fmt.Fprintf(b, line, "", "weir, signed", number(k.CommittedTxPerSec), number(k.UpperTxPerSec), number(k.P50MS), number(k.P99MS), x)
			ours = append(ours, k.CommittedTxPerSec)
		} else {
			fmt.Fprintf(b, line, "", "weir, signed", "unknown", "-", "-", "-", "-")
		}
	}
	fmt.Fprintln(b)
	if r.Ratio == nil {
		return
	}
	q := r.Ratio
	fmt.Fprintf(b, "  weir ÷ CometBFT  %.2f, interval %.2f–%.2f (%.0f %% confidence over %d rounds); medians %.0f and %.0f tx/s\n",
		q.Median, q.Low, q.High, 100*q.Confidence, len(slices.DeleteFunc(slices.Clone(r.Rounds), func(rd round) bool { return rd.Ratio == nil })),
		stat.Median(ours), stat.Median(theirs))
	if q.Cautious > 0 {
		fmt.Fprintf(b, "  against the rate that was too high for CometBFT: %.2f\n", q.Cautious)
	}
	if r.AtLeast > 0 {
		word := "reached"
		if q.Median < r.AtLeast {
			word = "NOT reached"
		}
		fmt.Fprintf(b, "  asked for: %.2f or more, %s\n", r.AtLeast, word)
	}
	fmt.Fprintln(b)
}

func orUnknown(s results.NullString) string {
	if s == "" {
		return "unknown"
	}
	return string(s)
}

// columns is the width of a paragraph.
const columns = 100

// paragraph breaks a text into lines under its label.
func paragraph(w io.Writer, label, text string) {
	indent := strings.Repeat(" ", len(label))
	line := label
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > columns && strings.TrimSpace(line) != "" {
			fmt.Fprintln(w, strings.TrimRight(line, " "))
			line = indent
		}
		line += word + " "
	}
	fmt.Fprintln(w, strings.TrimRight(line, " "))
}
