package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/chainweir/weir/merkle"
)

// heldProof is a proof of any kind that was read from a document.
type heldProof struct {
	kind, scheme string
	display      bool // the scheme has a display order,
	reversed     bool // and the document is in it
	root         merkle.Hash
	size         uint64
	indices      []uint64 // of leaves; both empty for a consistency proof
	leaves       [][]byte
	old          *oldTree // of a consistency proof only
	list         sszList  // without length unless it is a proof of an SSZ list
	verify       func(root merkle.Hash) error
}

type oldTree struct {
	root merkle.Hash
	size uint64
}

// proofDocument is a JSON object by its keys.
type proofDocument map[string]json.RawMessage

// decodeProofDocument reads a proof of any kind, as strictly as
// merkle.DecodeProof does: keys match exactly, none comes twice, and nothing
// follows the object.
func decodeProofDocument(data []byte) (heldProof, error) {
	doc, err := readDocument(data)
	if err != nil {
		return heldProof{}, err
	}
	kind, err := doc.kind()
	if err != nil {
		return heldProof{}, err
	}
	p, err := doc.decode(kind, data)
	if err != nil {
		return heldProof{}, err
	}
	return p, doc.readList(&p)
}

func (d proofDocument) decode(kind string, data []byte) (heldProof, error) {
	switch kind {
	case kindConsistency:
		return d.consistency()
	case kindBLAKE3:
		p, err := merkle.DecodeBLAKE3Proof(data)
		return heldProof{
			kind: kind, scheme: blake3Scheme, root: p.Root, size: p.Size,
			indices: []uint64{p.Index}, leaves: [][]byte{p.Chunk}, verify: p.Verify,
		}, err
	case kindMulti:
		p, reversed, err := merkle.DecodeMultiProof(data)
		if err != nil {
			return heldProof{}, err
		}
		held := heldProof{root: p.Root, size: p.Size, indices: p.Indices, leaves: p.Leaves, verify: p.Verify}
		return held.of(kind, p.Scheme, reversed), nil
	case kindRange:
		p, reversed, err := merkle.DecodeRangeProof(data)
		if err != nil {
			return heldProof{}, err
		}
		held := heldProof{root: p.Root, size: p.Size, leaves: p.Leaves, verify: p.Verify}
		for i := range p.Leaves {
			held.indices = append(held.indices, p.First+uint64(i))
		}
		return held.of(kind, p.Scheme, reversed), nil
	}
	p, reversed, err := merkle.DecodeProof(data)
	if err != nil {
		return heldProof{}, err
	}
	held := heldProof{root: p.Root, size: p.Size, indices: []uint64{p.Index}, leaves: [][]byte{p.Leaf}, verify: p.Verify}
	return held.of(kind, p.Scheme, reversed), nil
}

func (p heldProof) of(kind string, scheme *merkle.Scheme, reversed bool) heldProof {
	p.kind, p.scheme, p.display, p.reversed = kind, scheme.Name(), scheme.HasDisplayOrder(), reversed
	return p
}

// readDocument splits one JSON object into its keys.
func readDocument(data []byte) (proofDocument, error) {
	const remedy = "make one with: weir merkle prove --json"
	dec := json.NewDecoder(bytes.NewReader(data))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return nil, fmt.Errorf("%w: it does not begin with a JSON object; %s", merkle.ErrProofFormat, remedy)
	}
	d := proofDocument{}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return nil, fmt.Errorf("%w: it is cut short or not JSON: %w; %s", merkle.ErrProofFormat, err, remedy)
		}
		key, ok := tok.(string)
		if _, twice := d[key]; twice || !ok {
			return nil, fmt.Errorf("%w: key %v comes twice; leave one", merkle.ErrProofFormat, tok)
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, fmt.Errorf("%w: key %q: %w", merkle.ErrProofFormat, key, err)
		}
		d[key] = raw
	}
	if _, err := dec.Token(); err != nil { // the closing brace
		return nil, fmt.Errorf("%w: it is cut short or not JSON: %w; %s", merkle.ErrProofFormat, err, remedy)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: something follows the object; remove it", merkle.ErrProofFormat)
	}
	return d, nil
}

