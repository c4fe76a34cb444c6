package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/bench"
)

func newCheckCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check RECORD",
		Short: "Compute a record's figures again from its raw values",
		Long: `check reads a record (record.jsonl, or the folder of a run) and trusts none of
its figures: windows are held against their histograms and the schedule, trials
against their windows, verdicts are given again by the judge of the search, the
interval is drawn again from the verdicts, and latencies, wire bytes, demands,
utilisation and walls are computed again from the trials at the lower bound.
Each difference is named with both values and its line. What cannot be found
again is listed as taken as given; a digest shows when it was changed.

Exit codes: 0 all is as recorded, 1 something differs or breaks the schema,
2 the file cannot be read, 3 the record is partial and what is there is right.`,
		Example: "  weir check weir-runs/2026-11-21T120000Z-host\n" +
			"  weir check record.jsonl --json",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return runCheck(cmd, args[0], asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object (weir.check/1)")
	return cmd
}

func runCheck(cmd *cobra.Command, path string, asJSON bool) error {
	if err := refuseImport(path, "check"); err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, "record.jsonl")
	}
	rep, err := bench.Check(path)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		return usagef("%w; name a record.jsonl or the folder of a run", err)
	}
	if asJSON {
		if perr := printJSON(cmd.OutOrStdout(), rep); perr != nil {
			return perr
		}
	} else if err == nil || len(rep.Schemas) > 0 {
		for _, line := range rep.Text() {
			fmt.Fprintln(cmd.OutOrStdout(), line)
		}
	}
	switch {
	case err != nil:
		return failf("%w", err)
	case !rep.OK:
		return failf("%s: %d differences, %d schema violations", path, len(rep.Differences), len(rep.Schemas))
	case rep.Partial:
		return inconclusivef("%s is partial: it has no summary", path)
	}
	return nil
}
