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
  --chunk N  the bytes of FILE in chunks of N, the last one shorter. Read once,
             in 8 MiB and 32 to 64 bytes for each chunk.
  --dir      the regular files in directory FILE and below, hidden ones too, in
             the order of their paths' bytes. A file's leaf is its path below
             FILE (with /), a zero byte and the SHA-256 of its content.
             Symbolic links and other special files are errors.

A FILE named - is standard input.

Schemes:
` + schemeList(),
		Example: `  printf '00\n\n10\n' | weir merkle root -
  weir merkle root --chunk 4096 disk.img
  weir merkle prove --dir release --path bin/weir --json > proof.json
  weir merkle verify --proof proof.json --root $(weir merkle root --dir release)
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
	leafKind
}

func (f *merkleFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.scheme, "scheme", merkle.RFC6962.Name(), "`name` of the tree: "+schemeNames())
	cmd.Flags().BoolVar(&f.reverse, "reverse", false, "bitcoin's display order, for input and output")
	cmd.Flags().IntVar(&f.workers, "workers", 0, "cores to use at most; 0: all")
	cmd.Flags().BoolVar(&f.json, "json", false, "print one JSON object")
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

func newMerkleRootCmd() *cobra.Command {
	var f merkleFlags
	cmd := &cobra.Command{
		Use:   "root FILE",
		Short: "Print the root of a list, a file or a directory",
		Long: `Print the Merkle root of the lines, the chunks or the directory FILE. See
weir merkle --help for what leaves are.

A Bitcoin list in which equal nodes are paired has the root of another list too
(CVE-2012-2459). Its root is printed, with a warning, and the exit code is 1.`,
		Example: `  weir merkle root leaves.hex
  weir merkle root --chunk 4096 disk.img
  weir merkle root --dir release --json
  weir merkle root --scheme bitcoin --reverse txids.hex`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.root(cmd, args) },
	}
	f.register(cmd)
	return cmd
}

func (f *merkleFlags) root(cmd *cobra.Command, args []string) error {
	set, err := f.leaves(cmd, args, nil)
	if err != nil {
		return err
	}
	ctx := commandContext(cmd)
	root, err := merkle.Root(ctx, set.scheme, set.input, f.workers)
	mutated := errors.Is(err, merkle.ErrMutated)
	if err != nil && !mutated {
		return merkleError(ctx, err)
	}
	text := merkle.FormatBytes(root[:], f.reverse)
	warnings := []string{}
	if mutated {
		warnings = append(warnings, err.Error())
	}
	if f.json {
		err = printJSON(cmd.OutOrStdout(), struct {
			Schema   string   `json:"schema"`
			Root     string   `json:"root"`
			Scheme   string   `json:"scheme"`
			LeafKind string   `json:"leaf_kind"`
			Leaves   int      `json:"leaves"`
			Mutated  bool     `json:"mutated"`
			Reversed bool     `json:"reversed"`
			Warnings []string `json:"warnings"`
		}{merkleSchema, text, set.scheme.Name(), f.kind(), set.count, mutated, f.reverse, warnings})
	} else {
		_, err = fmt.Fprintln(cmd.OutOrStdout(), text)
	}
	if err != nil {
		return usagef("writing the answer: %w", err)
	}
	if mutated {
		return failf("warning: do not trust this root: %s", warnings[0])
	}
	return nil
}
