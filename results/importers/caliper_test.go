package importers

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// issue1143 are the rounds that a user of Caliper published in its issue 1143:
// label, succeeded, failed, send rate, maximum, minimum and mean latency in
// seconds, throughput.
var issue1143 = [][]string{
	{"5", "2000", "0", "5", "1.18", "1.01", "1.07", "5"},
	{"10", "2000", "0", "10.1", "13.16", "1.03", "10.08", "9.8"},
	{"15", "1151", "849", "15.2", "50.92", "1.06", "28.65", "11"},
	{"20", "770", "1230", "20.3", "51.03", "1.04", "27.15", "13.4"},
	{"30", "603", "1397", "30.5", "51.08", "1.06", "27.16", "17.2"},
	{"40", "541", "1459", "41.7", "50.75", "1.8", "27.19", "20.4"},
	{"50", "515", "1485", "52.5", "50.85", "1.79", "27.21", "22.5"},
	{"60", "504", "1496", "62.1", "50.97", "1.05", "26.88", "24.1"},
	{"80", "478", "1522", "85.9", "51.11", "1.85", "27.28", "27"},
}

// caliperHead is the header of the table.
var caliperHead = []string{
	"Name", "Succ", "Fail", "Send Rate (TPS)", "Max Latency (s)", "Min Latency (s)", "Avg Latency (s)", "Throughput (TPS)",
}

// caliperPage is a report in the shape that Caliper writes: the summary first,
// then a table per round, and one of resources.
func caliperPage(rounds [][]string) string {
	row := func(tag string, cells []string) string {
		var b strings.Builder
		b.WriteString("  <tr>\n   ")
		for _, c := range cells {
			fmt.Fprintf(&b, " <%s>%s</%s>", tag, c, tag)
		}
		return b.String() + "\n  </tr>\n"
	}
	var b strings.Builder
	b.WriteString("<!doctype html>\n<script>\nfunction plotChart() { return \"<table><tr><td>no</td></tr>\"; }\n</script>\n<html>\n" +
		"<head><title>Hyperledger Caliper Report</title></head><body>\n<table>\n <h3>Summary of performance metrics</h3>\n" + row("th", caliperHead))
	for _, r := range rounds {
		b.WriteString(row("td", r))
	}
	b.WriteString("</table>\n")
	for _, r := range rounds {
		b.WriteString("<h2>Benchmark round</h2><table>" + row("th", caliperHead) + row("td", r) + "</table>\n" +
			"<table>\n<tr>\n<table>" + row("th", []string{"Name", "CPU%(max)"}) + row("td", []string{"peer0 &amp; co", "12.3"}) + "</table></tr></table>\n")
	}
	return b.String() + "</body></html>\n"
}

func caliperLog(rounds [][]string) string {
	var b strings.Builder
	for i := range rounds {
		for _, part := range [][][]string{rounds[i : i+1], rounds[:i+1]} { // the round, then all so far
			b.WriteString("2026.01.20-09:59:22.705 info  [caliper] [report-builder] \n+------+\n| " + strings.Join(caliperHead, " | ") + " |\n|------|\n")
			for _, r := range part {
				b.WriteString("| " + strings.Join(r, " | ") + " |\n")
			}
			b.WriteString("+------+\n")
		}
	}
	return b.String()
}

func read(t testing.TB, text string, opt Options) []Run {
	t.Helper()
	set, err := Read(strings.NewReader(text), "in", opt)
	if err != nil {
		t.Fatal(err)
	}
	return set.Runs
}

// The column rises from 5 to 27 while what is committed peaks at 9.8 and falls
// to about 6.
func TestCaliperGoodput(t *testing.T) {
	want := []float64{5, 9.8, 6.33, 5.16, 5.19, 5.52, 5.79, 6.07, 6.45}
	for name, text := range map[string]string{"page": caliperPage(issue1143), "log": caliperLog(issue1143)} {
		runs := read(t, text, Options{})
		if len(runs) != len(issue1143) {
			t.Fatalf("%s: %d runs", name, len(runs))
		}
		for i, r := range runs {
			if r.Format != FormatCaliper || r.Name != issue1143[i][0] || r.File != "in" || r.Line == 0 {
				t.Errorf("%s: %+v", name, r)
			}
			if math.Abs(*r.CommittedTxPerSec-want[i]) > 0.006 {
				t.Errorf("%s: round %s: %.4f tx/s committed, want %.2f", name, r.Name, *r.CommittedTxPerSec, want[i])
			}
			if got := hasLint(r, LintFailures); got != (*r.Failed > 0) {
				t.Errorf("%s: round %s: failures in throughput: %v", name, r.Name, got)
			}
			if !hasLint(r, LintMean) || hasLint(r, LintLoss) != (*r.Failed > 0) {
				t.Errorf("%s: round %s: %v", name, r.Name, r.Lints)
			}
		}
		if r := runs[2]; *r.Committed != 1151 || *r.Failed != 849 || *r.Sent != 2000 || *r.LatencyMS.Max != 50920 || *r.ReportedTxPerSec != 11 {
			t.Errorf("%s: %+v", name, r)
		}
		if l := LintSet(runs); len(l) != 1 || l[0].Code != "falls_when_overloaded" {
			t.Errorf("%s: %v", name, l)
		}
	}
}

func hasLint(r Run, code string) bool {
	for _, l := range r.Lints {
		if l.Code == code {
			return true
		}
	}
	return false
}

func TestCaliperWithoutSuccess(t *testing.T) {
	runs := read(t, caliperPage([][]string{
		{"CreateAsset", "0", "5001", "50.0", "-", "-", "-", "32.0"},
		{"readAsset", "0", "0", "0.0", "0.00", "9007199254740.99", "-", "0.0"},
		{"N/A", "N/A", "N/A", "N/A", "N/A", "N/A", "N/A", "N/A"},
	}), Options{})
	if r := runs[0]; *r.CommittedTxPerSec != 0 || r.LatencyMS.Mean != nil || *r.ReportedTxPerSec != 32 {
		t.Errorf("%+v", r)
	}
	if r := runs[1]; r.LatencyMS.Min != nil || r.LatencyMS.Max != nil || *r.Sent != 0 {
		t.Errorf("%+v", r)
	}
	if r := runs[2]; r.CommittedTxPerSec != nil || r.Sent != nil || len(r.Notes) == 0 {
		t.Errorf("%+v", r)
	}
}

// Where successes alone explain the column, it is not divided again.
func TestCaliperThatCountsSuccesses(t *testing.T) {
	// 1000 s of sending 10/s, half fails at once, nothing lasts: only 5/s fits.
	runs := read(t, caliperPage([][]string{{"a", "5000", "5000", "10.0", "0.10", "0.01", "0.05", "5.0"}}), Options{})
	if r := runs[0]; *r.CommittedTxPerSec != 5 || hasLint(r, LintFailures) {
		t.Errorf("%v %v", *r.CommittedTxPerSec, r.Lints)
	}
	// Both readings fit: the smaller figure, and a note.
	runs = read(t, caliperPage([][]string{{"a", "900", "100", "10.0", "30.0", "0.01", "5.0", "8.5"}}), Options{})
	if r := runs[0]; math.Abs(*r.CommittedTxPerSec-7.65) > 1e-9 || !strings.Contains(strings.Join(r.Notes, " "), "fits both") {
		t.Errorf("%v %v", *r.CommittedTxPerSec, r.Notes)
	}
}
