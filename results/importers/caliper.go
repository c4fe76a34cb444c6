package importers

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// cell is a table's text with the line it begins on.
type cell struct {
	text string
	line int
}

// Columns of Caliper's table. Older versions leave the units to the cells.
const (
	calName, calSucc, calFail = "name", "succ", "fail"
	calSend, calTPS           = "send rate", "throughput"
	calMax, calMin, calAvg    = "max latency", "min latency", "avg latency"
)

// readCaliper reads report.html, or a log with the table in it. The summary of
// all rounds comes first in a report and last in a log; the rounds' own tables
// repeat it.
func readCaliper(r *bufio.Reader, name string, _ Options) ([]Run, error) {
	data, err := whole(r, name)
	if err != nil {
		return nil, err
	}
	var tables [][][]cell
	isHTML := bytes.Contains(data, []byte("<table")) || bytes.Contains(data, []byte("<html"))
	if isHTML {
		tables = htmlTables(data)
	} else {
		tables = textTables(data)
	}
	var rows [][]cell
	for _, t := range tables {
		if isCaliper(t[0]) && (rows == nil || !isHTML) {
			rows = t
		}
	}
	if rows == nil {
		return nil, fmt.Errorf("%s:1: %w: no table with Name, Succ, Fail and Throughput; is it the report of a finished run?", name, ErrBadResult)
	}
	if len(rows) > maxRuns {
		return nil, fmt.Errorf("%s:%d: %w: more than %d rounds", name, rows[0][0].line, ErrBadResult, maxRuns)
	}
	var runs []Run
	for _, row := range rows[1:] {
		run, err := caliperRun(rows[0], row)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w: %w", name, row[0].line, ErrBadResult, err)
		}
		runs = append(runs, run)
	}
	return runs, nil
}

// column is a header without its unit.
func column(c cell) string {
	text, _, _ := strings.Cut(strings.ToLower(c.text), "(")
	return strings.TrimSpace(text)
}

func isCaliper(head []cell) bool {
	seen := make(map[string]bool)
	for _, c := range head {
		seen[column(c)] = true
	}
	return seen[calName] && seen[calSucc] && seen[calFail] && seen[calTPS]
}

// htmlTables returns the rows of all tables in a page.
func htmlTables(data []byte) (tables [][][]cell) {
	z := html.NewTokenizer(bytes.NewReader(data))
	line := 1
	var rows [][]cell
	inCell := false
	flush := func() {
		if len(rows) > 0 {
			tables = append(tables, rows)
		}
		rows, inCell = nil, false
	}
	for {
		kind := z.Next()
		at := line
		line += bytes.Count(z.Raw(), []byte("\n"))
		if kind == html.ErrorToken { // also the end
			flush()
			return tables
		}
		tag, _ := z.TagName()
		switch {
		case kind == html.TextToken && inCell:
			row := rows[len(rows)-1]
			row[len(row)-1].text = strings.TrimSpace(row[len(row)-1].text + z.Token().Data)
		case (kind == html.StartTagToken || kind == html.EndTagToken) && string(tag) == "table":
			flush()
		case kind == html.StartTagToken && string(tag) == "tr":
			if inCell = false; len(rows) == 0 || len(rows[len(rows)-1]) > 0 {
				rows = append(rows, nil)
			}
		case kind == html.StartTagToken && (string(tag) == "td" || string(tag) == "th") && len(rows) > 0:
			rows[len(rows)-1] = append(rows[len(rows)-1], cell{line: at})
			inCell = true
		case kind == html.EndTagToken && (string(tag) == "td" || string(tag) == "th" || string(tag) == "tr"):
			inCell = false
		}
	}
}

// textTables returns the rows of all tables drawn with | in a log.
func textTables(data []byte) (tables [][][]cell) {
	var rows [][]cell
	n := 0
	for text := range strings.Lines(string(data)) {
		n++
		text = strings.TrimSpace(text)
		if strings.HasPrefix(text, "|--") || strings.HasPrefix(text, "+--") {
			continue
		}
		if !strings.HasPrefix(text, "|") || !strings.HasSuffix(text, "|") || len(text) < 3 {
			if len(rows) > 0 {
				tables, rows = append(tables, rows), nil
			}
			continue
		}
		var row []cell
		for field := range strings.SplitSeq(text[1:len(text)-1], "|") {
			row = append(row, cell{strings.TrimSpace(field), n})
		}
		rows = append(rows, row)
	}
	if len(rows) > 0 {
		tables = append(tables, rows)
	}
	return tables
}

