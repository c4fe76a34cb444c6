package merkle

// RangeProof says that Leaves are the leaves from First on of the tree of Size
// leaves with Root.
type RangeProof struct {
	Scheme *Scheme
	Root   Hash
	First  uint64
	Size   uint64
	Leaves [][]byte
	Path   []Hash // what Tree.RangePath returned
}

// Verify checks the proof against root, which the caller trusts, and not
// against the root that the proof carries. See VerifyRange.
func (p RangeProof) Verify(root Hash) error {
	return VerifyRange(p.Scheme, root, Leaves(p.Leaves), p.First, p.Size, p.Path)
}

// RangeProofJSON is the JSON form of a RangeProof: bytes are hex, lower case
// when written.
type RangeProofJSON struct {
	Scheme string `json:"scheme"`
	Root   string `json:"root"`
	// First is the index of the first leaf.
	First  uint64   `json:"first"`
	Size   uint64   `json:"size"`
	Leaves []string `json:"leaves"`
	// Path holds the nodes beside the range, layer by layer from the leaves
	// up, left before right; [] where the leaves are all there are.
	Path []string `json:"path"`
	// Reversed says that leaves, root and path are in Bitcoin's display
	// order, last byte first.
	Reversed bool `json:"reversed"`
}

// JSON returns the proof's JSON form, with all nodes in display order if
// reversed is set.
func (p RangeProof) JSON(reversed bool) RangeProofJSON {
	return RangeProofJSON{
		Scheme:   p.Scheme.name,
		Root:     FormatBytes(p.Root[:], reversed),
		First:    p.First,
		Size:     p.Size,
		Leaves:   formatLeaves(p.Leaves, reversed),
		Path:     formatPath(p.Path, reversed),
		Reversed: reversed,
	}
}

// Proof reads the JSON form back. ErrProofFormat names the key that cannot be
// read; whether the proof holds is for Verify to say.
func (j RangeProofJSON) Proof() (RangeProof, error) {
	r, err := readProofParts(j.Scheme, j.Root, j.Leaves, j.Path, j.Reversed)
	if err != nil {
		return RangeProof{}, err
	}
	return RangeProof{
		Scheme: r.scheme,
		Root:   r.root,
		First:  j.First,
		Size:   j.Size,
		Leaves: r.leaves,
		Path:   r.path,
	}, nil
}

// DecodeRangeProof reads one JSON object in the form of RangeProofJSON, and says
// whether it was in display order. It is as strict as DecodeProof.
func DecodeRangeProof(data []byte) (p RangeProof, reversed bool, err error) {
	var j RangeProofJSON
	if err := decodeObject(data, map[string]any{
		"scheme": &j.Scheme, "root": &j.Root, "first": &j.First, "size": &j.Size,
		"leaves": listOf[string]{&j.Leaves, "leaf", maxProofLeaves, nil}, "path": nodeList(&j.Path, 2*maxLevels),
		"reversed": &j.Reversed,
	}); err != nil {
		return RangeProof{}, false, err
	}
	p, err = j.Proof()
	return p, j.Reversed, err
}
