package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/chainweir/weir/bench"
	"github.com/chainweir/weir/bench/knee"
	"github.com/chainweir/weir/loadgen"
)

// screenRow plays what is shown on one row of a terminal. A frame that does not
// stay on it is an error.
func screenRow(t *testing.T, columns int, lines ...string) string {
	t.Helper()
	row := []rune(strings.Repeat(" ", columns))
	for _, line := range lines {
		frame, ok := strings.CutPrefix(progressFrame(line, columns), "\r")
		text, cleared := strings.CutSuffix(frame, "\x1b[K")
		n := utf8.RuneCountInString(text)
		if !ok || !cleared || n >= columns || strings.ContainsAny(text, "\r\n\x1b") {
			t.Fatalf("%q in %d columns", frame, columns)
		}
		copy(row, []rune(text+strings.Repeat(" ", columns-n)))
	}
	return strings.TrimRight(string(row), " ")
}

func TestProgressStaysOnItsRow(t *testing.T) {
	long := strings.Repeat("é", 200)
	for _, c := range []struct {
		columns int
		lines   []string
		want    string
	}{
		{20, []string{"a long line of words", "short"}, "short"},
		{10, []string{"0123456789"}, "01234567…"},
		{10, []string{"012345678"}, "012345678"},
		{80, []string{long}, strings.Repeat("é", 78) + "…"},
		{80, []string{"of two\nrows"}, "of two?rows"},
		{80, []string{"something", ""}, ""},
	} {
		if got := screenRow(t, c.columns, c.lines...); got != c.want {
			t.Errorf("%d columns: %q, want %q", c.columns, got, c.want)
		}
	}
	if n := utf8.RuneCountInString(progressFrame(long, 0)); n > helpColumns+4 {
		t.Errorf("%d runes without a known width", n)
	}
	var pipe bytes.Buffer
	if progressLine(&pipe)("text"); pipe.Len() > 0 {
		t.Errorf("a pipe gets %q", pipe.String())
	}
}

// What a run shows of a trial fits 80 columns as a whole, with long numbers too.
func TestRunProgressFits(t *testing.T) {
	var shown string
	l := liveLine{print: func(s string) { shown = s }}
	e := knee.Event{Kind: knee.TrialStarted, Left: 3600e9, Spec: knee.TrialSpec{Index: 100, Phase: knee.LatencyOnly, RateTxPerSec: 1234567}}
	l.show(bench.Progress{Event: &e, Point: "12-half-the-link"})
	l.show(bench.Progress{Live: &loadgen.Live{Sent: 12345678, Committed: 12345678}})
	if n := utf8.RuneCountInString(shown); n >= helpColumns || !strings.HasSuffix(shown, "sent 12.3M · committed 12.3M") {
		t.Errorf("%d columns: %s", n, shown)
	}
}
