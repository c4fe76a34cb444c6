package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"

	"github.com/chainweir/weir/bench/peers/restrict"
)

// again runs the program with the same arguments in a process from which
// features of the processor are hidden.
func again(ctx context.Context, without, args []string, stdout, stderr io.Writer) error {
	if hidden := restrict.Hidden(); len(hidden) > 0 {
		return usagef("%v are hidden already; start hashpeers from a clean environment", hidden)
	}
	program, err := os.Executable()
	if err != nil {
		return usagef("--without: cannot start again: %w", err)
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.Env = restrict.Environ(os.Environ(), without)
	err = cmd.Run()
	if exit := new(exec.ExitError); errors.As(err, &exit) && exit.Exited() {
		return &exitError{exit.ExitCode(), errors.New("")} // it said why
	}
	if err != nil {
		return usagef("--without: cannot start again: %w", err)
	}
	return nil
}
