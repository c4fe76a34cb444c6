package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes, the same for every command.
const (
	exitOK           = 0 // the answer is good
	exitFailed       = 1 // a check or a comparison failed
	exitUsage        = 2 // bad arguments, or the environment does not allow it
	exitInconclusive = 3 // the run is invalid or decides nothing
)

// exitError carries an exit code beside the message a person reads.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// failf is an error that ends the command with exit code 1: a check that did
// not hold (an invalid proof, a tampered log).
func failf(format string, args ...any) error {
	return &exitError{exitFailed, fmt.Errorf(format, args...)}
}

// usagef is an error that ends the command with exit code 2.
func usagef(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// inconclusivef is an error that ends the command with exit code 3.
func inconclusivef(format string, args ...any) error {
	return &exitError{exitInconclusive, fmt.Errorf(format, args...)}
}

// printJSON writes one JSON object and a newline: what --json prints.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func newRootCmd() *cobra.Command {
	root := &cobra.Command{
		Use:   "weir",
		Short: "Measure how many transactions per second a machine and its network carry",
		Long: `weir finds the highest rate of committed transactions per second that this
machine and its network sustain, names what stops it going higher, and
predicts what another link would do. Every number can be traced to a record.`,
		Example:       "  weir run\n  weir run --link 20mbit\n  weir hash --json",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.AddCommand(subcommands()...)
	root.SetUsageTemplate(usageTemplate(root.UsageTemplate()))
	return root
}

// helpColumns is the width that every help text fits.
const helpColumns = 80

// usageTemplate is cobra's own with the flags wrapped to helpColumns.
func usageTemplate(standard string) string {
	cobra.AddTemplateFunc("wrapFlags", func(flags interface{ FlagUsagesWrapped(cols int) string }) string {
		return flags.FlagUsagesWrapped(helpColumns)
	})
	return strings.NewReplacer(
		".LocalFlags.FlagUsages", "wrapFlags .LocalFlags",
		".InheritedFlags.FlagUsages", "wrapFlags .InheritedFlags",
	).Replace(standard)
}

// execute runs the command line and returns the process's exit code. Errors go
// to stderr with the program's name in front; stdout carries answers only.
func execute(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRootCmd()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	ran := false
	root.PersistentPreRun = func(*cobra.Command, []string) { ran = true }
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if !ran {
		// The CLI library's own errors (unknown command, unknown flag, wrong
		// arguments) name what was wrong and not where to look.
		err = fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
	}
	complain(stderr, fmt.Sprintf("weir: %v", err))
	var ee *exitError
	if errors.As(err, &ee) {
		return ee.code
	}
	return exitUsage
}
