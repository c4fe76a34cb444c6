// Command hashpeers measures weir's hash kernels beside other libraries, in
// one process, on the same inputs, in interleaved rounds, with every answer
// verified. `make bench-hash` runs it.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/chainweir/weir/bench/peers/field"
)

// Exit codes, those of weir.
const (
	exitOK           = 0
	exitFailed       = 1 // an answer was wrong
	exitUsage        = 2 // bad arguments, or the environment does not allow it
	exitInconclusive = 3 // stopped before the end
)

func main() {
	if played, err := field.PlayServer(os.Stdout); played {
		if err != nil {
			fmt.Fprintln(os.Stderr, "hashpeers:", err)
			os.Exit(exitFailed)
		}
		return
	}
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
		fmt.Fprintln(stderr, "hashpeers:", text)
	}
	return exitCode(err)
}
