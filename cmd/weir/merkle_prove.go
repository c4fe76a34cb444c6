package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/merkle"
)

func newMerkleProveCmd() *cobra.Command {
	var f merkleFlags
	var which leafChoice
	cmd := &cobra.Command{
		Use:   "prove --index I|--path NAME FILE",
		Short: "Prove that a leaf is in a list, a file or a directory",
		Long: `Print the proof that leaf I, counted from 0, is in the tree over FILE: the nodes
beside its way to the root, from the leaf's sibling up. In a directory, --path
names the file to prove. With --json it is what weir merkle verify reads. See
weir merkle --help for what leaves are.

A Bitcoin list whose root another list has too gets no proof (exit code 1).`,
		Example: `  weir merkle prove --index 2 leaves.hex --json > proof.json
  weir merkle prove --chunk 4096 --index 100 disk.img --json > proof.json
  weir merkle prove --dir release --path bin/weir --json > proof.json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			which.byIndex = cmd.Flags().Changed("index")
			switch byPath := cmd.Flags().Changed("path"); {
			case which.byIndex == byPath:
				return usagef("which leaf? Give --index I, counted from 0, or with --dir --path NAME")
			case byPath && !f.dir:
				return usagef("--path %s names a file of a directory: add --dir, or give --index I", which.path)
			}
			return f.prove(cmd, args, which)
		},
	}
	f.register(cmd)
	cmd.Flags().Uint64Var(&which.index, "index", 0, "the `leaf` to prove, counted from 0")
	cmd.Flags().StringVar(&which.path, "path", "", "with --dir, the `name` of the file to prove")
	return cmd
}

func (f *merkleFlags) prove(cmd *cobra.Command, args []string, which leafChoice) error {
	set, err := f.leaves(cmd, args, &which)
	if err != nil {
		return err
	}
	ctx := commandContext(cmd)
	root, path, err := merkle.NewBuilder(set.scheme, f.workers).Path(ctx, set.input, set.index)
	if err != nil {
		return merkleError(ctx, err)
	}
	proof := merkle.Proof{
		Scheme: set.scheme, Root: root, Index: set.index, Size: uint64(set.count), Leaf: set.leaf, Path: path,
	}
	out := proof.JSON(f.reverse)
	if f.json {
		err = printJSON(cmd.OutOrStdout(), struct {
			Schema   string `json:"schema"`
			LeafKind string `json:"leaf_kind"`
			merkle.ProofJSON
		}{merkleSchema, f.kind(), out})
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