// read reads the value of a key that must be there.
func (d proofDocument) read(key string, into any) error {
	raw, ok := d[key]
	if !ok {
		return fmt.Errorf("%w: missing: %s", merkle.ErrProofFormat, key)
	}
	if string(raw) == "null" {
		return fmt.Errorf("%w: key %q is null", merkle.ErrProofFormat, key)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%w: key %q: %w", merkle.ErrProofFormat, key, err)
	}
	return nil
}

// ownKeys are those that only one kind of proof has.
var ownKeys = map[string]string{
	"leaf": kindInclusion, "indices": kindMulti, "first": kindRange,
	"old_size": kindConsistency, "old_root": kindConsistency, "chunk": kindBLAKE3,
}

// kind returns the kind of the proof: what its key kind says, which its other
// keys must not contradict, or where it has none what those say.
func (d proofDocument) kind() (string, error) {
	if _, ok := d["schema"]; ok {
		var schema string
		if err := d.read("schema", &schema); err != nil {
			return "", err
		}
		if schema != merkleSchema {
			return "", fmt.Errorf("%w: key schema: %q; this program reads %q", merkle.ErrProofFormat, schema, merkleSchema)
		}
	}
	var kinds []string
	for key, kind := range ownKeys {
		if _, ok := d[key]; ok && !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	if _, ok := d["kind"]; ok {
		var said string
		if err := d.read("kind", &said); err != nil {
			return "", err
		}
		known := []string{kindInclusion, kindMulti, kindRange, kindConsistency, kindBLAKE3}
		if !slices.Contains(known, said) {
			return "", fmt.Errorf("%w: key kind: %q; it is one of %s", merkle.ErrProofFormat, said, strings.Join(known, ", "))
		}
		if !slices.Contains(kinds, said) {
			kinds = append(kinds, said)
		}
	}
	slices.Sort(kinds)
	switch len(kinds) {
	case 0:
		return kindInclusion, nil // whose decoder says what is missing
	case 1:
		return kinds[0], nil
	}
	return "", fmt.Errorf("%w: it has keys of several kinds of proofs: %s; make it anew with: weir merkle prove --json",
		merkle.ErrProofFormat, strings.Join(kinds, ", "))
}

// readList reads what a proof of an SSZ list has more, if it is one: the path
// leads to the root of the list's chunks, and the list's own root is that with
// the length mixed in.
func (d proofDocument) readList(p *heldProof) error {
	_, hasLength := d["mix_in_length"]
	_, hasRoot := d["chunks_root"]
	if !hasLength && !hasRoot {
		return nil
	}
	if !strings.HasPrefix(p.scheme, merkle.SSZ.Name()+":") || p.old != nil {
		return fmt.Errorf("%w: keys mix_in_length and chunks_root are of SSZ lists, and this is a proof of kind %s and scheme %s",
			merkle.ErrProofFormat, p.kind, p.scheme)
	}
	var length uint64
	var text string
	if err := d.read("mix_in_length", &length); err != nil {
		return err
	}
	if err := d.read("chunks_root", &text); err != nil {
		return err
	}
	chunks, err := merkle.ParseHash(text, false)
	if err != nil {
		return fmt.Errorf("%w: key chunks_root: %w", merkle.ErrProofFormat, err)
	}
	p.list = sszList{root: p.root, chunks: chunks, length: &length}
	size, inTree := p.size, p.verify
	p.verify = func(root merkle.Hash) error {
		if err := checkListLength(length, size); err != nil {
			return fmt.Errorf("%w: mix_in_length %w", merkle.ErrLeafCount, err)
		}
		if got := merkle.MixInLength(chunks, length); got != root {
			return fmt.Errorf("%w: chunks_root with length %d gives %x, not %x", merkle.ErrRootMismatch, length, got, root)
		}
		return inTree(chunks)
	}
	return nil
}
