package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/hash"
	"github.com/chainweir/weir/merkle"
)

// leafContent says what a proof's leaf is compared with.
type leafContent struct {
	file  string
	chunk int
	dir   bool
}

// fileAnswer is a file's entry in verify --dir --json.
type fileAnswer struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
}

func (c *leafContent) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.file, "content", "", "a `file` that the leaf must be the content of")
	cmd.Flags().IntVar(&c.chunk, "chunk", 0, "with --content: in chunks of so many `bytes`")
	cmd.Flags().BoolVar(&c.dir, "dir", false, "the leaf is the entry of a file in a directory")
	cmd.MarkFlagsMutuallyExclusive("chunk", "dir")
}

func (c *leafContent) check(cmd *cobra.Command, proof string) error {
	switch changed := cmd.Flags().Changed; {
	case changed("chunk") && (c.chunk < 1 || c.chunk > merkle.MaxChunkBytes):
		return usagef("--chunk %d: use 1 to %d bytes", c.chunk, merkle.MaxChunkBytes)
	case c.chunk != 0 && c.file == "":
		return usagef("--chunk %d: name the file to compare with --content FILE, or leave --chunk out", c.chunk)
	case c.file == "-" && proof == "-":
		return usagef("--content - and --proof -: standard input can be one of them; name a file for the other")
	}
	return nil
}

// checkKind refuses to compare what a proof of this kind does not have.
func (c *leafContent) checkKind(p heldProof) error {
	flag := "--content"
	if c.dir {
		flag = "--dir"
	}
	switch {
	case !c.dir && c.file == "":
		return nil
	case p.old != nil:
		return usagef("%s looks at leaves, and a consistency proof has none: leave it out", flag)
	case c.file != "" && c.chunk == 0 && len(p.leaves) > 1:
		return usagef("--content %s is one file for %d leaves; say with --chunk N that they are its chunks, or leave it out", c.file, len(p.leaves))
	}
	return nil
}

// compare adds to the answer what the leaves are, and why they are not what they
// should be, if so. The error is for a file that cannot be read.
func (c *leafContent) compare(cmd *cobra.Command, p heldProof, a *verifyAnswer) error {
	want := p.leaves
	if c.dir {
		want = nil
		for _, leaf := range p.leaves {
			entry, err := merkle.ParseFileLeaf(leaf)
			if err != nil {
				a.refuse(err.Error())
				return nil
			}
			a.Files = append(a.Files, fileAnswer{entry.Path, merkle.FormatBytes(entry.SHA256[:], false)})
			want = append(want, entry.SHA256[:])
		}
		if len(a.Files) == 1 {
			a.File, a.Files = &a.Files[0], nil
		}
	}
	if c.file == "" || len(want) == 0 || len(want) > 1 && a.Reason != "" { // then indices may be anything
		return nil
	}
	bar := startProgress(cmd.ErrOrStderr(), c.file)
	defer bar.end()
	a.Content = c.file
	same, err := withInput(cmd, c.file, func(ctx context.Context, r io.Reader, name string) (bool, error) {
		same, err := c.hold(contextReader{ctx, bar.reader(r)}, p.indices, want)
		if err != nil {
			err = fmt.Errorf("--content %s: %w", name, err)
		}
		return same, err
	})
	if err == nil && !same {
		a.refuse(fmt.Sprintf("the %s not the content of %s", either(len(want) > 1, "leaves are", "leaf is"), c.file))
	}
	return err
}

// hold reports whether what r holds is the leaves, whose indices rise.
func (c *leafContent) hold(r io.Reader, indices []uint64, want [][]byte) (bool, error) {
	if c.dir {
		h := hash.NewSHA256()
		_, err := io.CopyBuffer(h, r, make([]byte, 256<<10))
		return bytes.Equal(h.Sum(nil), want[0]), err
	}
	next := uint64(0) // chunk that r is at
	for i, leaf := range want {
		part := r
		if c.chunk != 0 {
			if indices[i] > uint64(1<<62)/uint64(c.chunk) {
				return false, nil // no file is that long
			}
			_, err := io.CopyN(io.Discard, r, int64(indices[i]-next)*int64(c.chunk))
			if errors.Is(err, io.EOF) {
				return false, nil
			}
			if err != nil {
				return false, err
			}
			part, next = io.LimitReader(r, int64(c.chunk)), indices[i]+1
		}
		got, err := io.ReadAll(io.LimitReader(part, int64(len(leaf))+1))
		if err != nil || !bytes.Equal(got, leaf) {
			return false, err
		}
		if c.chunk != 0 && len(leaf) < c.chunk && i+1 < len(want) {
			return false, nil // a chunk that is not the last is whole
		}
	}
	return true, nil
}

// refuse adds a reason why the proof does not serve.
func (a *verifyAnswer) refuse(reason string) {
	if a.Reason != "" {
		reason = a.Reason + "; " + reason
	}
	a.Reason = reason
}

// more is what is printed below the verdict.
func (a *verifyAnswer) more() string {
	var text string
	if a.File != nil {
		text += fmt.Sprintf("file: %q, SHA-256 %s\n", a.File.Path, a.File.SHA256)
	}
	for _, file := range a.Files {
		text += fmt.Sprintf("file: %q, SHA-256 %s\n", file.Path, file.SHA256)
	}
	if a.Content != "" {
		text += fmt.Sprintf("content: that of %s\n", a.Content)
	}
	return text
}
