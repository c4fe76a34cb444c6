package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/chainweir/weir/bench"
	"github.com/chainweir/weir/bench/netlab"
	"github.com/chainweir/weir/bench/report"
	"github.com/chainweir/weir/results"
)

// notSettings are flags that say nothing about what is measured: a run may be
// continued with others.
var notSettings = []string{"budget", "json", "out", "resume", "max-error", "help"}

// seriesKind is what the flags ask for.
func (f *runFlags) seriesKind() string {
	switch {
	case len(f.sweep) > 0:
		return bench.KindSweep
	case f.validate:
		return bench.KindValidate
	}
	return bench.KindRun
}

// settings are the texts of all flags that say what is measured.
func settings(fl *pflag.FlagSet) map[string]string {
	m := map[string]string{}
	fl.VisitAll(func(g *pflag.Flag) {
		if !slices.Contains(notSettings, g.Name) && fl.Lookup(g.Name) != nil && g.Name != "" {
			m[g.Name] = g.Value.String()
		}
	})
	if s, ok := fl.Lookup("sweep").Value.(pflag.SliceValue); ok {
		m["sweep"] = strings.Join(s.GetSlice(), "|")
	}
	return m
}

// resumeFlags gives the flags the values that the run in the folder was started
// with. Those that were given again must be the same.
func resumeFlags(cmd *cobra.Command, f *runFlags) error {
	if f.resume == "" {
		return nil
	}
	fl := cmd.Flags()
	if fl.Changed("out") {
		return usagef("--resume names the folder: leave out --out")
	}
	kind, had, err := bench.ReadSettings(f.resume)
	if err != nil {
		return usagef("--resume: %w", err)
	}
	now := settings(fl)
	for name, value := range had {
		g := fl.Lookup(name)
		if g == nil {
			return usagef("--resume: %s was started with --%s %s, which this program does not know: use the one that started it", f.resume, name, value)
		}
		if g.Changed && now[name] != value {
			return usagef("--resume: %s was started with --%s %q, not %q: leave the flag out, or start anew in another folder", f.resume, name, value, now[name])
		}
		if g.Changed || now[name] == value {
			continue
		}
		if s, ok := g.Value.(pflag.SliceValue); ok {
			if err := s.Replace(strings.Split(value, "|")); err != nil {
				return usagef("--resume: --%s %s: %w", name, value, err)
			}
			continue
		}
		if err := g.Value.Set(value); err != nil {
			return usagef("--resume: --%s %s: %w", name, value, err)
		}
	}
	for name := range now {
		if _, ok := had[name]; !ok && fl.Lookup(name).Changed {
			return usagef("--resume: %s was started without --%s: leave the flag out, or start anew in another folder", f.resume, name)
		}
	}
	if kind != f.seriesKind() {
		return usagef("--resume: %s holds a %s, its settings ask for a %s: start anew in another folder", f.resume, kind, f.seriesKind())
	}
	return nil
}

// checkSeries finds flags that do not go together.
func (f *runFlags) checkSeries(cmd *cobra.Command) error {
	switch {
	case f.validate && len(f.sweep) > 0:
		return usagef("--validate and --sweep are two series: run one after the other")
	case cmd.Flags().Changed("max-error") && !f.validate:
		return usagef("--max-error is a limit for the errors of --validate: add it")
	case !(f.maxError >= 0) || math.IsInf(f.maxError, 1):
		return usagef("--max-error is %v, give a share such as 0.05", f.maxError)
	case f.validate && f.target != "":
		return usagef("--validate shapes the path to the own node; it cannot be used with --target")
	case f.validate && f.workload != "":
		return usagef("--validate changes the size of transactions itself: leave out --workload")
	}
	return nil
}

// axes reads every --sweep.
func (f *runFlags) axes() ([]bench.Axis, error) {
	var axes []bench.Axis
	for _, text := range f.sweep {
		a, err := bench.ParseAxis(text, netlab.ParseRate)
		if err != nil {
			return nil, usagef("--sweep: %w", err)
		}
		axes = append(axes, a)
	}
	return axes, nil
}

// seriesBudget is the time for a series when --budget says nothing: what a
// single run would have, for each point, and what stands around it.
func seriesBudget(points int) time.Duration { return time.Duration(points) * 40 * time.Second }

func runSweep(cmd *cobra.Command, f *runFlags, cfg bench.Config) error {
	axes, err := f.axes()
	if err != nil {
		return err
	}
	if !cmd.Flags().Changed("budget") {
		points := 1
		for _, a := range axes {
			points *= len(a.Values)
		}
		cfg.Budget = seriesBudget(points)
	}
	live := &liveLine{print: progressLine(cmd.ErrOrStderr())}
	cfg.Progress = live.show
	res, err := bench.Sweep(cmd.Context(), cfg, axes)
	live.print("")
	if errors.Is(err, bench.ErrConfig) {
		return usagef("%w", err)
	}
	err = errors.Join(err, writeSeriesReports(cfg.OutDir, nil))
	if res.Schema != "" {
		if f.json {
			if perr := printJSON(cmd.OutOrStdout(), res); perr != nil {
				return perr
			}
		} else {
			printSweep(cmd.OutOrStdout(), &res)
		}
	}
	return seriesEnd(err, res.Valid, cfg.OutDir, "some points are inconclusive; see their records")
}

