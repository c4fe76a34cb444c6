package bench

import (
	"fmt"
	"strings"
)

// Text is the report as lines for a terminal of 80 columns.
func (r CheckReport) Text() []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, folded(fmt.Sprintf(format, args...))...) }
	add("%s: %d trials, %d windows, %d values recomputed", r.Record, r.Trials, r.Windows, r.Recomputed)
	for _, v := range r.Schemas {
		add("  schema      %s", v)
	}
	for _, d := range r.Differences {
		add("  differs     %s", d)
	}
	for _, n := range r.Notes {
		add("  note        %s", n)
	}
	kinds := map[string][]string{}
	var order []string
	for _, g := range r.TakenAsGiven {
		if _, ok := kinds[g.Why]; !ok {
			order = append(order, g.Why)
		}
		kinds[g.Why] = append(kinds[g.Why], g.What)
	}
	for _, why := range order {
		add("  as given    %s: %s", why, strings.Join(kinds[why], ", "))
	}
	add("  digest      %s", map[string]string{
		"right": "right: no byte of the record has changed since it was written",
		"wrong": "WRONG: the record is not as it was written", "none": "none",
	}[r.Digest])
	switch {
	case !r.OK:
		add("  FAILED      %d differences, %d schema violations", len(r.Differences), len(r.Schemas))
	case r.Partial:
		add("  partial     what is there is consistent; there is no summary")
	default:
		add("  ok          every figure follows from the windows and raw counters")
	}
	return out
}

// folded breaks a line at its blanks, and moves what follows under the text.
func folded(line string) []string {
	const width, indent = 80, "              "
	var out []string
	for len(line) > width {
		at := strings.LastIndexByte(line[:width+1], ' ')
		if at <= len(indent) {
			if at = strings.IndexByte(line[len(indent):], ' ') + len(indent); at < len(indent) {
				break // one long word
			}
		}
		out = append(out, line[:at])
		line = indent + line[at+1:]
	}
	return append(out, line)
}
