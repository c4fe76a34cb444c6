package merkle

import (
	"encoding/hex"
	"fmt"
)

// BLAKE3Proof says that Chunk is chunk Index, bytes Index×1024 on, of the
// message of Size bytes whose BLAKE3 digest is Root.
type BLAKE3Proof struct {
	Root  Hash
	Index uint64
	Size  uint64 // of the message, in bytes
	Chunk []byte
	Path  []Hash // chaining values from the chunk's sibling up
}

// Verify checks the proof against root, the digest that the caller trusts, and
// not against the one that the proof carries. See VerifyBLAKE3Chunk.
func (p BLAKE3Proof) Verify(root Hash) error {
	return VerifyBLAKE3Chunk(root, p.Chunk, p.Index, p.Size, p.Path)
}

// BLAKE3ProofJSON is the JSON form of a BLAKE3Proof: bytes are hex, lower case
// when written.
type BLAKE3ProofJSON struct {
	Scheme string `json:"scheme"` // always blake3
	Root   string `json:"root"`
	Index  uint64 `json:"index"`
	// Size is the length of the message in bytes, not in chunks.
	Size  uint64 `json:"size"`
	Chunk string `json:"chunk"`
	// Path holds the chaining values from the chunk's sibling up; [] where the
	// message is one chunk.
	Path []string `json:"path"`
}

// JSON returns the proof's JSON form.
func (p BLAKE3Proof) JSON() BLAKE3ProofJSON {
	return BLAKE3ProofJSON{
		Scheme: blake3Nodes.name,
		Root:   FormatBytes(p.Root[:], false),
		Index:  p.Index,
		Size:   p.Size,
		Chunk:  FormatBytes(p.Chunk, false),
		Path:   formatPath(p.Path, false),
	}
}

// Proof reads the JSON form back. ErrProofFormat names the key that cannot be
// read; whether the proof holds is for Verify to say.
func (j BLAKE3ProofJSON) Proof() (BLAKE3Proof, error) {
	p := BLAKE3Proof{Index: j.Index, Size: j.Size}
	if j.Scheme != blake3Nodes.name {
		return BLAKE3Proof{}, fmt.Errorf("%w: key scheme: %q; a proof of a chunk has %q", ErrProofFormat, j.Scheme, blake3Nodes.name)
	}
	if len(j.Path) > maxLevels {
		return BLAKE3Proof{}, fmt.Errorf("%w: key path: %d nodes; no tree is higher than %d", ErrProofFormat, len(j.Path), maxLevels)
	}
	if len(j.Chunk) > 2*BLAKE3ChunkSize {
		return BLAKE3Proof{}, fmt.Errorf("%w: key chunk: %d hex digits; a chunk has at most %d bytes",
			ErrProofFormat, len(j.Chunk), BLAKE3ChunkSize)
	}
	var err error
	if p.Root, err = ParseHash(j.Root, false); err != nil {
		return BLAKE3Proof{}, fmt.Errorf("%w: key root: %w", ErrProofFormat, err)
	}
	if p.Chunk, err = hex.DecodeString(j.Chunk); err != nil {
		return BLAKE3Proof{}, fmt.Errorf("%w: key chunk: %w", ErrProofFormat, err)
	}
	p.Path = make([]Hash, len(j.Path))
	for i, node := range j.Path {
		if p.Path[i], err = ParseHash(node, false); err != nil {
			return BLAKE3Proof{}, fmt.Errorf("%w: key path, node %d: %w", ErrProofFormat, i, err)
		}
	}
	return p, nil
}

// DecodeBLAKE3Proof reads one JSON object in the form of BLAKE3ProofJSON. It is
// as strict as DecodeProof.
func DecodeBLAKE3Proof(data []byte) (BLAKE3Proof, error) {
	var j BLAKE3ProofJSON
	if err := decodeObject(data, map[string]any{
		"scheme": &j.Scheme, "root": &j.Root, "index": &j.Index, "size": &j.Size,
		"chunk": &j.Chunk, "path": nodeList(&j.Path, maxLevels),
	}); err != nil {
		return BLAKE3Proof{}, err
	}
	return j.Proof()
}