// seriesEnd turns the end of a series into the command's.
func seriesEnd(err error, valid bool, dir, words string) error {
	switch {
	case errors.Is(err, context.Canceled):
		return inconclusivef("interrupted; continue with --resume %s", dir)
	case errors.Is(err, bench.ErrBudget):
		return inconclusivef("%w", err)
	case errors.Is(err, bench.ErrCutShort):
		return inconclusivef("%w; what was measured is in %s (--resume %s goes on)", err, dir, dir)
	case err != nil:
		return usagef("%w; what was measured is in %s (--resume %s goes on)", err, dir, dir)
	case !valid:
		return inconclusivef("%s", words)
	}
	return nil
}

func printSweep(w io.Writer, r *bench.SweepResult) {
	names := make([]string, len(r.Axes))
	for i, a := range r.Axes {
		names[i] = a.Name
	}
	fmt.Fprintf(w, "sweep over %s · %s\n\n", strings.Join(names, " × "), r.Record)
	for _, n := range names {
		fmt.Fprintf(w, "%12s", n)
	}
	fmt.Fprintf(w, "  %10s %10s %9s %9s  %s\n", "lower tx/s", "upper tx/s", "p99 ms", "B/tx in", "wall")
	for _, p := range r.Points {
		for _, n := range names {
			fmt.Fprintf(w, "%12.10g", p.Values[n])
		}
		wall := string(p.Bottleneck)
		if p.Utilisation != nil && wall != "" {
			wall += fmt.Sprintf(" %.0f %%", 100**p.Utilisation)
		}
		if !p.Valid {
			wall += " (inconclusive)"
		}
		fmt.Fprintf(w, "  %10s %10s %9s %9s  %s\n", figure(p.LowerTxPerSec, "%.0f"), figure(p.UpperTxPerSec, "%.0f"),
			figure(p.CommitP99MS, "%.1f"), figure(p.BytesPerTx.In, "%.1f"), wall)
	}
	fmt.Fprintf(w, "\npoints for models: %s\n", filepath.Join(r.Record, "points.csv"))
}

func figure(v *float64, format string) string {
	if v == nil {
		return "unknown"
	}
	return fmt.Sprintf(format, *v)
}

func runValidate(cmd *cobra.Command, f *runFlags, cfg bench.Config) error {
	if !cmd.Flags().Changed("budget") {
		cfg.Budget = seriesBudget(5)
	}
	live := &liveLine{print: progressLine(cmd.ErrOrStderr())}
	cfg.Progress = live.show
	out, err := bench.Validate(cmd.Context(), cfg)
	live.print("")
	if errors.Is(err, bench.ErrConfig) {
		return usagef("%w", err)
	}
	if out.Summary.Record != "" {
		err = errors.Join(err, writeSeriesReports(cfg.OutDir, &out.Summary))
		if f.json {
			if perr := printJSON(cmd.OutOrStdout(), out.Summary); perr != nil {
				return perr
			}
		} else {
			if perr := report.Terminal(cmd.OutOrStdout(), out.Env, out.Summary); perr != nil {
				return perr
			}
			printValidation(cmd.OutOrStdout(), out.Summary)
		}
	}
	if err := seriesEnd(err, out.Summary.Valid, cfg.OutDir, "some measurements are inconclusive; see their records"); err != nil {
		return err
	}
	if !cmd.Flags().Changed("max-error") {
		return nil
	}
	for _, v := range out.Summary.Validation {
		if v.Error != nil && math.Abs(*v.Error) > f.maxError {
			return &exitError{exitFailed, fmt.Errorf("%s: the prediction is off by %+.1f %%, more than --max-error %v", v.Name, 100**v.Error, f.maxError)}
		}
	}
	return nil
}

func printValidation(w io.Writer, s results.Summary) {
	if len(s.Validation) == 0 {
		return
	}
	fmt.Fprintf(w, "\nPredictions, written down before they were measured (sha256 %.12s…)\n\n", s.PredictionsSHA256)
	fmt.Fprintf(w, "%-30s %9s %9s %7s  %s\n", "setting", "predicted", "measured", "error", "wall foretold/found")
	for _, v := range s.Validation {
		e := "unknown"
		if v.Error != nil {
			e = fmt.Sprintf("%+.1f %%", 100**v.Error)
		}
		found := string(v.MeasuredWall)
		if found == "" {
			found = "unknown"
		}
		if !v.Valid {
			found += " (inconclusive)"
		}
		fmt.Fprintf(w, "%-30s %9.0f %9s %7s  %s/%s\n", v.Name[3:], v.PredictedTxPerSec, figure(v.MeasuredTxPerSec, "%.0f"), e, v.PredictedWall, found)
	}
}

// finishedRun prints a run that needs no continuing.
func finishedRun(cmd *cobra.Command, f *runFlags, dir string) (done bool, err error) {
	rec, ok := bench.Finished(dir)
	if !ok || rec.Env == nil {
		return false, nil
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "weir: the run in %s came to its end: nothing to continue\n", dir)
	if err := printOutcome(cmd, bench.Outcome{Env: *rec.Env, Summary: *rec.Summary}, f.json); err != nil {
		return true, err
	}
	if !rec.Summary.Valid {
		return true, inconclusivef("the run is inconclusive; see the warnings")
	}
	return true, nil
}
