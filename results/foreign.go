package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// explain turns what the JSON decoder says of a line into what is wrong with it
// and what to do. The cause stays wrapped.
func explain(raw []byte, err error) error {
	if what, remedy := lookalike(raw); what != "" {
		return fmt.Errorf("%w: %s: %s: %w", ErrBadLine, what, remedy, err)
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		key := wrong.Field
		if key == "" {
			key = "the line"
		}
		return fmt.Errorf("%w: %s is a JSON %s, want %s; an unknown value is null: %w", ErrBadLine, key, wrong.Value, kindName(wrong.Type.Kind().String()), err)
	}
	return fmt.Errorf("%w: %w", ErrBadLine, err)
}

func kindName(kind string) string {
	switch {
	case strings.HasPrefix(kind, "int"), strings.HasPrefix(kind, "uint"):
		return "a whole number"
	case strings.HasPrefix(kind, "float"):
		return "a number"
	case kind == "struct", kind == "map":
		return "an object"
	case kind == "slice":
		return "a list"
	}
	return "a " + kind
}

// notANumber matches a NaN or an infinity where a value should be. JSON has
// neither.
var notANumber = regexp.MustCompile(`[:\[,]\s*(-?(?:NaN|nan|Infinity|inf|Inf))\b`)

// lookalike names what people hand to a reader of records by mistake.
func lookalike(raw []byte) (what, remedy string) {
	const convert = "weir import reads the results of other tools"
	switch {
	case bytes.HasPrefix(raw, []byte{0x1f, 0x8b}):
		return "it is compressed by gzip", "unpack it first (gunzip)"
	case bytes.HasPrefix(raw, []byte{0xff, 0xfe}), bytes.HasPrefix(raw, []byte{0xfe, 0xff}):
		return "it is UTF-16", "store it as UTF-8"
	case bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")):
		return "it begins with a byte order mark", "store it as UTF-8 without one"
	case bytes.HasPrefix(raw, []byte("<")):
		return "it is HTML", convert
	case bytes.HasPrefix(raw, []byte("Benchmark")), bytes.HasPrefix(raw, []byte("Unit ")), bytes.HasPrefix(raw, []byte("goos:")):
		return "it is Go benchmark text", "weir compare and benchstat read it"
	}
	if raw[0] == '{' {
		if m := notANumber.FindSubmatch(raw); m != nil {
			return fmt.Sprintf("it has the value %s, and JSON has no such number", m[1]), "write null for what is not known"
		}
	}
	return "", ""
}

// otherSchema says of a line without the schema of a record what it is.
func otherSchema(raw []byte, schema string) error {
	switch {
	case schema == SchemaLoad:
		return fmt.Errorf("%w %q: this is what weir load --json prints, and a record has %q; weir load --out writes one", ErrSchema, schema, SchemaRun)
	case strings.HasPrefix(schema, "weir.run/"):
		return fmt.Errorf("%w %q: this program reads %q; use the weir that wrote it", ErrSchema, schema, SchemaRun)
	case schema != "":
		return fmt.Errorf("%w %q: this program reads %q", ErrSchema, schema, SchemaRun)
	}
	var keys map[string]json.RawMessage
	if json.Unmarshal(raw, &keys) == nil {
		_, metric := keys["metric"]
		_, latencies := keys["latencies"]
		_, latency := keys["latency"]
		if metric || latencies || latency {
			return fmt.Errorf("%w: the line has none and looks like another tool's: weir import reads k6, vegeta and others", ErrSchema)
		}
	}
	return fmt.Errorf("%w: the line has none; every line of a record has \"schema\":%q", ErrSchema, SchemaRun)
}
