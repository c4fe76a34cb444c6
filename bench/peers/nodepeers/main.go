// Command nodepeers finds the knee of a weir node and of a CometBFT node, one
// after the other in interleaved rounds on the same machine and under the same
// latency limit, and prints their ratio. `make bench-cometbft` runs it.
//
// CometBFT is taken as its makers give it: the cometbft command with its own
// kvstore, the load and report commands of its own loadtime tool, built by
// `go install` at a fixed version. They are programs beside this one: nothing
// of them is linked, and weir's modules do not need what they need.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

// Exit codes, those of weir.
const (
	exitOK           = 0
	exitFailed       = 1 // the ratio is below what was asked for
	exitUsage        = 2 // bad arguments, or the environment does not allow it
	exitInconclusive = 3 // stopped before the end, or no ratio was found
)

func main() {
	// Children end with the thread that started them (see childOf), and only
	// the first thread is sure to live as long as the process.
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	err := run(ctx, args, stdout, stderr)
	if err == nil {
		return exitOK
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(stderr, "nodepeers:", text)
	}
	return exitCode(err)
}

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

func inconclusivef(format string, args ...any) error {
	return &exitError{exitInconclusive, fmt.Errorf(format, args...)}
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
	return exitUsage
}
