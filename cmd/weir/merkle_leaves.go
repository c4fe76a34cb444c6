package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/merkle"
)

// leafKind are the flags that say what a leaf is.
type leafKind struct {
	hex, dir bool
	chunk    int
}

func (k *leafKind) register(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&k.hex, "hex", false, "leaves are the lines of FILE, in hex (default)")
	cmd.Flags().IntVar(&k.chunk, "chunk", 0, "leaves are chunks of FILE of so many `bytes`")
	cmd.Flags().BoolVar(&k.dir, "dir", false, "leaves are the files of directory FILE")
	cmd.MarkFlagsMutuallyExclusive("hex", "chunk", "dir")
}

// kind is its name in JSON.
func (k *leafKind) kind() string {
	switch {
	case k.dir:
		return "dir"
	case k.chunk != 0:
		return "chunk"
	}
	return "hex"
}

// leafSet is a list of leaves, and those of them that a proof is about.
type leafSet struct {
	scheme *merkle.Scheme
	input  merkle.Input
	count  int
	first  func(n int) merkle.Input // the first n leaves
	proven [][]byte                 // fewer than asked for where the list ends
}

// leaves reads what name names, for a proof.
func (f *merkleFlags) leaves(cmd *cobra.Command, scheme *merkle.Scheme, name string, which *leafChoice) (leafSet, error) {
	bar := startProgress(cmd.ErrOrStderr(), name)
	defer bar.end()
	if f.dir {
		return f.readDir(cmd, scheme, name, which, bar)
	}
	if f.chunk != 0 {
		if err := which.checkBytes(uint64(len(which.indices)) * uint64(f.chunk)); err != nil {
			return leafSet{}, usagef("--chunk %d: %w", f.chunk, err)
		}
		return withInput(cmd, name, func(ctx context.Context, r io.Reader, name string) (leafSet, error) {
			keep := &chunkKeeper{r: bar.reader(r), size: uint64(f.chunk), want: which.indices}
			file := merkle.ChunkFile{Name: name, Scheme: scheme, Size: f.chunk, Workers: f.workers, Expect: bar.total}
			chunks, err := merkle.ReadChunks(ctx, keep, file)
			return leafSet{
				scheme: scheme, input: merkle.Nodes(chunks.Nodes), count: chunks.Len(), proven: keep.kept,
				first: func(n int) merkle.Input { return merkle.Nodes(chunks.Nodes[:n*merkle.HashSize]) },
			}, err
		})
	}
	return withInput(cmd, name, func(ctx context.Context, r io.Reader, name string) (leafSet, error) {
		leaves, err := merkle.ReadLeaves(ctx, bar.reader(r), name, scheme, f.reverse)
		if err != nil {
			return leafSet{}, err
		}
		return listed(scheme, leaves, which)
	})
}

// listed is a set of separate leaves.
func listed(scheme *merkle.Scheme, leaves [][]byte, which *leafChoice) (leafSet, error) {
	set := leafSet{
		scheme: scheme, input: merkle.Leaves(leaves), count: len(leaves),
		first: func(n int) merkle.Input { return merkle.Leaves(leaves[:n]) },
	}
	if which == nil {
		return set, nil
	}
	total := uint64(0)
	for _, index := range which.indices {
		if index < uint64(len(leaves)) {
			set.proven = append(set.proven, leaves[index])
			total += uint64(len(leaves[index]))
		}
	}
	return set, which.checkBytes(total)
}

