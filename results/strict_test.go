package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/perf/benchfmt"
)

func recordLines(t testing.TB) []string {
	t.Helper()
	data, err := os.ReadFile("testdata/record.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return strings.SplitAfter(strings.TrimSuffix(string(data), "\n"), "\n")
}

func writeTemp(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "r.jsonl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What people hand to a reader of records is refused with file, line, the value
// and what to do.
func TestReadValidRefuses(t *testing.T) {
	lines := recordLines(t)
	whole := strings.Join(lines, "")
	loadLine, err := json.Marshal(LoadResult{})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text string
		is   error
		want []string
	}{
		"empty":             {"", ErrBadLine, []string{":1:", "empty"}},
		"blank":             {"\n\n", ErrBadLine, []string{"empty"}},
		"cut":               {whole[:len(whole)-20], ErrTruncated, []string{":4:", "cut off"}},
		"no summary":        {strings.Join(lines[:3], ""), ErrTruncated, []string{":3:", "no summary", "interrupted"}},
		"mixed schemas":     {lines[0] + string(loadLine) + "\n", ErrSchema, []string{":2:", SchemaLoad, "weir load --out"}},
		"other version":     {strings.Replace(whole, "weir.run/1", "weir.run/2", 1), ErrSchema, []string{":1:", "weir.run/2", "the weir that wrote it"}},
		"no schema":         {lines[0] + "{}\n", ErrSchema, []string{":2:", "has none"}},
		"k6":                {`{"metric":"http_reqs","type":"Point","data":{}}` + "\n", ErrSchema, []string{":1:", "weir import"}},
		"HTML":              {"<!doctype html>\n<html>", ErrBadLine, []string{":1:", "HTML", "weir import"}},
		"gzip":              {"\x1f\x8b\x08\x00\n", ErrBadLine, []string{":1:", "gzip", "unpack"}},
		"UTF-16":            {"\xff\xfe{\x00\n", ErrBadLine, []string{":1:", "UTF-16"}},
		"mark":              {"\xef\xbb\xbf" + whole, ErrBadLine, []string{":1:", "byte order mark"}},
		"bench":             {"BenchmarkX 1 1 ns/op\n", ErrBadLine, []string{":1:", "benchstat"}},
		"NaN":               {strings.Replace(whole, `"fidelity":0.99`, `"fidelity":NaN`, 1), ErrBadLine, []string{":3:", "NaN", "null"}},
		"-Infinity":         {strings.Replace(whole, `"fidelity":0.99`, `"fidelity": -Infinity`, 1), ErrBadLine, []string{":3:", "-Infinity"}},
		"NaN text":          {strings.Replace(whole, `"fidelity":0.99`, `"fidelity":"NaN"`, 1), ErrBadLine, []string{":3:", "fidelity", "string", "a number", "null"}},
		"missing key":       {strings.Replace(whole, `"offered":1000,`, ``, 1), ErrBadLine, []string{":2:", "/counts", "offered"}},
		"unknown phase":     {strings.Replace(whole, `"phase":"explore"`, `"phase":"warm"`, 1), ErrBadLine, []string{":3:", "/phase"}},
		"inside a nullable": {strings.Replace(whole, `"next_wall":{"name":"disk","tx_per_sec":610000}`, `"next_wall":{"name":"disk"}`, 1), ErrBadLine, []string{":4:", "/next_wall", "missing property 'tx_per_sec'"}},
		"two in one":        {whole + "\n" + whole, ErrBadLine, []string{":5:", "follows the summary"}},
		"half a number":     {strings.Replace(whole, `"sent":990`, `"sent":990.5`, 1), ErrBadLine, []string{":2:", "sent", "a whole number"}},
		"a text instead":    {"hello\n", ErrBadLine, []string{":1:", "invalid character 'h'"}},
	} {
		path := writeTemp(t, c.text)
		_, err := ReadValid(path)
		if !errors.Is(err, c.is) {
			t.Errorf("%s: %v, want %v", name, err, c.is)
			continue
		}
		for _, want := range append(c.want, path) {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v lacks %q", name, err, want)
			}
		}
	}
	if _, err := ReadValid(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestWriteRecordRoundTrip(t *testing.T) {
	rec := sampleRecord(t)
	path := filepath.Join(t.TempDir(), FileRecord)
	if err := WriteRecord(path, rec); err != nil {
		t.Fatal(err)
	}
	got, err := ReadValid(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rec, got); diff != "" {
		t.Error(diff)
	}
	if err := WriteRecord(path, rec); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("a record was overwritten: %v", err)
	}
	if _, err := ReadValid(path); err != nil {
		t.Errorf("the refused second record has spoilt the first: %v", err)
	}
}

func TestWriteFormats(t *testing.T) {
	dir := t.TempDir()
	rec := sampleRecord(t)
	if err := WriteFormats(dir, rec); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{FileBench, FileCSV, FileHLog, FileOpenMetrics} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A run that must not be quoted leaves no figure to compare, nor an old one.
	rec.Summary.Valid = false
	rec.Windows = nil
	if err := WriteFormats(dir, rec); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range left {
		names = append(names, f.Name())
	}
	if diff := cmp.Diff([]string{FileOpenMetrics, FileCSV}, names); diff != "" {
		t.Error(diff)
	}
	if err := WriteFormats(filepath.Join(dir, "none"), rec); err == nil {
		t.Error("a missing folder was accepted")
	}
}

func TestBenchOfALoad(t *testing.T) {
	rec := sampleRecord(t)
	rec.Summary.Knee, rec.Summary.Search = Knee{}, nil
	if !rec.IsLoad() {
		t.Fatal("not taken for a load")
	}
	var buf bytes.Buffer
	if err := writeBench(&buf, rec); err != nil {
		t.Fatal(err)
	}
	r := benchfmt.NewReader(&buf, "x")
	var got []string
	for r.Scan() {
		if res, ok := r.Result().(*benchfmt.Result); ok {
			got = append(got, string(res.Name))
			if v, ok := res.Value("tx/s"); !ok || v != 19400 {
				t.Errorf("tx/s %v", v)
			}
			if v, ok := res.Value("commit-p99-sec"); !ok || v != 0.011 {
				t.Errorf("p99 %v", v)
			}
		}
	}
	if diff := cmp.Diff([]string{"Load/workload=transfer/schedule=poisson/rate=20000"}, got); diff != "" {
		t.Error(diff)
	}
	for _, spoil := range []func(*Record){
		func(r *Record) { r.Trials[0].Valid = false },
		func(r *Record) { r.Trials[0].CommittedTxPerSec = nil },
		func(r *Record) { r.Trials[0].Counts.Committed = 0 },
	} {
		bad := sampleRecord(t)
		spoil(&bad)
		if err := NewBenchWriter(&buf).WriteLoad(nil, *bad.Summary, bad.Trials[0]); !errors.Is(err, ErrNotABenchmark) {
			t.Errorf("%v", err)
		}
	}
}
