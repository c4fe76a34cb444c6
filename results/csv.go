package results

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// ErrBadCSV reports a file that is not the long format of CSVWriter.
var ErrBadCSV = errors.New("bad CSV")

// csvHeader is the first line of the long format. type and trial_id say which
// line of the record a value is from, phase and verdict repeat the trial's, so
// that a table can be filtered without a join. index is that of a window.
var csvHeader = []string{"type", "trial_id", "phase", "verdict", "index", "metric", "unit", "value"}

// CSVRow is one value of a record in the long format.
type CSVRow struct {
	Type    string     // TypeEnv, TypeTrial, TypeWindow or TypeSummary
	TrialID *int       // nil outside a trial
	Phase   Phase      // of the trial, empty outside
	Verdict Verdict    // of the trial, empty outside
	Index   *int       // of the window, nil outside
	Metric  string     // JSON keys joined by dots, e.g. latency_ms.commit.p99
	Unit    string     // tx/s, ms, ns, s, B, bit/s, … or 1 for counts and shares
	Value   NullString // decimal text, or true and false; empty: not known
}

// WriteCSV writes all numbers and truth values of rec in the long format, one
// per row (RFC 4180). What is not known has an empty value: R and pandas read
// that as missing. Texts and histograms stay in the record. Lines come in the
// order env, then each trial with its windows, then the summary; the summary's
// copy of the trials is left out.
func WriteCSV(w io.Writer, rec Record) error {
	out := csv.NewWriter(w)
	if err := out.Write(csvHeader); err != nil {
		return fmt.Errorf("CSV: %w", err)
	}
	var all []CSVRow
	if rec.Env != nil {
		all = flatten(all, CSVRow{Type: TypeEnv}, reflect.ValueOf(*rec.Env), "")
	}
	windows := make(map[int][]Window)
	for _, win := range rec.Windows {
		windows[win.TrialID] = append(windows[win.TrialID], win)
	}
	for _, t := range rec.Trials {
		head := CSVRow{Type: TypeTrial, TrialID: &t.ID, Phase: t.Phase, Verdict: t.Verdict}
		all = flatten(all, head, reflect.ValueOf(t), "")
		for _, win := range windows[t.ID] {
			head.Type, head.Index = TypeWindow, &win.Index
			all = flatten(all, head, reflect.ValueOf(win), "")
		}
		delete(windows, t.ID)
	}
	for _, win := range rec.Windows { // of a trial that was cut off
		if _, left := windows[win.TrialID]; left {
			all = flatten(all, CSVRow{Type: TypeWindow, TrialID: &win.TrialID, Index: &win.Index}, reflect.ValueOf(win), "")
		}
	}
	if rec.Summary != nil {
		all = flatten(all, CSVRow{Type: TypeSummary}, reflect.ValueOf(*rec.Summary), "")
	}
	for _, row := range all {
		if v, err := strconv.ParseFloat(string(row.Value), 64); err == nil && (math.IsNaN(v) || math.IsInf(v, 0)) {
			return fmt.Errorf("CSV: %s of %s is %s: %w: write null when the value is unknown", row.Metric, row.Type, row.Value, ErrNotFinite)
		}
		if err := out.Write(row.fields()); err != nil {
			return fmt.Errorf("CSV: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("CSV: %w", err)
	}
	return nil
}

func (r CSVRow) fields() []string {
	whole := func(v *int) string {
		if v == nil {
			return ""
		}
		return strconv.Itoa(*v)
	}
	return []string{r.Type, whole(r.TrialID), string(r.Phase), string(r.Verdict), whole(r.Index), r.Metric, r.Unit, string(r.Value)}
}

// csvSkip are keys whose values stand in columns of their own, are repeated from
// other lines, or have a better format.
var csvSkip = map[string]bool{"id": true, "trial_id": true, "index": true, "trials": true, "histograms": true, "schema": true, "type": true}

// flatten appends every number and truth value below v.
func flatten(rows []CSVRow, head CSVRow, v reflect.Value, path string) []CSVRow {
	row := head
	row.Metric, row.Unit = path, unitOf(path)
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return flatten(rows, head, v.Elem(), path)
		}
		if k := v.Type().Elem().Kind(); k == reflect.Struct {
			return rows // which of its values would be unknown is a matter of its type
		} else if k == reflect.Bool {
			row.Unit = "bool"
		}
		return append(rows, row)
	case reflect.Bool:
		row.Unit, row.Value = "bool", NullString(strconv.FormatBool(v.Bool()))
		return append(rows, row)
	case reflect.Int, reflect.Int32, reflect.Int64:
		row.Value = NullString(strconv.FormatInt(v.Int(), 10))
		return append(rows, row)
	case reflect.Uint64:
		row.Value = NullString(strconv.FormatUint(v.Uint(), 10))
		return append(rows, row)
	case reflect.Float64:
		row.Value = NullString(strconv.FormatFloat(v.Float(), 'g', -1, 64))
		return append(rows, row)
	case reflect.Map:
		if counts, ok := v.Interface().(Rejections); ok {
			for _, reason := range sortedKeys(counts) {
				// A reader of CSV need not keep control characters as they are.
				rows = flatten(rows, head, reflect.ValueOf(counts[reason]), path+"."+benchLine(reason))
			}
		}
		return rows
	case reflect.Slice:
		for i := range v.Len() {
			rows = flatten(rows, head, v.Index(i), path+"."+elementKey(v.Index(i), i))
		}
		return rows
	case reflect.Struct:
		if _, isTime := v.Interface().(time.Time); isTime {
			return rows
		}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if f.IsExported() && !csvSkip[key] {
				// A reader of CSV need not keep control characters as they are.
				rows = flatten(rows, head, v.Field(i), joinKey(path, f))
			}
		}
	}
	return rows
}

