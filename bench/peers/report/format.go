package report

import (
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// number formats v with so many digits, and as many more as stand before the
// point.
func number(v *float64, digits int) string {
	if v == nil {
		return unknown
	}
	before := 1
	if a := math.Abs(*v); a >= 10 {
		before = 1 + int(math.Log10(a))
	}
	return fmt.Sprintf("%.*f", max(0, digits-before), *v)
}

// times formats a ratio: near 1 the third decimal matters.
func times(ratio float64) string {
	if ratio >= 10 {
		return fmt.Sprintf("%.1f", ratio)
	}
	return fmt.Sprintf("%.3f", ratio)
}

func gigabytes(v *float64) string {
	if v == nil {
		return unknown
	}
	return fmt.Sprintf("%.2f", *v/1e9)
}

func (r Ratio) interval95() string {
	return "[" + times(r.Low) + ", " + times(r.High) + "]"
}

func (r Ratio) short() string { return times(r.Median) + " " + r.interval95() }

// paragraph writes text behind a lead, broken at blanks so that it fits the
// table, with the following lines below its beginning.
func paragraph(w io.Writer, lead, text string) {
	indent := utf8.RuneCountInString(lead)
	line, used, fresh := lead, indent, true
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		if !fresh && used+1+n > columns {
			fmt.Fprintln(w, line)
			line, used, fresh = strings.Repeat(" ", indent), indent, true
		}
		if !fresh {
			line, used = line+" ", used+1
		}
		line, used, fresh = line+word, used+n, false
	}
	fmt.Fprintln(w, line)
}
