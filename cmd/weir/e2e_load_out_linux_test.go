package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chainweir/weir/results"
)

// A load's record is held by weir check, its other formats are read back, and it
// is never overwritten; the node's counters are at its /metrics.
func TestLoadOut(t *testing.T) {
	t.Parallel()
	needTime(t)
	dir := e2eTemp(t)
	node := runningNode(t, dir, "chain", "--metrics", "0")
	r, out := load(t, dir, node.target(), "--rate", "500", "--duration", "1s", "--out", "rec")
	if out.code != exitOK && out.code != exitInconclusive {
		t.Fatal(out)
	}
	rec, err := results.ReadValid(filepath.Join(dir, "rec", results.FileRecord))
	if err != nil {
		t.Fatal(err)
	}
	if len(rec.Trials) != 1 || rec.Trials[0].Counts.Committed != r.Committed || !rec.IsLoad() || rec.Summary.Valid != r.Valid {
		t.Errorf("the record is not that of the load: %+v", rec.Trials)
	}
	if check := weir(t, dir, "check", "rec"); check.code != exitOK {
		t.Error(check)
	}
	text := func(name string) []byte {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(dir, "rec", name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if rows, err := results.ReadCSV(bytes.NewReader(text(results.FileCSV)), results.FileCSV); err != nil || len(rows) < 100 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	list, err := results.ReadHLog(bytes.NewReader(text(results.FileHLog)), results.FileHLog)
	var commits int64
	for _, iv := range list {
		if iv.Tag == "trial-1/commit" {
			commits += iv.Histogram.TotalCount()
		}
	}
	if q := r.LatencyMS.Commit; err != nil || commits != q.Count {
		t.Errorf("%d commits in the log, want %d, %v", commits, q.Count, err)
	}
	before := text(results.FileRecord)
	again := weir(t, dir, "load", "--target", node.target(), "--out", "rec")
	if again.code != exitUsage || !strings.Contains(again.stderr, "exists already") || !bytes.Equal(before, text(results.FileRecord)) {
		t.Error(again)
	}
	addr := regexp.MustCompile(`http://(\S+)/metrics`).FindStringSubmatch(node.stderr.String())
	if addr == nil {
		t.Fatal(node.stderr.String())
	}
	metrics, _ := scrape(t, addr[1], "text/plain")
	if m := regexp.MustCompile(`weir_node_transactions_total\{stage="committed"\} (\S+)`).FindStringSubmatch(metrics); m == nil || m[1] == "0" {
		t.Errorf("committed %v in\n%s", m, metrics)
	}
	node.stop(t)
}
