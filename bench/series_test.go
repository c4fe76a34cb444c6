package bench

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chainweir/weir/results"
)

func openTestSeries(t *testing.T, dir string, settings map[string]string, resume bool) (*series, error) {
	t.Helper()
	s, err := openSeries(Config{OutDir: dir, Settings: settings, Resume: resume, Budget: time.Hour}, KindSweep)
	if s != nil {
		t.Cleanup(func() {
			if err := s.close(); err != nil && !errors.Is(err, os.ErrClosed) {
				t.Error(err)
			}
		})
	}
	return s, err
}

// seriesWithPoint is a series with one finished point.
func seriesWithPoint(t *testing.T) (dir string, settings map[string]string) {
	t.Helper()
	dir, settings = filepath.Join(t.TempDir(), "sweep"), map[string]string{"sweep": "conns=1,2", "seed": "42"}
	s, err := openTestSeries(t, dir, settings, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "01"), 0o755); err != nil {
		t.Fatal(err)
	}
	rec, err := results.Create(filepath.Join(dir, "01", "record.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(rec.Write(results.Env{}), rec.Write(results.Summary{Valid: true}), rec.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "01", "record.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.append(pointLine{SchemaSeries, "point", "01", s.hash, "01/record.jsonl", hashOf(b)}); err != nil {
		t.Fatal(err)
	}
	return dir, settings
}

func TestSeriesGoesOn(t *testing.T) {
	dir, settings := seriesWithPoint(t)
	path := seriesFile(dir, KindSweep)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// A program that is killed leaves part of a line, at any length.
	for cut := range len(`{"schema":"weir.series/1","type":"po`) {
		if err := os.WriteFile(path, append([]byte(string(whole)), `{"schema":"weir.series/1","type":"po`[:cut]...), 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := openTestSeries(t, dir, settings, true)
		if err != nil {
			t.Fatalf("cut after %d bytes: %v", cut, err)
		}
		if _, ok := s.done["01"]; !ok || len(s.done) != 1 {
			t.Fatalf("cut after %d bytes: points %v", cut, s.done)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != string(whole) {
			t.Fatalf("cut after %d bytes: the file holds %q, %v", cut, b, err)
		}
	}
}

func TestSeriesRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		spoil  func(dir string) error
		other  map[string]string
		remedy string
	}{
		"other settings": {other: map[string]string{"sweep": "conns=1,4", "seed": "42"}, remedy: "same flags"},
		"a changed record": {spoil: func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "01", "record.jsonl"), []byte("{}\n"), 0o644)
		}, remedy: "the record of point 01 was changed"},
		"a record that is gone": {spoil: func(dir string) error { return os.RemoveAll(filepath.Join(dir, "01")) }, remedy: "no such file"},
		"changed settings": {spoil: func(dir string) error {
			b, err := os.ReadFile(seriesFile(dir, KindSweep))
			if err != nil {
				return err
			}
			return os.WriteFile(seriesFile(dir, KindSweep), []byte(strings.Replace(string(b), `"42"`, `"43"`, 1)), 0o644)
		}, remedy: "the file was changed"},
		"no series": {spoil: func(dir string) error { return os.Remove(seriesFile(dir, KindSweep)) }, remedy: "can be continued"},
		"nonsense":  {spoil: func(dir string) error { return os.WriteFile(seriesFile(dir, KindSweep), []byte("x\n"), 0o644) }, remedy: "start anew"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, settings := seriesWithPoint(t)
			if c.spoil != nil {
				if err := c.spoil(dir); err != nil {
					t.Fatal(err)
				}
			}
			if c.other != nil {
				settings = c.other
			}
			if _, err := openTestSeries(t, dir, settings, true); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), c.remedy) {
				t.Errorf("%v, want ErrConfig with %q", err, c.remedy)
			}
		})
	}
	dir, settings := seriesWithPoint(t)
	if _, err := openTestSeries(t, dir, settings, false); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "--resume") {
		t.Errorf("a folder that exists: %v", err)
	}
}