func caliperRun(head, row []cell) (Run, error) {
	if len(row) != len(head) {
		return Run{}, fmt.Errorf("%d cells below %d headers", len(row), len(head))
	}
	at := make(map[string]string, len(head))
	for i, c := range head {
		at[column(c)] = row[i].text
	}
	run := Run{Line: row[0].line, Name: at[calName]}
	var errs []error
	get := func(name string) *float64 {
		v, err := caliperNumber(at[name])
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
		return v
	}
	count := func(name string) *int64 {
		v := get(name)
		if v == nil {
			return nil
		}
		if *v != float64(int64(*v)) {
			errs = append(errs, fmt.Errorf("%s: %v is not a whole number", name, *v))
		}
		return ptr(int64(*v))
	}
	ms := func(name string) *float64 {
		v := get(name)
		if v == nil || *v > 1e9 { // without a success the minimum is the largest number there is
			return nil
		}
		return ptr(*v * 1e3)
	}
	run.Committed, run.Failed = count(calSucc), count(calFail)
	run.SentTxPerSec, run.ReportedTxPerSec = get(calSend), get(calTPS)
	run.LatencyMS = Latency{Max: ms(calMax), Min: ms(calMin), Mean: ms(calAvg), Samples: run.Committed}
	if err := errors.Join(errs...); err != nil {
		return Run{}, err
	}
	if run.Committed == nil || run.Failed == nil {
		run.note("how many succeeded and failed is not known, nor what was committed")
		return run, nil
	}
	if *run.Committed == 0 {
		run.LatencyMS = Latency{Samples: run.Committed} // its columns are of successes
	}
	run.caliperGoodput()
	run.note("latency is the mean over successes; failures are left out of it")
	run.note("Caliper does not say which rate was asked for")
	return run, nil
}

// caliperNumber reads a cell: a number, perhaps with a unit; - and N/A are
// unknown.
func caliperNumber(text string) (*float64, error) {
	text = strings.TrimSpace(strings.NewReplacer(" tps", "", " s", "", ",", "").Replace(text))
	switch text {
	case "", "-", "N/A", "NaN", "Infinity":
		return nil, nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || v < 0 || v > 1e18 {
		return nil, fmt.Errorf("%q is not a number at or above zero", text)
	}
	return &v, nil
}

// caliperGoodput finds out what the throughput column counts, and with it the
// time it is taken over. Some versions divide all transactions by it, others
// the successes, and the report does not say which. Sending alone took
// total ÷ send rate, and the round cannot be shorter than that: when the
// successes alone would need less time than sending did, failures are inside.
func (r *Run) caliperGoodput() {
	good, total := float64(*r.Committed), float64(*r.Committed+*r.Failed)
	tps := r.ReportedTxPerSec
	if tps == nil || *tps == 0 || total == 0 {
		if *r.Committed == 0 {
			r.CommittedTxPerSec = ptr(0.0)
		}
		return
	}
	if *r.Failed == 0 {
		r.CommittedTxPerSec, r.DurationSec = tps, ptr(total / *tps)
		return
	}
	const rounding = 0.03 // the columns have one decimal
	if r.SentTxPerSec != nil && *r.SentTxPerSec > 0 {
		sending := total / *r.SentTxPerSec
		if *r.Committed == 0 || good / *tps < sending*(1-rounding) {
			r.DurationSec = ptr(total / *tps)
			r.CommittedTxPerSec = ptr(*tps * good / total)
			return
		}
		if r.LatencyMS.Max != nil && total / *tps > (sending+*r.LatencyMS.Max/1e3)*1.5+60 {
			r.DurationSec, r.CommittedTxPerSec = ptr(good / *tps), tps
			return
		}
	}
	r.CommittedTxPerSec = ptr(*tps * good / total)
	r.note(fmt.Sprintf("versions of Caliper differ in whether throughput has failures in it, and this round fits both: %.4g tx/s if not; the smaller figure is used", *tps))
}
