// Command merklepeers measures weir's Merkle trees beside other libraries, in
// one process, on the same inputs, in interleaved rounds, with every answer
// verified. `make bench-merkle` runs it.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit codes, those of weir.
const (
	exitOK           = 0
	exitFailed       = 1 // an answer was wrong
	exitUsage        = 2 // bad arguments, or the environment does not allow it
	exitInconclusive = 3 // stopped before the end
)

func main() {
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
		fmt.Fprintln(stderr, "merklepeers:", text)
	}
	return exitCode(err)
}
