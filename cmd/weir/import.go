package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/results"
	"github.com/chainweir/weir/results/importers"
)

type importFlags struct {
	format, out string
	duration    time.Duration
	force, json bool
}

func newImportCmd() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import FILE...",
		Short: "Read the results of other tools",
		Long: `import reads what other load generators and harnesses wrote and says what it is
worth by weir's definitions: throughput is what was committed and valid per
second, failures are not in it. What a file does not say is unknown, never 0.
Each run's own figures are held against each other (failures in throughput,
load that was not sent, closed loops, Little's law, clocks that differ, means
without percentiles). A series of runs is looked at as one, and models of
throughput over load are fitted to three points and more, as weir fit does.

Formats (--format; found out from the file unless given):
  k6            k6 run --out json=FILE; a run per scenario; gzip too
  k6-summary    k6 run --summary-export FILE, or what handleSummary is given
  vegeta        vegeta report -type=json, or vegeta encode --to=json
  caliper       Hyperledger Caliper's report.html, or a log with its table
  loadtime      CometBFT loadtime report; with --duration for a throughput
  loadtime-csv  the CSV of loadtime report --csv
  hotstuff      SUMMARY blocks of the HotStuff and Narwhal harnesses

--out DIR writes import.json, points.csv (n,x,r; n transactions in the system, r
seconds each) and bench.txt (Go benchmark text, for benchstat). weir fit and
weir compare read the folder.`,
		Example: "  weir import report.html\n" +
			"  weir import --duration 90s loadtime.txt --json\n" +
			"  weir import vegeta-*.json --out imported && weir fit imported",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return runImport(cmd, args, f) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.format, "format", "", "what the files are, see above")
	fl.DurationVar(&f.duration, "duration", 0, "how long the load lasted, where the file does not say")
	fl.StringVar(&f.out, "out", "", "folder to write to")
	fl.BoolVar(&f.force, "force", false, "overwrite what is in --out")
	fl.BoolVar(&f.json, "json", false, "print one JSON object ("+importers.Schema+")")
	return cmd
}

// imported is what --json prints and import.json holds.
type imported struct {
	importers.Set
	Lints  []importers.Lint `json:"lints"` // of the runs together
	Points []importedPoint  `json:"points"`

	fit       *fitDoc // nil: fitReason says why
	fitReason string
}

// importedPoint is what a model is fitted to.
type importedPoint struct {
	N      float64 `json:"n"`
	X      float64 `json:"x_tx_per_sec"`
	Source string  `json:"n_source"` // clients, or little: n = x × mean latency
	Run    int     `json:"run"`      // index in runs
}

func runImport(cmd *cobra.Command, files []string, f importFlags) error {
	if f.duration < 0 {
		return usagef("--duration is %v, give how long the load lasted, such as 90s", f.duration)
	}
	out := imported{Lints: []importers.Lint{}, Points: []importedPoint{}}
	for _, file := range files {
		set, err := importers.ReadFile(file, importers.Options{Format: f.format, DurationSec: f.duration.Seconds()})
		if err != nil {
			return usagef("%w", err)
		}
		out.Runs = append(out.Runs, set.Runs...)
		out.Warnings = append(out.Warnings, set.Warnings...)
	}
	out.Lints = append(out.Lints, importers.LintSet(out.Runs)...)
	out.Points = append(out.Points, pointsOf(out.Runs)...)
	out.fitPoints()
	if f.out != "" {
		if err := out.write(f.out, f.force); err != nil {
			return usagef("%w", err)
		}
	}
	if f.json {
		return printJSON(cmd.OutOrStdout(), out.object())
	}
	return out.print(cmd.OutOrStdout())
}

// object is the set with the parts that this command adds; an embedded type with
// an encoder of its own would hide them.
func (o *imported) object() any {
	if o.Runs == nil {
		o.Runs = []importers.Run{}
	}
	if o.Warnings == nil {
		o.Warnings = []string{}
	}
	return struct {
		Schema   string           `json:"schema"`
		Runs     []importers.Run  `json:"runs"`
		Points   []importedPoint  `json:"points"`
		Lints    []importers.Lint `json:"lints"`
		Fit      *fitDoc          `json:"fit"`
		FitWhy   *string          `json:"fit_reason"` // why there is no fit
		Warnings []string         `json:"warnings"`
	}{importers.Schema, o.Runs, o.Points, o.Lints, o.fit, textOrNil(o.fitReason), o.Warnings}
}

