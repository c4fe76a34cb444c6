package results

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/perf/benchfmt"
)

// ErrNotABenchmark reports a run that has no place in a benchmark file.
var ErrNotABenchmark = errors.New("run has no benchmark line")

// benchUnits are the units of BenchWriter with the direction that is better.
// Latencies are in sec, the base unit of the format, so that its tools scale
// them for display.
var benchUnits = []struct{ unit, better string }{
	{"tx/s", "higher"},
	{"commit-p50-sec", "lower"},
	{"commit-p99-sec", "lower"},
	{"commit-p999-sec", "lower"},
	{"accept-p50-sec", "lower"},
	{"accept-p99-sec", "lower"},
	{"wire-in-B/tx", "lower"},
	{"wire-out-B/tx", "lower"},
	{"amplification", "lower"},
	{"cpu-sec/tx", "lower"},
	{"disk-sec/tx", "lower"},
	{"generator-sec/tx", "lower"},
}

// BenchWriter writes runs as Go benchmark text, the input of benchstat: one
// line per run, so that a run is the unit of replication. Nothing in the
// header tells two runs of one machine apart (no run id, no time), because the
// tools compare only what has the same header.
type BenchWriter struct {
	out       *benchfmt.Writer
	unitsDone bool
}

// NewBenchWriter returns a BenchWriter to w.
func NewBenchWriter(w io.Writer) *BenchWriter {
	return &BenchWriter{out: benchfmt.NewWriter(w)}
}

// Write appends one run; env may be nil. ErrNotABenchmark is returned, and
// nothing written, for a run that is invalid or has no confirmed knee: the
// format has no way to say so, and a reader would compare it.
func (b *BenchWriter) Write(env *Env, s Summary) error {
	switch {
	case !s.Valid:
		return fmt.Errorf("%w: it is not valid (%s)", ErrNotABenchmark, strings.Join(s.Warnings, "; "))
	case s.Knee.LowerTxPerSec == nil || !s.Knee.Confirmed:
		return fmt.Errorf("%w: its knee is not confirmed", ErrNotABenchmark)
	}
	if err := checkFinite(s); err != nil {
		return err
	}
	return b.write(benchResult(env, s))
}

// WriteLoad appends one load of a fixed schedule, the only trial of s.
// ErrNotABenchmark is returned, and nothing written, for a trial that is not
// valid or committed nothing.
func (b *BenchWriter) WriteLoad(env *Env, s Summary, t Trial) error {
	switch {
	case !t.Valid || !s.Valid:
		return fmt.Errorf("%w: it is not valid (%s)", ErrNotABenchmark, t.InvalidReason)
	case t.CommittedTxPerSec == nil || t.Counts.Committed == 0:
		return fmt.Errorf("%w: nothing was committed", ErrNotABenchmark)
	}
	if err := checkFinite(t); err != nil {
		return err
	}
	name := "Load/workload=" + benchToken(s.Workload) + "/schedule=" + benchToken(t.Schedule) +
		"/rate=" + strconv.FormatFloat(t.OfferedTxPerSec, 'g', 6, 64)
	res := &benchfmt.Result{Name: benchfmt.Name(name), Iters: 1, Config: benchConfig(env, s)}
	addValue(res, "tx/s", 1, t.CommittedTxPerSec)
	addValue(res, "commit-p50-sec", 1e-3, t.LatencyMS.Commit.P50)
	addValue(res, "commit-p99-sec", 1e-3, t.LatencyMS.Commit.P99)
	addValue(res, "commit-p999-sec", 1e-3, t.LatencyMS.Commit.P999)
	addValue(res, "accept-p50-sec", 1e-3, t.LatencyMS.Accept.P50)
	addValue(res, "accept-p99-sec", 1e-3, t.LatencyMS.Accept.P99)
	return b.write(res)
}

// write appends a line, behind the units if it is the first.
func (b *BenchWriter) write(res *benchfmt.Result) error {
	if !b.unitsDone {
		for _, u := range benchUnits {
			meta := &benchfmt.UnitMetadata{
				UnitMetadataKey: benchfmt.UnitMetadataKey{Unit: u.unit, Key: "better"},
				OrigUnit:        u.unit, Value: u.better,
			}
			if err := b.out.Write(meta); err != nil {
				return fmt.Errorf("benchmark text: %w", err)
			}
		}
		b.unitsDone = true
	}
	if err := b.out.Write(res); err != nil {
		return fmt.Errorf("benchmark text: %w", err)
	}
	return nil
}

// addValue adds a value unless it is unknown.
func addValue(res *benchfmt.Result, unit string, scale float64, v *float64) {
	if v != nil {
		res.Values = append(res.Values, benchfmt.Value{Value: *v * scale, Unit: unit})
	}
}

func benchResult(env *Env, s Summary) *benchfmt.Result {
	name := "Knee/workload=" + benchToken(s.Workload) + "/engine=" + benchToken(s.Engine) + "/nodes=" + strconv.Itoa(s.Nodes)
	res := &benchfmt.Result{Name: benchfmt.Name(name), Iters: max(1, s.Knee.Confirmations)}
	add := func(unit string, scale float64, v *float64) { addValue(res, unit, scale, v) }
	add("tx/s", 1, s.Knee.LowerTxPerSec)
	add("commit-p50-sec", 1e-3, s.LatencyMS.Commit.P50)
	add("commit-p99-sec", 1e-3, s.LatencyMS.Commit.P99)
	add("commit-p999-sec", 1e-3, s.LatencyMS.Commit.P999)
	add("accept-p50-sec", 1e-3, s.LatencyMS.Accept.P50)
	add("accept-p99-sec", 1e-3, s.LatencyMS.Accept.P99)
	add("wire-in-B/tx", 1, s.Wire.BytesPerTx.In)
	add("wire-out-B/tx", 1, s.Wire.BytesPerTx.Out)
	add("amplification", 1, s.Wire.Amplification)
	add("cpu-sec/tx", 1, s.Demand.CPU)
	add("disk-sec/tx", 1, s.Demand.Disk)
	add("generator-sec/tx", 1, s.Demand.Generator)
	res.Config = benchConfig(env, s)
	return res
}

// benchConfig returns the header: what must be equal for two runs to be
// replicates of each other.
func benchConfig(env *Env, s Summary) []benchfmt.Config {
	var list []benchfmt.Config
	add := func(key, value string) {
		if value = benchLine(value); value != "" {
			list = append(list, benchfmt.Config{Key: key, Value: []byte(value), File: true})
		}
	}
	if env != nil {
		add("goos", env.Class.OS)
		add("goarch", env.Class.Arch)
		add("cpu", string(env.Class.CPUBrand))
		add("cores", strconv.FormatFloat(env.Class.UsableCores, 'g', -1, 64))
		add("kernel", string(env.Class.Kernel))
	}
	add("slo", s.SLO)
	add("link", string(s.Link.Kind))
	add("placement", s.Placement)
	add("target", string(s.Target))
	slices.SortStableFunc(list, func(a, b benchfmt.Config) int { return strings.Compare(a.Key, b.Key) })
	return list
}

// benchToken makes s a part of a benchmark's name: no blanks, no slash and no
// equals sign, which the format gives a meaning.
func benchToken(s string) string {
	if s == "" {
		return "none"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || r == '/' || r == '=' {
			return '_'
		}
		return r
	}, s)
}

// benchLine keeps a header value on its line.
func benchLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s))
}
