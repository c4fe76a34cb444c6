package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func writeAll(t *testing.T, w *Writer, lines []Line) {
	t.Helper()
	for _, l := range lines {
		if err := w.Write(l); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRecordRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "record.jsonl")
	w, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	writeAll(t, w, sampleLines(t))
	if err := w.Write(sampleTrial()); !errors.Is(err, ErrRecordEnded) {
		t.Errorf("a line after the summary: %v", err)
	}
	if err := errors.Join(w.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	got, err := ReadFile(path, false)
	if err != nil {
		t.Fatal(err)
	}
	env, sum := sampleEnv(), sampleSummary()
	want := Record{Env: &env, Trials: []Trial{sampleTrial()}, Windows: []Window{sampleWindow(t)}, Summary: &sum}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if _, err := Create(path); !errors.Is(err, ErrWrite) || !strings.Contains(err.Error(), path) {
		t.Errorf("an existing record: %v", err)
	}
}

// Wherever the power goes, the lines before the cut are readable.
func TestReadEveryPrefix(t *testing.T) {
	var buf bytes.Buffer
	// Every cut reads the record again, so the lines are the short ones.
	writeAll(t, NewWriter(&buf, "buf"), []Line{Window{TrialID: 1, DurationNS: 1}, Window{TrialID: 1, Index: 1, DurationNS: 1}, sampleTrial(), sampleEnv()})
	whole := buf.Bytes()
	for cut := range len(whole) {
		part := whole[:cut]
		complete := bytes.Count(part, []byte("\n"))
		atEdge := cut == 0 || part[cut-1] == '\n' || whole[cut] == '\n'
		rec, err := Read(bytes.NewReader(part), "r.jsonl", true)
		if err != nil {
			t.Fatalf("cut at %d: lenient: %v", cut, err)
		}
		got := len(rec.Trials) + len(rec.Windows)
		if rec.Env != nil {
			got++
		}
		if rec.Summary != nil {
			got++
		}
		if cut > 0 && whole[cut] == '\n' {
			complete++ // only the newline is missing
		}
		if got != complete {
			t.Fatalf("cut at %d: %d lines of %d", cut, got, complete)
		}
		if atEdge != (len(rec.Notes) == 0) {
			t.Fatalf("cut at %d: notes %q", cut, rec.Notes)
		}
		_, err = Read(bytes.NewReader(part), "r.jsonl", false)
		if cut == 0 {
			if !errors.Is(err, ErrBadLine) || !strings.Contains(err.Error(), "r.jsonl:1: ") || !strings.Contains(err.Error(), "empty") {
				t.Fatalf("an empty record: %v", err)
			}
			continue
		}
		if atEdge != (err == nil) {
			t.Fatalf("cut at %d: strict: %v", cut, err)
		}
		if want := fmt.Sprintf("r.jsonl:%d: ", complete+1); err != nil &&
			(!errors.Is(err, ErrTruncated) || !strings.HasPrefix(err.Error(), want) ||
				!strings.Contains(err.Error(), fmt.Sprintf(" %d complete lines", complete))) {
			t.Fatalf("cut at %d: %v", cut, err)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	line := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b) + "\n"
	}
	trial := line(sampleTrial())
	for name, c := range map[string]struct {
		text string
		want error
		at   int
	}{
		"garbage in the middle":    {trial + "what\n" + trial, ErrBadLine, 2},
		"a list":                   {"[1]\n", ErrBadLine, 1},
		"another schema":           {trial + strings.Replace(trial, "weir.run/1", "weir.run/9", 1), ErrSchema, 2},
		"no schema":                {"{}\n", ErrSchema, 1},
		"unknown type":             {`{"schema":"weir.run/1","type":"round"}` + "\n", ErrBadLine, 1},
		"wrong type of a field":    {`{"schema":"weir.run/1","type":"trial","id":"one"}` + "\n", ErrBadLine, 1},
		"a line after the summary": {line(sampleSummary()) + trial, ErrBadLine, 2},
		"two env lines":            {line(sampleEnv()) + line(sampleEnv()), ErrBadLine, 2},
		"too long":                 {strings.Repeat(" ", maxLineBytes+10), ErrBadLine, 1},
	} {
		for _, lenient := range []bool{false, true} {
			_, err := Read(strings.NewReader(c.text), "x", lenient)
			if !errors.Is(err, c.want) || !strings.HasPrefix(err.Error(), fmt.Sprintf("x:%d: ", c.at)) {
				t.Errorf("%s (lenient %v): %v", name, lenient, err)
			}
		}
	}
	if rec, err := Read(strings.NewReader("\n \n"+trial+"\n"), "x", false); err != nil || len(rec.Trials) != 1 {
		t.Errorf("blank lines: %v", err)
	}
	if _, err := ReadFile(filepath.Join(t.TempDir(), "none"), false); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// fullDisk accepts room bytes and then fails as a full disk does, after
// writing the part that fits.
type fullDisk struct {
	out  io.Writer
	room int
}

func (d *fullDisk) Write(p []byte) (int, error) {
	if len(p) <= d.room {
		d.room -= len(p)
		return d.out.Write(p)
	}
	n, err := d.out.Write(p[:d.room])
	d.room -= n
	return n, errors.Join(err, syscall.ENOSPC)
}

func TestWriteOnAFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "record.jsonl")
	w, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	first, err := json.Marshal(sampleEnv())
	if err != nil {
		t.Fatal(err)
	}
	w.out = &fullDisk{out: w.file, room: len(first) + 1 + 100}
	if err := w.Write(sampleEnv()); err != nil {
		t.Fatal(err)
	}
	err = w.Write(sampleTrial())
	if !errors.Is(err, ErrWrite) || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), path) {
		t.Errorf("a full disk: %v", err)
	}
	if again := w.Write(sampleTrial()); !errors.Is(again, syscall.ENOSPC) {
		t.Errorf("after a failure: %v", again)
	}
	if w.Lines() != 1 {
		t.Errorf("%d lines", w.Lines())
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	// The 100 bytes that fitted are gone: what is left reads without a note.
	rec, err := ReadFile(path, false)
	if err != nil || rec.Env == nil || len(rec.Trials) != 0 {
		t.Errorf("%+v %v", rec, err)
	}
}

