package results

import (
	"bytes"
	"encoding/csv"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// hdrJar finds java and HdrHistogram's own library, or skips the test.
func hdrJar(t *testing.T) (java, jar string) {
	t.Helper()
	java, err := exec.LookPath("java")
	jar = os.Getenv("WEIR_HDRHISTOGRAM_JAR")
	if jar == "" {
		jar = "/usr/share/java/hdrhistogram.jar"
	}
	_, missing := os.Stat(jar)
	if err != nil || missing != nil {
		t.Skipf("the format's own reader is not here (%v): install java and libhdrhistogram-java, or name its jar in WEIR_HDRHISTOGRAM_JAR", errors.Join(err, missing))
	}
	return java, jar
}

// HistogramLogProcessor, on whose reader HistogramLogAnalyzer stands too, lists
// the tags of a log and finds its percentiles.
func TestHLogReadByJava(t *testing.T) {
	java, jar := hdrJar(t)
	rec := sampleRecord(t)
	want, err := rec.Windows[0].Histograms[0].Decode()
	if err != nil {
		t.Fatal(err)
	}
	second := sampleWindow(t)
	second.Index, second.StartNS = 1, 50e6
	rec.Windows = append(rec.Windows, second)
	var text bytes.Buffer
	if err := WriteHLog(&text, rec); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "latency.hlog")
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	process := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), java, append([]string{"-cp", jar, "org.HdrHistogram.HistogramLogProcessor", "-i", file}, args...)...)
		var out, words bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &words
		if err := cmd.Run(); err != nil || words.Len() > 0 {
			t.Fatalf("%v: %v\n%s%s", args, err, out.Bytes(), words.Bytes())
		}
		return out.String()
	}
	if tags := process("-listtags"); !slices.Contains(strings.Fields(tags), "trial-1/commit") {
		t.Errorf("tags: %s", tags)
	}
	rows := csv.NewReader(strings.NewReader(process("-csv", "-tag", "trial-1/commit", "-outputValueUnitRatio", "1000")))
	rows.Comment, rows.FieldsPerRecord = '#', -1
	list, err := rows.ReadAll()
	if err != nil || len(list) < 5 {
		t.Fatalf("%v: %v", err, list)
	}
	seen := int64(0)
	for _, row := range list[1:] { // value in units of ratio, share, count so far
		value, err := strconv.ParseFloat(row[0], 64)
		share, err2 := strconv.ParseFloat(row[1], 64)
		count, err3 := strconv.ParseInt(row[2], 10, 64)
		if err := errors.Join(err, err2, err3); err != nil {
			t.Fatalf("%v: %v", row, err)
		}
		// Both windows are the same, so the share of each has twice the count.
		ours := float64(want.ValueAtQuantile(100 * float64(count) / float64(2*want.TotalCount())))
		if math.Abs(value-ours) > 0.002*ours+1 {
			t.Errorf("%v µs at %v, want %v", value, share, ours)
		}
		seen = count
	}
	if seen != 2*want.TotalCount() {
		t.Errorf("java counts %d samples, want %d", seen, 2*want.TotalCount())
	}
}
