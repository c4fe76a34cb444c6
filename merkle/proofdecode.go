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
		"leaf": &j.Leaf, "path": nodeList(&j.Path, maxLevels), "reversed": &j.Reversed,
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
			return fmt.Errorf("%w: key %q comes twice; leave one", ErrProofFormat, tok)
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

// list is an array of a document. Its elements are read one by one, so that what
// a hostile document can have in memory is bounded before it is all read.
type list interface {
	decode(dec *json.Decoder) error
}

type listOf[T any] struct {
	dst   *[]T
	noun  string
	most  int
	check func(T) error // nil: none
}

// nodeList is an array of at most most nodes in hex.
func nodeList(dst *[]string, most int) list {
	return listOf[string]{dst, "node", most, func(text string) error {
		if len(text) != 2*HashSize {
			return fmt.Errorf("a node is %d hex digits, this one has %d characters", 2*HashSize, len(text))
		}
		return nil
	}}
}

func (l listOf[T]) decode(dec *json.Decoder) error {
	tok, err := dec.Token()
	if err != nil {
		return err
	}
	if tok != json.Delim('[') {
		return errors.New("it is null or not an array")
	}
	*l.dst = []T{}
	for dec.More() {
		if len(*l.dst) == l.most {
			return fmt.Errorf("more than %d; a proof has at most so many", l.most)
		}
		var element *T
		if err := dec.Decode(&element); err != nil {
			return err
		}
		if element == nil {
			return fmt.Errorf("%s %d is null", l.noun, len(*l.dst))
		}
		if l.check != nil {
			if err := l.check(*element); err != nil {
				return fmt.Errorf("%s %d: %w", l.noun, len(*l.dst), err)
			}
		}
		*l.dst = append(*l.dst, *element)
	}
	_, err = dec.Token() // the closing bracket
	return err
}

// decodeField reads the value of a key into field, or skips it if nil.
func decodeField(dec *json.Decoder, key string, field any) error {
	if l, ok := field.(list); ok {
		if err := l.decode(dec); err != nil {
			return fmt.Errorf("%w: key %q: %w", ErrProofFormat, key, err)
		}
		return nil
	}
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
