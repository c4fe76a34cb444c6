package compare

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chainweir/weir/results"
)

// Bounds on what is read.
const (
	maxFileBytes = 1 << 30
	maxFiles     = 1000
)

// Files that a folder is looked at for: of a run, and of weir import --out.
const (
	recordName = "record.jsonl"
	importName = "import.json"
	benchName  = "bench.txt"
)

// schemaImport is that of importName, which has the same figures as benchName.
const schemaImport = "weir.import/1"

// openArm reads one side: a file, the folder of a run, a folder of such
// folders, or several of them with commas between.
func openArm(path string) (*arm, error) {
	a := newArm(path)
	files, err := expand(path)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if err := a.readFile(file); err != nil {
			return nil, err
		}
	}
	if len(a.order) == 0 {
		reason := "nothing was measured in it"
		if len(a.bad) > 0 {
			reason = strings.Join(a.bad, "; ")
		}
		return nil, fmt.Errorf("%w: %s has no figure to compare: %s", ErrInput, path, reason)
	}
	return a, nil
}

// expand returns the files that an argument names, in order.
func expand(arg string) ([]string, error) {
	parts := []string{arg}
	if _, err := os.Stat(arg); err != nil && strings.Contains(arg, ",") {
		parts = strings.Split(arg, ",") // a file may have a comma in its name
	}
	var files []string
	for _, p := range parts {
		if p == "" {
			return nil, fmt.Errorf("%w: %q names an empty path", ErrInput, arg)
		}
		info, err := os.Stat(p)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("%w: %s does not exist: name a benchmark text, a %s, or the folder of a run", ErrInput, p, recordName)
		case err != nil:
			return nil, fmt.Errorf("%w: %w", ErrInput, err)
		case !info.IsDir():
			files = append(files, p)
			continue
		}
		found, err := recordsIn(p)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	if len(files) > maxFiles {
		return nil, fmt.Errorf("%w: %s names %d files, at most %d are read", ErrInput, arg, len(files), maxFiles)
	}
	for i, f := range files {
		if slices.Contains(files[:i], f) {
			return nil, fmt.Errorf("%w: %s is named twice: one run counts once", ErrInput, f)
		}
	}
	return files, nil
}

// recordsIn returns the record of a run's folder, or those of the folders right
// below.
func recordsIn(dir string) ([]string, error) {
	own := filepath.Join(dir, recordName)
	if _, err := os.Stat(own); err == nil {
		return []string{own}, nil
	}
	if text := filepath.Join(dir, benchName); isFile(filepath.Join(dir, importName)) && isFile(text) {
		return []string{text}, nil
	}
	found, err := filepath.Glob(filepath.Join(globEscape(dir), "*", recordName))
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrInput, dir, err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%w: the folder %s has no %s, nor has a folder in it", ErrInput, dir, recordName)
	}
	return found, nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// globEscape takes the meaning from the characters that Glob gives one.
func globEscape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func (a *arm) readFile(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInput, err)
	}
	if info.Size() > maxFileBytes {
		return fmt.Errorf("%w: %s has %d bytes, at most %d are read", ErrInput, path, info.Size(), maxFileBytes)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInput, err)
	}
	return a.read(raw, path)
}

// read adds the content of one file, of whatever kind.
func (a *arm) read(raw []byte, path string) error {
	kind, err := kindOf(raw, path)
	if err != nil {
		return err
	}
	if a.kind != "" && a.kind != kind {
		return fmt.Errorf("%w: %s is %s, the files before it are %s: one side has one kind of file", ErrInput, path, kind, a.kind)
	}
	a.kind = kind
	switch kind {
	case kindRecord:
		return a.readRecord(raw, path)
	case kindLoad:
		return a.readLoad(raw, path)
	}
	return a.readBench(bytes.NewReader(raw), path)
}

// kindOf looks at the first line.
func kindOf(raw []byte, path string) (string, error) {
	text := bytes.TrimSpace(raw)
	switch {
	case len(text) == 0:
		return "", fmt.Errorf("%w: %s is empty", ErrInput, path)
	case bytes.IndexByte(text[:min(len(text), 4096)], 0) >= 0:
		return "", fmt.Errorf("%w: %s is no text: name a benchmark text, a %s, or the folder of a run", ErrInput, path, recordName)
	case text[0] != '{':
		return kindBench, nil
	}
	var head struct {
		Schema string `json:"schema"`
	}
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&head); err != nil {
		return "", fmt.Errorf("%w: %s:1: the JSON object does not end or is broken: %w", ErrInput, path, err)
	}
	switch head.Schema {
	case results.SchemaRun:
		return kindRecord, nil
	case results.SchemaLoad:
		return kindLoad, nil
	case schemaImport:
		return "", fmt.Errorf("%w: %s is what weir import wrote: name its folder, or the %s beside it", ErrInput, path, benchName)
	}
	return "", fmt.Errorf("%w: %s:1: schema %q: this reads %q, %q and Go benchmark text (weir import reads what other tools write)",
		ErrInput, path, head.Schema, results.SchemaRun, results.SchemaLoad)
}
