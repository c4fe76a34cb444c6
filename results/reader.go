package results

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// Errors of a Reader. The text always names file and line.
var (
	// ErrTruncated reports a last line that is cut off.
	ErrTruncated = errors.New("record is cut off")
	// ErrBadLine reports a line that is not a line of a record.
	ErrBadLine = errors.New("bad record line")
	// ErrSchema reports a line of a schema this program does not read.
	ErrSchema = errors.New("unknown schema")
)

// maxLineBytes bounds a line; the longest real ones are windows with four
// histograms, some 20 KiB, and summaries of a few hundred trials.
const maxLineBytes = 16 << 20

// maxRecordLines bounds a record: a day of one-second windows is 86 400.
const maxRecordLines = 4 << 20

// Reader reads the lines of a record one after the other.
type Reader struct {
	name string
	in   *bufio.Reader
	line int // of the line read last, from 1
}

// NewReader returns a Reader of in; name stands for it in errors.
func NewReader(in io.Reader, name string) *Reader {
	return &Reader{name: name, in: bufio.NewReaderSize(in, 64<<10)}
}

// Next returns the next line: Env, Trial, Window or Summary, as a value. At the
// end of the record it returns io.EOF. ErrTruncated means that the last line
// is incomplete and that all before it were read.
func (r *Reader) Next() (Line, error) {
	raw, complete, err := r.readLine()
	if err != nil {
		return nil, err
	}
	line, err := decodeLine(raw)
	var syntax *json.SyntaxError
	switch {
	case !complete && errors.As(err, &syntax):
		// Without its newline a last line is still whole when its JSON is: an
		// editor may have taken the newline.
		return nil, fmt.Errorf("%s:%d: %w: the line ends after %d bytes; %d complete lines stand before it (read leniently to use them)",
			r.name, r.line, ErrTruncated, len(raw), r.line-1)
	case err != nil:
		return nil, fmt.Errorf("%s:%d: %w", r.name, r.line, err)
	}
	return line, nil
}

// Line returns the number, from 1, of the line that Next returned last.
func (r *Reader) Line() int { return r.line }

// readLine returns the next line without its newline, and whether there was
// one. Blank lines are skipped.
func (r *Reader) readLine() (raw []byte, complete bool, err error) {
	for r.line < maxRecordLines {
		raw = raw[:0]
		for {
			part, err := r.in.ReadSlice('\n')
			raw = append(raw, part...)
			if len(raw) > maxLineBytes {
				return nil, false, fmt.Errorf("%s:%d: %w: longer than %d bytes", r.name, r.line+1, ErrBadLine, maxLineBytes)
			}
			if err == nil {
				complete = true
				break
			}
			if errors.Is(err, io.EOF) {
				complete = false
				break
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				return nil, false, fmt.Errorf("%s:%d: %w", r.name, r.line+1, err)
			}
		}
		if len(raw) == 0 {
			return nil, false, io.EOF
		}
		r.line++
		raw = bytes.TrimSpace(raw)
		if len(raw) > 0 {
			return raw, complete, nil
		}
		if !complete {
			return nil, false, io.EOF
		}
	}
	return nil, false, fmt.Errorf("%s:%d: %w: more than %d lines", r.name, r.line, ErrBadLine, maxRecordLines)
}

func decodeLine(raw []byte) (Line, error) {
	var head struct {
		Schema string `json:"schema"`
		Type   string `json:"type"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, explain(raw, err)
	}
	if head.Schema != SchemaRun {
		return nil, otherSchema(raw, head.Schema)
	}
	switch head.Type {
	case TypeEnv:
		return decodeAs[Env](raw)
	case TypeTrial:
		return decodeAs[Trial](raw)
	case TypeWindow:
		return decodeAs[Window](raw)
	case TypeSummary:
		return decodeAs[Summary](raw)
	}
	return nil, fmt.Errorf("%w: type %q is none of %s, %s, %s, %s", ErrBadLine, head.Type,
		TypeEnv, TypeTrial, TypeWindow, TypeSummary)
}

func decodeAs[T Line](raw []byte) (Line, error) {
	var v T
	if err := unmarshal(raw, &v); err != nil {
		return nil, err
	}
	return v, nil
}

func unmarshal(raw []byte, v any) error {
	if err := json.Unmarshal(raw, v); err != nil {
		return explain(raw, err)
	}
	return nil
}

// Record is a record in memory.
type Record struct {
	Env     *Env // nil when the record has no env line
	Trials  []Trial
	Windows []Window
	Summary *Summary // nil when the run was interrupted before its end
	// Notes says what a lenient reading left out.
	Notes []string
}

// ReadFile reads the record at path. See Read.
func ReadFile(path string, lenient bool) (Record, error) {
	f, err := os.Open(path)
	if err != nil {
		return Record{}, fmt.Errorf("cannot read record: %w", err)
	}
	rec, err := Read(f, path, lenient)
	return rec, errors.Join(err, f.Close())
}

// Read reads a whole record; name stands for it in errors. A lenient reading
// forgives a cut last line, which it notes, and a file without lines; anything
// else that is wrong is an error in both modes. With an error the lines before it are returned too.
func Read(in io.Reader, name string, lenient bool) (Record, error) {
	var rec Record
	r := NewReader(in, name)
	for {
		line, err := r.Next()
		switch {
		case errors.Is(err, io.EOF) && r.Line() == 0 && !lenient:
			return rec, fmt.Errorf("%s:1: %w: the file is empty; a record has at least one line", name, ErrBadLine)
		case errors.Is(err, io.EOF):
			return rec, nil
		case lenient && errors.Is(err, ErrTruncated):
			rec.Notes = append(rec.Notes, err.Error())
			return rec, nil
		case err != nil:
			return rec, err
		}
		if err := rec.add(line); err != nil {
			return rec, fmt.Errorf("%s:%d: %w", name, r.Line(), err)
		}
	}
}

func (rec *Record) add(line Line) error {
	if rec.Summary != nil {
		return fmt.Errorf("%w: a %s line follows the summary", ErrBadLine, line.lineType())
	}
	switch v := line.(type) {
	case Env:
		if rec.Env != nil {
			return fmt.Errorf("%w: a second env line: two records in one file", ErrBadLine)
		}
		rec.Env = &v
	case Trial:
		rec.Trials = append(rec.Trials, v)
	case Window:
		rec.Windows = append(rec.Windows, v)
	case Summary:
		rec.Summary = &v
	}
	return nil
}
