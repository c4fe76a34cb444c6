package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/results"
)

// numberAt is a number in a record.
type numberAt struct {
	line       int // from 0
	start, end int // bytes of the record
	kind, path string
	value      string
}

// numbersIn finds every number of a record, where it stands and what it is.
func numbersIn(t testing.TB, record []byte) []numberAt {
	t.Helper()
	var out []numberAt
	at := 0
	for i, line := range bytes.SplitAfter(record, []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		var head struct{ Type string }
		if err := json.Unmarshal(line, &head); err != nil {
			t.Fatal(err)
		}
		dec := json.NewDecoder(bytes.NewReader(line))
		dec.UseNumber()
		out = append(out, walkNumbers(t, dec, i, at, head.Type, "")...)
		at += len(line)
	}
	return out
}

func walkNumbers(t testing.TB, dec *json.Decoder, line, base int, kind, path string) []numberAt {
	t.Helper()
	tok, err := dec.Token()
	if err != nil {
		t.Fatal(err)
	}
	var out []numberAt
	switch v := tok.(type) {
	case json.Delim:
		for i := 0; dec.More(); i++ {
			p := fmt.Sprintf("%s[%d]", path, i)
			if v == '{' {
				key, err := dec.Token()
				if err != nil {
					t.Fatal(err)
				}
				p = strings.TrimPrefix(fmt.Sprintf("%s.%v", path, key), ".")
			}
			out = append(out, walkNumbers(t, dec, line, base, kind, p)...)
		}
		if _, err := dec.Token(); err != nil {
			t.Fatal(err)
		}
	case json.Number:
		end := base + int(dec.InputOffset())
		out = append(out, numberAt{line, end - len(v), end, kind, path, string(v)})
	}
	return out
}

// changed is the record with another number.
func changed(record []byte, n numberAt, to string) []byte {
	return slices.Concat(record[:n.start], []byte(to), record[n.end:])
}

// another is a number close to n.
func another(n numberAt) string {
	if strings.ContainsAny(n.value, ".e") {
		var f float64
		if err := json.Unmarshal([]byte(n.value), &f); err != nil {
			return "1"
		}
		b, err := json.Marshal(f*1.000001 + 1e-9)
		if err != nil {
			return "1"
		}
		return string(b)
	}
	if n.value == "0" {
		return "1"
	}
	last := n.value[len(n.value)-1]
	return n.value[:len(n.value)-1] + string('0'+(last-'0'+1)%10)
}

// checkBytes checks a record that is not in a file yet.
func checkBytes(t interface {
	Fatal(...any)
}, dir string, record []byte) (CheckReport, error) {
	path := filepath.Join(dir, "changed.jsonl")
	if err := os.WriteFile(path, record, 0o600); err != nil {
		t.Fatal(err)
	}
	return Check(path)
}

func TestCheckFindsNothingInASoundRecord(t *testing.T) {
	rep, err := Check(simulatedRecord(t))
	if err != nil || !rep.OK || rep.Partial || rep.Digest != "right" || len(rep.Notes) > 0 {
		t.Fatalf("%v %+v", err, rep.Differences)
	}
	if rep.Recomputed < 500 || rep.Valid == nil || !*rep.Valid {
		t.Errorf("%d values recomputed, valid %v", rep.Recomputed, rep.Valid)
	}
}

var digestInLine = regexp.MustCompile(`,"sha256":"[0-9a-f]{64}"`)

