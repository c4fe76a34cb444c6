package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/bench"
	"github.com/chainweir/weir/bench/report"
	"github.com/chainweir/weir/results"
)

// soakFlags are those of `weir run --soak`.
type soakFlags struct {
	length time.Duration
	rate   float64
}

func (f *soakFlags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.DurationVar(&f.length, "soak", 0, "after the search, hold a load this long and look for drift")
	fl.Float64Var(&f.rate, "soak-rate", 0, "with --soak: this load, tx/s, and no search (default 70 % of the knee)")
}

// check finds flags that do not go together.
func (f *runFlags) checkSoak(cmd *cobra.Command) error {
	if !cmd.Flags().Changed("soak") {
		if cmd.Flags().Changed("soak-rate") {
			return usagef("--soak-rate is the load of a soak: add --soak 10m")
		}
		return nil
	}
	switch {
	case f.validate || len(f.sweep) > 0:
		return usagef("--soak is one long load, --validate and --sweep are series: run one after the other")
	case f.resume != "":
		return usagef("--soak cannot be continued: time that was not watched is missing in it; start anew with --out")
	case cmd.Flags().Changed("soak-rate") && !(f.soak.rate > 0) || math.IsInf(f.soak.rate, 1):
		return usagef("--soak-rate is %v, give a rate above 0", f.soak.rate)
	}
	return nil
}

func runSoak(cmd *cobra.Command, f *runFlags, cfg bench.Config) error {
	live := &liveLine{print: progressLine(cmd.ErrOrStderr())}
	cfg.Progress = live.show
	out, err := bench.Soak(cmd.Context(), bench.SoakConfig{Config: cfg, For: f.soak.length, RateTxPerSec: f.soak.rate})
	live.print("")
	if errors.Is(err, bench.ErrConfig) {
		return usagef("%w", err)
	}
	if out.Summary.Record != "" {
		if perr := printSoakOutcome(cmd, out, f); perr != nil {
			return perr
		}
	}
	switch {
	case errors.Is(err, context.Canceled):
		return inconclusivef("interrupted; what was measured is in %s", cfg.OutDir)
	case errors.Is(err, bench.ErrCutShort):
		return cutShort(err, cfg.OutDir)
	case err != nil:
		return usagef("the soak failed: %w", err)
	case out.Summary.Soak == nil:
		return inconclusivef("there was no soak; see the warnings")
	}
	return soakError(&out.Summary)
}

// soakError gives a soak its exit code.
func soakError(sum *results.Summary) error {
	switch s := sum.Soak; {
	case s.Verdict == results.SoakDrifts, s.Verdict == results.SoakFails:
		return failf("the soak %s: %s", s.Verdict, s.Reason)
	case s.Verdict == results.SoakInconclusive:
		return inconclusivef("the soak is inconclusive: %s", s.Reason)
	case !sum.Valid:
		return inconclusivef("the soak is %s (%s), but the search before it is INVALID: its load is no known share of the knee; see the warnings, or give the load with --soak-rate", s.Verdict, s.Reason)
	}
	return nil
}

func printSoakOutcome(cmd *cobra.Command, out bench.Outcome, f *runFlags) error {
	if f.json {
		return printJSON(cmd.OutOrStdout(), out.Summary)
	}
	w := cmd.OutOrStdout()
	if f.soak.rate == 0 {
		if err := report.Terminal(w, out.Env, out.Summary); err != nil {
			return err
		}
	}
	if out.Summary.Soak != nil {
		printSoak(w, out.Summary.Soak)
		if f.soak.rate > 0 {
			for _, text := range out.Summary.Warnings {
				fmt.Fprintf(w, "  warning  %s\n", hang(text, 11))
			}
		}
	}
	return nil
}

// printSoak writes the drift of a soak in 80 columns.
func printSoak(w io.Writer, s *results.Soak) {
	share := ""
	if s.OfFraction != nil {
		share = fmt.Sprintf(", %.0f %% of the knee,", 100**s.OfFraction)
	}
	length := time.Duration(s.LoadSec * 1e9).Round(time.Second)
	fmt.Fprintf(w, "\nsoak: %.0f tx/s%s for %v\n%d pieces of %.3g s, the first %d are warm-up\n\n", s.OfferedTxPerSec, share, length, s.Pieces, s.PieceSec, s.WarmUp)
	fmt.Fprintf(w, "  %-12s %10s %18s %7s %16s  %s\n", "", "median", "first → last", "change", "95 % interval", "verdict")
	for _, d := range s.Drift {
		name, unit, scale, format := soakWords(d.Metric)
		if d.Change == nil {
			fmt.Fprintf(w, "  %-12s %10s %18s %7s %16s  %s\n", name, "unknown", "", "", "", d.Verdict)
			continue
		}
		value := func(v float64) string { return fmt.Sprintf(format, v*scale) }
		fmt.Fprintf(w, "  %-12s %10s %18s %6.1f%% %16s  %s\n", name, value(*d.Median)+unit, value(*d.First)+" → "+value(*d.Last),
			100**d.Change, fmt.Sprintf("%+.1f%% %+.1f%%", 100**d.ChangeLow, 100**d.ChangeHigh), d.Verdict)
	}
	fmt.Fprintf(w, "\n  %s\n  record  %s\n", hang(s.Verdict+": "+s.Reason, 2), s.Record)
}

// soakWords are a metric's name, unit, scale and format on the screen.
func soakWords(metric string) (name, unit string, scale float64, format string) {
	switch metric {
	case "committed_tx_per_sec":
		return "committed", "/s", 1, "%.0f"
	case "commit_p50_ms":
		return "commit p50", " ms", 1, "%.2f"
	case "commit_p99_ms":
		return "commit p99", " ms", 1, "%.2f"
	case "memory_bytes":
		return "node memory", " MB", 1e-6, "%.1f"
	case "node_cpu_sec_per_tx":
		return "node cpu/tx", " µs", 1e6, "%.2f"
	}
	return metric, "", 1, "%.4g"
}

// hang breaks text for a place that many columns from the left, and indents the
// lines after the first.
func hang(text string, indent int) string {
	lines := strings.TrimSuffix(wrap(text, helpColumns-indent), "\n")
	return strings.ReplaceAll(lines, "\n  ", "\n"+strings.Repeat(" ", indent))
}
