package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/merkle"
)

const merkleSchema = "weir.merkle/1"

func newMerkleCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "merkle",
		Short: "Merkle roots and proofs of lists, files and directories",
		Long: `Compute the Merkle root of a list of leaves, prove that a leaf is in it, and
verify such a proof. Leaves are one of:

  --hex      (default) the lines of FILE, each a leaf in hex; an empty line is
             the empty leaf, a file without a byte has no leaves. Lines may end
             in CR LF, the last may lack its end. No spaces, no 0x.
  --chunk N  the bytes of FILE in chunks of N, the last one shorter
  --dir      the regular files in directory FILE and below, hidden ones too, in
             the order of their paths' bytes. A file's leaf is its path below
             FILE (with /), a zero byte and the SHA-256 of its content.
             Symbolic links and other special files are errors.

A FILE named - is standard input. It is read once. A root of lines or chunks
takes a few MiB, however long FILE is (and a long line); a proof takes 32 to 128
bytes more for each chunk, and with --hex the leaves themselves.

Schemes:
` + schemeList(),
		Example: `  printf '00\n\n10\n' | weir merkle root -
  weir merkle root --scheme bitcoin --reverse txids.hex
  weir merkle prove --index 2 --json f.hex | weir merkle verify - --root $ROOT
  weir merkle prove --dir release --path bin/weir --json > proof.json
  weir merkle verify proof.json --root $(weir merkle root --dir release)
  weir merkle bench`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newMerkleRootCmd(), newMerkleProveCmd(), newMerkleVerifyCmd(), newMerkleBenchCmd())
	return cmd
}

// merkleFlags are those that root and prove share.
type merkleFlags struct {
	scheme  string
	reverse bool
	workers int
	json    bool
	mixIn   mixInFlag
	leafKind
}

func (f *merkleFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.scheme, "scheme", merkle.RFC6962.Name(), "`name` of the tree: "+schemeNames())
	cmd.Flags().BoolVar(&f.reverse, "reverse", false, "bitcoin's display order, for input and output")
	cmd.Flags().IntVar(&f.workers, "workers", 0, "cores to use at most; 0: all")
	cmd.Flags().BoolVar(&f.json, "json", false, "print one JSON object")
	f.mixIn.register(cmd)
	f.leafKind.register(cmd)
}

// withInput opens the file, or standard input for -, and returns what read makes
// of it.
func withInput[T any](cmd *cobra.Command, name string, read func(context.Context, io.Reader, string) (T, error)) (T, error) {
	return untilDone(cmd, func(ctx context.Context) (T, error) {
		return readInput(ctx, cmd.InOrStdin(), name, read)
	})
}

// untilDone returns what read makes, or that the command was interrupted.
// Reading cannot be interrupted in general (a terminal, a pipe), so after a
// signal the command ends without the reader, which the end of the process takes
// along.
func untilDone[T any](cmd *cobra.Command, read func(context.Context) (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	ctx := commandContext(cmd)
	done := make(chan result, 1)
	go func() {
		var r result
		r.value, r.err = read(ctx)
		done <- r
	}()
	var r result
	select {
	case r = <-done:
	case <-ctx.Done():
		r.err = ctx.Err()
	}
	return r.value, inputError(ctx, r.err)
}

func readInput[T any](
	ctx context.Context, stdin io.Reader, name string, read func(context.Context, io.Reader, string) (T, error),
) (T, error) {
	if name == "-" {
		return read(ctx, stdin, "standard input")
	}
	f, err := os.Open(name)
	if err != nil {
		var none T
		return none, fmt.Errorf("%w; name a file that you can read, or - for standard input", err)
	}
	defer f.Close() // it was only read
	if info, err := f.Stat(); err == nil && info.IsDir() {
		var none T
		return none, fmt.Errorf("%s is a directory; its files are leaves with root --dir or prove --dir, here name a file", name)
	}
	return read(ctx, f, name)
}

func inputError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return inconclusivef("interrupted: %w", err)
	}
	return usagef("%w", err)
}

// commandContext is the command's context, also where none was given.
func commandContext(cmd *cobra.Command) context.Context {
	if ctx := cmd.Context(); ctx != nil {
		return ctx
	}
	return context.Background()
}

// merkleError gives an error of a computation its exit code.
func merkleError(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, merkle.ErrMutated):
		return failf("%w", err)
	default:
		return inputError(ctx, err)
	}
}
