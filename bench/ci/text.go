package ci

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchunit"
)

// nameColumns is the room for a metric's name on a terminal.
const nameColumns = 20

// Text prints the report for a terminal of 80 columns.
func (r *Report) Text(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "weir ci · %d rounds of base, head and base again · order ABBA BAAB · %.0f s\n", r.Rounds, r.DurationSec)
	fmt.Fprintf(&b, "  base     %s\n  head     %s\n  machine  %s\n\n", clip(r.Base, 69), clip(r.Head, 69), clip(r.Machine, 69))
	fmt.Fprintf(&b, "%-*s %9s %9s %8s %18s  %s\n", nameColumns, "metric", "base", "head", "change", "95% interval", "verdict")
	aside := false
	for i := range r.Rows {
		row := &r.Rows[i]
		if !row.Decides && !aside {
			aside = true
			fmt.Fprintf(&b, "decides nothing:\n")
		}
		for _, line := range nameLines(row.Name) {
			fmt.Fprintln(&b, line)
		}
		fmt.Fprintf(&b, "%-*s %9s %9s %8s %18s  %s\n", nameColumns, lastPart(row.Name), row.show(row.Base), row.show(row.Head), percent(row.Ratio), interval(row.CI95), row.Verdict)
		for _, note := range row.notes() {
			fmt.Fprintf(&b, "  %s\n", note)
		}
	}
	fmt.Fprintf(&b, "\n%s\n", wrap(r.Headline(), 80))
	for _, warning := range r.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", warning)
	}
	if r.Record != "" {
		fmt.Fprintf(&b, "record: %s\n", r.Record)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// nameLines are the lines before that of the figures, for a long name.
func nameLines(name string) []string {
	if len([]rune(name)) <= nameColumns {
		return nil
	}
	return []string{name}
}

func lastPart(name string) string {
	if len([]rune(name)) > nameColumns {
		return ""
	}
	return name
}

// notes say what the columns do not.
func (r *Row) notes() []string {
	var out []string
	if r.Gate != nil {
		text := fmt.Sprintf("gate %s: %s", *r.Gate, r.Outcome)
		if r.Refused && r.Outcome != Noisy {
			text += ", refused: another metric's control fired"
		}
		out = append(out, text)
	}
	if c := r.Control; c.Fired {
		out = append(out, fmt.Sprintf("base against itself: %s %s, so that nothing is decided", percent(c.Ratio), interval(c.CI95)))
	}
	if r.First != nil {
		how := "not found again"
		switch {
		case r.Confirmed:
			how = "confirmed by a second measurement"
		case r.Control.Fired:
			how = "the second measurement was too noisy"
		}
		out = append(out, fmt.Sprintf("first %s %s %s: %s", r.First.Verdict, percent(r.First.Ratio), interval(r.First.CI95), how))
	}
	if r.Decides && r.Smallest != nil {
		text := fmt.Sprintf("a run varies by %.2f%%; smallest change to be seen %.2f%%", 100**r.Control.RunSD, 100**r.Smallest)
		if r.MoreRounds != nil {
			text += fmt.Sprintf("; %d more rounds would tell %.3g%%", *r.MoreRounds, 100*r.Delta)
		}
		out = append(out, text)
	}
	return out
}

// show scales a value to four digits with its unit.
func (r *Row) show(v float64) string {
	value, unit := v, r.Unit
	switch unit {
	case "ms":
		value, unit = v/1e3, "s"
	case "sec/op":
		unit = "s"
	case "B/op", "B/tx":
		unit = "B"
	case "allocs/op", "tx/s":
		unit = ""
	case "s/tx":
		unit = "s"
	}
	text := benchunit.Scale(value, benchunit.ClassOf(unit))
	if len(unit) <= 3 {
		text += unit
	}
	return text
}

func interval(ci *[2]float64) string {
	if ci == nil {
		return "n/a"
	}
	return fmt.Sprintf("[%s, %s]", signed(ci[0]-1), signed(ci[1]-1))
}

// wrap breaks a text at spaces into lines of n columns.
func wrap(text string, n int) string {
	var b strings.Builder
	column := 0
	for i, word := range strings.Fields(text) {
		size := len([]rune(word))
		switch {
		case i == 0:
		case column+1+size > n:
			b.WriteString("\n  ")
			column = 2
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += size
	}
	return b.String()
}

// clip shortens a text to n characters, in its middle.
func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	half := (n - 1) / 2
	return string(r[:n-1-half]) + "…" + string(r[len(r)-half:])
}

// Markdown returns the report as a comment for a pull request.
func (r *Report) Markdown() string {
	var b strings.Builder
	mark := map[Outcome]string{Pass: "✅", Fail: "❌", Undecided: "❔", Noisy: "🔇"}
	fmt.Fprintf(&b, "### weir ci: %s %s\n\n", mark[r.Outcome], cell(r.Headline()))
	b.WriteString("| metric | base | head | change | 95 % interval | p | verdict | gate |\n|---|--:|--:|--:|--:|--:|---|---|\n")
	for i := range r.Rows {
		row := &r.Rows[i]
		gate := "–"
		if row.Gate != nil {
			outcome, sign := string(row.Outcome), mark[row.Outcome]
			if row.Refused && row.Outcome != Noisy {
				outcome, sign = "refused ("+outcome+")", mark[Noisy]
			}
			gate = fmt.Sprintf("`%s` %s %s", strings.ReplaceAll(backticks(*row.Gate), "|", "\\|"), sign, outcome)
		}
		verdict := string(row.Verdict)
		if row.Verdict == Slower || row.Verdict == Faster {
			verdict = "**" + verdict + "**"
		}
		if !row.Decides {
			verdict += " (aside)"
		}
		p := "–"
		if row.PAdjusted != nil {
			p = fmt.Sprintf("%.3g", *row.PAdjusted)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", cell(row.Name), row.show(row.Base), row.show(row.Head),
			percent(row.Ratio), interval(row.CI95), p, verdict, gate)
	}
	b.WriteString("\n<details><summary>How this was measured</summary>\n\n")
	fmt.Fprintf(&b, "%d rounds of three processes (base, head, and base again as the control) in the order ABBA BAAB, the first round discarded, every answer verified. ", r.Rounds)
	b.WriteString("The change is the median of the rounds' ratios, its interval inverts the Wilcoxon signed-rank test, p is adjusted by Benjamini and Hochberg. ")
	b.WriteString("A change counts only if a second measurement finds it again.\n\n")
	fmt.Fprintf(&b, "- base: `%s`\n- head: `%s`\n- machine: %s\n", backticks(r.Base), backticks(r.Head), cell(r.Machine))
	for i := range r.Rows {
		for _, note := range r.Rows[i].notes() {
			fmt.Fprintf(&b, "- %s: %s\n", cell(r.Rows[i].Name), cell(note))
		}
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(&b, "- warning: %s\n", cell(w))
	}
	b.WriteString("\n</details>\n")
	return b.String()
}

// cell keeps a text inside a cell of a table.
func cell(s string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ", "<", "&lt;").Replace(s)
}

func backticks(s string) string { return strings.NewReplacer("`", "'", "\n", " ").Replace(s) }

// BenchText returns the runs of an arm as Go benchmark text, for benchstat: one
// line for each run that counts. base has its control runs too.
func (r *Report) BenchText(arm Arm) ([]byte, error) {
	var b bytes.Buffer
	w := benchfmt.NewWriter(&b)
	units := make(map[string]bool)
	for i := range r.Rows {
		row := &r.Rows[i]
		name, unit, bench := cutLast(row.Name, " ")
		if !bench {
			name, unit = "CI/metric="+strings.ReplaceAll(row.Name, " ", "_"), row.Unit
		}
		if unit == "" || strings.ContainsAny(unit, " \t") {
			unit = "value"
		}
		if !units[unit] && row.Better != Unknown {
			units[unit] = true
			key := benchfmt.UnitMetadataKey{Unit: unit, Key: "better"}
			if err := w.Write(&benchfmt.UnitMetadata{UnitMetadataKey: key, OrigUnit: unit, Value: string(row.Better)}); err != nil {
				return nil, fmt.Errorf("benchmark text: %w", err)
			}
		}
		samples := row.HeadSamples
		if arm != Head {
			samples = append(append([]float64(nil), row.BaseSamples...), row.ControlSamples...)
		}
		for _, x := range samples {
			if err := w.Write(&benchfmt.Result{Name: benchfmt.Name(name), Iters: 1, Values: []benchfmt.Value{{Value: x, Unit: unit}}}); err != nil {
				return nil, fmt.Errorf("benchmark text: %w", err)
			}
		}
	}
	return b.Bytes(), nil
}
