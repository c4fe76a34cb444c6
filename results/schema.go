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

// SchemaNames returns the names that have a JSON Schema here, in order.
func SchemaNames() []string {
	files, err := schemaFiles.ReadDir("schema")
	if err != nil {
		return nil // the folder is built in
	}
	var names []string
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), ".schema.json")
		if i := strings.LastIndexByte(name, '-'); i >= 0 {
			names = append(names, name[:i]+"/"+name[i+1:])
		}
	}
	return names
}

// JSONSchema returns the JSON Schema (draft 2020-12) of a schema name such as
// SchemaRun. Some refer to others by file name.
func JSONSchema(name string) ([]byte, error) {
	data, err := schemaFiles.ReadFile("schema/" + SchemaFile(name))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		return nil, fmt.Errorf("%w: %q: there are %s", ErrNoSchema, name, strings.Join(SchemaNames(), ", "))
	}
	return data, err
}

// SchemaFile returns the file name of a schema: "weir.run/1" becomes
// "weir.run-1.schema.json".
func SchemaFile(name string) string {
	return strings.ReplaceAll(name, "/", "-") + ".schema.json"
}
