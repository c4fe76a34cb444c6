package results

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// ErrBadHLog reports a file that is not a histogram log.
var ErrBadHLog = errors.New("bad histogram log")

const (
	hlogVersion = "#[Histogram log format version 1.3]"
	hlogLegend  = `"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"`
	nsPerMS     = 1e6
)

// HLogInterval is one line of a histogram log: the latencies of one stage in
// one window of one trial.
type HLogInterval struct {
	Tag       string // trial-1/commit; no comma, no blank
	Start     time.Time
	Length    time.Duration
	Histogram *hdrhistogram.Histogram // in nanoseconds
}

// WriteHLog writes the latency histograms of all windows of rec as an
// HdrHistogram log, format 1.3, which HistogramLogAnalyzer and
// HistogramLogProcessor read. Values are nanoseconds, the unit that those tools
// take for granted, and Interval_Max is in milliseconds. Every trial and stage
// has a tag of its own, because trials run at different rates. Lines are in the
// order of time. Samples below zero are in no histogram; a comment counts them.
//
// Recoding from the record's unit keeps the number of significant digits, so a
// quantile may differ from the record's by one unit of the last of them.
func WriteHLog(w io.Writer, rec Record) error {
	list, negative, err := hlogIntervals(rec)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	start := time.Unix(0, 0)
	if len(list) > 0 {
		start = list[0].Start
	}
	fmt.Fprintf(out, "#[Latencies in ns from the intended send, written by weir]\n%s\n", hlogVersion)
	fmt.Fprintf(out, "#[StartTime: %s (seconds since epoch), %s]\n", seconds(start), start.UTC().Format(time.RFC3339Nano))
	for _, tag := range sortedKeys(negative) {
		fmt.Fprintf(out, "#[%s: %d samples below zero are left out]\n", tag, negative[tag])
	}
	fmt.Fprintln(out, hlogLegend)
	for _, iv := range list {
		text, err := iv.Histogram.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
		if err != nil {
			return fmt.Errorf("histogram log: %s: %w", iv.Tag, err)
		}
		fmt.Fprintf(out, "Tag=%s,%s,%.3f,%.3f,%s\n", iv.Tag, seconds(iv.Start), iv.Length.Seconds(), float64(iv.Histogram.Max())/nsPerMS, text)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("histogram log: %w", err)
	}
	return nil
}

// seconds since the epoch with three decimals, as the format has them.
func seconds(t time.Time) string {
	ms := t.UnixMilli()
	return fmt.Sprintf("%d.%03d", ms/1000, ms%1000)
}

func hlogIntervals(rec Record) (list []HLogInterval, negative map[string]int64, err error) {
	started := make(map[int]time.Time, len(rec.Trials))
	for _, t := range rec.Trials {
		started[t.ID] = t.StartedAt
	}
	negative = make(map[string]int64)
	for _, w := range rec.Windows {
		start, ok := started[w.TrialID]
		if !ok {
			continue // the trial was cut off: nobody knows when it began
		}
		for _, h := range w.Histograms {
			tag := hlogTag(w.TrialID, h.Stage)
			if h.Negative != 0 {
				negative[tag] += h.Negative
			}
			ns, err := h.nanoseconds()
			if err != nil {
				return nil, nil, fmt.Errorf("trial %d, window %d: %w", w.TrialID, w.Index, err)
			}
			list = append(list, HLogInterval{
				Tag: tag, Histogram: ns,
				Start: start.Add(time.Duration(w.StartNS)), Length: time.Duration(w.DurationNS),
			})
		}
	}
	slices.SortStableFunc(list, func(a, b HLogInterval) int { return a.Start.Compare(b.Start) })
	return list, negative, nil
}

// hlogTag names a series: the format allows no comma and no white space in it.
func hlogTag(trial int, stage string) string {
	return fmt.Sprintf("trial-%d/%s", trial, strings.ReplaceAll(benchToken(stage), ",", "_"))
}