// elementKey names an element of a list: by its name when it has one.
func elementKey(v reflect.Value, i int) string {
	if v.Kind() == reflect.Struct {
		if name := v.FieldByName("Name"); name.IsValid() && name.Kind() == reflect.String && name.String() != "" {
			return name.String()
		}
	}
	return strconv.Itoa(i)
}

// unitSuffixes are the endings of keys that state a unit, longest first where
// one ends with another.
var unitSuffixes = []struct{ end, unit string }{
	{"tx_per_sec2", "tx/s2"}, {"bits_per_sec", "bit/s"}, {"bytes_per_sec", "B/s"}, {"tx_per_sec", "tx/s"},
	{"sec_per_tx", "s/tx"}, {"bytes_per_tx_mtu1500", "B/tx"}, {"bytes_per_tx", "B/tx"}, {"packets_per_tx", "packets/tx"},
	{"ns_per_op", "ns/op"}, {"_ns", "ns"}, {"_ms", "ms"}, {"_sec", "s"}, {"bytes_mtu1500", "B"}, {"bytes", "B"}, {"latency_at", "ms"},
}

// unitOf derives the unit from the innermost key that states one; what is below
// such a key has its unit, except for counts and shares.
func unitOf(path string) string {
	keys := strings.Split(path, ".")
	switch keys[len(keys)-1] {
	case "count", "negative", "fraction":
		return "1"
	}
	for i := len(keys) - 1; i >= 0; i-- {
		for _, s := range unitSuffixes {
			if strings.HasSuffix(keys[i], s.end) {
				return s.unit
			}
		}
	}
	return "1"
}

// ReadCSV reads what WriteCSV wrote; name stands for the file in errors, which
// have the line. Columns may come in any order, and more columns are ignored.
func ReadCSV(in io.Reader, name string) ([]CSVRow, error) {
	r := csv.NewReader(in)
	head, err := r.Read()
	switch {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%s:1: %w: the file is empty; the first line must name the columns %s", name, ErrBadCSV, strings.Join(csvHeader, ","))
	case err != nil:
		return nil, fmt.Errorf("%s: %w: %w", name, ErrBadCSV, err)
	}
	at := make(map[string]int, len(head))
	for i, column := range head {
		at[column] = i
	}
	for _, column := range csvHeader {
		if _, ok := at[column]; !ok {
			return nil, fmt.Errorf("%s:1: %w: column %q is missing; the long format has %s", name, ErrBadCSV, column, strings.Join(csvHeader, ","))
		}
	}
	var rows []CSVRow
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, fmt.Errorf("%s: %w: %w", name, ErrBadCSV, err) // has the line
		}
		row, err := csvRow(func(column string) string { return fields[at[column]] })
		if err != nil {
			line, _ := r.FieldPos(0)
			return rows, fmt.Errorf("%s:%d: %w: %w", name, line, ErrBadCSV, err)
		}
		rows = append(rows, row)
	}
}

func csvRow(get func(string) string) (CSVRow, error) {
	row := CSVRow{
		Type: get("type"), Phase: Phase(get("phase")), Verdict: Verdict(get("verdict")),
		Metric: get("metric"), Unit: get("unit"), Value: NullString(get("value")),
	}
	switch row.Type {
	case TypeEnv, TypeTrial, TypeWindow, TypeSummary:
	default:
		return row, fmt.Errorf("type %q is none of %s, %s, %s, %s", row.Type, TypeEnv, TypeTrial, TypeWindow, TypeSummary)
	}
	if row.Metric == "" || row.Unit == "" {
		return row, fmt.Errorf("metric %q with unit %q: neither may be empty", row.Metric, row.Unit)
	}
	for column, into := range map[string]**int{"trial_id": &row.TrialID, "index": &row.Index} {
		if text := get(column); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil {
				return row, fmt.Errorf("%s %q is not a whole number", column, text)
			}
			*into = &n
		}
	}
	if row.Value == "" {
		return row, nil
	}
	if row.Unit == "bool" {
		if row.Value != "true" && row.Value != "false" {
			return row, fmt.Errorf("value %q of %s is neither true nor false", row.Value, row.Metric)
		}
		return row, nil
	}
	if v, err := strconv.ParseFloat(string(row.Value), 64); err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return row, fmt.Errorf("value %q of %s is not a finite number; leave it empty when it is unknown", row.Value, row.Metric)
	}
	return row, nil
}
