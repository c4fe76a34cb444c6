package merkle

import (
	"encoding/hex"
	"fmt"
	"slices"
)

// Limits of proofs about several leaves that are read from a document. A path
// is bounded by the leaves: none of them has more than maxLevels siblings.
const maxProofLeaves = 1 << 20

// MultiProof says that Leaves[i] is leaf Indices[i] of the tree of Size leaves
// with Root. Indices rise.
type MultiProof struct {
	Scheme  *Scheme
	Root    Hash
	Size    uint64
	Indices []uint64
	Leaves  [][]byte
	Path    []Hash // what Tree.MultiPath returned
}

// Verify checks the proof against root, which the caller trusts, and not
// against the root that the proof carries. See VerifyMulti.
func (p MultiProof) Verify(root Hash) error {
	return VerifyMulti(p.Scheme, root, Leaves(p.Leaves), p.Indices, p.Size, p.Path)
}

// MultiProofJSON is the JSON form of a MultiProof: bytes are hex, lower case
// when written.
type MultiProofJSON struct {
	Scheme  string   `json:"scheme"`
	Root    string   `json:"root"`
	Size    uint64   `json:"size"`
	Indices []uint64 `json:"indices"`
	Leaves  []string `json:"leaves"`
	// Path holds the nodes layer by layer from the leaves up, each layer's
	// from left to right; [] where the leaves are all there are.
	Path []string `json:"path"`
	// Reversed says that leaves, root and path are in Bitcoin's display
	// order, last byte first.
	Reversed bool `json:"reversed"`
}

// JSON returns the proof's JSON form, with all nodes in display order if
// reversed is set.
func (p MultiProof) JSON(reversed bool) MultiProofJSON {
	return MultiProofJSON{
		Scheme:   p.Scheme.name,
		Root:     FormatBytes(p.Root[:], reversed),
		Size:     p.Size,
		Indices:  append([]uint64{}, p.Indices...), // [] and not null
		Leaves:   formatLeaves(p.Leaves, reversed),
		Path:     formatPath(p.Path, reversed),
		Reversed: reversed,
	}
}

// Proof reads the JSON form back. ErrProofFormat names the key that cannot be
// read; whether the proof holds is for Verify to say.
func (j MultiProofJSON) Proof() (MultiProof, error) {
	if len(j.Indices) > maxProofLeaves {
		return MultiProof{}, fmt.Errorf("%w: key indices: %d of them; a proof names at most %d",
			ErrProofFormat, len(j.Indices), maxProofLeaves)
	}
	r, err := readProofParts(j.Scheme, j.Root, j.Leaves, j.Path, j.Reversed)
	if err != nil {
		return MultiProof{}, err
	}
	return MultiProof{
		Scheme:  r.scheme,
		Root:    r.root,
		Size:    j.Size,
		Indices: slices.Clone(j.Indices),
		Leaves:  r.leaves,
		Path:    r.path,
	}, nil
}

// DecodeMultiProof reads one JSON object in the form of MultiProofJSON, and says
// whether it was in display order. It is as strict as DecodeProof.
func DecodeMultiProof(data []byte) (p MultiProof, reversed bool, err error) {
	var j MultiProofJSON
	if err := decodeObject(data, map[string]any{
		"scheme": &j.Scheme, "root": &j.Root, "size": &j.Size,
		"indices": listOf[uint64]{&j.Indices, "index", maxProofLeaves, nil}, "leaves": listOf[string]{&j.Leaves, "leaf", maxProofLeaves, nil},
		"path": nodeList(&j.Path, maxLevels*maxProofLeaves), "reversed": &j.Reversed,
	}); err != nil {
		return MultiProof{}, false, err
	}
	p, err = j.Proof()
	return p, j.Reversed, err
}

// proofParts is what proofs about several leaves have in common.
type proofParts struct {
	scheme *Scheme
	root   Hash
	leaves [][]byte
	path   []Hash
}

func readProofParts(scheme, root string, leaves, path []string, reversed bool) (r proofParts, err error) {
	if r.scheme, err = SchemeByName(scheme); err != nil {
		return r, fmt.Errorf("%w: key scheme: %w", ErrProofFormat, err)
	}
	if reversed && !r.scheme.HasDisplayOrder() {
		return r, fmt.Errorf("%w: key reversed: %s has no display order; set it to false", ErrProofFormat, scheme)
	}
	if r.root, err = ParseHash(root, reversed); err != nil {
		return r, fmt.Errorf("%w: key root: %w", ErrProofFormat, err)
	}
	if len(leaves) > maxProofLeaves {
		return r, fmt.Errorf("%w: key leaves: %d of them; a proof has at most %d", ErrProofFormat, len(leaves), maxProofLeaves)
	}
	if len(path) > maxLevels*len(leaves) {
		return r, fmt.Errorf("%w: key path: %d nodes for %d leaves; no tree is higher than %d",
			ErrProofFormat, len(path), len(leaves), maxLevels)
	}
	r.leaves = make([][]byte, len(leaves))
	for i, text := range leaves {
		if r.leaves[i], err = hex.DecodeString(text); err != nil {
			return r, fmt.Errorf("%w: key leaves, leaf %d: %w", ErrProofFormat, i, err)
		}
		if r.scheme.LeavesAreNodes() && len(r.leaves[i]) != HashSize {
			return r, fmt.Errorf("%w: key leaves, leaf %d: %w", ErrProofFormat, i, r.scheme.leafSizeError(len(r.leaves[i])))
		}
		if reversed {
			slices.Reverse(r.leaves[i])
		}
	}
	r.path = make([]Hash, len(path))
	for i, text := range path {
		if r.path[i], err = ParseHash(text, reversed); err != nil {
			return r, fmt.Errorf("%w: key path, node %d: %w", ErrProofFormat, i, err)
		}
	}
	return r, nil
}

func formatLeaves(leaves [][]byte, reversed bool) []string {
	texts := make([]string, len(leaves))
	for i, leaf := range leaves {
		texts[i] = FormatBytes(leaf, reversed)
	}
	return texts
}

func formatPath(path []Hash, reversed bool) []string {
	texts := make([]string, len(path))
	for i := range path {
		texts[i] = FormatBytes(path[i][:], reversed)
	}
	return texts
}
