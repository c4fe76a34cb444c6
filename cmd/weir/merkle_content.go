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

// compare adds to the answer what the leaf is, and why it is not what it should
// be, if so. The error is for a file that cannot be read.
func (c *leafContent) compare(cmd *cobra.Command, p merkle.Proof, a *verifyAnswer) error {
	want := p.Leaf
	if c.dir {
		entry, err := merkle.ParseFileLeaf(p.Leaf)
		if err != nil {
			a.refuse(err.Error())
			return nil
		}
		a.File = &fileAnswer{entry.Path, merkle.FormatBytes(entry.SHA256[:], false)}
		want = entry.SHA256[:]
	}
	if c.file == "" {
		return nil
	}
	bar := startProgress(cmd.ErrOrStderr(), c.file)
	defer bar.end()
	a.Content = c.file
	same, err := withInput(cmd, c.file, func(ctx context.Context, r io.Reader, name string) (bool, error) {
		same, err := c.holds(contextReader{ctx, bar.reader(r)}, p.Index, want)
		if err != nil {
			err = fmt.Errorf("--content %s: %w", name, err)
		}
		return same, err
	})
	if err == nil && !same {
		a.refuse(fmt.Sprintf("the leaf is not the content of %s", c.file))
	}
	return err
}

// holds reports whether what r holds is the leaf.
func (c *leafContent) holds(r io.Reader, index uint64, want []byte) (bool, error) {
	switch {
	case c.dir:
		h := hash.NewSHA256()
		_, err := io.CopyBuffer(h, r, make([]byte, 256<<10))
		return bytes.Equal(h.Sum(nil), want), err
	case c.chunk != 0:
		if index > uint64(1<<62)/uint64(c.chunk) {
			return false, nil // no file is that long
		}
		_, err := io.CopyN(io.Discard, r, int64(index)*int64(c.chunk))
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		r = io.LimitReader(r, int64(c.chunk))
	}
	got, err := io.ReadAll(io.LimitReader(r, int64(len(want))+1))
	return bytes.Equal(got, want), err
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
	if a.Content != "" {
		text += fmt.Sprintf("content: that of %s\n", a.Content)
	}
	return text
}
