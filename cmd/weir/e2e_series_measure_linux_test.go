//go:build measure && linux

package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chainweir/weir/results"
)

// TestMeasuredShapedLink: over 20 Mbit/s the wire is the wall, in use by nine
// tenths or more, every time.
func TestMeasuredShapedLink(t *testing.T) {
	needRoot(t, "to make network namespaces")
	const runs = 5
	for i := range runs {
		dir := e2eTemp(t)
		s := readRun(t, weir(t, dir, "run", "--json", "--link", "20mbit", "--budget", "20s", "--out", "out"), filepath.Join(dir, "out"))
		u := math.NaN()
		if s.Link.Utilisation != nil {
			u = *s.Link.Utilisation
		}
		t.Logf("run %d of %d: wall %s, utilisation asked >= 0.90, measured %.3f, knee %v", i+1, runs, s.Bottleneck, u, orNull(s.Knee.LowerTxPerSec))
		if !s.Valid || s.Bottleneck != results.WallWire || !(u >= 0.90) {
			t.Errorf("run %d: valid %v, %q", i+1, s.Valid, s.Warnings)
		}
	}
}

// TestMeasuredValidation: what a run over 100 Mbit/s foretells for 50 and 20
// Mbit/s comes true within 5 %, and on a wide link the wall is another one.
func TestMeasuredValidation(t *testing.T) {
	needRoot(t, "to make network namespaces")
	dir := e2eTemp(t)
	// The budget is of the searches; nodes and ledgers of five runs come on top.
	out := finish(t, weirCommandFor(t, 10*time.Minute, dir, "run", "--json", "--validate", "--budget", "240s", "--out", "out"))
	valid(t, validator(t, results.SchemaRun), out.stdout)
	var s results.Summary
	if err := json.Unmarshal([]byte(out.stdout), &s); err != nil {
		t.Fatal(err)
	}
	if len(s.Validation) != 4 || len(s.PredictionsSHA256) != 64 {
		t.Fatalf("%d predictions, hash %q: %s", len(s.Validation), s.PredictionsSHA256, out.stderr)
	}
	for i, v := range s.Validation {
		e := math.NaN()
		if v.Error != nil {
			e = *v.Error
		}
		t.Logf("%-32s predicted %.0f (%s), measured %v (%s), error %+.3f", v.Name, v.PredictedTxPerSec, v.PredictedWall, orNull(v.MeasuredTxPerSec), v.MeasuredWall, e)
		if i < 2 && !(math.Abs(e) <= 0.05) {
			t.Errorf("%s: error %+.3f, want at most 0.05", v.Name, e)
		}
		rec, err := results.ReadFile(filepath.Join(dir, v.Record, "record.jsonl"), false)
		if err != nil || rec.Summary == nil || rec.Summary.PredictionsSHA256 != s.PredictionsSHA256 {
			t.Errorf("%s: its record does not name the predictions: %v", v.Name, err)
		}
	}
	if v := s.Validation[2]; v.PredictedWall == results.WallWire || v.MeasuredWall == results.WallWire {
		t.Errorf("on a wide link the wall is %s, foretold %s: want another one than the wire", v.MeasuredWall, v.PredictedWall)
	}
	// The predictions stand in the file before the points that they are about.
	b, err := os.ReadFile(filepath.Join(dir, "out", "validate.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(b), "\n")
	if len(lines) < 3 || !strings.Contains(lines[2], `"type":"predictions"`) || !strings.Contains(lines[2], s.PredictionsSHA256) {
		t.Errorf("the third line is not the predictions': %.200s", b)
	}
}
