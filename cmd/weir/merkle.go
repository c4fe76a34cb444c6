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
		Short: "Merkle roots and proofs of leaf files, and what they cost",
		Long: `Compute the Merkle root of a file of leaves, prove that a leaf is in it, and
verify such a proof.

A leaf file has one leaf per line, in hex; an empty line is the empty leaf, and
a file without a byte has no leaves. Lines may end in CR LF, and the last one
may lack its end. Nothing else may be on a line: no spaces and no 0x. A file
named - is standard input.

Schemes:
  rfc6962   leaves and nodes hashed with different prefixes (RFC 6962, 9162)
  bitcoin   a line is a 32-byte transaction id, not hashed again; --reverse
            reads and prints them last byte first, as block explorers do`,
		Example: `  printf '00\n\n10\n' | weir merkle root -
  weir merkle prove --index 2 leaves.hex --json > proof.json
  weir merkle verify --proof proof.json --root $(weir merkle root leaves.hex)
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
}

func (f *merkleFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.scheme, "scheme", merkle.RFC6962.Name(), "`name` of the tree: rfc6962 or bitcoin")
	cmd.Flags().BoolVar(&f.reverse, "reverse", false, "bitcoin's display order, for input and output")
	cmd.Flags().IntVar(&f.workers, "workers", 0, "cores to use at most; 0: all")
	cmd.Flags().BoolVar(&f.json, "json", false, "print one JSON object")
}

// leaves resolves the scheme and reads the file that args names.
func (f *merkleFlags) leaves(cmd *cobra.Command, args []string) (*merkle.Scheme, [][]byte, error) {
	if len(args) != 1 {
		return nil, nil, usagef("%s takes one FILE of hex leaves (- for standard input), got %d arguments", cmd.CommandPath(), len(args))
	}
	scheme, err := merkle.SchemeByName(f.scheme)
	if err != nil {
		return nil, nil, usagef("--scheme: %w", err)
	}
	if f.reverse && !scheme.HasDisplayOrder() {
		return nil, nil, usagef("--reverse is bitcoin's display order; %s has none: leave it out", f.scheme)
	}
	if f.workers < 0 {
		return nil, nil, usagef("--workers %d: use 0 for all cores, or 1 and more", f.workers)
	}
	leaves, err := withInput(cmd, args[0], func(ctx context.Context, r io.Reader, name string) ([][]byte, error) {
		return merkle.ReadLeaves(ctx, r, name, scheme, f.reverse)
	})
	return scheme, leaves, err
}

// withInput opens the file, or standard input for -, and returns what read makes
// of it. Reading cannot be interrupted in general (a terminal, a pipe), so after
// a signal the command ends without the reader, which the end of the process
// takes along.
func withInput[T any](cmd *cobra.Command, name string, read func(context.Context, io.Reader, string) (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	ctx := commandContext(cmd)
	done := make(chan result, 1)
	go func() {
		var r result
		r.value, r.err = readInput(ctx, cmd.InOrStdin(), name, read)
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
		Short: "Print the root of a file of hex leaves",
		Long: `Print the Merkle root of a file with one hex leaf per line (- for standard
input). See weir merkle --help for the format.

A Bitcoin list in which equal nodes are paired has the root of another list too
(CVE-2012-2459). Its root is printed, with a warning, and the exit code is 1.`,
		Example: `  weir merkle root leaves.hex
  weir merkle root --scheme bitcoin --reverse txids.hex --json`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.root(cmd, args) },
	}
	f.register(cmd)
	return cmd
}

func (f *merkleFlags) root(cmd *cobra.Command, args []string) error {
	scheme, leaves, err := f.leaves(cmd, args)
	if err != nil {
		return err
	}
	ctx := commandContext(cmd)
	root, err := merkle.Root(ctx, scheme, merkle.Leaves(leaves), f.workers)
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
			Leaves   int      `json:"leaves"`
			Mutated  bool     `json:"mutated"`
			Reversed bool     `json:"reversed"`
			Warnings []string `json:"warnings"`
		}{merkleSchema, text, scheme.Name(), len(leaves), mutated, f.reverse, warnings})
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
