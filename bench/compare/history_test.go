package compare

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chainweir/weir/results"
)

var historyOpt = HistoryOptions{Level: 0.01, Delta: 0.03}

func pointsOf(unit, better string, values ...float64) []Point {
	var out []Point
	for i, v := range values {
		out = append(out, Point{
			Schema: HistorySchema, Type: TypePoint, At: time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC),
			Name: "run", Machine: "m", Values: []PointValue{{"x", unit, better, v, 1}},
		})
	}
	return out
}

func TestHistoryChanges(t *testing.T) {
	values := append(around(1, 12, 100, .01), around(2, 12, 110, .01)...)
	values = append(values, around(3, 12, 90, .01)...)
	points := pointsOf("tx/s", Higher, values...)
	for i := range points { // the order of files is not that of time
		j := (i * 7) % len(points)
		points[i], points[j] = points[j], points[i]
	}
	h, err := NewHistory(points, historyOpt)
	if err != nil || len(h.Series) != 1 || len(h.Series[0].Changes) != 2 {
		t.Fatalf("%+v, %v, want two changes", h, err)
	}
	for i, want := range []struct {
		index   int
		verdict Verdict
	}{{12, Faster}, {24, Slower}} {
		if c := h.Series[0].Changes[i]; c.Index != want.index || c.Verdict != want.verdict {
			t.Errorf("%+v, want %+v", c, want)
		}
	}
	if worse := h.Worse(); len(worse) != 1 || !strings.Contains(worse[0], "2026-01-25") {
		t.Errorf("%q, want the last change", worse)
	}
	if text := strings.Join(h.Text(), "\n"); !strings.Contains(text, "slower") || strings.Count(text, "│") != 2 {
		t.Error(text)
	}
	picture, err := h.SVG()
	if err != nil {
		t.Fatal(err)
	}
	dec := xml.NewDecoder(strings.NewReader(string(picture)))
	for {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(string(picture), "<circle"); n != 36 {
		t.Errorf("%d points drawn, want 36", n)
	}
}

func TestHistoryFew(t *testing.T) {
	for _, values := range [][]float64{{5}, {5, 9, 5}, {0, 0, 0, 0, 0, 0, 0}, {-1, 0, 1, 0, -1, 0, 1, 0}} {
		h, err := NewHistory(pointsOf("x", "", values...), historyOpt)
		if err != nil || len(h.Series[0].Changes) != 0 || len(h.Worse()) != 0 {
			t.Errorf("%v: %+v, %v", values, h, err)
		}
		if _, err := json.Marshal(h); err != nil {
			t.Error(err)
		}
		if _, err := h.SVG(); err != nil || len(h.Text()) == 0 {
			t.Error(err)
		}
	}
}

func TestHistoryFile(t *testing.T) {
	record := filepath.Join(runFolder(t, nil, 90_000), "run00")
	path := filepath.Join(t.TempDir(), "h.jsonl")
	at := time.Date(2026, 11, 21, 1, 2, 3, 0, time.UTC)
	p, err := PointOf(record, AddOptions{At: at, Revision: "abc"})
	if err != nil {
		t.Fatal(err)
	}
	if err := AppendPoint(path, p); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(path)
	if err := AppendPoint(path, p); !errors.Is(err, ErrInput) {
		t.Errorf("the same point twice: %v", err)
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Error("a refused point changed the file")
	}
	if _, err := PointOf(write(t, "b.txt", benchText("ns/op", 5, 7, 6)), AddOptions{}); !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), "--at") {
		t.Error(err)
	}
	b, err := PointOf(write(t, "b.txt", benchText("ns/op", 5, 7, 6)), AddOptions{At: at})
	if err != nil || math.Abs(b.Values[0].Value-6e-9) > 1e-15 || b.Values[0].Runs != 3 {
		t.Errorf("%+v, %v, want the median of three", b, err)
	}
	if err := AppendPoint(path, b); err != nil {
		t.Fatal(err)
	}
	points, _, err := ReadHistory([]string{filepath.Dir(path)})
	if err != nil || len(points) != 2 || !points[0].At.Equal(at) || *points[0].Revision != "abc" || points[0].Values[0].Value != 90_000 {
		t.Errorf("%+v, %v", points, err)
	}
}

// TestHistoryLeavesOut: one run that decided nothing does not take the history of
// a whole folder away, and is named.
func TestHistoryLeavesOut(t *testing.T) {
	n := 0
	dir := runFolder(t, func(s *results.Summary, _ *results.Env) {
		n++
		s.Valid, s.Warnings = n != 2, []string{"the generator was late"}
		if n == 4 { // a soak at a given rate
			s.Knee, s.LatencyMS = results.Knee{}, results.SummaryLatency{}
		}
	}, 90_000, 50_000, 91_000, 1)
	cut := filepath.Join(dir, "cut")
	if err := errors.Join(os.Mkdir(cut, 0o700), os.WriteFile(filepath.Join(cut, recordName), []byte(trialLine(t)), 0o600)); err != nil {
		t.Fatal(err)
	}
	points, left, err := ReadHistory([]string{dir})
	if text := strings.Join(left, "\n"); err != nil || len(points) != 2 || len(left) != 3 || !strings.Contains(text, "run03") ||
		!strings.Contains(text, "run01") || !strings.Contains(text, "INVALID run (the generator was late)") || !strings.Contains(text, "cut/record.jsonl has no summary") {
		t.Errorf("%+v, %q, %v", points, left, err)
	}
	if _, _, err := ReadHistory([]string{filepath.Join(dir, "run01", recordName)}); !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), "INVALID") {
		t.Errorf("an INVALID run by its name: %v", err)
	}
}

const goodLine = `{"schema":"weir.history/1","type":"point","at":"2026-01-01T00:00:00Z","name":"n","machine":"m","values":[{"metric":"x","unit":"s","better":"lower","value":1,"runs":1}]}` + "\n"

func TestHistoryBadFiles(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"empty":   {" \n", "empty"},
		"foreign": {`{"schema":"x"}`, `"x"`},
		"cut":     {goodLine + goodLine[:40], "f:2:"},
		"mixed":   {goodLine + `{"schema":"weir.run/1","type":"summary"}`, "f:2:"},
		"no time": {strings.Replace(goodLine, "2026-01-01", "0001-01-01", 1), "at is missing"},
		"values":  {strings.Replace(goodLine, `"metric":"x"`, `"metric":""`, 1), "values[0]"},
		"better":  {strings.Replace(goodLine, `"lower"`, `"less"`, 1), `"less"`},
		"no run":  {trialLine(t), "no summary"},
		"invalid": {summaryLine(t, false), "INVALID"},
		"huge":    {strings.Replace(goodLine, `"value":1`, `"value":1e999`, 1), "f:1:"},
	} {
		path := write(t, "f", c.text)
		if _, _, err := ReadHistory([]string{path}); !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	for _, path := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none")} {
		if _, _, err := ReadHistory([]string{path}); !errors.Is(err, ErrInput) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func FuzzHistory(f *testing.F) {
	f.Add([]byte(goodLine + goodLine))
	f.Add([]byte(`{"schema":"weir.run/1","type":"summary","valid":true,"knee":{"lower_tx_per_sec":5}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		points, err := parseHistory(raw, "f")
		if err != nil {
			if !errors.Is(err, ErrInput) {
				t.Fatal(err)
			}
			return
		}
		h, err := NewHistory(points, historyOpt)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := json.Marshal(h); err != nil {
			t.Fatal(err)
		}
		h.Text()
		if _, err := h.SVG(); err != nil {
			t.Fatal(err)
		}
	})
}