// check returns the scheme, which is nil for BLAKE3's own tree.
func (f *merkleFlags) check(cmd *cobra.Command, args []string) (*merkle.Scheme, error) {
	if len(args) != 1 {
		return nil, usagef("%s takes one FILE (- for standard input; a directory with --dir), got %d arguments", cmd.CommandPath(), len(args))
	}
	if err := f.mixIn.check(cmd, f.scheme); err != nil {
		return nil, err
	}
	if f.workers < 0 {
		return nil, usagef("--workers %d: use 0 for all cores, or 1 and more", f.workers)
	}
	if f.scheme == blake3Scheme {
		return nil, f.checkBLAKE3(cmd)
	}
	scheme, err := merkle.SchemeByName(f.scheme)
	if err != nil {
		return nil, usagef("--scheme: %w, or %s", err, blake3Scheme)
	}
	changed := cmd.Flags().Changed
	switch {
	case f.reverse && !scheme.HasDisplayOrder():
		return nil, usagef("--reverse is bitcoin's display order; %s has none: leave it out", f.scheme)
	case f.reverse && f.kind() != "hex":
		return nil, usagef("--reverse is the order of hex digits; leave it out with --%s", f.kind())
	case changed("hex") && !f.hex:
		return nil, usagef("--hex=false leaves nothing: use --chunk N or --dir")
	case changed("chunk") && (f.chunk < 1 || f.chunk > merkle.MaxChunkBytes):
		return nil, usagef("--chunk %d: use 1 to %d bytes", f.chunk, merkle.MaxChunkBytes)
	case f.chunk != 0 && scheme.LeavesAreNodes() && f.chunk != merkle.HashSize:
		return nil, usagef("--chunk %d: leaves of %s are nodes of %d bytes; use --chunk %d or another --scheme",
			f.chunk, f.scheme, merkle.HashSize, merkle.HashSize)
	case f.dir && scheme.LeavesAreNodes():
		return nil, usagef("--dir needs a scheme that hashes its leaves, and %s takes nodes; use --scheme %s", f.scheme, merkle.RFC6962.Name())
	case f.dir && args[0] == "-":
		return nil, usagef("--dir: standard input (-) is no directory; name one, ./- if it is called so")
	}
	return scheme, nil
}

func (f *merkleFlags) readDir(cmd *cobra.Command, scheme *merkle.Scheme, dir string, which *leafChoice, bar *progressBar) (leafSet, error) {
	entries, err := untilDone(cmd, func(ctx context.Context) ([]merkle.FileEntry, error) {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			if err == nil {
				err = fmt.Errorf("%s is a file", dir)
			}
			return nil, fmt.Errorf("--dir: %w; name a directory, or leave --dir out", err)
		}
		return merkle.ReadDir(ctx, merkle.Dir{FS: os.DirFS(dir), Name: dir, Workers: f.workers, Progress: bar.add})
	})
	if err != nil {
		return leafSet{}, err
	}
	if which != nil {
		if err := which.find(entries, dir); err != nil {
			return leafSet{}, err
		}
	}
	set, err := listed(scheme, merkle.FileLeaves(entries), which)
	if err != nil {
		return leafSet{}, usagef("--dir: %w", err)
	}
	return set, nil
}

// schemeNames lists the names for a flag's help.
func schemeNames() string {
	var names []string
	for _, s := range merkle.Schemes() {
		names = append(names, s.Name())
	}
	return strings.Join(append(names, blake3Scheme), ", ")
}

// schemeHelp says in words what a scheme's leaves and nodes are; one that is
// new in package merkle is listed without.
var schemeHelp = map[string]string{
	"rfc6962":  "leaves and nodes hashed with different prefixes (RFC 6962, 9162)",
	"cometbft": "the tree of rfc6962, as the blocks of CometBFT chains have it",
	"bitcoin": "a leaf is a 32-byte transaction id, not hashed again; --reverse\n" +
		"                reads and prints them last byte first, as explorers do",
	"ssz": "Ethereum consensus: a leaf is a 32-byte chunk, not hashed again;\n" +
		"                ssz:N is that of lists with a limit of N chunks, whose length\n" +
		"                --mix-in-length mixes in",
	"plain-sha256": "SHA-256 of leaves and pairs without prefixes; not for new work",
	"plain-blake3": "the same with BLAKE3, each node a message of its own",
}

func schemeList() string {
	var lines []string
	for _, s := range merkle.Schemes() {
		lines = append(lines, strings.TrimRight(fmt.Sprintf("  %-13s %s", s.Name(), schemeHelp[s.Name()]), " "))
	}
	lines = append(lines, fmt.Sprintf("  %-13s %s", blake3Scheme,
		"BLAKE3's own tree over the bytes of FILE: the root is what b3sum\n"+
			"                prints, the leaves are chunks of 1024 bytes"))
	return strings.Join(lines, "\n")
}
