package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const titles = "experiment_id,block_time,duration_ns,tx_hash,connections,rate,size\n"

func TestParseReport(t *testing.T) {
	txs, err := parseReport(strings.NewReader(titles +
		"7a,1500000000,250000000,AB,2,100,200\n" +
		"7a,1700000000,-5,CD,2,100,200\n"))
	if err != nil || len(txs) != 2 || txs[0] != (committedTx{made: 1250000000, latency: 250000000}) || txs[1] != (committedTx{made: 1700000005, latency: -5}) {
		t.Fatalf("%+v, %v", txs, err)
	}
	// Columns are found by their titles.
	if txs, err = parseReport(strings.NewReader("duration_ns,block_time\n3,10\n")); err != nil || len(txs) != 1 || txs[0].made != 7 {
		t.Errorf("%+v, %v", txs, err)
	}
	if txs, err = parseReport(strings.NewReader(titles)); err != nil || len(txs) != 0 {
		t.Errorf("a report of nothing: %+v, %v", txs, err)
	}
}

func TestParseReportRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "no line of titles",
		"block_time,tx_hash\n1,A\n": "another version's",
		titles + "a,x,1,A,1,1,1\n":  "line 2",
		titles + "a,1,1,A,1,1,1\na,1,1.5,A,1,1,1\n":  "line 3",
		titles + "a,1,1\n":                           "wrong number of fields",
		titles + "a,\"1,1,A,1,1,1\n":                 "quote",
		titles + "a,1,9999999999999999999,A,1,1,1\n": "out of range",
	} {
		if txs, err := parseReport(strings.NewReader(text)); !errors.Is(err, errReport) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v, %v; want %q", text, txs, err, want)
		}
	}
	if _, err := readReport(filepath.Join(t.TempDir(), "none.csv")); !errors.Is(err, errReport) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func FuzzParseReport(f *testing.F) {
	f.Add(titles + "7a,1500000000,250000000,AB,2,100,200\n")
	f.Add("duration_ns,block_time\n3,10\n")
	f.Add("\"")
	f.Fuzz(func(t *testing.T, text string) {
		if txs, err := parseReport(strings.NewReader(text)); err != nil && (txs != nil || !errors.Is(err, errReport)) {
			t.Fatalf("%d transactions and %v", len(txs), err)
		}
	})
}

// bursts are n transactions at the start of every second, spread over 400 ms,
// each committed after its latency.
func bursts(seconds, n int, latency func(second, i int) time.Duration) []committedTx {
	var txs []committedTx
	for s := range seconds {
		for i := range n {
			if l := latency(s, i); l >= 0 {
				made := time.Duration(s)*time.Second + 400*time.Millisecond*time.Duration(i)/time.Duration(n)
				txs = append(txs, committedTx{made: int64(time.Hour + made), latency: int64(l)})
			}
		}
	}
	return txs
}

func TestJudge(t *testing.T) {
	const perSec = 1000
	w := window{offered: 4 * perSec, length: 4 * time.Second, limit: time.Second}
	const lost = -1
	cases := map[string]struct {
		latency func(second, i int) time.Duration
		good    bool
		reason  string
		rate    float64
	}{
		"all in time": {func(int, int) time.Duration { return 300 * time.Millisecond }, true, "100.00 % committed, commit p99 300 ms", 1000},
		"one percent late": {func(_, i int) time.Duration {
			if i < 9 {
				return 3 * time.Second
			}
			return time.Millisecond
		}, true, "p99 1 ms", 1000},
		"two percent late": {func(_, i int) time.Duration {
			if i < 20 {
				return 3 * time.Second
			}
			return time.Millisecond
		}, false, "commit p99 is 3000 ms, limit 1000 ms", 1000},
		"at the limit": {func(int, int) time.Duration { return time.Second }, false, "p99 is 1000 ms", 1000},
		"two percent lost": {func(_, i int) time.Duration {
			if i < 20 {
				return lost
			}
			return time.Millisecond
		}, false, "98.00 % of what was offered", 980},
		// What comes after the window only keeps the connections open.
		"the rest is lost": {func(s, _ int) time.Duration {
			if s >= 4 {
				return lost
			}
			return time.Millisecond
		}, true, "100.00 %", 1000},
		"the rest is late": {func(s, _ int) time.Duration {
			if s >= 4 {
				return time.Minute
			}
			return time.Millisecond
		}, true, "100.00 %", 1000},
		"nothing": {func(int, int) time.Duration { return lost }, false, "nothing was committed", 0},
	}
	for name, c := range cases {
		got := w.judge(bursts(6, perSec, c.latency))
		if got.Good != c.good || !strings.Contains(got.Reason, c.reason) || got.CommittedTxPerSec != c.rate || got.OfferedTxPerSec != perSec {
			t.Errorf("%s: %+v; want %v, %q, %v tx/s", name, got, c.good, c.reason, c.rate)
		}
	}
}

// TestJudgeUneven: connections tick apart from each other, and a burst that
// comes a little early does not make more than was offered.
func TestJudgeUneven(t *testing.T) {
	for _, shift := range []time.Duration{-40 * time.Millisecond, 40 * time.Millisecond} {
		t.Run(fmt.Sprint(shift), func(t *testing.T) {
			txs := bursts(6, 500, func(int, int) time.Duration { return time.Millisecond })
			for _, tx := range bursts(6, 500, func(int, int) time.Duration { return time.Millisecond }) {
				tx.made += int64(shift)
				txs = append(txs, tx)
			}
			got := window{offered: 4000, length: 4 * time.Second, limit: time.Second}.judge(txs)
			if !got.Good || got.Committed != 4000 {
				t.Errorf("%+v", got)
			}
		})
	}
}
