package report

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/perf/benchfmt"
)

// Bench returns the samples as Go benchmark text, the input of benchstat: one
// line for each sample, and the library as a part of the name, so that
//
//	benchstat -col /lib FILE
//	benchstat -filter /lib:weir OLD NEW
//
// compare libraries, and two runs. The header holds what two runs must have in
// common to be compared; what differs between any two runs, the commit and the
// load, is in comments, because benchstat would put such runs into different
// tables.
func (r *Report) Bench() ([]byte, error) {
	var b bytes.Buffer
	d := r.Env.Detail
	if d.VCSRevision != "" {
		fmt.Fprintf(&b, "# commit %s\n", line(string(d.VCSRevision)))
	}
	if d.LoadAverage1 != nil {
		fmt.Fprintf(&b, "# load average %.2f before the run\n", *d.LoadAverage1)
	}
	for _, text := range r.Warnings {
		fmt.Fprintf(&b, "# warning: %s\n", line(text))
	}
	w := benchfmt.NewWriter(&b)
	if err := w.Write(&benchfmt.UnitMetadata{
		UnitMetadataKey: benchfmt.UnitMetadataKey{Unit: "sec/item", Key: "better"}, OrigUnit: "ns/item", Value: "lower",
	}); err != nil {
		return nil, fmt.Errorf("benchmark text: %w", err)
	}
	config := r.benchConfig()
	for _, row := range r.Rows {
		for _, e := range row.Entries {
			for _, ns := range e.SamplesNS {
				if err := w.Write(benchResult(config, row, e, ns)); err != nil {
					return nil, fmt.Errorf("benchmark text: %w", err)
				}
			}
		}
	}
	return b.Bytes(), nil
}

func benchResult(config []benchfmt.Config, row Row, e Entry, ns float64) *benchfmt.Result {
	perItem, rate := ns/float64(row.Items), float64(row.Bytes)/ns*1e9
	return &benchfmt.Result{
		Config: config,
		Name:   benchfmt.Name(row.Benchmark + "/lib=" + token(e.Name)),
		Iters:  max(1, e.Calls/max(1, len(e.SamplesNS))),
		Values: []benchfmt.Value{
			{Value: ns * 1e-9, Unit: "sec/op", OrigValue: ns, OrigUnit: "ns/op"},
			{Value: perItem * 1e-9, Unit: "sec/item", OrigValue: perItem, OrigUnit: "ns/item"},
			{Value: rate, Unit: "B/s", OrigValue: rate / 1e6, OrigUnit: "MB/s"},
		},
	}
}

func (r *Report) benchConfig() []benchfmt.Config {
	var list []benchfmt.Config
	add := func(key, value string) {
		if value = line(value); value != "" {
			list = append(list, benchfmt.Config{Key: key, Value: []byte(value), File: true})
		}
	}
	c := r.Env.Class
	add("goos", c.OS)
	add("goarch", c.Arch)
	add("cpu", string(c.CPUBrand))
	add("cpu-key", r.CPU)
	add("gomaxprocs", fmt.Sprint(r.GOMAXPROCS))
	add("without", strings.Join(r.Without, ","))
	for path, version := range r.Versions {
		add("version-"+token(path), version)
	}
	slices.SortStableFunc(list, func(a, b benchfmt.Config) int { return strings.Compare(a.Key, b.Key) })
	return list
}

// token makes s a part of a benchmark's name or key: letters, digits and a few
// signs that the format gives no meaning.
func token(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '.' || r == '_':
			b.WriteRune(unicode.ToLower(r))
		case !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String(), "-")
}

// line keeps a value on its line.
func line(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s))
}
