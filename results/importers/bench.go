package importers

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/perf/benchfmt"
)

// benchUnits are the units of WriteBench with the direction that is better:
// those that weir's own runs have, as far as they are the same thing.
var benchUnits = []struct{ unit, better string }{
	{"tx/s", "higher"}, {"commit-mean-sec", "lower"}, {"commit-p50-sec", "lower"}, {"commit-p99-sec", "lower"},
}

// WriteBench writes runs as Go benchmark text, one line per run, so that
// benchstat and weir compare read them: runs of the same name and offered rate
// are replicates of each other. A run without a committed rate has no line.
func WriteBench(w io.Writer, runs []Run) error {
	out := benchfmt.NewWriter(w)
	for _, u := range benchUnits {
		err := out.Write(&benchfmt.UnitMetadata{
			UnitMetadataKey: benchfmt.UnitMetadataKey{Unit: u.unit, Key: "better"}, OrigUnit: u.unit, Value: u.better,
		})
		if err != nil {
			return fmt.Errorf("benchmark text: %w", err)
		}
	}
	for i := range runs {
		r := &runs[i]
		if r.CommittedTxPerSec == nil {
			continue
		}
		name := "Import/tool=" + r.Format + "/name=" + token(r.Name)
		if r.Nodes != nil {
			name += "/nodes=" + strconv.FormatInt(*r.Nodes, 10)
		}
		if r.Clients != nil {
			name += "/clients=" + strconv.FormatFloat(*r.Clients, 'g', 6, 64)
		}
		if r.OfferedTxPerSec != nil {
			name += "/offered=" + strconv.FormatFloat(*r.OfferedTxPerSec, 'g', 6, 64)
		}
		res := &benchfmt.Result{Name: benchfmt.Name(name), Iters: 1}
		add := func(unit string, scale float64, v *float64) {
			if v != nil {
				res.Values = append(res.Values, benchfmt.Value{Value: *v * scale, Unit: unit})
			}
		}
		add("tx/s", 1, r.CommittedTxPerSec)
		add("commit-mean-sec", 1e-3, r.LatencyMS.Mean)
		add("commit-p50-sec", 1e-3, r.LatencyMS.P50)
		add("commit-p99-sec", 1e-3, r.LatencyMS.P99)
		if err := out.Write(res); err != nil {
			return fmt.Errorf("benchmark text: %w", err)
		}
	}
	return nil
}

// token makes s a part of a benchmark's name.
func token(s string) string {
	if s == "" {
		return "none"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || r == '/' || r == '=' || r == unicode.ReplacementChar {
			return '_'
		}
		return r
	}, s)
}