// Whatever number of a record is changed, the check finds it: by the digest, and
// without one by computing it again, unless the check says that it takes it as
// given.
func TestCheckFindsEveryChangedNumber(t *testing.T) {
	record := readRecord(t, simulatedRecord(t))
	numbers := numbersIn(t, record)
	bare := digestInLine.ReplaceAll(record, nil)
	bareNumbers := slices.DeleteFunc(numbersIn(t, bare), func(n numberAt) bool {
		return n.kind == results.TypeEnv || n.kind == results.TypeTrial && isGiven(givenTrial, n.path) ||
			n.kind == results.TypeSummary && isGiven(givenSummary, n.path) || isFraction(n)
	})
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		if rapid.Bool().Draw(rt, "with a digest") {
			n := rapid.SampledFrom(numbers).Draw(rt, "number")
			if rep, err := checkBytes(rt, dir, changed(record, n, another(n))); err == nil && rep.OK {
				rt.Fatalf("%s %s: %s became %s and nothing was found", n.kind, n.path, n.value, another(n))
			}
			return
		}
		n := rapid.SampledFrom(bareNumbers).Draw(rt, "recomputed number")
		if rep, err := checkBytes(rt, dir, changed(bare, n, another(n))); err == nil && rep.OK {
			rt.Fatalf("without a digest, %s %s: %s became %s and nothing was found", n.kind, n.path, n.value, another(n))
		}
	})
}

// isFraction tells whether a number is the fraction of the knee that a latency was
// taken at. Trials' rates are rounded to five digits, so it is found again to that.
func isFraction(n numberAt) bool { return strings.HasSuffix(n.path, ".fraction") }

func TestCheckOfAFraction(t *testing.T) {
	record := digestInLine.ReplaceAll(readRecord(t, simulatedRecord(t)), nil)
	for _, n := range numbersIn(t, record) {
		if !isFraction(n) {
			continue
		}
		rep, err := checkBytes(t, t.TempDir(), changed(record, n, n.value+"01"))
		if err != nil || rep.OK {
			t.Errorf("%s: %s became %s01: %v %v", n.path, n.value, n.value, err, rep.Differences)
		}
	}
}

// Every number of the summary, one after the other: the report names the key and
// both values.
func TestCheckNamesWhatDiffersInASummary(t *testing.T) {
	record := digestInLine.ReplaceAll(readRecord(t, simulatedRecord(t)), nil)
	dir, seen := t.TempDir(), 0
	for _, n := range numbersIn(t, record) {
		if n.kind != results.TypeSummary || isFraction(n) || isGiven(givenSummary, n.path) || strings.HasPrefix(n.path, "trials[") && n.path[7] > '1' {
			continue
		}
		seen++
		rep, err := checkBytes(t, dir, changed(record, n, another(n)))
		if err != nil {
			t.Fatal(err)
		}
		named := slices.ContainsFunc(rep.Differences, func(d Difference) bool {
			return strings.Contains(d.What, n.path) && d.Recorded != nil && d.Line > 0
		})
		if !named && !strings.HasPrefix(n.path, "trials[") && !strings.HasPrefix(n.path, "machine") && !strings.HasPrefix(n.path, "search") {
			t.Errorf("%s: %s became %s: %v", n.path, n.value, another(n), rep.Differences)
		}
	}
	if seen < 60 {
		t.Errorf("only %d numbers were changed", seen)
	}
}

// A key of the record's types is either computed again or listed as given; one
// that is neither would be reported as different where it is filled in.
func TestEveryKeyIsRecomputedOrGiven(t *testing.T) {
	for _, c := range []struct {
		typ        reflect.Type
		given      []Given
		recomputed []string
	}{
		{reflect.TypeFor[results.Trial](), givenTrial, []string{
			"seed", "counts", "fidelity", "latency_ms", "backlog_slope_tx_per_sec2", "in_flight_slope_tx_per_sec2", "committed_tx_per_sec",
			"generator", "valid", "verdict", "reason", "judged",
		}},
		{reflect.TypeFor[results.Summary](), givenSummary, []string{
			"valid", "knee", "latency_ms", "wire", "link", "demand", "utilisation", "bottleneck", "next_wall",
			"node_alone_bound_tx_per_sec", "on_a_network", "stages", "trials", "search", "machine", "soak",
		}},
	} {
		for i := range c.typ.NumField() {
			key, _, _ := strings.Cut(c.typ.Field(i).Tag.Get("json"), ",")
			if !isGiven(c.given, key) && !slices.Contains(c.recomputed, key) {
				t.Errorf("%v: weir check neither computes %q again (bench/check_trial.go, check_summary.go) nor lists it as given (bench/check_compare.go)", c.typ, key)
			}
		}
	}
}

