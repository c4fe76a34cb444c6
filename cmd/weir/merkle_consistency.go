package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/merkle"
)

// consistencyJSON is the JSON form of a consistency proof.
type consistencyJSON struct {
	Scheme  string   `json:"scheme"`
	OldRoot string   `json:"old_root"`
	OldSize uint64   `json:"old_size"`
	Root    string   `json:"root"`
	Size    uint64   `json:"size"`
	Path    []string `json:"path"` // RFC 6962 section 2.1.2; [] where the sizes are equal
}

// checkConsistency refuses, before anything is read, what has no such proof.
func (f *merkleFlags) checkConsistency(scheme *merkle.Scheme, oldSize uint64) error {
	var h merkle.Hash
	switch err := merkle.VerifyConsistency(scheme, 1, 1, h, h, nil); {
	case errors.Is(err, merkle.ErrNoConsistency):
		return usagef("--consistency: %w; use --scheme %s", err, merkle.RFC6962.Name())
	case err != nil:
		return usagef("--consistency: %w", err)
	case oldSize == 0:
		return usagef("--consistency 0: every list continues the empty one, so this proves nothing; give a size of 1 or more")
	}
	return nil
}

func (f *merkleFlags) proveConsistency(cmd *cobra.Command, set leafSet, oldSize uint64) error {
	ctx := commandContext(cmd)
	tree, err := merkle.Build(ctx, set.scheme, set.input, f.workers)
	if err != nil {
		return merkleError(ctx, err)
	}
	path, err := tree.ConsistencyPath(oldSize)
	if err != nil {
		return usagef("--consistency %d: %w", oldSize, err)
	}
	oldRoot, err := merkle.Root(ctx, set.scheme, set.first(int(oldSize)), f.workers)
	if err != nil {
		return merkleError(ctx, err)
	}
	root := tree.Root()
	p := consistencyJSON{
		Scheme: set.scheme.Name(), OldRoot: merkle.FormatBytes(oldRoot[:], false), OldSize: oldSize,
		Root: merkle.FormatBytes(root[:], false), Size: tree.Size(), Path: make([]string, len(path)),
	}
	for i, node := range path {
		p.Path[i] = merkle.FormatBytes(node[:], false)
	}
	if f.json {
		return written(printJSON(cmd.OutOrStdout(), struct {
			proofHead
			consistencyJSON
		}{f.head(kindConsistency), p}))
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "scheme  %s\nold     %s, %d leaves\nroot    %s, %d leaves\n",
		p.Scheme, p.OldRoot, p.OldSize, p.Root, p.Size)
	return written(printPath(cmd.OutOrStdout(), p.Path, err))
}

// maxConsistencyPath is more than any consistency proof has: a node for each
// layer of a tree of 2^64 leaves, and one to begin with.
const maxConsistencyPath = 65

// consistency reads a consistency proof.
func (d proofDocument) consistency() (heldProof, error) {
	var j consistencyJSON
	for _, field := range []struct {
		key  string
		into any
	}{
		{"scheme", &j.Scheme}, {"old_root", &j.OldRoot}, {"old_size", &j.OldSize},
		{"root", &j.Root}, {"size", &j.Size}, {"path", &j.Path},
	} {
		if err := d.read(field.key, field.into); err != nil {
			return heldProof{}, err
		}
	}
	scheme, err := merkle.SchemeByName(j.Scheme)
	if err != nil {
		return heldProof{}, fmt.Errorf("%w: key scheme: %w", merkle.ErrProofFormat, err)
	}
	if len(j.Path) > maxConsistencyPath {
		return heldProof{}, fmt.Errorf("%w: key path: %d nodes; no consistency proof has more than %d",
			merkle.ErrProofFormat, len(j.Path), maxConsistencyPath)
	}
	p := heldProof{kind: kindConsistency, scheme: j.Scheme, display: scheme.HasDisplayOrder(), size: j.Size, old: &oldTree{size: j.OldSize}}
	if p.old.root, err = merkle.ParseHash(j.OldRoot, false); err != nil {
		return heldProof{}, fmt.Errorf("%w: key old_root: %w", merkle.ErrProofFormat, err)
	}
	if p.root, err = merkle.ParseHash(j.Root, false); err != nil {
		return heldProof{}, fmt.Errorf("%w: key root: %w", merkle.ErrProofFormat, err)
	}
	path := make([]merkle.Hash, len(j.Path))
	for i, node := range j.Path {
		if path[i], err = merkle.ParseHash(node, false); err != nil {
			return heldProof{}, fmt.Errorf("%w: key path, node %d: %w", merkle.ErrProofFormat, i, err)
		}
	}
	old := p.old
	p.verify = func(root merkle.Hash) error {
		return merkle.VerifyConsistency(scheme, old.size, j.Size, old.root, root, path)
	}
	return p, nil
}