// nanoseconds recodes the histogram: each of its buckets goes where its middle
// falls.
func (h Histogram) nanoseconds() (*hdrhistogram.Histogram, error) {
	in, err := h.Decode()
	if err != nil || h.UnitNS == 1 {
		return in, err
	}
	top := in.HighestTrackableValue()
	if top > math.MaxInt64/4/h.UnitNS {
		return nil, fmt.Errorf("histogram %q: %w: values up to %d units of %d ns", h.Stage, ErrBadHistogram, top, h.UnitNS)
	}
	out := hdrhistogram.New(1, (top+1)*h.UnitNS*2, int(in.SignificantFigures()))
	for _, bar := range in.Distribution() {
		if bar.Count == 0 {
			continue
		}
		middle := bar.From*h.UnitNS + (bar.To-bar.From)*h.UnitNS/2
		if err := out.RecordValues(middle, bar.Count); err != nil {
			return nil, fmt.Errorf("histogram %q: %w: %w", h.Stage, ErrBadHistogram, err)
		}
	}
	return out, nil
}

// maxHLogLines bounds a log, as maxRecordLines bounds a record.
const maxHLogLines = maxRecordLines

// ReadHLog reads a histogram log, weir's or another program's; name stands for
// it in errors, which have the line. Times are absolute: those of a log with
// relative ones count from its BaseTime, or from its StartTime when they lie
// more than a year before that, as the format's own readers have it.
func ReadHLog(in io.Reader, name string) ([]HLogInterval, error) {
	sc := bufio.NewScanner(in)
	sc.Buffer(make([]byte, 64<<10), maxLineBytes)
	var list []HLogInterval
	var base, start float64
	n := 0
	for sc.Scan() {
		if n++; n > maxHLogLines {
			return list, fmt.Errorf("%s:%d: %w: more than %d lines", name, n, ErrBadHLog, maxHLogLines)
		}
		line := strings.TrimSpace(sc.Text())
		var err error
		switch {
		case line == "" || strings.HasPrefix(line, `"StartTimestamp"`):
		case strings.HasPrefix(line, "#[StartTime: "):
			start, err = headSeconds(line, "#[StartTime: ")
		case strings.HasPrefix(line, "#[BaseTime: "):
			base, err = headSeconds(line, "#[BaseTime: ")
		case strings.HasPrefix(line, "#"):
		default:
			var iv HLogInterval
			if iv, err = hlogInterval(line, base, start); err == nil {
				list = append(list, iv)
			}
		}
		if err != nil {
			return list, fmt.Errorf("%s:%d: %w: %w", name, n, ErrBadHLog, err)
		}
	}
	if err := sc.Err(); err != nil {
		return list, fmt.Errorf("%s:%d: %w: %w", name, n+1, ErrBadHLog, err)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s:%d: %w: no histogram in it", name, max(n, 1), ErrBadHLog)
	}
	return list, nil
}

func headSeconds(line, prefix string) (float64, error) {
	text, _, _ := strings.Cut(strings.TrimPrefix(line, prefix), " ")
	return logSeconds("time", text)
}

// maxLogSeconds keeps times within what time.Time and its nanoseconds hold.
const maxLogSeconds = 9e9

func logSeconds(what, text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) || v < 0 || v > maxLogSeconds {
		return 0, fmt.Errorf("%s %q: give seconds from 0 to %g", what, text, maxLogSeconds)
	}
	return v, nil
}

func hlogInterval(line string, base, start float64) (HLogInterval, error) {
	var iv HLogInterval
	if rest, ok := strings.CutPrefix(line, "Tag="); ok {
		if iv.Tag, line, ok = strings.Cut(rest, ","); !ok {
			return iv, errors.New("a tag and nothing behind it")
		}
	}
	fields := strings.Split(line, ",")
	if len(fields) != 4 {
		return iv, fmt.Errorf("%d fields, a line has start, length, maximum and histogram", len(fields))
	}
	at, err := logSeconds("start", fields[0])
	if err != nil {
		return iv, err
	}
	length, err := logSeconds("length", fields[1])
	if err != nil {
		return iv, err
	}
	const year = 365 * 24 * 3600
	switch {
	case base > 0:
		at += base
	case at < start-year:
		at += start
	}
	iv.Start = time.UnixMilli(int64(math.Round(at * 1e3))).UTC()
	iv.Length = time.Duration(math.Round(length*1e3)) * time.Millisecond
	iv.Histogram, err = Histogram{Stage: iv.Tag, UnitNS: 1, HDR: fields[3]}.Decode()
	return iv, err
}
