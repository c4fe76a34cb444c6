package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/merkle"
)

// Limits of a proof, which verify has too.
const (
	maxProvenLeaves = 1 << 20
	maxProofBytes   = 128 << 20 // of its JSON: the longest leaf of a leaf file fits
)

// Kinds of proofs, as JSON names them.
const (
	kindInclusion   = "inclusion"
	kindMulti       = "multi"
	kindRange       = "range"
	kindConsistency = "consistency"
	kindBLAKE3      = "blake3_chunk"
)

// leafChoice says what to prove.
type leafChoice struct {
	kind    string
	indices []uint64 // rising
	paths   []string // instead of indices, in a directory
	oldSize uint64   // of a consistency proof
}

// choiceFlags are the flags that a leafChoice is read from.
type choiceFlags struct {
	indices, paths []string
	span           string
	oldSize        uint64
}

func (c *choiceFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&c.indices, "index", nil, "the `leaf` to prove, counted from 0; several, as in 1,5,9, in one proof")
	cmd.Flags().StringVar(&c.span, "range", "", "prove leaves `FIRST-LAST`, both included")
	cmd.Flags().StringArrayVar(&c.paths, "path", nil, "with --dir, the `name` of the file to prove; may be repeated")
	cmd.Flags().Uint64Var(&c.oldSize, "consistency", 0, "prove that the list began with the tree of its first `N` leaves")
}

// choice reads the flags, of which there must be one.
func (c *choiceFlags) choice(cmd *cobra.Command, dir bool) (leafChoice, error) {
	var given []string
	for _, name := range []string{"index", "range", "path", "consistency"} {
		if cmd.Flags().Changed(name) {
			given = append(given, "--"+name)
		}
	}
	if len(given) != 1 {
		return leafChoice{}, usagef("which leaf? Give one of --index I, counted from 0, --range FIRST-LAST, with --dir --path NAME, or --consistency N; got %s",
			either(len(given) == 0, "none", strings.Join(given, " and ")))
	}
	switch given[0] {
	case "--index":
		return indexChoice(c.indices)
	case "--range":
		return rangeChoice(c.span)
	case "--path":
		if !dir {
			return leafChoice{}, usagef("--path %s names a file of a directory: add --dir, or give --index I", c.paths[0])
		}
		if len(c.paths) > maxProvenLeaves {
			return leafChoice{}, usagef("--path: %d of them; a proof is about at most %d leaves", len(c.paths), maxProvenLeaves)
		}
		return leafChoice{kind: kindOfCount(len(c.paths)), paths: c.paths}, nil
	}
	return leafChoice{kind: kindConsistency, oldSize: c.oldSize}, nil
}

// either is a if yes, else b.
func either(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}

func kindOfCount(n int) string { return either(n == 1, kindInclusion, kindMulti) }

func indexChoice(texts []string) (leafChoice, error) {
	c := leafChoice{kind: kindOfCount(len(texts))}
	if len(texts) == 0 || len(texts) > maxProvenLeaves {
		return c, usagef("--index names %d leaves; a proof is about 1 to %d", len(texts), maxProvenLeaves)
	}
	for _, text := range texts {
		index, err := parseIndex(text)
		if err != nil {
			return c, usagef("--index: %w; give one number, or several with commas, as in 1,5,9", err)
		}
		c.indices = append(c.indices, index)
	}
	return c, c.sort("--index %d comes twice; name each leaf once")
}

// sort puts indices in order and refuses one that comes twice.
func (c *leafChoice) sort(twice string) error {
	slices.Sort(c.indices)
	for i := range len(c.indices) - 1 {
		if c.indices[i] == c.indices[i+1] {
			return usagef(twice, c.indices[i])
		}
	}
	return nil
}

func rangeChoice(text string) (leafChoice, error) {
	c := leafChoice{kind: kindRange}
	a, b, _ := strings.Cut(text, "-")
	first, err1 := parseIndex(a)
	last, err2 := parseIndex(b)
	switch {
	case err1 != nil || err2 != nil:
		return c, usagef("--range %q: give the first and the last leaf, both included and counted from 0, as in 10-20", text)
	case first > last:
		return c, usagef("--range %s: the first leaf comes after the last; write %d-%d", text, last, first)
	case last-first >= maxProvenLeaves:
		return c, usagef("--range %s: %d leaves and one; a proof is about at most %d: make several", text, last-first, maxProvenLeaves)
	}
	for i := range last - first + 1 {
		c.indices = append(c.indices, first+i)
	}
	return c, nil
}

// find fills in the indices of the files that paths name.
func (c *leafChoice) find(entries []merkle.FileEntry, dir string) error {
	for _, path := range c.paths {
		at, ok := merkle.FindFile(entries, path)
		if !ok {
			return usagef("--path %q: %s has no such file; write it as it stands below the directory, with / and without ./", path, dir)
		}
		c.indices = append(c.indices, at)
	}
	if c.paths == nil {
		return nil
	}
	return c.sort("--path: file %d of the directory comes twice; name each once")
}

// checkBytes refuses a proof that would be too long to be read back.
func (c *leafChoice) checkBytes(leafBytes uint64) error {
	const perLeaf, perNode = 32, 2*merkle.HashSize + 3 // of JSON, at most, beside the digits
	n := uint64(len(c.indices))
	if total := 2*leafBytes + n*perLeaf; total > maxProofBytes-64*perNode-1024 {
		return fmt.Errorf("%d leaves with %d bytes make a proof longer than %d bytes, which verify does not read; prove fewer at a time",
			n, leafBytes, maxProofBytes)
	}
	return nil
}
