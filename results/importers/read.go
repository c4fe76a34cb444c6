package importers

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
)

// Errors of reading; the text names file and line.
var (
	// ErrUnknownFormat reports a file that is none of Formats.
	ErrUnknownFormat = errors.New("unknown format")
	// ErrBadResult reports a file that is damaged, or not what it looks like.
	ErrBadResult = errors.New("bad result file")
)

const (
	// maxFileBytes bounds a file after unpacking: k6 writes some 400 bytes per
	// sample and ten samples per request, so this is ten million requests.
	maxFileBytes = 40 << 30
	// maxTextBytes bounds reports that are read in one piece.
	maxTextBytes = 64 << 20
	maxLineBytes = 16 << 20
	// maxRuns bounds the runs of a file.
	maxRuns = 100_000
)

// Options say what a file does not.
type Options struct {
	Format string // one of Formats; empty: find out
	// DurationSec is how long the load lasted, for reports that leave it out
	// (loadtime's text). 0: not known.
	DurationSec float64
}

// ReadFile reads the results in the file path. A gzip file is unpacked.
func ReadFile(path string, opt Options) (Set, error) {
	f, err := os.Open(path)
	if err != nil {
		return Set{}, fmt.Errorf("cannot read results: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return Set{}, fmt.Errorf("cannot read results: %s is a folder; name the files in it", path)
	}
	return Read(f, path, opt)
}

// Read reads the results in; name stands for it in errors.
func Read(in io.Reader, name string, opt Options) (Set, error) {
	if opt.Format != "" && !slices.Contains(Formats, opt.Format) {
		return Set{}, fmt.Errorf("%w %q: give one of %s", ErrUnknownFormat, opt.Format, strings.Join(Formats, ", "))
	}
	if !(opt.DurationSec >= 0) || math.IsInf(opt.DurationSec, 1) {
		return Set{}, fmt.Errorf("%w: a duration of %v s", ErrBadResult, opt.DurationSec)
	}
	r := bufio.NewReaderSize(in, 64<<10)
	if head, _ := r.Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(r)
		if err != nil {
			return Set{}, fmt.Errorf("%s: %w: %w", name, ErrBadResult, err)
		}
		r = bufio.NewReaderSize(io.LimitReader(z, maxFileBytes), 64<<10)
	}
	if head, _ := r.Peek(3); bytes.Equal(head, []byte("\xef\xbb\xbf")) {
		r.Discard(3) //nolint:errcheck // they were peeked
	}
	head, err := r.Peek(32 << 10)
	if err != nil && !errors.Is(err, io.EOF) {
		return Set{}, fmt.Errorf("%s:1: %w: %w", name, ErrBadResult, err)
	}
	if len(bytes.TrimSpace(head)) == 0 && err != nil {
		return Set{}, fmt.Errorf("%s:1: %w: the file is empty", name, ErrBadResult)
	}
	format := opt.Format
	if format == "" {
		if format, err = detect(head, name); err != nil {
			return Set{}, err
		}
	}
	runs, err := readers[format](r, name, opt)
	if err != nil {
		return Set{}, err
	}
	if len(runs) == 0 {
		return Set{}, fmt.Errorf("%s:1: %w: no result in it, read as %s", name, ErrBadResult, format)
	}
	var set Set
	for _, run := range runs {
		run.Format, run.File = format, name
		if err := run.finish(); err != nil {
			return Set{}, fmt.Errorf("%s:%d: %w: %w", name, run.Line, ErrBadResult, err)
		}
		set.Runs = append(set.Runs, run)
	}
	return set, nil
}

var readers = map[string]func(r *bufio.Reader, name string, opt Options) ([]Run, error){
	FormatK6: readK6, FormatK6Summary: readK6Summary, FormatVegeta: readVegeta, FormatCaliper: readCaliper,
	FormatLoadtime: readLoadtime, FormatLoadtimeCS: readLoadtimeCSV, FormatHotStuff: readHotStuff,
}

// detect tells the format from the beginning of a file.
func detect(head []byte, name string) (string, error) {
	text := string(head)
	trimmed := strings.TrimSpace(text)
	has := func(parts ...string) bool {
		return !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(text, p) })
	}
	switch {
	case strings.HasPrefix(trimmed, "{") && has(`"metric"`, `"type"`, `"data"`):
		return FormatK6, nil
	case strings.HasPrefix(trimmed, "{") && has(`"latencies"`) || strings.HasPrefix(trimmed, "{") && has(`"latency"`, `"code"`, `"timestamp"`):
		return FormatVegeta, nil
	case strings.HasPrefix(trimmed, "{") && has(`"metrics"`):
		return FormatK6Summary, nil
	case strings.HasPrefix(trimmed, "{") && has(`"schema"`, `"weir.`):
		return "", fmt.Errorf("%s:1: %w: this is weir's own; weir compare, fit and report read it as it is", name, ErrUnknownFormat)
	case strings.HasPrefix(trimmed, "experiment_id,"):
		return FormatLoadtimeCS, nil
	case has("Experiment ID:"):
		return FormatLoadtime, nil
	case has("End-to-end TPS:"), has("Committee size:"):
		return FormatHotStuff, nil
	case has("Throughput (TPS)"), has("Caliper"), has("caliper"):
		return FormatCaliper, nil
	}
	return "", fmt.Errorf("%s:1: %w: it begins with %.40q; weir reads %s (--format says which)", name, ErrUnknownFormat, trimmed, strings.Join(Formats, ", "))
}

// lines calls f with every line that is not blank and its number, from 1.
func lines(r *bufio.Reader, name string, f func(n int, line []byte) error) error {
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 64<<10), maxLineBytes)
	n := 0
	for sc.Scan() {
		n++
		line := bytes.TrimSpace(sc.Bytes())
		if len(line) == 0 {
			continue
		}
		if err := f(n, line); err != nil {
			return fmt.Errorf("%s:%d: %w: %w", name, n, ErrBadResult, err)
		}
	}
	if err := sc.Err(); err != nil {
		return fmt.Errorf("%s:%d: %w: %w", name, n+1, ErrBadResult, err)
	}
	return nil
}

// whole reads a report in one piece.
func whole(r io.Reader, name string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxTextBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w: %w", name, ErrBadResult, err)
	case len(data) > maxTextBytes:
		return nil, fmt.Errorf("%s: %w: longer than %d bytes", name, ErrBadResult, maxTextBytes)
	}
	return data, nil
}
