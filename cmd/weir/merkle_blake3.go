package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/hash"
	"github.com/chainweir/weir/merkle"
)

// blake3Scheme names BLAKE3's own tree, which is no merkle.Scheme: its leaves
// are numbered.
const blake3Scheme = "blake3"

// blake3ReadBytes is how much is read at once, enough for every lane.
const blake3ReadBytes = 1 << 20

// checkBLAKE3 checks the flags that say what leaves are: they are chunks of the
// file's bytes, and nothing else.
func (f *merkleFlags) checkBLAKE3(cmd *cobra.Command) error {
	changed := cmd.Flags().Changed
	switch {
	case changed("hex") || f.dir:
		return usagef("--scheme blake3 hashes the bytes of FILE: leave --%s out, or use --scheme %s", f.kind(), merkle.RFC6962.Name())
	case changed("chunk") && f.chunk != merkle.BLAKE3ChunkSize:
		return usagef("--chunk %d: chunks of blake3 have %d bytes; leave --chunk out, or use --scheme %s",
			f.chunk, merkle.BLAKE3ChunkSize, merkle.RFC6962.Name())
	case f.reverse:
		return usagef("--reverse is bitcoin's display order; blake3 has none: leave it out")
	}
	f.chunk = merkle.BLAKE3ChunkSize
	return nil
}

// blake3Root is the digest of a stream.
func blake3Root(ctx context.Context, r io.Reader, name string) (treeRoot, error) {
	h := hash.NewBLAKE3()
	n, err := io.CopyBuffer(struct{ io.Writer }{h}, contextReader{ctx, r}, make([]byte, blake3ReadBytes))
	if err != nil {
		return treeRoot{}, fmt.Errorf("%s: after %d bytes: %w", name, n, err)
	}
	return treeRoot{hash: merkle.Hash(h.Sum(nil)), leaves: merkle.BLAKE3Chunks(uint64(n))}, nil
}

func (f *merkleFlags) proveBLAKE3(cmd *cobra.Command, name string, which leafChoice) error {
	if which.kind != kindInclusion {
		return usagef("--scheme blake3 proves one chunk at a time: give --index I and one number")
	}
	bar := startProgress(cmd.ErrOrStderr(), name)
	proof, err := withInput(cmd, name, func(ctx context.Context, r io.Reader, name string) (merkle.BLAKE3Proof, error) {
		p, err := merkle.ReadBLAKE3Proof(ctx, bar.reader(r), which.indices[0], f.workers)
		if err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
		return p, err
	})
	bar.end()
	if err != nil {
		return err
	}
	out := proof.JSON()
	if f.json {
		return written(printJSON(cmd.OutOrStdout(), struct {
			proofHead
			merkle.BLAKE3ProofJSON
		}{f.head(kindBLAKE3), out}))
	}
	text := proofText{scheme: out.Scheme, root: out.Root, size: merkle.BLAKE3Chunks(out.Size), indices: which.indices, leaves: []string{out.Chunk}, path: out.Path}
	return written(text.print(cmd.OutOrStdout()))
}
