package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/bench/ci"
	"github.com/chainweir/weir/bench/env"
	"github.com/chainweir/weir/results"
)

type ciFlags struct {
	base, head, delta, answer, out, junit, markdown string
	gates                                           []string
	rounds, maxRounds                               int
	timeout                                         time.Duration
	force, json                                     bool
}

func newCICmd() *cobra.Command {
	var f ciFlags
	cmd := &cobra.Command{
		Use:   "ci BASE HEAD [-- ARG...]",
		Short: "Decide whether HEAD is slower than BASE, for a pipeline",
		Long: `ci runs two programs, or two command lines in quotes, and tells whether HEAD is
slower than BASE: by pairs of runs in the order ABBA BAAB, with BASE against
itself as the control, on as many rounds as the control's noise asks for
(--rounds to --max-rounds). What follows -- is added to both commands; in it
{dir} is a new folder for every run. Nothing is run by a shell, and no right
beyond an ordinary user's is needed.

The metrics are what a run prints:
  weir run --json, weir load --json   tps, p50, p99, wire_bytes_per_tx, …
  Go benchmark text                   'Name sec/op', 'Name B/op', …
  {"metrics":{"tps":1200},"answer":…} any; or {"value":,"unit":,"better":}
  anything else                       time; beside it cpu_time and max_rss
A weir binary alone is run as weir run, a Go test binary by its benchmarks.

Every answer is verified: each run must end with exit code 0, and output of the
last kind must be the same every time. --answer says which part of it must be.

--gate bounds by how much a metric may get worse. Without it, anything worse by
a change that --delta can tell counts. A change is reported only when a second
measurement finds it again. When the control of any of them fires, the report
is noisy and no gate counts; what was seen all the same is named.

Exit codes: 0 pass, 1 slower (confirmed) or HEAD is wrong, 2 usage or
environment, 3 inconclusive, too noisy or invalid runs.`,
		Example: "  weir ci old/app new/app\n" +
			"  weir ci old/weir new/weir --gate 'tps>=-3%,p99<=+5%,wire_bytes_per_tx<=+1%'\n" +
			"  weir ci old.test new.test --gate 'sec/op<=+2%' -- -test.bench=Sum\n" +
			"  weir ci 'app --old-way' 'app --new-way' --junit junit.xml --markdown pr.md",
		RunE: func(cmd *cobra.Command, args []string) error {
			return runCI(cmd, args, &f)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.base, "base", "", "the program or command line to compare with, instead of BASE")
	fl.StringVar(&f.head, "head", "", "the changed one, instead of HEAD")
	fl.StringArrayVar(&f.gates, "gate", nil, "NAME>=-N% or NAME<=+N%, separated by commas; NAME: a metric or the unit of benchmarks")
	fl.IntVar(&f.rounds, "rounds", 10, "rounds of three runs, at least")
	fl.IntVar(&f.maxRounds, "max-rounds", 40, "rounds at most")
	fl.StringVar(&f.delta, "delta", "3%", "change to tell from none, where no gate says it")
	fl.StringVar(&f.answer, "answer", "", "regexp: what it matches (its first group) must be the same in\nevery run; none: nothing need be")
	fl.DurationVar(&f.timeout, "timeout", 10*time.Minute, "longest run")
	fl.StringVar(&f.out, "out", "", "folder of the record (default weir-runs/<time>-<host>-ci)")
	fl.StringVar(&f.junit, "junit", "", "also write JUnit XML to this file")
	fl.StringVar(&f.markdown, "markdown", "", "also write Markdown for a pull request to this file")
	fl.BoolVar(&f.force, "force", false, "replace files that exist")
	fl.BoolVar(&f.json, "json", false, "print one JSON object (weir.ci/1)")
	return cmd
}

// commands are BASE and HEAD, however they were given.
func (f *ciFlags) commands(cmd *cobra.Command, args []string) (base, head ci.Command, err error) {
	var more []string
	if dash := cmd.ArgsLenAtDash(); dash >= 0 {
		args, more = args[:dash], args[dash:]
	}
	given := args
	for _, flag := range []*string{&f.base, &f.head} {
		if *flag == "" && len(given) > 0 {
			*flag, given = given[0], given[1:]
		}
	}
	switch {
	case f.base == "" || f.head == "":
		return base, head, usagef("name two programs or command lines, BASE and HEAD; see weir ci --help")
	case len(given) > 0:
		return base, head, usagef("%q is one command too many: quote a command line with its arguments, or put what both get behind --", given[0])
	}
	if base, err = ci.ParseCommand(f.base, more); err != nil {
		return base, head, usagef("base: %w", err)
	}
	if head, err = ci.ParseCommand(f.head, more); err != nil {
		return base, head, usagef("head: %w", err)
	}
	return base, head, nil
}

func (f *ciFlags) config() (cfg ci.Config, answer *regexp.Regexp, err error) {
	cfg = ci.Config{Rounds: f.rounds, MaxRounds: f.maxRounds}
	if cfg.Gates, err = ci.ParseGates(strings.Join(f.gates, ",")); err != nil {
		return cfg, nil, usagef("--gate: %w", err)
	}
	number, percent := strings.CutSuffix(strings.TrimSpace(f.delta), "%")
	if cfg.Delta, err = strconv.ParseFloat(number, 64); err != nil {
		return cfg, nil, usagef("--delta %q is no number; give a change such as 3%%", f.delta)
	}
	if percent {
		cfg.Delta /= 100
	}
	if f.answer != "" && f.answer != "none" {
		if answer, err = regexp.Compile(f.answer); err != nil {
			return cfg, nil, usagef("--answer: %w", err)
		}
	}
	switch {
	case f.rounds < ci.MinRounds || f.rounds > ci.RoundsMost:
		return cfg, nil, usagef("--rounds is %d, give %d (the fewest that can reach 95 %%) to %d", f.rounds, ci.MinRounds, ci.RoundsMost)
	case f.maxRounds < f.rounds || f.maxRounds > ci.RoundsMost:
		return cfg, nil, usagef("--max-rounds is %d, give %d (--rounds) to %d", f.maxRounds, f.rounds, ci.RoundsMost)
	case !(cfg.Delta > 0 && cfg.Delta < 1): // NaN compares with nothing
		return cfg, nil, usagef("--delta is %s, give a change above 0%% and below 100%%, such as 3%%", f.delta)
	case f.timeout <= 0:
		return cfg, nil, usagef("--timeout is %v, give the longest time that a run may take, such as 10m", f.timeout)
	}
	return cfg, answer, nil
}

// Names of the files in the folder of --out.
const (
	ciRecord   = "ci.jsonl" // the raw record
	ciText     = "report.txt"
	ciMarkdown = "report.md"
	ciJUnit    = "junit.xml"
	ciBase     = "base.txt"
	ciHead     = "head.txt"
)

// prepare makes the folder and finds out before the first run whether the files
// can be written.
func (f *ciFlags) prepare() error {
	if f.out == "" {
		host, err := os.Hostname()
		if err != nil {
			host = "unknown"
		}
		f.out = filepath.Join("weir-runs", time.Now().UTC().Format("2006-01-02T150405Z")+"-"+host+"-ci")
	}
	type target struct{ flag, path string }
	targets := []target{{"--junit", f.junit}, {"--markdown", f.markdown}}
	for _, name := range []string{ciRecord, ciText, ciMarkdown, ciJUnit, ciBase, ciHead} {
		targets = append(targets, target{"--out", filepath.Join(f.out, name)})
	}
	for _, t := range targets {
		flag, path := t.flag, t.path
		if path == "" {
			continue
		}
		info, err := os.Stat(path)
		switch {
		case err == nil && info.IsDir():
			return usagef("%s: %s is a folder, name a file", flag, path)
		case err == nil && !f.force:
			return usagef("%s: %s exists already; name another, or replace it with --force", flag, path)
		}
		if flag == "--out" {
			continue
		}
		if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
			return usagef("%s: there is no folder %s; make it first", flag, filepath.Dir(path))
		}
	}
	if err := os.MkdirAll(f.out, 0o755); err != nil {
		return usagef("--out: %w", err)
	}
	if err := os.Remove(filepath.Join(f.out, ciRecord)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return usagef("--out: %w", err)
	}
	return nil
}