func TestBudgetOfASeries(t *testing.T) {
	s := &series{budget: 150 * time.Second, started: time.Now(), overhead: 6 * time.Second, dir: "x"}
	b, err := s.nextBudget(5, 1.5)
	if err != nil || b < 32*time.Second || b > 33*time.Second { // (150 - 30)·1.5/5.5
		t.Errorf("the first of five: %v, %v", b, err)
	}
	s.started = time.Now().Add(-100 * time.Second)
	if _, err := s.nextBudget(4, 1); !errors.Is(err, ErrBudget) || !strings.Contains(err.Error(), "--resume x") {
		t.Errorf("too little for four: %v", err)
	}
	if err := checkSeriesBudget(time.Minute, 5); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "1m15s") {
		t.Errorf("a minute for five: %v", err)
	}
}

func TestSetAsideKeepsAll(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "01")
	for i := range 3 {
		if err := os.WriteFile(path, fmt.Append(nil, i), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := setAside(path); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		b, err := os.ReadFile(fmt.Sprintf("%s.interrupted-%d", path, i+1))
		if err != nil || string(b) != fmt.Sprint(i) {
			t.Errorf("%d: %q, %v", i, b, err)
		}
	}
}

func rateOfTest(s string) (uint64, error) {
	var v uint64
	if _, err := fmt.Sscanf(s, "%dmbit", &v); err != nil {
		return 0, fmt.Errorf("%q is not a rate", s)
	}
	return v * 1e6, nil
}

func TestParseAxis(t *testing.T) {
	a, err := ParseAxis("link=20mbit, 100mbit", rateOfTest)
	if err != nil || a.Name != AxisLink || len(a.Values) != 2 || a.Values[1] != 100e6 || a.Texts[1] != "100mbit" {
		t.Errorf("%+v, %v", a, err)
	}
	for text, want := range map[string]string{
		"speed=1": "no axis", "cores": "no axis", "cores=": "whole number", "cores=0": "from 1 to", "cores=1,1": "twice",
		"size=5000": "to 4096", "link=fast": "not a rate", "conns=65": "to 64", "cores=-1": "whole number", "": "no axis", "cores=1,": "whole number",
	} {
		if _, err := ParseAxis(text, rateOfTest); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestCombinations(t *testing.T) {
	cores, size := Axis{Name: AxisCores, Values: []float64{1, 2}, Texts: []string{"1", "2"}}, Axis{Name: AxisSize, Values: []float64{100, 1000, 4000}, Texts: []string{"100", "1000", "4000"}}
	all, err := combinations([]Axis{cores, size})
	if err != nil || len(all) != 6 || pointName([]Axis{cores, size}, all[5], 5) != "06-cores-2-size-4000" {
		t.Errorf("%v, %v", all, err)
	}
	if _, err := combinations([]Axis{cores, cores}); !errors.Is(err, ErrConfig) {
		t.Errorf("an axis given twice: %v", err)
	}
	cfg, err := Config{}.at([]Axis{cores, size}, all[5])
	if err != nil || cfg.NodeCores != 2 || cfg.Workload == nil || cfg.Workload.Name != "kv-4000" {
		t.Errorf("%+v, %v", cfg, err)
	}
	if _, err := (Config{Target: "x:1"}).at([]Axis{cores}, []int{0}); !errors.Is(err, ErrConfig) {
		t.Errorf("cores of somebody else's node: %v", err)
	}
}

func TestPointsForModels(t *testing.T) {
	r := SweepResult{Axes: []Axis{{Name: AxisCores, Values: []float64{1, 2, 4}}}, Valid: true}
	for i, x := range []float64{1000, 1900, 3500} {
		s := &results.Summary{Valid: i != 1, Knee: results.Knee{LowerTxPerSec: new(x)}}
		r.add(fmt.Sprint(i), r.Axes, []int{i}, s, "")
	}
	if got := string(r.CSV()); got != "n,x\n1,1000\n4,3500\n" {
		t.Errorf("%q: a point that could not tell is no point", got)
	}
	if r.Valid || len(r.Warnings) != 1 {
		t.Errorf("valid %v, warnings %q", r.Valid, r.Warnings)
	}
}
