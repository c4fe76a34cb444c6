package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/merkle"
)

func newMerkleProveCmd() *cobra.Command {
	var f merkleFlags
	var index uint64
	cmd := &cobra.Command{
		Use:   "prove --index I FILE",
		Short: "Prove that a leaf is in a file of hex leaves",
		Long: `Print the proof that leaf I, counted from 0, is in the tree over FILE (- for
standard input): the nodes beside its way to the root, from the leaf's sibling
up. With --json it is what weir merkle verify reads.

A Bitcoin list whose root another list has too gets no proof (exit code 1).`,
		Example: `  weir merkle prove --index 2 leaves.hex --json > proof.json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("index") {
				return usagef("which leaf? Give --index I, counted from 0")
			}
			return f.prove(cmd, args, index)
		},
	}
	f.register(cmd)
	cmd.Flags().Uint64Var(&index, "index", 0, "the `leaf` to prove, counted from 0")
	return cmd
}

func (f *merkleFlags) prove(cmd *cobra.Command, args []string, index uint64) error {
	scheme, leaves, err := f.leaves(cmd, args)
	if err != nil {
		return err
	}
	ctx := commandContext(cmd)
	proof, err := merkle.NewBuilder(scheme, f.workers).Proof(ctx, leaves, index)
	if err != nil {
		return merkleError(ctx, err)
	}
	out := proof.JSON(f.reverse)
	if f.json {
		err = printJSON(cmd.OutOrStdout(), struct {
			Schema string `json:"schema"`
			merkle.ProofJSON
		}{merkleSchema, out})
	} else {
		err = printProof(cmd.OutOrStdout(), out)
	}
	if err != nil {
		return usagef("writing the answer: %w", err)
	}
	return nil
}

func printProof(w io.Writer, p merkle.ProofJSON) error {
	_, err := fmt.Fprintf(w, "scheme  %s\nroot    %s\nleaf    %d of %d: %s\n", p.Scheme, p.Root, p.Index, p.Size, p.Leaf)
	for i, node := range p.Path {
		if err == nil {
			_, err = fmt.Fprintf(w, "path %2d %s\n", i, node)
		}
	}
	return err
}
