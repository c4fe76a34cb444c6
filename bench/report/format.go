package report

import (
	"fmt"
	"math"
	"strings"
)

// unknown stands for a value that was not measured. It is never shown as 0.
const unknown = "unknown"

// rate formats a number with an SI prefix and three digits: 92.4k, 1.20M.
func rate(v float64) string {
	for _, p := range []struct {
		unit float64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if math.Abs(v) >= 0.9995*p.unit {
			return digits(v/p.unit) + p.name
		}
	}
	return digits(v)
}

// digits formats a number of at most three digits before the point.
func digits(v float64) string {
	switch a := math.Abs(v); {
	case a >= 99.95 || a == math.Trunc(a) && a >= 10:
		return fmt.Sprintf("%.0f", v)
	case a >= 9.995:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

func rateOr(v *float64) string {
	if v == nil {
		return unknown
	}
	return rate(*v)
}

// bits formats a bit rate: 20.0 Mbit/s.
func bits(v float64) string {
	s := rate(v)
	if n := len(s) - 1; strings.ContainsAny(s[n:], "GMk") {
		return s[:n] + " " + s[n:] + "bit/s"
	}
	return s + " bit/s"
}

func bitsOr(v *float64) string {
	if v == nil {
		return unknown
	}
	return bits(*v)
}

// ms formats milliseconds.
func ms(v *float64) string {
	switch {
	case v == nil:
		return "-"
	case *v >= 10_000:
		return digits(*v/1000) + " s"
	case *v >= 1000:
		return fmt.Sprintf("%.2f s", *v/1000)
	}
	return digits(*v) + " ms"
}

func percent(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.0f%%", 100**v)
}

// perTx formats the time that one transaction costs.
func perTx(v *float64) string {
	if v == nil {
		return unknown
	}
	switch us := *v * 1e6; {
	case us >= 1:
		return digits(us) + " µs"
	default:
		return digits(us*1000) + " ns"
	}
}

// bytesOr formats a number of bytes.
func bytesOr(v *float64) string {
	if v == nil {
		return unknown
	}
	if *v < 10 {
		return fmt.Sprintf("%.1f B", *v)
	}
	return fmt.Sprintf("%.0f B", *v)
}

// wrap breaks text at spaces so that every line fits, and indents the further
// lines.
func wrap(text string, width int, indent string) string {
	var b strings.Builder
	line := 0
	for i, word := range strings.Fields(text) {
		n := len([]rune(word))
		switch {
		case i == 0:
		case line+1+n > width:
			b.WriteString("\n" + indent)
			line = 0
		default:
			b.WriteByte(' ')
			line++
		}
		b.WriteString(word)
		line += n
	}
	return b.String()
}

// times scales a value that may be unknown.
func times(v *float64, by float64) *float64 {
	if v == nil {
		return nil
	}
	x := *v * by
	return &x
}