// write puts the files into dir: all of them or, when one is there already and
// force is false, none.
func (o *imported) write(dir string, force bool) error {
	var object, points, bench bytes.Buffer
	if err := printJSON(&object, o.object()); err != nil {
		return err
	}
	points.WriteString("n,x,r\n")
	for _, p := range o.Points {
		r := ""
		if sec := turnSec(&o.Runs[p.Run], p.Source); sec != nil {
			r = strconv.FormatFloat(*sec, 'g', -1, 64)
		}
		fmt.Fprintf(&points, "%v,%v,%s\n", p.N, p.X, r)
	}
	if err := importers.WriteBench(&bench, o.Runs); err != nil {
		return err
	}
	files := []struct {
		name string
		data *bytes.Buffer
	}{{importName, &object}, {"points.csv", &points}, {"bench.txt", &bench}}
	for _, f := range files {
		if err := mayWrite("--out", filepath.Join(dir, f.name), force); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	for _, f := range files {
		if err := results.WriteFileAtomic(filepath.Join(dir, f.name), f.data.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// turnSec is the response time in seconds that belongs to n: of a client's whole
// turn where n counts clients, so that think time is in it. Nil: not known.
func turnSec(r *importers.Run, source string) *float64 {
	ms := r.LatencyMS.Mean
	if source == "clients" && r.IterationMS != nil {
		ms = r.IterationMS
	}
	if ms == nil {
		return nil
	}
	sec := *ms / 1e3
	return &sec
}

// print shows a line per run, then what is wrong.
func (o *imported) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%-3s %-22s %9s %9s %9s %7s %7s %7s\n", "run", "name", "offered", "reported", "committed", "failed", "mean", "p99")
	fmt.Fprintf(&b, "%-3s %-22s %9s %9s %9s %7s %7s %7s\n", "", "", "tx/s", "tx/s", "tx/s", "", "ms", "ms")
	for i := range o.Runs {
		r := &o.Runs[i]
		name := r.Name
		if name == "" {
			name = filepath.Base(r.File)
		}
		failed := "-"
		if r.Failed != nil {
			failed = importNumber(float64(*r.Failed))
		}
		offered := r.OfferedTxPerSec
		if offered == nil {
			offered = r.SentTxPerSec
		}
		fmt.Fprintf(&b, "%-3d %-22s %9s %9s %9s %7s %7s %7s\n", i+1, importClip(name, 22), importKnown(offered), importKnown(r.ReportedTxPerSec),
			importKnown(r.CommittedTxPerSec), failed, importKnown(r.LatencyMS.Mean), importKnown(r.LatencyMS.P99))
	}
	fmt.Fprintln(&b)
	printed := make(map[string]bool)
	o.printLints(&b)
	for _, l := range o.Lints {
		importWrap(&b, "all runs: ", l.Text)
	}
	o.printFit(&b)
	for i := range o.Runs {
		for _, note := range o.Runs[i].Notes {
			if !printed[note] {
				printed[note] = true
				importWrap(&b, "note: ", note)
			}
		}
	}
	for _, text := range o.Warnings {
		importWrap(&b, "warning: ", text)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// printLints shows each kind once, with the runs it was found in and the words
// of the first.
func (o *imported) printLints(b *strings.Builder) {
	where := make(map[string][]int)
	var order []importers.Lint
	differ := make(map[string]bool)
	for i := range o.Runs {
		for _, l := range o.Runs[i].Lints {
			if where[l.Code] == nil {
				order = append(order, l)
			}
			where[l.Code] = append(where[l.Code], i+1)
			for _, first := range order {
				differ[l.Code] = differ[l.Code] || first.Code == l.Code && first.Text != l.Text
			}
		}
	}
	for _, l := range order {
		text := l.Text
		if differ[l.Code] {
			text += fmt.Sprintf(" (the figures of run %d)", where[l.Code][0])
		}
		importWrap(b, runList(where[l.Code])+": ", text)
	}
}

// runList names runs, whose numbers rise: run 3, or runs 1-4, 7.
func runList(list []int) string {
	if len(list) == 1 {
		return fmt.Sprintf("run %d", list[0])
	}
	var parts []string
	for i := 0; i < len(list); {
		j := i
		for j+1 < len(list) && list[j+1] == list[j]+1 {
			j++
		}
		if parts = append(parts, strconv.Itoa(list[i])); j > i {
			parts[len(parts)-1] += "-" + strconv.Itoa(list[j])
		}
		i = j + 1
	}
	return "runs " + strings.Join(parts, ", ")
}

// importKnown prints a value in seven columns, or - when it is not known.
func importKnown(v *float64) string {
	if v == nil {
		return "-"
	}
	return importNumber(*v)
}

func importNumber(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1e9:
		return fmt.Sprintf("%.3g", v)
	case a >= 1e6:
		return fmt.Sprintf("%.2fM", v/1e6)
	case a >= 1e5:
		return fmt.Sprintf("%.1fk", v/1e3)
	case a >= 1000 || v == math.Trunc(v):
		return fmt.Sprintf("%.0f", v)
	case a >= 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// importClip shortens a text to n columns and keeps control characters of a foreign
// file off the terminal.
func importClip(s string, n int) string {
	s = strings.Map(printable, s)
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// importWrap writes a text below its head, within helpColumns.
func importWrap(b *strings.Builder, head, text string) {
	line := head
	for _, word := range strings.Fields(strings.Map(printable, text)) {
		if len([]rune(line))+1+len([]rune(word)) > helpColumns && strings.TrimSpace(line) != "" {
			fmt.Fprintln(b, strings.TrimRight(line, " "))
			line = "  "
		}
		if !strings.HasSuffix(line, " ") {
			line += " "
		}
		line += word
	}
	fmt.Fprintln(b, strings.TrimRight(line, " "))
}
