package merkle

import (
	"encoding/hex"
	"fmt"
	"slices"
)

// Proof says that Leaf is leaf Index of the tree of Size leaves with Root.
type Proof struct {
	Scheme *Scheme
	Root   Hash
	Index  uint64
	Size   uint64
	Leaf   []byte
	Path   []Hash // from the leaf's sibling up
}

// Verify checks the proof against root, which the caller trusts, and not
// against the root that the proof carries. See VerifyInclusion.
func (p Proof) Verify(root Hash) error {
	return VerifyInclusion(p.Scheme, root, p.Leaf, p.Index, p.Size, p.Path)
}

// ProofJSON is the JSON form of a Proof: bytes are hex, lower case when written.
type ProofJSON struct {
	Scheme string `json:"scheme"`
	Root   string `json:"root"`
	Index  uint64 `json:"index"`
	Size   uint64 `json:"size"`
	Leaf   string `json:"leaf"`
	// Path holds the nodes from the leaf's sibling up; [] for a single leaf.
	Path []string `json:"path"`
	// Reversed says that leaf, root and path are in Bitcoin's display order,
	// last byte first.
	Reversed bool `json:"reversed"`
}

// JSON returns the proof's JSON form, with all nodes in display order if
// reversed is set.
func (p Proof) JSON(reversed bool) ProofJSON {
	out := ProofJSON{
		Scheme:   p.Scheme.name,
		Root:     FormatBytes(p.Root[:], reversed),
		Index:    p.Index,
		Size:     p.Size,
		Leaf:     FormatBytes(p.Leaf, reversed),
		Path:     make([]string, len(p.Path)),
		Reversed: reversed,
	}
	for i, node := range p.Path {
		out.Path[i] = FormatBytes(node[:], reversed)
	}
	return out
}

// Proof reads the JSON form back. ErrProofFormat or ErrScheme name the key
// that cannot be read; whether the proof holds is for Verify to say.
func (j ProofJSON) Proof() (Proof, error) {
	scheme, err := SchemeByName(j.Scheme)
	if err != nil {
		return Proof{}, fmt.Errorf("%w: key scheme: %w", ErrProofFormat, err)
	}
	if j.Reversed && !scheme.HasDisplayOrder() {
		return Proof{}, fmt.Errorf("%w: key reversed: %s has no display order; set it to false", ErrProofFormat, j.Scheme)
	}
	if len(j.Path) > maxLevels {
		return Proof{}, fmt.Errorf("%w: key path: %d nodes; no tree is higher than %d", ErrProofFormat, len(j.Path), maxLevels)
	}
	p := Proof{Scheme: scheme, Index: j.Index, Size: j.Size, Path: make([]Hash, len(j.Path))}
	if p.Root, err = ParseHash(j.Root, j.Reversed); err != nil {
		return Proof{}, fmt.Errorf("%w: key root: %w", ErrProofFormat, err)
	}
	if p.Leaf, err = hex.DecodeString(j.Leaf); err != nil {
		return Proof{}, fmt.Errorf("%w: key leaf: %w", ErrProofFormat, err)
	}
	if scheme.LeavesAreNodes() && len(p.Leaf) != HashSize {
		return Proof{}, fmt.Errorf("%w: key leaf: %w", ErrProofFormat, scheme.leafSizeError(len(p.Leaf)))
	}
	if j.Reversed {
		slices.Reverse(p.Leaf)
	}
	for i, node := range j.Path {
		if p.Path[i], err = ParseHash(node, j.Reversed); err != nil {
			return Proof{}, fmt.Errorf("%w: key path, node %d: %w", ErrProofFormat, i, err)
		}
	}
	return p, nil
}

// FormatBytes returns b in hex, last byte first if reversed is set.
func FormatBytes(b []byte, reversed bool) string {
	if reversed {
		b = slices.Clone(b)
		slices.Reverse(b)
	}
	return hex.EncodeToString(b)
}

// ParseHash reads a node of 64 hex digits, last byte first if reversed is set.
func ParseHash(text string, reversed bool) (Hash, error) {
	if len(text) != 2*HashSize {
		return Hash{}, fmt.Errorf("a node is %d hex digits, this one has %d characters", 2*HashSize, len(text))
	}
	var h Hash
	if _, err := hex.Decode(h[:], []byte(text)); err != nil {
		return Hash{}, err
	}
	if reversed {
		slices.Reverse(h[:])
	}
	return h, nil
}
