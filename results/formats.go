package results

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Names of the files that stand beside a record.
const (
	FileRecord      = "record.jsonl"
	FileBench       = "bench.txt"       // Go benchmark text
	FileCSV         = "record.csv"      // long format
	FileHLog        = "latency.hlog"    // HdrHistogram log
	FileOpenMetrics = "openmetrics.txt" // OpenMetrics text
)

// WriteFormats writes rec into dir in every format beside JSONL, each file whole
// or not at all. A run without a figure to compare (ErrNotABenchmark) gets no
// benchmark text, and one that was there from before is removed; a record
// without histograms gets no histogram log.
func WriteFormats(dir string, rec Record) error {
	var errs []error
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{FileCSV, func(w io.Writer) error { return WriteCSV(w, rec) }},
		{FileOpenMetrics, func(w io.Writer) error { return WriteOpenMetrics(w, rec) }},
		{FileHLog, func(w io.Writer) error { return writeHLogOrNothing(w, rec) }},
		{FileBench, func(w io.Writer) error { return writeBench(w, rec) }},
	} {
		errs = append(errs, writeFormat(filepath.Join(dir, f.name), f.write))
	}
	return errors.Join(errs...)
}

// errNothing says that there is nothing to put into a format.
var errNothing = errors.New("nothing to write")

func writeFormat(path string, write func(io.Writer) error) error {
	var buf bytes.Buffer
	switch err := write(&buf); {
	case errors.Is(err, errNothing), errors.Is(err, ErrNotABenchmark):
		return removeIfThere(path)
	case err != nil:
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return WriteFileAtomic(path, buf.Bytes(), 0o644)
}

func writeHLogOrNothing(w io.Writer, rec Record) error {
	for _, win := range rec.Windows {
		if len(win.Histograms) > 0 {
			return WriteHLog(w, rec)
		}
	}
	return errNothing
}

func writeBench(w io.Writer, rec Record) error {
	if rec.Summary == nil {
		return errNothing
	}
	if rec.IsLoad() {
		return NewBenchWriter(w).WriteLoad(rec.Env, *rec.Summary, rec.Trials[0])
	}
	return NewBenchWriter(w).Write(rec.Env, *rec.Summary)
}

// IsLoad says that the record is one fixed schedule, without a search.
func (rec *Record) IsLoad() bool {
	return rec.Summary != nil && rec.Summary.Search == nil && rec.Summary.Knee.LowerTxPerSec == nil && len(rec.Trials) == 1
}

// WriteRecord writes rec as a record to the file path, which must not exist: the
// env line, each trial with its windows before it, and the summary, whose
// SHA-256 it sets. What stands there after an error is removed.
func WriteRecord(path string, rec Record) (err error) {
	w, err := Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, w.Close()); err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}()
	if rec.Env != nil {
		if err := w.Write(*rec.Env); err != nil {
			return err
		}
	}
	for _, t := range rec.Trials {
		for _, win := range rec.Windows {
			if win.TrialID != t.ID {
				continue
			}
			if err := w.Write(win); err != nil {
				return err
			}
		}
		if err := w.Write(t); err != nil {
			return err
		}
	}
	if rec.Summary == nil {
		return nil
	}
	return w.WriteSummary(rec.Summary)
}