func runCI(cmd *cobra.Command, args []string, f *ciFlags) (err error) {
	base, head, err := f.commands(cmd, args)
	if err != nil {
		return err
	}
	cfg, answer, err := f.config()
	if err != nil {
		return err
	}
	if err := f.prepare(); err != nil {
		return err
	}
	ctx, started := commandContext(cmd), time.Now()
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		var stop context.CancelFunc
		ctx, stop = signal.NotifyContext(ctx, syscall.SIGHUP) // the runs' groups do not hear of a terminal that closes
		defer stop()
	}
	machine := env.Read(ctx, env.Options{})
	rec, err := ci.NewRecorder(filepath.Join(f.out, ciRecord), machine)
	if err != nil {
		return usagef("--out: %w", err)
	}
	for _, c := range []ci.Command{base, head} {
		if c.Guessed != "" {
			fmt.Fprintf(cmd.ErrOrStderr(), "weir: %s: %s\n", c.Guessed, c)
		}
	}
	progress := progressLine(cmd.ErrOrStderr())
	runner := &ci.Runner{Base: base, Head: head, Answer: answer, AnyAnswer: f.answer == "none", Timeout: f.timeout}
	cfg.Run, cfg.OnRun, cfg.Progress = runner.Run, rec.Run, progress
	res, err := ci.Measure(ctx, cfg)
	progress("")
	if err != nil {
		return errors.Join(f.failed(ctx, errors.Join(err, rec.Close())), f.writeNoResult(ctx, err, started))
	}
	rep := ci.NewReport(res, base, head, cfg, machine, started, f.out)
	if err := errors.Join(rec.Summary(rep), rec.Close(), f.write(&rep)); err != nil {
		return usagef("%w", err)
	}
	if f.json {
		err = printJSON(cmd.OutOrStdout(), rep)
	} else {
		err = rep.Text(cmd.OutOrStdout())
	}
	switch {
	case err != nil:
		return err
	case rep.ExitCode != exitOK:
		return &exitError{rep.ExitCode, errors.New(rep.Headline())}
	}
	return nil
}

