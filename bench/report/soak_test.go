package report

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chainweir/weir/results"
)

// soaked is a soak without a search, whose memory grows.
func soaked(verdict string) *results.Soak {
	s := &results.Soak{
		Verdict: verdict, Reason: "for the worse: memory_bytes +20.0 % <b>", OfferedTxPerSec: 20_000, LoadSec: 600, PieceSec: 10, Pieces: 60, WarmUp: 6,
		Drift: []results.Drift{
			{Metric: "committed_tx_per_sec", Limit: 0.02, Worse: "down", Verdict: results.SoakInconclusive},
			{Metric: "memory_bytes", Limit: 0.1, Worse: "up", Verdict: results.SoakDrifts, Median: new(1e8), First: new(9e7), Last: new(1.1e8), Change: new(0.2), ChangeLow: new(0.19), ChangeHigh: new(0.21), P: new(1e-9)},
		},
	}
	for i := range 60 {
		s.Series = append(s.Series, results.SoakPoint{
			TSec: float64(10*i + 5), CommittedTxPerSec: new(20_000.), CommitP50MS: new(8.), CommitP99MS: new(30. + float64(i%7)), MemoryBytes: new(int64(90e6 + 1e6*i/3)), Verdict: results.VerdictGood,
		})
	}
	return s
}

// TestSoakReport: a soak's verdict stands first, its drift in a table and over
// time, and a load that was given is not called a search without a result.
func TestSoakReport(t *testing.T) {
	for verdict, want := range map[string]string{
		results.SoakSteady: "", results.SoakImproves: "", results.SoakDrifts: "THE SOAK DRIFTS", results.SoakFails: "THE SOAK FAILS", results.SoakInconclusive: "THE SOAK IS INCONCLUSIVE",
	} {
		rec := wholeRecord(t, results.Summary{Valid: verdict != results.SoakInconclusive, Soak: soaked(verdict)})
		rec.Summary.Search = nil
		h := mustReport(t, rec)
		page := string(h.Page)
		for _, text := range []string{want, "Soak: " + verdict, "20k tx/s held for 10m0s in 60 pieces of 10 s", "&#43;19.0 % to &#43;21.0 %", "100 MB", "1e-09", "no knee was searched", "memory_bytes &#43;20.0 % &lt;b&gt;"} {
			if !strings.Contains(page, text) {
				t.Errorf("%s: the report does not say %q", verdict, text)
			}
		}
		if strings.Contains(page, "no rate held the goal") || strings.Contains(page, "The rate doubles") || want == "" && strings.Contains(page, "THE SOAK") {
			t.Errorf("%s: the report calls a soak a search", verdict)
		}
		found := map[string]bool{}
		for _, f := range h.Figures {
			found[f.ID] = true
			if f.XLabel == "" || f.YLabel == "" {
				t.Errorf("%s has no label on an axis", f.ID)
			}
		}
		if !found["soak-course"] || !found["soak-latency"] {
			t.Errorf("%s: figures %v", verdict, found)
		}
	}
	sum := onLoopback()
	sum.Soak = soaked(results.SoakSteady)
	sum.Soak.OfFraction = new(0.7)
	page := string(mustReport(t, wholeRecord(t, sum)).Page)
	if !strings.Contains(page, "70 % of the knee") || !strings.Contains(page, "Sustainable throughput") || !strings.Contains(page, "The rate doubles") {
		t.Error("a soak behind a search: one of the two is missing")
	}
}

// TestSoakReportOfAWeek: many pieces are drawn as medians of neighbours.
func TestSoakReportOfAWeek(t *testing.T) {
	s := soaked(results.SoakSteady)
	one := s.Series[0]
	s.Series = nil
	for i := range 20_000 {
		p := one
		p.TSec = float64(i * 30)
		s.Series = append(s.Series, p)
	}
	s.Pieces = len(s.Series)
	v := &view{sum: results.Summary{Soak: s}}
	minutes, values := v.soakPoints(&soakFigures[0])
	if len(values) == 0 || len(values) > soakDots || len(minutes) != len(values) {
		t.Errorf("%d points for %s", len(values), fmt.Sprint(s.Pieces))
	}
	s.Series = nil
	if minutes, _ := v.soakPoints(&soakFigures[0]); len(minutes) != 0 {
		t.Error("points without pieces")
	}
}
