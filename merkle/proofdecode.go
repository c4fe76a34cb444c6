package merkle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// DecodeProof reads one JSON object in the form of ProofJSON, and says whether
// it was in display order. It is strict where leniency would let two readers
// see two proofs: keys are matched exactly, none may be missing or come twice,
// and nothing may follow the object. Keys it does not know are ignored.
func DecodeProof(data []byte) (p Proof, reversed bool, err error) {
	j, err := decodeProofJSON(data)
	if err != nil {
		return Proof{}, false, err
	}
	p, err = j.Proof()
	return p, j.Reversed, err
}

func decodeProofJSON(data []byte) (ProofJSON, error) {
	var j ProofJSON
	err := decodeObject(data, map[string]any{
		"scheme": &j.Scheme, "root": &j.Root, "index": &j.Index, "size": &j.Size,
		"leaf": &j.Leaf, "path": &j.Path, "reversed": &j.Reversed,
	})
	return j, err
}

// decodeObject reads the one JSON object that data must be into fields, as
// strictly as DecodeProof says.
func decodeObject(data []byte, fields map[string]any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return fmt.Errorf("%w: it does not begin with a JSON object; make one with: weir merkle prove --json", ErrProofFormat)
	}
	seen := map[string]bool{}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return fmt.Errorf("%w: it is cut short or not JSON: %w", ErrProofFormat, err)
		}
		key, ok := tok.(string)
		if !ok || seen[key] {
			return fmt.Errorf("%w: key %v comes twice; leave one", ErrProofFormat, tok)
		}
		seen[key] = true
		if err := decodeField(dec, key, fields[key]); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil { // the closing brace
		return fmt.Errorf("%w: it is cut short or not JSON: %w", ErrProofFormat, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something follows the object; remove it", ErrProofFormat)
	}
	return missingKeys(fields, seen)
}

// decodeField reads the value of a key into field, or skips it if nil.
func decodeField(dec *json.Decoder, key string, field any) error {
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return fmt.Errorf("%w: key %q: %w", ErrProofFormat, key, err)
	}
	if field == nil {
		return nil
	}
	if string(raw) == "null" {
		return fmt.Errorf("%w: key %q is null", ErrProofFormat, key)
	}
	if err := json.Unmarshal(raw, field); err != nil {
		return fmt.Errorf("%w: key %q: %w", ErrProofFormat, key, err)
	}
	return nil
}

func missingKeys(fields map[string]any, seen map[string]bool) error {
	var missing []string
	for key := range fields {
		if !seen[key] && key != "reversed" { // the one key with a default
			missing = append(missing, key)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	return fmt.Errorf("%w: missing: %s", ErrProofFormat, strings.Join(missing, ", "))
}
