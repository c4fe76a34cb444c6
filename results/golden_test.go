package results

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write testdata/record.jsonl anew")

// goldenRecord is a record as the first release writes it. It must stay
// readable for as long as the schema is weir.run/1.
var goldenRecord = filepath.Join("testdata", "record.jsonl")

func TestGoldenRecord(t *testing.T) {
	if *update {
		var buf bytes.Buffer
		writeAll(t, NewWriter(&buf, goldenRecord), sampleLines(t))
		if err := WriteFileAtomic(goldenRecord, buf.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := ReadFile(goldenRecord, false)
	if err != nil {
		t.Fatal(err)
	}
	if v := CheckRecord(got); len(v) != 0 {
		t.Error(v)
	}
	// The compressed text of a histogram may change with the compressor; what
	// it decodes to may not.
	env, sum, window := sampleEnv(), sampleSummary(), sampleWindow(t)
	a, err := window.Histograms[0].Decode()
	if err != nil {
		t.Fatal(err)
	}
	b, err := got.Windows[0].Histograms[0].Decode()
	if err != nil || !a.Equals(b) {
		t.Errorf("the histogram differs: %v", err)
	}
	window.Histograms[0].HDR = got.Windows[0].Histograms[0].HDR
	want := Record{Env: &env, Windows: []Window{window}, Trials: []Trial{sampleTrial()}, Summary: &sum}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestDocumentedLines holds docs/formats.md to the golden record: the lines
// shown there are shortened, but every key and value they show is real.
func TestDocumentedLines(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "docs", "formats.md"))
	if err != nil {
		t.Fatal(err)
	}
	golden, err := os.ReadFile(goldenRecord)
	if err != nil {
		t.Fatal(err)
	}
	full := make(map[any]map[string]any)
	for line := range bytes.Lines(golden) {
		var v map[string]any
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatal(err)
		}
		full[v["type"]] = v
	}
	load, err := json.Marshal(sampleTrial().Load(nil, false))
	if err != nil {
		t.Fatal(err)
	}
	var loadDoc map[string]any
	if err := json.Unmarshal(load, &loadDoc); err != nil {
		t.Fatal(err)
	}
	full[nil] = loadDoc // the object of weir load has no type

	shown := make(map[any]bool)
	for line := range strings.Lines(string(doc)) {
		// Objects of other commands, such as weir merkle, are not records.
		if !strings.HasPrefix(line, `{"schema":"weir.run/`) && !strings.HasPrefix(line, `{"schema":"weir.load/`) {
			continue
		}
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Errorf("%v: %s", err, line)
			continue
		}
		shown[v["type"]] = true
		if path := notIn(v, full[v["type"]], ""); path != "" {
			t.Errorf("%v line: %s is not in the golden record", v["type"], path)
		}
	}
	for kind := range full {
		if !shown[kind] {
			t.Errorf("no example of type %v", kind)
		}
	}
}

// notIn returns the path of the first value of part that whole lacks, "" when
// there is none.
func notIn(part, whole any, path string) string {
	switch p := part.(type) {
	case map[string]any:
		w, ok := whole.(map[string]any)
		if !ok {
			return path
		}
		for key, v := range p {
			if _, ok := w[key]; !ok {
				return path + "." + key
			}
			if bad := notIn(v, w[key], path+"."+key); bad != "" {
				return bad
			}
		}
		return ""
	case []any:
		w, ok := whole.([]any)
		if !ok || len(p) > len(w) {
			return path
		}
		for i, v := range p {
			if bad := notIn(v, w[i], path+"[]"); bad != "" {
				return bad
			}
		}
		return ""
	}
	if !reflect.DeepEqual(part, whole) {
		return path
	}
	return ""
}