// failed gives an error of a measurement its exit code.
func (f *ciFlags) failed(ctx context.Context, err error) error {
	path := filepath.Join(f.out, ciRecord)
	switch {
	case ctx.Err() != nil:
		return inconclusivef("interrupted; the runs so far are in %s", path)
	case errors.Is(err, ci.ErrHead):
		return failf("%w", err)
	case errors.Is(err, ci.ErrInvalidRuns):
		return inconclusivef("%w; the runs so far are in %s", err, path)
	}
	// Nothing was learnt: a second try may have the same --out. The folder goes
	// only if it is empty.
	_ = os.Remove(path)
	_ = os.Remove(f.out)
	return usagef("%w", err)
}

// writeNoResult writes the files for other programs when there is no report: a
// pipeline that reads them must not find those of an earlier comparison. Where
// nothing was learnt there is none to replace without --force, and none is made.
func (f *ciFlags) writeNoResult(ctx context.Context, reason error, started time.Time) error {
	if ctx.Err() != nil {
		reason = errors.New("interrupted")
	} else if !errors.Is(reason, ci.ErrHead) && !errors.Is(reason, ci.ErrInvalidRuns) && !f.force {
		return nil
	}
	junit, err := ci.NoResultJUnit(reason, started)
	if err != nil {
		return err
	}
	for _, file := range []struct {
		path string
		data []byte
	}{{f.junit, junit}, {f.markdown, []byte(ci.NoResultMarkdown(reason))}} {
		if file.path == "" {
			continue
		}
		if err := results.WriteFileAtomic(file.path, file.data, 0o644); err != nil {
			return usagef("%w", err)
		}
	}
	return nil
}

// write puts the report beside the record in every form, and where it was asked
// to go.
func (f *ciFlags) write(rep *ci.Report) error {
	var screen bytes.Buffer
	if err := rep.Text(&screen); err != nil {
		return err
	}
	junit, err := rep.JUnit()
	if err != nil {
		return err
	}
	baseText, err := rep.BenchText(ci.Base)
	if err != nil {
		return err
	}
	headText, err := rep.BenchText(ci.Head)
	if err != nil {
		return err
	}
	markdown := []byte(rep.Markdown())
	for _, file := range []struct {
		path string
		data []byte
	}{
		{filepath.Join(f.out, ciText), screen.Bytes()},
		{filepath.Join(f.out, ciMarkdown), markdown},
		{filepath.Join(f.out, ciJUnit), junit},
		{filepath.Join(f.out, ciBase), baseText},
		{filepath.Join(f.out, ciHead), headText},
		{f.junit, junit},
		{f.markdown, markdown},
	} {
		if file.path == "" {
			continue
		}
		if err := results.WriteFileAtomic(file.path, file.data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
