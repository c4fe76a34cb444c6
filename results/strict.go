package results

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxRecordBytes bounds a record that is read in one piece: 250 000 windows.
const maxRecordBytes = 1 << 30

// maxViolationText bounds what an error repeats: a line that is no record's at
// all lacks dozens of keys.
const maxViolationText = 120

// ReadValid reads the record at path and holds every line against the JSON
// Schema, so that no key that is missing is taken for a zero. It is for whoever
// computes with a record that comes from outside. The first thing that is wrong
// is the error, with file and line: a cut or foreign line, another schema, a
// missing key or one of the wrong kind, a file without lines, a record without
// a summary.
func ReadValid(path string) (Record, error) {
	data, err := readRecordFile(path)
	if err != nil {
		return Record{}, err
	}
	rec, err := ParseValid(data, path, false)
	if err == nil && rec.Summary == nil {
		err = fmt.Errorf("%s:%d: %w: no summary follows: the run was interrupted", path, bytes.Count(data, []byte("\n")), ErrTruncated)
	}
	return rec, err
}

// ReadValidPart is ReadValid for whoever can use the record of a run that did
// not come to its end: it may have no summary. A lenient reading also forgives a
// cut last line, which it notes.
func ReadValidPart(path string, lenient bool) (Record, error) {
	data, err := readRecordFile(path)
	if err != nil {
		return Record{}, err
	}
	return ParseValid(data, path, lenient)
}

// ParseValid is ReadValidPart of a record in memory; name stands for it in
// errors.
func ParseValid(data []byte, name string, lenient bool) (Record, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return Record{}, fmt.Errorf("%s:1: %w: the file is empty; a record has at least one line", name, ErrBadLine)
	}
	rec, err := Read(bytes.NewReader(data), name, lenient)
	if err != nil {
		return rec, err
	}
	bad, err := validate(bytes.NewReader(data), name, 1)
	if err != nil {
		return rec, err
	}
	if len(bad) > 0 {
		return rec, violationError(name, bad)
	}
	return rec, nil
}

// ParseLoad reads the object that weir load --json prints and holds it against
// its JSON Schema, as ParseValid does with a record.
func ParseLoad(data []byte, name string) (LoadResult, error) {
	var l LoadResult
	text := bytes.TrimSpace(data)
	line := 1 + bytes.Count(data[:bytes.Index(data, text)], []byte("\n"))
	if err := unmarshal(text, &l); err != nil {
		return l, fmt.Errorf("%s:%d: %w", name, line, err)
	}
	schema, err := compiled(SchemaLoad)
	if err != nil {
		return l, err
	}
	if bad := validateLine(schema, line, text, false); len(bad) > 0 {
		return l, violationError(name, bad)
	}
	return l, nil
}

// violationError names the first of the violations of one line, but none that
// another one inside the same value explains: what may be null or an object is
// not wrong for not being null.
func violationError(name string, bad []SchemaViolation) error {
	v := bad[0]
	for _, w := range bad[1:] {
		if (w.Path == v.Path || strings.HasPrefix(w.Path, v.Path+"/")) && strings.HasSuffix(v.Text, "want null") {
			v = w
		}
	}
	text := v.Text
	if r := []rune(text); len(r) > maxViolationText {
		text = string(r[:maxViolationText]) + "…"
	}
	return fmt.Errorf("%s:%d: %w: %s%s; weir check shows all that is wrong with a record", name, v.Line, ErrBadLine, pathPrefix(v.Path), text)
}

func readRecordFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read record: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxRecordBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot read record: %w", err)
	case len(data) > maxRecordBytes:
		return nil, fmt.Errorf("%s: %w: longer than %d bytes", path, ErrBadLine, maxRecordBytes)
	}
	return data, nil
}

func pathPrefix(path string) string {
	if path == "" {
		return ""
	}
	return path + ": "
}
