package importers

import (
	"bufio"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// hotstuffField matches a line of a block: a name, a number with thousands
// separated by commas, a unit.
var hotstuffField = regexp.MustCompile(`^\+?\s*([A-Za-z][A-Za-z() -]*):\s*([0-9][0-9,]*(?:\.[0-9]+)?)\s*([A-Za-z/()]*)`)

// hotstuffUnits are the names that are read, with the unit each must have.
var hotstuffUnits = map[string]string{
	"Committee size": "node", "Faults": "node", "Input rate": "tx/s", "Transaction rate": "tx/s", "Transaction size": "B",
	"Execution time": "s", "Number of transactions": "txs", "Consensus TPS": "tx/s", "Consensus latency": "ms",
	"End-to-end TPS": "tx/s", "End-to-end latency": "ms",
}

// readHotStuff reads the SUMMARY and RESULTS blocks of the harness that
// HotStuff, Narwhal and their relatives share. A file often has the same
// experiment several times.
func readHotStuff(r *bufio.Reader, name string, _ Options) ([]Run, error) {
	var runs []Run
	var block map[string]float64
	begin := 0
	finish := func() error {
		if block == nil {
			return nil
		}
		run, err := hotstuffRun(block)
		if err != nil {
			return fmt.Errorf("%s:%d: %w: %w", name, begin, ErrBadResult, err)
		}
		run.Line, block = begin, nil
		if len(runs) == maxRuns {
			return fmt.Errorf("%s:%d: %w: more than %d blocks", name, begin, ErrBadResult, maxRuns)
		}
		runs = append(runs, run)
		return nil
	}
	var stop error
	err := lines(r, name, func(n int, line []byte) error {
		text := string(line)
		if text == "SUMMARY:" || text == "RESULTS:" {
			if stop = finish(); stop != nil {
				return stop
			}
			block, begin = make(map[string]float64), n
			return nil
		}
		f := hotstuffField.FindStringSubmatch(text)
		if f == nil || block == nil {
			return hotstuffBroken(text)
		}
		unit, known := hotstuffUnits[f[1]]
		if !known {
			return nil
		}
		if !strings.HasPrefix(f[3], unit) {
			return fmt.Errorf("%s is in %q, want %s", f[1], f[3], unit)
		}
		v, err := strconv.ParseFloat(strings.ReplaceAll(f[2], ",", ""), 64)
		if err != nil {
			return fmt.Errorf("%s: %q is not a number", f[1], f[2])
		}
		if _, twice := block[f[1]]; twice {
			return fmt.Errorf("%s comes twice in the block of line %d", f[1], begin)
		}
		block[f[1]] = v
		return nil
	})
	switch {
	case stop != nil:
		return nil, stop
	case err != nil:
		return nil, err
	}
	if err := finish(); err != nil {
		return nil, err
	}
	return runs, nil
}

// hotstuffBroken finds lines whose name is known and whose number is not one.
func hotstuffBroken(text string) error {
	key, value, ok := strings.Cut(strings.TrimSpace(strings.TrimPrefix(text, "+")), ":")
	if _, known := hotstuffUnits[key]; ok && known {
		return fmt.Errorf("%s: %q is not a number, or stands outside a block", key, strings.TrimSpace(value))
	}
	return nil
}

func hotstuffRun(block map[string]float64) (Run, error) {
	get := func(keys ...string) *float64 {
		for _, k := range keys {
			if v, ok := block[k]; ok {
				return &v
			}
		}
		return nil
	}
	whole := func(v *float64) *int64 {
		if v == nil {
			return nil
		}
		return ptr(int64(math.Round(*v)))
	}
	run := Run{
		Nodes: whole(get("Committee size")), TxBytes: whole(get("Transaction size")),
		OfferedTxPerSec: get("Input rate", "Transaction rate"), DurationSec: get("Execution time"),
		ReportedTxPerSec: get("End-to-end TPS"), CommittedTxPerSec: get("End-to-end TPS"),
		LatencyMS: Latency{Mean: get("End-to-end latency")},
		Sent:      whole(get("Number of transactions")),
	}
	if run.ReportedTxPerSec == nil {
		return run, errors.New("no End-to-end TPS: the block is cut off")
	}
	run.Name = "hotstuff"
	if run.Nodes != nil {
		run.Name = fmt.Sprintf("%d nodes", *run.Nodes)
	}
	if f := get("Faults"); f != nil && *f > 0 {
		run.Name += fmt.Sprintf(", %g faulty", *f)
	}
	if run.DurationSec != nil {
		run.Committed = whole(ptr(*run.CommittedTxPerSec * *run.DurationSec))
	}
	if run.Sent != nil {
		run.note("throughput is the transactions that clients sent by the time of the run: that all were committed is assumed")
		run.CommittedTxPerSec, run.Committed = nil, nil
	}
	if *run.ReportedTxPerSec == 0 {
		run.LatencyMS.Mean = nil // the harness prints 0 where there were no samples
	}
	run.note("latency is the mean over a few sample transactions per client and second; there are no percentiles")
	return run, nil
}