func TestCheckOfPartialRecords(t *testing.T) {
	record := readRecord(t, simulatedRecord(t))
	lines := bytes.SplitAfter(record, []byte("\n"))
	summary := len(lines) - 2
	dir := t.TempDir()
	for cut := range summary + 1 {
		rep, err := checkBytes(t, dir, bytes.Join(lines[:cut], nil))
		if err != nil || !rep.OK || !rep.Partial {
			t.Fatalf("%d lines: %v, partial %v, %v %v", cut, err, rep.Partial, rep.Differences, rep.Schemas)
		}
	}
	half := record[:len(record)-len(lines[summary])/2]
	rep, err := checkBytes(t, dir, half)
	if err != nil || !rep.OK || !rep.Partial || !slices.ContainsFunc(rep.Notes, func(s string) bool { return strings.Contains(s, "cut off") }) {
		t.Errorf("half a summary: %v %+v", err, rep)
	}
}

func TestCheckNamesSchemaViolationsByLine(t *testing.T) {
	record := readRecord(t, simulatedRecord(t))
	broken := bytes.Replace(record, []byte(`"phase":"explore"`), []byte(`"phase":"expolre"`), 1)
	line := bytes.Count(record[:bytes.Index(record, []byte(`"phase":"explore"`))], []byte("\n")) + 1
	rep, err := checkBytes(t, t.TempDir(), broken)
	if err != nil || len(rep.Schemas) == 0 || rep.Schemas[0].Line != line || rep.Schemas[0].Path != "/phase" {
		t.Errorf("line %d: %v %v", line, err, rep.Schemas)
	}
}

func TestSameNumbers(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"1", "1", true}, {"1", "2", false}, {"18446744073709551615", "18446744073709551614", false}, {"0.1", "0.10000000000000002", true},
		{"1", "1.0000000001", true}, {"1", "1.00001", false}, {"0", "1e-12", false}, {"-1.5", "1.5", false}, {"1e300", "1e301", false},
	} {
		if got := same(json.Number(c.a), json.Number(c.b)); got != c.same {
			t.Errorf("%s and %s: same is %v", c.a, c.b, got)
		}
	}
	if same("a", json.Number("1")) || !same("a", "a") || same(true, false) {
		t.Error("values of other types")
	}
}

func TestReportFitsATerminal(t *testing.T) {
	path := simulatedRecord(t)
	record := bytes.Replace(readRecord(t, path), []byte(`"confirmations":3`), []byte(`"confirmations":4`), 1)
	rep, err := checkBytes(t, t.TempDir(), record)
	if err != nil {
		t.Fatal(err)
	}
	rep.Record = "record.jsonl"
	text := strings.Join(rep.Text(), "\n")
	for _, want := range []string{"knee.confirmations", "recorded 4", "recomputed 3", "WRONG", "as given", "FAILED"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for _, line := range rep.Text() {
		if len(line) > 80 && strings.Contains(line[14:], " ") && !strings.Contains(line, "sha256") {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
}

func TestCheckOfNoRecord(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"junk": "not a record\n", "other": `{"schema":"weir.load/1"}` + "\n", "list": "[1,2]\n"} {
		rep, err := checkBytes(t, dir, []byte(text))
		if err == nil && rep.OK {
			t.Errorf("%s was taken for a record", name)
		}
	}
	if _, err := Check(filepath.Join(dir, "nothing")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	rep, err := checkBytes(t, dir, nil)
	if err != nil || !rep.Partial {
		t.Errorf("an empty file: %v %+v", err, rep)
	}
}

// The record of the first release has made-up values, and is read all the same.
func TestCheckReadsTheFirstRelease(t *testing.T) {
	rep, err := Check(filepath.Join("..", "results", "testdata", "record.jsonl"))
	if errors.Is(err, io.ErrUnexpectedEOF) || err != nil || rep.Trials != 1 || len(rep.Schemas) > 0 || rep.Digest != "none" {
		t.Errorf("%v %+v", err, rep)
	}
}
