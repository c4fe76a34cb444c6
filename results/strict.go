package results

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// maxRecordBytes bounds a record that is read in one piece: 250 000 windows.
const maxRecordBytes = 1 << 30

// ReadValid reads the record at path and holds every line against the JSON
// Schema, so that no key that is missing is taken for a zero. It is for whoever
// computes with a record that comes from outside. The first thing that is wrong
// is the error, with file and line: a cut or foreign line, another schema, a
// missing key or one of the wrong kind, a file without lines, a record without
// a summary.
func ReadValid(path string) (Record, error) {
	f, err := os.Open(path)
	if err != nil {
		return Record{}, fmt.Errorf("cannot read record: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxRecordBytes+1))
	switch {
	case err != nil:
		return Record{}, fmt.Errorf("cannot read record: %w", err)
	case len(bytes.TrimSpace(data)) == 0:
		return Record{}, fmt.Errorf("%s:1: %w: the file is empty; a record has at least one line", path, ErrBadLine)
	case len(data) > maxRecordBytes:
		return Record{}, fmt.Errorf("%s: %w: longer than %d bytes", path, ErrBadLine, maxRecordBytes)
	}
	rec, err := Read(bytes.NewReader(data), path, false)
	if err != nil {
		return rec, err
	}
	bad, err := Validate(bytes.NewReader(data), path)
	if err != nil {
		return rec, err
	}
	if len(bad) > 0 {
		v := bad[0]
		return rec, fmt.Errorf("%s:%d: %w: %s%s; weir check shows all that is wrong", path, v.Line, ErrBadLine, pathPrefix(v.Path), v.Text)
	}
	if rec.Summary == nil {
		return rec, fmt.Errorf("%s:%d: %w: no summary follows: the run was interrupted", path, bytes.Count(data, []byte("\n")), ErrTruncated)
	}
	return rec, nil
}

func pathPrefix(path string) string {
	if path == "" {
		return ""
	}
	return path + ": "
}
