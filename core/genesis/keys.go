package genesis

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// checkKeys refuses an object that names a field twice. Names are compared
// without regard to case, as encoding/json does when it fills in a struct. It
// leaves everything else that may be wrong with the text to the decoder.
func checkKeys(b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var (
		open []map[string]bool // of each open object its keys so far; nil for a list
		key  bool              // the next token is a key or the object's end
	)
	for {
		t, err := dec.Token()
		if err != nil {
			return nil //nolint:nilerr // the decoder that comes next says what is wrong
		}
		switch v := t.(type) {
		case json.Delim:
			switch v {
			case '{':
				open = append(open, map[string]bool{})
			case '[':
				open = append(open, nil)
			default:
				open = open[:len(open)-1]
			}
		case string:
			if key {
				name := strings.ToLower(v)
				if open[len(open)-1][name] {
					return fmt.Errorf("%w: the field %q is given twice", ErrInvalid, v)
				}
				open[len(open)-1][name] = true
				key = false
				continue
			}
		}
		key = len(open) > 0 && open[len(open)-1] != nil
	}
}