func TestWriterKeepsLinesWhole(t *testing.T) {
	var buf bytes.Buffer
	w := NewWriter(&buf, "buf")
	bad := sampleTrial()
	zero := 0.0
	bad.DurationSec = 1 / zero
	if err := w.Write(bad); !errors.Is(err, ErrNotFinite) || buf.Len() != 0 {
		t.Fatalf("%v, %d bytes", err, buf.Len())
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 20 {
				tr := sampleTrial()
				tr.ID = i + 1
				if err := w.Write(tr); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	rec, err := Read(&buf, "buf", false)
	if err != nil || len(rec.Trials) != 160 || w.Lines() != 160 {
		t.Errorf("%d trials, %d lines, %v", len(rec.Trials), w.Lines(), err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if err := w.Write(sampleTrial()); !errors.Is(err, ErrRecordEnded) {
		t.Errorf("after Close: %v", err)
	}
}

// FuzzDecodeLine: no input panics, and what is read can be written and read
// again as the same value.
func FuzzDecodeLine(f *testing.F) {
	for _, l := range sampleLines(f) {
		b, err := json.Marshal(l)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"schema":"weir.run/1","type":"window","counts":{"rejected":null}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		line, err := decodeLine(raw)
		if err != nil {
			return
		}
		b, err := json.Marshal(line)
		if err != nil {
			t.Fatalf("read and not writable: %v", err)
		}
		again, err := decodeLine(b)
		if err != nil {
			t.Fatalf("written and not readable: %v: %s", err, b)
		}
		b2, err := json.Marshal(again)
		if err != nil || !bytes.Equal(b, b2) {
			t.Fatalf("%v\n%s\n%s", err, b, b2)
		}
	})
}
