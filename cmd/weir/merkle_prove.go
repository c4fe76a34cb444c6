package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/merkle"
)

func newMerkleProveCmd() *cobra.Command {
	var f merkleFlags
	var which choiceFlags
	cmd := &cobra.Command{
		Use:   "prove --index I|--range A-B|--path F|--consistency N FILE",
		Short: "Prove that leaves are in a tree, or that a list only grew",
		Long: `Print a proof about the tree over FILE; see weir merkle --help for what leaves
are. With --json it is what weir merkle verify reads.

  --index I           leaf I, counted from 0: the nodes beside its way to the
                      root, from the leaf's sibling up
  --index I,J,...     several leaves in one proof, shorter than theirs together
  --range A-B         leaves A to B, both included
  --path NAME         with --dir, the file of that name; may be repeated
  --consistency N     that the tree of the first N leaves is a beginning of this
                      one, as certificate logs prove that they only grew

With --mix-in-length the proof is against the root of an SSZ list and carries
the list's length. With --scheme blake3 it is of one chunk of 1024 bytes.

A Bitcoin list whose root another list has too gets no proof (exit code 1).`,
		Example: `  weir merkle prove --index 2 --json leaves.hex > proof.json
  weir merkle prove --chunk 4096 --range 100-120 --json disk.img > proof.json
  weir merkle prove --dir release --path bin/weir --json > proof.json
  weir merkle prove --consistency 1000 --json log.hex > grew.json
  weir merkle prove --scheme blake3 --index 7 --json disk.img > proof.json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			choice, err := which.choice(cmd, f.dir)
			if err != nil {
				return err
			}
			return f.prove(cmd, args, choice)
		},
	}
	f.register(cmd)
	which.register(cmd)
	return cmd
}

func (f *merkleFlags) prove(cmd *cobra.Command, args []string, which leafChoice) error {
	scheme, err := f.check(cmd, args)
	switch {
	case err != nil:
		return err
	case scheme == nil:
		return f.proveBLAKE3(cmd, args[0], which)
	case which.kind == kindConsistency:
		if err := f.checkConsistency(scheme, which.oldSize); err != nil {
			return err
		}
	}
	set, err := f.leaves(cmd, scheme, args[0], &which)
	if err != nil {
		return err
	}
	if which.kind == kindConsistency {
		return f.proveConsistency(cmd, set, which.oldSize)
	}
	return f.proveLeaves(cmd, set, which)
}

// proveLeaves prints a proof that leaves are in the tree.
func (f *merkleFlags) proveLeaves(cmd *cobra.Command, set leafSet, which leafChoice) error {
	ctx := commandContext(cmd)
	root, path, err := set.path(ctx, which, f.workers)
	if err != nil {
		return merkleError(ctx, err)
	}
	list, err := f.mixIn.mix(root, uint64(set.count))
	if err != nil {
		return err
	}
	size := uint64(set.count)
	multi := merkle.MultiProof{Scheme: set.scheme, Root: list.root, Size: size, Indices: which.indices, Leaves: set.proven, Path: path}.JSON(f.reverse)
	if !f.json {
		text := proofText{scheme: multi.Scheme, root: multi.Root, list: list.json(), size: size, indices: which.indices, leaves: multi.Leaves, path: multi.Path}
		return written(text.print(cmd.OutOrStdout()))
	}
	head, out := f.head(which.kind), cmd.OutOrStdout()
	switch which.kind {
	case kindRange:
		ranged := merkle.RangeProof{Scheme: set.scheme, Root: list.root, First: which.indices[0], Size: size, Leaves: set.proven, Path: path}
		err = printJSON(out, struct {
			proofHead
			merkle.RangeProofJSON
			listLength
		}{head, ranged.JSON(f.reverse), list.json()})
	case kindMulti:
		err = printJSON(out, struct {
			proofHead
			merkle.MultiProofJSON
			listLength
		}{head, multi, list.json()})
	default:
		one := merkle.Proof{Scheme: set.scheme, Root: list.root, Index: which.indices[0], Size: size, Leaf: set.proven[0], Path: path}
		err = printJSON(out, struct {
			proofHead
			merkle.ProofJSON
			listLength
		}{head, one.JSON(f.reverse), list.json()})
	}
	return written(err)
}

// path returns the root and the path of what is to be proven. One leaf takes no
// tree in memory.
func (s leafSet) path(ctx context.Context, which leafChoice, workers int) (root merkle.Hash, path []merkle.Hash, err error) {
	if which.kind == kindInclusion {
		return merkle.NewBuilder(s.scheme, workers).Path(ctx, s.input, which.indices[0])
	}
	tree, err := merkle.Build(ctx, s.scheme, s.input, workers)
	if err != nil {
		return root, nil, err
	}
	if which.kind == kindRange {
		path, err = tree.RangePath(which.indices[0], uint64(len(which.indices)))
	} else {
		path, err = tree.MultiPath(which.indices)
	}
	return tree.Root(), path, err
}

// proofHead are the keys that every proof begins with.
type proofHead struct {
	Schema   string `json:"schema"`
	Kind     string `json:"kind"`
	LeafKind string `json:"leaf_kind"`
}

func (f *merkleFlags) head(kind string) proofHead { return proofHead{merkleSchema, kind, f.kind()} }

// written is the error of writing an answer.
func written(err error) error {
	if err != nil {
		return usagef("writing the answer: %w", err)
	}
	return nil
}

// proofText is a proof as people read it.
type proofText struct {
	scheme, root string
	list         listLength
	size         uint64
	indices      []uint64
	leaves, path []string
}

func (p proofText) print(w io.Writer) error {
	_, err := fmt.Fprintf(w, "scheme  %s\nroot    %s\n", p.scheme, p.root)
	if p.list.MixInLength != nil && err == nil {
		_, err = fmt.Fprintf(w, "list    %d elements, chunks under %s\n", *p.list.MixInLength, p.list.ChunksRoot)
	}
	for i, leaf := range p.leaves {
		if err == nil {
			_, err = fmt.Fprintf(w, "leaf    %d of %d: %s\n", p.indices[i], p.size, leaf)
		}
	}
	return printPath(w, p.path, err)
}

// printPath prints nodes unless there was an error before.
func printPath(w io.Writer, path []string, err error) error {
	for i, node := range path {
		if err == nil {
			_, err = fmt.Fprintf(w, "path %2d %s\n", i, node)
		}
	}
	return err
}
