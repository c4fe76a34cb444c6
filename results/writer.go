package results

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"sync"
)

// Errors of a Writer.
var (
	// ErrWrite wraps every failure to write a record; the text names the file.
	ErrWrite = errors.New("cannot write record")
	// ErrRecordEnded is returned for a line after the summary or after Close.
	ErrRecordEnded = errors.New("record has ended")
)

// Line is one line of a record: Env, Trial, Window or Summary.
type Line interface{ lineType() string }

func (Env) lineType() string     { return TypeEnv }
func (Trial) lineType() string   { return TypeTrial }
func (Window) lineType() string  { return TypeWindow }
func (Summary) lineType() string { return TypeSummary }

// Writer writes a record line by line. Every line reaches the operating system
// in one write before Write returns, so a program stopped at any moment leaves
// complete lines and at most one cut at the end. Several goroutines may share
// one Writer.
type Writer struct {
	mu     sync.Mutex
	name   string
	out    io.Writer
	file   *os.File // nil when the caller owns the output
	offset int64    // end of the last complete line
	lines  int
	sum    hash.Hash // SHA-256 of the complete lines
	err    error     // sticky: nothing follows a failed line
	ended  bool
}

// NewWriter returns a Writer to out; name stands for it in errors. The caller
// owns out: Close does not close it.
func NewWriter(out io.Writer, name string) *Writer {
	return &Writer{name: name, out: out, sum: sha256.New()}
}

// Create makes the file path, which must not exist yet, and returns a Writer
// to it. A record is evidence, so an existing one is never overwritten.
func Create(path string) (*Writer, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	switch {
	case errors.Is(err, os.ErrExist):
		return nil, fmt.Errorf("%w: %s exists already: name a new --out folder: %w", ErrWrite, path, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrWrite, err)
	}
	return &Writer{name: path, out: f, file: f, sum: sha256.New()}, nil
}

// Write appends one line. After a failure (ErrWrite: disk full, a closed pipe)
// every further call returns the same error. A line that cannot be encoded
// (ErrNotFinite) writes nothing and leaves the Writer usable.
func (w *Writer) Write(line Line) error {
	b, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("%w: %s: %s line: %w", ErrWrite, w.name, line.lineType(), err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.write(line, b)
}

// WriteSummary ends the record with s, after it has put the SHA-256 of all that
// stands before it into s.
func (w *Writer) WriteSummary(s *Summary) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	s.SHA256 = ""
	b, err := json.Marshal(*s)
	if err == nil {
		s.SHA256 = digestOf(w.sum, b)
		b, err = json.Marshal(*s)
	}
	if err != nil {
		s.SHA256 = ""
		return fmt.Errorf("%w: %s: summary line: %w", ErrWrite, w.name, err)
	}
	return w.write(*s, b)
}

// write appends an encoded line. The caller holds the lock.
func (w *Writer) write(line Line, b []byte) error {
	b = append(b, '\n')
	if w.err != nil {
		return w.err
	}
	if w.ended {
		return fmt.Errorf("%w: %s: a %s line may not follow", ErrRecordEnded, w.name, line.lineType())
	}
	n, err := w.out.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		w.err = w.failed(err)
		return w.err
	}
	w.offset += int64(n)
	w.lines++
	w.sum.Write(b)
	w.ended = line.lineType() == TypeSummary
	return nil
}

// failed cuts a half-written line off the file, so that what was measured
// before stays readable, and returns the error to keep.
func (w *Writer) failed(cause error) error {
	err := fmt.Errorf("%w: %s, line %d: %w: the %d lines before it are complete; free space or choose another --out folder",
		ErrWrite, w.name, w.lines+1, cause, w.lines)
	if w.file != nil {
		if terr := w.file.Truncate(w.offset); terr != nil {
			err = fmt.Errorf("%w (and the cut line could not be removed: %w)", err, terr)
		}
	}
	return err
}

// Lines returns the number of complete lines written.
func (w *Writer) Lines() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lines
}

// Close makes a file written by Create durable and closes it. It may be called
// more than once.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	if w.file == nil {
		return nil
	}
	f := w.file
	w.file = nil
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("%w: %s: closing: %w", ErrWrite, w.name, err)
	}
	return nil
}
