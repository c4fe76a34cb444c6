package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/bench/compare"
	"github.com/chainweir/weir/results"
)

type compareFlags struct {
	asJSON bool
	force  bool
	delta  string
	filter string
	html   string
}

func newCompareCmd() *cobra.Command {
	var f compareFlags
	cmd := &cobra.Command{
		Use:   "compare BASE HEAD",
		Short: "Say whether head is faster or slower than base, with an interval",
		Long: `compare holds two records, or two Go benchmark texts, against each other. A side
is a file, the folder of a run or of weir import --out, a folder of folders of
runs, or several of them with commas between; each run counts once. Ratios are
head/base: the median shift of logarithms (Hodges-Lehmann) with the interval
that the exact Mann-Whitney test does not reject; p is adjusted for the number
of rows before it decides. Four runs per side are the least that can decide.
Searches for the knee, loads of a fixed rate and soaks (with what drifted) each
compare with their like.

Verdicts: faster, slower, same (the whole interval lies within ±delta),
changed (which way is better is not known), inconclusive. When the first half
of a side differs from its second half the machine changed meanwhile: the
comparison is noisy and decides nothing (ten runs of a side are the fewest that
can show it). To measure both sides in turns, with a control, use weir ci.

Exit codes: 0 nothing is slower, 1 something is slower, 2 a file cannot be
read or the sides are not comparable, 3 inconclusive, noisy, or invalid runs.`,
		Example: "  weir compare old.txt new.txt\n" +
			"  weir compare runs-before/ runs-after/ --delta 2%\n" +
			"  weir compare a1.jsonl,a2.jsonl b1.jsonl,b2.jsonl --json",
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error { return runCompare(cmd, args[0], args[1], f) },
	}
	fl := cmd.Flags()
	fl.BoolVar(&f.asJSON, "json", false, "print one JSON object (weir.compare/1)")
	fl.BoolVar(&f.force, "force", false, "compare even if machines or settings differ; overwrite --html")
	fl.StringVar(&f.delta, "delta", "3%", "`change` that does not matter")
	fl.StringVar(&f.filter, "filter", "", "keep rows whose \"metric unit\" matches this `regexp`")
	fl.StringVar(&f.html, "html", "", "also write the comparison as one HTML `file`")
	return cmd
}

func runCompare(cmd *cobra.Command, base, head string, f compareFlags) error {
	opt := compare.Options{Force: f.force}
	var err error
	if opt.Delta, err = parseShare(f.delta); err != nil {
		return usagef("--delta %q: %w", f.delta, err)
	}
	if f.filter != "" {
		if opt.Filter, err = regexp.Compile(f.filter); err != nil {
			return usagef("--filter: %w", err)
		}
	}
	if err := mayWrite("--html", f.html, f.force); err != nil {
		return err
	}
	res, err := compare.Files(base, head, opt)
	if err != nil {
		return usagef("%w", err)
	}
	if f.html != "" {
		page, err := res.HTML()
		if err != nil {
			return failf("%w", err)
		}
		if err := results.WriteFileAtomic(f.html, page, 0o644); err != nil {
			return usagef("--html: %w", err)
		}
	}
	if f.asJSON {
		err = printJSON(cmd.OutOrStdout(), res)
	} else {
		for _, line := range res.Text() {
			fmt.Fprintln(cmd.OutOrStdout(), line)
		}
	}
	switch {
	case err != nil:
		return err
	case res.Verdict == compare.Slower:
		return failf("%s is slower than %s", head, base)
	case res.Verdict == compare.Inconclusive:
		return inconclusivef("the comparison decides nothing: %s", res.Headline())
	}
	return nil
}

// parseShare reads "3%" or "0.03" as a fraction between 0 and 1.
func parseShare(text string) (float64, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v > 0 && v < 1) {
		return 0, errors.New("give a share between 0 and 1, such as 3% or 0.03")
	}
	return v, nil
}

// mayWrite refuses a path that is there already, before any work is done.
func mayWrite(flag, path string, force bool) error {
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return usagef("%s: %w", flag, err)
	case info.IsDir():
		return usagef("%s: %s is a folder: name a file", flag, path)
	case !force:
		return usagef("%s: %s is there already: name another file, or use --force", flag, path)
	}
	return nil
}
