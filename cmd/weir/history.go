package main

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/bench/compare"
	"github.com/chainweir/weir/results"
)

// baselinesDir is where this project keeps its own history.
const baselinesDir = "results/baselines"

type historyFlags struct {
	asJSON   bool
	check    bool
	force    bool
	delta    string
	level    string
	filter   string
	svg      string
	add      string
	to       string
	at       string
	revision string
	name     string
}

func newHistoryCmd() *cobra.Command {
	var f historyFlags
	cmd := &cobra.Command{
		Use:   "history [PATH...]",
		Short: "Show figures over time and where they changed",
		Long: `history reads history files, records and folders of them (results/baselines
when none is named), puts every figure of one kind of machine into a series by
time, and finds where its level or its spread changed, without being told how
often: E-divisive means with a permutation test, on logarithms. Six points are
the least that can show a change. A run in a folder that is INVALID or did not
end is left out, with a warning.

With --add a record or a Go benchmark text becomes a line of the history file
--to: the medians of its runs, with time, revision and machine.

Exit codes: 0 shown or added, 1 with --check when the last change of a series
was for the worse, 2 a file cannot be read.`,
		Example: "  weir history\n" +
			"  weir history weir-runs/ --filter tps --svg tps.svg\n" +
			"  weir history --add weir-runs/2026-11-21T120000Z-host --to history.jsonl",
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.add != "" || f.to != "" {
				return runHistoryAdd(cmd, args, f)
			}
			return runHistory(cmd, args, f)
		},
	}
	fl := cmd.Flags()
	fl.BoolVar(&f.asJSON, "json", false, "print one JSON object (weir.history/1)")
	fl.BoolVar(&f.check, "check", false, "exit with 1 when the last change was for the worse")
	fl.BoolVar(&f.force, "force", false, "overwrite --svg")
	fl.StringVar(&f.delta, "delta", "3%", "`change` of the level that does not matter")
	fl.StringVar(&f.level, "level", "0.01", "chance of a false change in a quiet series")
	fl.StringVar(&f.filter, "filter", "", "keep series whose \"name metric unit\" matches this `regexp`")
	fl.StringVar(&f.svg, "svg", "", "also draw the series into this `file`")
	fl.StringVar(&f.add, "add", "", "turn this record or benchmark text into a point")
	fl.StringVar(&f.to, "to", "", "history `file` that --add appends to")
	fl.StringVar(&f.at, "at", "", "`time` of the point, RFC 3339 (default: the record's)")
	fl.StringVar(&f.revision, "revision", "", "revision of the point (default: the record's)")
	fl.StringVar(&f.name, "name", "", "name of the point (default: the record's)")
	return cmd
}

func (f *historyFlags) pattern() (*regexp.Regexp, error) {
	if f.filter == "" {
		return nil, nil //nolint:nilnil // no filter is not an error
	}
	re, err := regexp.Compile(f.filter)
	if err != nil {
		return nil, usagef("--filter: %w", err)
	}
	return re, nil
}

func runHistory(cmd *cobra.Command, args []string, f historyFlags) error {
	for _, name := range []string{"at", "revision", "name"} {
		if cmd.Flags().Changed(name) {
			return usagef("--%s belongs to --add: name what to add", name)
		}
	}
	var opt compare.HistoryOptions
	var err error
	if opt.Delta, err = parseShare(f.delta); err != nil {
		return usagef("--delta %q: %w", f.delta, err)
	}
	if opt.Level, err = parseShare(f.level); err != nil {
		return usagef("--level %q: %w", f.level, err)
	}
	if opt.Filter, err = f.pattern(); err != nil {
		return err
	}
	if err := mayWrite("--svg", f.svg, f.force); err != nil {
		return err
	}
	if len(args) == 0 {
		args = []string{baselinesDir}
	}
	points, leftOut, err := compare.ReadHistory(args)
	if err != nil {
		return usagef("%w", err)
	}
	h, err := compare.NewHistory(points, opt)
	if err != nil {
		return usagef("%w", err)
	}
	h.Warnings = append(h.Warnings, leftOut...)
	if len(h.Series) == 0 {
		return usagef("--filter %q leaves none of the series of %d points", f.filter, len(points))
	}
	if f.svg != "" {
		picture, err := h.SVG()
		if err != nil {
			return failf("%w", err)
		}
		if err := results.WriteFileAtomic(f.svg, picture, 0o644); err != nil {
			return usagef("--svg: %w", err)
		}
	}
	if f.asJSON {
		if err := printJSON(cmd.OutOrStdout(), h); err != nil {
			return err
		}
	} else {
		for _, line := range h.Text() {
			fmt.Fprintln(cmd.OutOrStdout(), line)
		}
	}
	if worse := h.Worse(); f.check && len(worse) > 0 {
		return failf("%d of %d series changed for the worse: %s", len(worse), len(h.Series), strings.Join(worse, "; "))
	}
	return nil
}

func runHistoryAdd(cmd *cobra.Command, args []string, f historyFlags) error {
	switch {
	case f.add == "":
		return usagef("--to says where to add: name what, with --add RECORD")
	case f.to == "":
		return usagef("--add says what to add: name the history file, with --to FILE")
	case len(args) > 0:
		return usagef("%q: --add takes one record, and PATH is what is shown: leave one out", args[0])
	}
	opt := compare.AddOptions{Revision: f.revision, Name: f.name}
	var err error
	if f.at != "" {
		if opt.At, err = time.Parse(time.RFC3339, f.at); err != nil {
			return usagef("--at %q: give a time such as 2026-11-21T12:00:00Z", f.at)
		}
	}
	if opt.Filter, err = f.pattern(); err != nil {
		return err
	}
	p, err := compare.PointOf(f.add, opt)
	if err != nil {
		return usagef("%w", err)
	}
	if err := compare.AppendPoint(f.to, p); err != nil {
		return usagef("%w", err)
	}
	if f.asJSON {
		return printJSON(cmd.OutOrStdout(), p)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: added %q of %s with %d figures\n", f.to, p.Name, p.At.Format(time.RFC3339), len(p.Values))
	return nil
}
