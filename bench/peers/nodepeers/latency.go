package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/chainweir/weir/bench/stat"
)

// minCommitted is the share of what was offered that has to be committed.
const minCommitted = 0.99

// tickSlack is how much earlier than a whole number of seconds after the first
// burst another one may begin: the generator's connections tick on their own.
const tickSlack = 50 * time.Millisecond

// maxRows bounds what is read of a report.
const maxRows = 50_000_000

// columns of the report, those that are read.
const (
	columnBlockTime = "block_time"  // Unix nanoseconds
	columnDuration  = "duration_ns" // from the making of the transaction to the block time
)

// committedTx is one row of loadtime's report, in nanoseconds.
type committedTx struct {
	made    int64 // Unix time at which the generator made the transaction
	latency int64 // until the time of the block after its own, when its commit is known
}

// errReport says that a report cannot be understood.
var errReport = errors.New("unreadable report of loadtime")

// readReport reads what `report --csv` writes: a line of titles, then one line
// for each committed transaction, in no particular order.
func readReport(path string) ([]committedTx, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errReport, err)
	}
	defer f.Close()
	txs, err := parseReport(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return txs, nil
}

func parseReport(r io.Reader) ([]committedTx, error) {
	rows := csv.NewReader(r)
	rows.ReuseRecord = true
	titles, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("%w: no line of titles: %w", errReport, err)
	}
	at, took := slices.Index(titles, columnBlockTime), slices.Index(titles, columnDuration)
	if at < 0 || took < 0 {
		return nil, fmt.Errorf("%w: the titles %q lack %s or %s: is it another version's?", errReport, titles, columnBlockTime, columnDuration)
	}
	var txs []committedTx
	for len(txs) < maxRows {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return txs, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errReport, err)
		}
		line, _ := rows.FieldPos(0)
		block, err := strconv.ParseInt(row[at], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", errReport, line, err)
		}
		latency, err := strconv.ParseInt(row[took], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", errReport, line, err)
		}
		txs = append(txs, committedTx{made: block - latency, latency: latency})
	}
	return nil, fmt.Errorf("%w: more than %d transactions", errReport, maxRows)
}

// window is what a trial is judged by: the bursts of the first seconds. Those
// that follow only keep the connections open until the last that counts has
// had time to commit: the generator closes them over what is still in them.
type window struct {
	offered int           // transactions asked for in it
	length  time.Duration // whole seconds, one burst of the generator in each
	limit   time.Duration // commit p99 below it
}

// judge says what the committed transactions are worth. Latencies are of those
// that were committed; what was not is counted by its share.
func (w window) judge(txs []committedTx) trial {
	t := trial{OfferedTxPerSec: float64(w.offered) / w.length.Seconds(), Offered: w.offered}
	first := int64(math.MaxInt64)
	for _, tx := range txs {
		first = min(first, tx.made)
	}
	var latenciesMS []float64
	for _, tx := range txs {
		if tx.made-first < int64(w.length-tickSlack) {
			latenciesMS = append(latenciesMS, float64(tx.latency)/1e6)
		}
	}
	slices.Sort(latenciesMS)
	// A burst that began early may be counted in part; that does not make more
	// than was offered.
	t.Committed = min(len(latenciesMS), w.offered)
	t.CommittedTxPerSec = float64(t.Committed) / w.length.Seconds()
	if t.Committed == 0 {
		t.Reason = "nothing was committed"
		return t
	}
	t.P50MS, t.P99MS = stat.Quantile(latenciesMS, 0.5), stat.Quantile(latenciesMS, 0.99)
	t.MaxMS = latenciesMS[len(latenciesMS)-1]
	share := float64(t.Committed) / float64(w.offered)
	limitMS := float64(w.limit) / 1e6
	switch {
	case share < minCommitted:
		t.Reason = fmt.Sprintf("%.2f %% of what was offered was committed, limit %.0f %%", 100*share, 100*minCommitted)
	case !(t.P99MS < limitMS):
		t.Reason = fmt.Sprintf("commit p99 is %.0f ms, limit %.0f ms", t.P99MS, limitMS)
	default:
		t.Good = true
		t.Reason = fmt.Sprintf("%.2f %% committed, commit p99 %.0f ms", 100*share, t.P99MS)
	}
	return t
}
