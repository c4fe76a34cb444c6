package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/chainweir/weir/results"
)

// weirOverhead is what `weir run` takes beside its search.
const weirOverhead = 10 * time.Second

// weirBudget is what its search gets when there is time, leastWeirBudget when
// there is little. Its trials are as long as its budget allows, and short ones
// cannot tell a growing backlog from noise.
const (
	leastWeirBudget = 15 * time.Second
	weirBudget      = 45 * time.Second
)

// weirKnee is what one run of weir found.
type weirKnee struct {
	LowerTxPerSec     float64  `json:"lower_tx_per_sec"`
	UpperTxPerSec     float64  `json:"upper_tx_per_sec"` // 0: none was too high
	CommittedTxPerSec float64  `json:"committed_tx_per_sec"`
	P50MS             float64  `json:"commit_p50_ms"`
	P99MS             float64  `json:"commit_p99_ms"`
	Warnings          []string `json:"warnings"`
}

// slo is the same goal in weir's words. Its search adds two terms of its own:
// the backlog must not grow, and what is offered must be sent.
func slo(limit time.Duration) string {
	return fmt.Sprintf("p99<%s,loss<%s%%", limit, strconv.FormatFloat(100*(1-minCommitted), 'f', -1, 64))
}

// runWeir lets weir find its own knee, on a chain that it makes and removes.
func runWeir(ctx context.Context, opt options, dir string, budget time.Duration, seed int) (weirKnee, error) {
	out, err := os.MkdirTemp(dir, "weir-")
	if err != nil {
		return weirKnee{}, err
	}
	defer os.RemoveAll(out)
	ctx, cancel := context.WithTimeout(ctx, 2*budget+time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, opt.weir, "run", "--json", "--probe", "app", "--slo", slo(opt.limit), "--budget", budget.String(),
		"--conns", strconv.Itoa(opt.conns), "--seed", strconv.Itoa(seed), "--out", filepath.Join(out, "record"))
	var stdout bytes.Buffer
	var words tail
	cmd.Stdout, cmd.Stderr = &stdout, &words
	childOf(cmd)
	politely(cmd)
	err = cmd.Run()
	if ctx.Err() != nil {
		return weirKnee{}, fmt.Errorf("weir run: %w", ctx.Err())
	}
	// An inconclusive run exits with 3 and still prints what it found.
	var ee *exec.ExitError
	if err != nil && (!errors.As(err, &ee) || ee.ExitCode() != exitInconclusive) {
		return weirKnee{}, fmt.Errorf("weir run: %w: %s", err, words.last())
	}
	return readWeir(stdout.Bytes())
}

// errNoKnee says that a run of weir ended without a confirmed answer.
var errNoKnee = errors.New("weir found no knee")

// readWeir takes the knee out of the object that `weir run --json` prints.
func readWeir(object []byte) (weirKnee, error) {
	var s results.Summary
	if err := json.Unmarshal(object, &s); err != nil {
		return weirKnee{}, fmt.Errorf("the answer of weir run: %w", err)
	}
	if s.Schema != results.SchemaRun {
		return weirKnee{}, fmt.Errorf("weir run answered with the schema %q, not %q: is it another version's?", s.Schema, results.SchemaRun)
	}
	if !s.Valid || !s.Knee.Confirmed || s.Knee.LowerTxPerSec == nil {
		return weirKnee{}, fmt.Errorf("%w: %q", errNoKnee, s.Warnings)
	}
	k := weirKnee{LowerTxPerSec: *s.Knee.LowerTxPerSec, Warnings: s.Warnings,
		P50MS: value(s.LatencyMS.Commit.P50), P99MS: value(s.LatencyMS.Commit.P99), UpperTxPerSec: value(s.Knee.UpperTxPerSec)}
	var offered, committed int64
	for _, t := range s.Trials {
		if t.OfferedTxPerSec == k.LowerTxPerSec && t.Verdict == "good" {
			offered += t.Counts.Offered
			committed += t.Counts.Committed
		}
	}
	if offered == 0 {
		return weirKnee{}, fmt.Errorf("%w: no trial at its lower bound of %.0f tx/s was good", errNoKnee, k.LowerTxPerSec)
	}
	// Counted like the peer's: of what was offered in the time of the load.
	k.CommittedTxPerSec = k.LowerTxPerSec * float64(committed) / float64(offered)
	return k, nil
}

// value is 0 for what is unknown.
func value(x *float64) float64 {
	if x == nil {
		return 0
	}
	return *x
}
