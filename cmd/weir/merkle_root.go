package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/merkle"
)

func newMerkleRootCmd() *cobra.Command {
	var f merkleFlags
	cmd := &cobra.Command{
		Use:   "root FILE",
		Short: "Print the root of a list, a file or a directory",
		Long: `Print the Merkle root of the lines, the chunks or the directory FILE. See
weir merkle --help for what leaves are. FILE may be of any length: what was
hashed is not kept, but for the names of a directory's files.

With --mix-in-length the root is that of an SSZ list (its hash_tree_root). The
length counts elements: give it where several are packed into a chunk, as in
--mix-in-length=5; without a number there is one element to a chunk.

A Bitcoin list in which equal nodes are paired has the root of another list too
(CVE-2012-2459). Its root is printed, with a warning, and the exit code is 1.`,
		Example: `  weir merkle root leaves.hex
  weir merkle root --chunk 4096 disk.img
  weir merkle root --dir release --json
  weir merkle root --scheme bitcoin --reverse txids.hex
  weir merkle root --scheme ssz:1024 --chunk 32 --mix-in-length chunks.bin
  weir merkle root --scheme blake3 disk.img`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.root(cmd, args) },
	}
	f.register(cmd)
	return cmd
}

// treeRoot is a root and what it is of.
type treeRoot struct {
	hash    merkle.Hash
	leaves  uint64
	mutated error // ErrMutated where the list is ambiguous
}

// rootAnswer is what root --json prints.
type rootAnswer struct {
	Schema   string `json:"schema"`
	Root     string `json:"root"`
	Scheme   string `json:"scheme"`
	LeafKind string `json:"leaf_kind"`
	Leaves   uint64 `json:"leaves"`
	listLength
	Mutated  bool     `json:"mutated"`
	Reversed bool     `json:"reversed"`
	Warnings []string `json:"warnings"`
}

func (f *merkleFlags) root(cmd *cobra.Command, args []string) error {
	scheme, err := f.check(cmd, args)
	if err != nil {
		return err
	}
	bar := startProgress(cmd.ErrOrStderr(), args[0])
	root, err := f.rootOf(cmd, scheme, args[0], bar)
	bar.end()
	if err != nil {
		return err
	}
	list, err := f.mixIn.mix(root.hash, root.leaves)
	if err != nil {
		return err
	}
	answer := rootAnswer{
		Schema: merkleSchema, Root: merkle.FormatBytes(list.root[:], f.reverse), Scheme: f.scheme, LeafKind: f.kind(),
		Leaves: root.leaves, listLength: list.json(), Mutated: root.mutated != nil, Reversed: f.reverse, Warnings: []string{},
	}
	if root.mutated != nil {
		answer.Warnings = append(answer.Warnings, root.mutated.Error())
	}
	if f.json {
		err = printJSON(cmd.OutOrStdout(), answer)
	} else {
		_, err = fmt.Fprintln(cmd.OutOrStdout(), answer.Root)
	}
	if err != nil {
		return usagef("writing the answer: %w", err)
	}
	if root.mutated != nil {
		return failf("warning: do not trust this root: %w", root.mutated)
	}
	return nil
}

// rootOf reads what name names. scheme is nil for BLAKE3's own tree.
func (f *merkleFlags) rootOf(cmd *cobra.Command, scheme *merkle.Scheme, name string, bar *progressBar) (treeRoot, error) {
	if f.dir {
		set, err := f.readDir(cmd, scheme, name, nil, bar)
		if err != nil {
			return treeRoot{}, err
		}
		ctx := commandContext(cmd)
		root, err := merkle.Root(ctx, scheme, set.input, f.workers)
		return treeRoot{hash: root, leaves: uint64(set.count)}, merkleError(ctx, err)
	}
	return withInput(cmd, name, func(ctx context.Context, r io.Reader, name string) (treeRoot, error) {
		r = bar.reader(r)
		switch {
		case scheme == nil:
			return blake3Root(ctx, r, name)
		case f.chunk != 0:
			return chunkRoot(ctx, scheme, r, name, f.chunk, f.workers)
		}
		return lineRoot(ctx, scheme, r, name, f.reverse, f.workers)
	})
}

// chunkRoot is the root over the chunks of a stream.
func chunkRoot(ctx context.Context, scheme *merkle.Scheme, r io.Reader, name string, size, workers int) (treeRoot, error) {
	counted := &byteCounter{r: r}
	root, n, err := merkle.RootReader(ctx, scheme, counted, size, workers)
	if errors.Is(err, merkle.ErrLeafSize) { // sizes are checked by now, but for the end of the stream
		return treeRoot{}, fmt.Errorf("%w: %s: the last chunk has %d bytes, but a %s leaf is a node of %d; fill the file up to a multiple of that",
			merkle.ErrLeafSize, name, counted.n%uint64(size), scheme.Name(), merkle.HashSize)
	}
	return rootResult(root, n, name, err)
}

// rootResult keeps a root that is ambiguous, and says of which input an error is.
func rootResult(root merkle.Hash, n uint64, name string, err error) (treeRoot, error) {
	switch {
	case errors.Is(err, merkle.ErrMutated):
		return treeRoot{root, n, err}, nil
	case err != nil:
		return treeRoot{}, fmt.Errorf("%s: %w", name, err)
	}
	return treeRoot{root, n, nil}, nil
}

// byteCounter counts what is read.
type byteCounter struct {
	r io.Reader
	n uint64
}

func (c *byteCounter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += uint64(n)
	return n, err
}
