package results

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed schema/*.schema.json
var schemaFiles embed.FS

// ErrNoSchema reports a schema name that this package has no file for.
var ErrNoSchema = errors.New("no such schema")

// JSONSchema returns the JSON Schema (draft 2020-12) of a schema name such as
// SchemaRun. That of weir.load/1 refers to that of weir.run/1 by file name.
func JSONSchema(name string) ([]byte, error) {
	data, err := schemaFiles.ReadFile("schema/" + SchemaFile(name))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		return nil, fmt.Errorf("%w: %q: there are %s and %s", ErrNoSchema, name, SchemaRun, SchemaLoad)
	}
	return data, err
}

// SchemaFile returns the file name of a schema: "weir.run/1" becomes
// "weir.run-1.schema.json".
func SchemaFile(name string) string {
	return strings.ReplaceAll(name, "/", "-") + ".schema.json"
}
