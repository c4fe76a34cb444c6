package importers

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"time"
)

// loadtimeField matches one value of a report. Reports are often pasted side by
// side, so a line may have several.
var loadtimeField = regexp.MustCompile(`(Experiment ID|Connections|Rate|Size|Total Valid Tx|Total Negative Latencies|` +
	`Minimum Latency|Maximum Latency|Average Latency|Standard Deviation|Total Invalid Tx):\s*(\S+)`)

// readLoadtime reads the text of CometBFT's loadtime report. It has no length
// of the experiment, so a throughput needs Options.DurationSec.
func readLoadtime(r *bufio.Reader, name string, opt Options) ([]Run, error) {
	var runs []Run
	block := 0 // index of the first run of the block
	invalid := ""
	err := lines(r, name, func(n int, line []byte) error {
		found := loadtimeField.FindAllSubmatch(line, -1)
		if len(found) == 0 {
			return nil
		}
		key := string(found[0][1])
		switch {
		case key == "Total Invalid Tx":
			invalid = string(found[0][2])
			return nil
		case key == "Experiment ID":
			block = len(runs)
			if len(runs)+len(found) > maxRuns {
				return fmt.Errorf("more than %d experiments", maxRuns)
			}
			for _, f := range found {
				runs = append(runs, Run{Name: string(f[2]), Line: n})
			}
			return nil
		case len(found) != len(runs)-block || len(runs) == 0:
			return fmt.Errorf("%d values of %s for %d experiments", len(found), key, len(runs)-block)
		}
		for i, f := range found {
			if string(f[1]) != key {
				return fmt.Errorf("%s beside %s", f[1], key)
			}
			if err := runs[block+i].loadtime(key, string(f[2])); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range runs {
		run := &runs[i]
		if run.Committed == nil {
			return nil, fmt.Errorf("%s:%d: %w: experiment %s has no Total Valid Tx", name, run.Line, ErrBadResult, run.Name)
		}
		run.loadtimeRates(opt.DurationSec)
		if invalid != "" && invalid != "0" {
			run.note("the chain also has " + invalid + " transactions that are not loadtime's")
		}
	}
	return runs, nil
}

func (r *Run) loadtime(key, text string) error {
	whole := func() (*int64, error) {
		v, err := strconv.ParseInt(text, 10, 64)
		if err != nil || v < 0 {
			return nil, fmt.Errorf("%q is not a whole number", text)
		}
		return &v, nil
	}
	ms := func() (*float64, error) {
		d, err := time.ParseDuration(text)
		if err != nil {
			return nil, fmt.Errorf("%q is not a duration such as 1.5s", text)
		}
		return ptr(float64(d) / 1e6), nil
	}
	var n *int64
	var err error
	switch key {
	case "Connections":
		if n, err = whole(); err == nil {
			r.Clients = ptr(float64(*n))
		}
	case "Rate": // of one connection; the total follows when both are known
		if n, err = whole(); err == nil {
			r.OfferedTxPerSec = ptr(float64(*n))
		}
	case "Size":
		r.TxBytes, err = whole()
	case "Total Valid Tx":
		r.Committed, err = whole()
		r.LatencyMS.Samples = r.Committed
	case "Total Negative Latencies":
		r.LatencyMS.Negative, err = whole()
	case "Minimum Latency":
		r.LatencyMS.Min, err = ms()
	case "Maximum Latency":
		r.LatencyMS.Max, err = ms()
	case "Average Latency":
		r.LatencyMS.Mean, err = ms()
	case "Standard Deviation":
		r.LatencyMS.StdDev, err = ms()
	}
	return err
}

// loadtimeRates turns the rate of one connection into that of all.
func (r *Run) loadtimeRates(durationSec float64) {
	if r.Clients != nil && r.OfferedTxPerSec != nil {
		r.OfferedTxPerSec = ptr(*r.Clients * *r.OfferedTxPerSec)
	} else {
		r.OfferedTxPerSec = nil
	}
	if durationSec > 0 {
		r.DurationSec = &durationSec
		r.note(fmt.Sprintf("the length of %g s was given, it is not in the report", durationSec))
		if r.OfferedTxPerSec != nil {
			r.Offered = ptr(int64(math.Round(*r.OfferedTxPerSec * durationSec)))
		}
	} else if r.DurationSec == nil {
		r.note("the report has no length of the experiment, so throughput is not known: give --duration, or the CSV of report --csv")
	}
	r.note("latency counts to the time of the block, which is that of its proposal or the median of its votes, not of its commit")
}

// loadtimeColumns are those of report --csv.
var loadtimeColumns = []string{"experiment_id", "block_time", "duration_ns", "connections", "rate", "size"}

// loadtimeCSV collects one experiment.
type loadtimeCSV struct {
	run         Run
	all         *samples
	first, last float64 // ns since 1970
}

// readLoadtimeCSV reads the CSV of loadtime's report, a row per transaction.
func readLoadtimeCSV(r *bufio.Reader, name string, _ Options) ([]Run, error) {
	in := csv.NewReader(r)
	in.ReuseRecord = true
	head, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", name, ErrBadResult, err)
	}
	at := make(map[string]int)
	for i, c := range head {
		at[c] = i
	}
	for _, c := range loadtimeColumns {
		if _, ok := at[c]; !ok {
			return nil, fmt.Errorf("%s:1: %w: column %s is missing", name, ErrBadResult, c)
		}
	}
	found := make(map[string]*loadtimeCSV)
	var order []string
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w: %w", name, ErrBadResult, err)
		}
		line, _ := in.FieldPos(0)
		id := row[at["experiment_id"]]
		e := found[id]
		if e == nil {
			if len(found) == maxAttacks {
				return nil, fmt.Errorf("%s:%d: %w: more than %d experiments", name, line, ErrBadResult, maxAttacks)
			}
			id = string([]byte(id)) // the reader uses its memory again
			e = &loadtimeCSV{run: Run{Name: id, Line: line}, all: newSamples(), first: math.Inf(1), last: math.Inf(-1)}
			found[id], order = e, append(order, id)
		}
		if err := e.add(func(c string) string { return row[at[c]] }); err != nil {
			return nil, fmt.Errorf("%s:%d: %w: %w", name, line, ErrBadResult, err)
		}
	}
	var runs []Run
	for _, id := range order {
		run, err := found[id].finish()
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w: %w", name, run.Line, ErrBadResult, err)
		}
		runs = append(runs, run)
	}
	return runs, nil
}

func (e *loadtimeCSV) add(get func(string) string) error {
	var v [5]int64
	for i, c := range loadtimeColumns[1:] {
		n, err := strconv.ParseInt(get(c), 10, 64)
		if err != nil {
			return fmt.Errorf("%s %q is not a whole number", c, get(c))
		}
		v[i] = n
	}
	block, latency := float64(v[0]), float64(v[1])
	e.first, e.last = min(e.first, block-latency), max(e.last, block)
	e.run.Clients, e.run.OfferedTxPerSec, e.run.TxBytes = ptr(float64(v[2])), ptr(float64(v[3])), ptr(v[4])
	return e.all.add(latency)
}

func (e *loadtimeCSV) finish() (Run, error) {
	run := e.run
	var err error
	if run.LatencyMS, run.Histogram, err = e.all.latency(); err != nil {
		return run, err
	}
	run.Committed = ptr(e.all.n)
	if sec := (e.last - e.first) / 1e9; sec > 0 {
		run.DurationSec = ptr(sec)
	}
	run.loadtimeRates(0)
	return run, nil
}
