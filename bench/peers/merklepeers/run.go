package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/mattn/go-isatty"

	"github.com/chainweir/weir/asm/cpu"
	"github.com/chainweir/weir/bench/env"
	"github.com/chainweir/weir/bench/peers/contest"
	"github.com/chainweir/weir/bench/peers/field"
	"github.com/chainweir/weir/bench/peers/floor"
	"github.com/chainweir/weir/bench/peers/merklefield"
	"github.com/chainweir/weir/bench/peers/report"
	"github.com/chainweir/weir/bench/peers/restrict"
	"github.com/chainweir/weir/results"
)

// exitError carries an exit code beside the message a person reads.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

func exitCode(err error) int {
	var ee *exitError
	switch {
	case errors.Is(err, errHelp):
		return exitOK
	case errors.As(err, &ee):
		return ee.code
	case errors.Is(err, context.Canceled):
		return exitInconclusive
	}
	return exitFailed
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	opt, err := parse(args, stdout)
	if err != nil {
		return err
	}
	specs := slices.DeleteFunc(merklefield.Specs(), func(s field.Spec) bool { return !opt.wants(s.Name) })
	if len(specs) == 0 {
		return usagef("--rows %s matches none of the rows:\n  %s", opt.rows, rowNames())
	}
	if err := cpu.Kernels.EnvError(); err != nil {
		return usagef("%w", err)
	}
	rep := report.NewOf(merklefield.Subject, env.Read(ctx, env.Options{}), restrict.Hidden(), opt.plan)
	cpu.Kernels.Calibrate() // as the first call would, but not inside a sample
	runErr := measure(ctx, rep, specs, opt.plan, progressLine(stderr))
	if runErr != nil && !errors.Is(runErr, context.Canceled) {
		return runErr
	}
	if runErr != nil {
		rep.Warnings = append(rep.Warnings, fmt.Sprintf("stopped after %d of %d rows", len(rep.Rows), len(specs)))
	}
	rep.Conclude()
	return errors.Join(write(rep, opt, stdout), runErr)
}

// measure adds the rows to the report, one after the other.
func measure(ctx context.Context, rep *report.Report, specs []field.Spec, plan contest.Plan, progress func(string)) error {
	defer progress("")
	for i, spec := range specs {
		if err := ctx.Err(); err != nil {
			return err // making a row takes a second
		}
		progress(fmt.Sprintf("row %d of %d: %s", i+1, len(specs), spec.Name))
		row, err := spec.Make()
		if err != nil {
			return err
		}
		var m contest.Measured
		if row.LeftOut == "" {
			if m, err = contest.Run(ctx, row.Row, plan, clock); err != nil {
				return err
			}
		}
		if err := rep.Add(row, m); err != nil {
			return err
		}
	}
	return nil
}

// clock is 0 where the frequency could not be measured.
func clock() float64 {
	hz, err := floor.ClockHz()
	if err != nil {
		return 0
	}
	return hz
}

func write(rep *report.Report, opt options, stdout io.Writer) error {
	if opt.bench != "" {
		text, err := rep.Bench()
		if err == nil {
			err = results.WriteFileAtomic(opt.bench, text, 0o644)
		}
		if err != nil {
			return usagef("--bench: %w", err)
		}
	}
	var err error
	if opt.json {
		enc := json.NewEncoder(stdout)
		enc.SetEscapeHTML(false)
		err = enc.Encode(rep)
	} else {
		err = rep.WriteText(stdout)
	}
	if err != nil {
		return usagef("writing the answer: %w", err)
	}
	return nil
}

func rowNames() string {
	var names []string
	for _, s := range merklefield.Specs() {
		names = append(names, s.Name)
	}
	return strings.Join(names, "\n  ")
}

// progressLine shows a line in place of the last one, on a terminal.
func progressLine(w io.Writer) func(string) {
	f, ok := w.(*os.File)
	if !ok || !isatty.IsTerminal(f.Fd()) {
		return func(string) {}
	}
	return func(line string) { fmt.Fprintf(f, "\r\x1b[K%s", line) }
}
