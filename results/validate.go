package results

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// SchemaViolation is a place in a record that breaks the published JSON Schema.
type SchemaViolation struct {
	Line int    `json:"line"` // from 1
	Path string `json:"path"` // JSON pointer inside the line; empty: the line itself
	Text string `json:"text"`
}

// String returns the violation as one line.
func (v SchemaViolation) String() string {
	return strings.TrimSuffix(fmt.Sprintf("line %d %s", v.Line, v.Path), " ") + ": " + v.Text
}

// maxViolations bounds what is reported of one file.
const maxViolations = 100

var schemas struct {
	mu   sync.Mutex
	done map[string]*jsonschema.Schema
}

// compiled returns a schema of this package, which is compiled once.
func compiled(name string) (*jsonschema.Schema, error) {
	schemas.mu.Lock()
	defer schemas.mu.Unlock()
	if s := schemas.done[name]; s != nil {
		return s, nil
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, n := range SchemaNames() {
		data, err := JSONSchema(n)
		if err != nil {
			return nil, err
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("the JSON Schema of %s: %w", n, err)
		}
		if err := c.AddResource(SchemaFile(n), doc); err != nil {
			return nil, fmt.Errorf("the JSON Schema of %s: %w", n, err)
		}
	}
	if _, err := JSONSchema(name); err != nil {
		return nil, err
	}
	s, err := c.Compile(SchemaFile(name))
	if err != nil {
		return nil, fmt.Errorf("the JSON Schema of %s: %w", name, err)
	}
	if schemas.done == nil {
		schemas.done = map[string]*jsonschema.Schema{}
	}
	schemas.done[name] = s
	return s, nil
}

// ValidateObject holds one JSON object against the JSON Schema of a name such
// as "weir.compare/1". The error is for text that is no JSON, and for a name
// that has no schema.
func ValidateObject(name string, object []byte) ([]SchemaViolation, error) {
	schema, err := compiled(name)
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(object))
	if err != nil {
		return nil, err
	}
	return violations(1, schema.Validate(doc)), nil
}

// Validate holds every complete line of a record against the JSON Schema. A
// last line without its newline is left out unless it is whole. The error is for
// a record that cannot be read.
func Validate(in io.Reader, name string) ([]SchemaViolation, error) {
	return validate(in, name, maxViolations)
}

// validate ends with the line in which there are most violations in all.
func validate(in io.Reader, name string, most int) ([]SchemaViolation, error) {
	schema, err := compiled(SchemaRun)
	if err != nil {
		return nil, err
	}
	var out []SchemaViolation
	r := bufio.NewReaderSize(in, 64<<10)
	last := false
	for n := 1; !last && len(out) < most; n++ {
		line, err := readWhole(r)
		if last = errors.Is(err, io.EOF); err != nil && !last {
			return out, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		if text := bytes.TrimSpace(line); len(text) > 0 {
			out = append(out, validateLine(schema, n, text, last)...)
		}
	}
	return out, nil
}

// validateLine holds one line against the schema. A last one that is cut off is
// left to the reader of records.
func validateLine(schema *jsonschema.Schema, n int, text []byte, last bool) []SchemaViolation {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	switch {
	case err == nil:
		return violations(n, schema.Validate(doc))
	case last:
		return nil
	}
	return []SchemaViolation{{Line: n, Text: "not a JSON value: " + err.Error()}}
}

// violations are the innermost causes of a validation error.
func violations(line int, err error) []SchemaViolation {
	var ve *jsonschema.ValidationError
	if !errors.As(err, &ve) {
		return nil
	}
	if len(ve.Causes) == 0 {
		text := ve.Error() // "… - at '/path': what is wrong"
		if i := strings.LastIndex(text, "': "); i >= 0 {
			text = text[i+len("': "):]
		}
		return []SchemaViolation{{Line: line, Path: pointer(ve.InstanceLocation), Text: text}}
	}
	var out []SchemaViolation
	for _, c := range ve.Causes {
		out = append(out, violations(line, c)...)
	}
	return out
}

func pointer(keys []string) string {
	var b strings.Builder
	for _, k := range keys {
		b.WriteString("/" + k)
	}
	return b.String()
}
