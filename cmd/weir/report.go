package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/bench/report"
	"github.com/chainweir/weir/results"
)

// reportName is the report beside a record.
const reportName = "report.html"

type reportFlags struct {
	out, figures string
	force, json  bool
}

// reportResult is the object of weir report --json.
type reportResult struct {
	Schema   string         `json:"schema"`
	Record   string         `json:"record"`
	Report   string         `json:"report"`
	Bytes    int            `json:"bytes"`
	Valid    bool           `json:"valid"`
	Warnings []string       `json:"warnings"`
	Figures  []reportFigure `json:"figures"`
}

type reportFigure struct {
	ID     string             `json:"id"`
	Title  string             `json:"title"`
	XLabel string             `json:"x_label"`
	YLabel string             `json:"y_label"`
	SVG    results.NullString `json:"svg"` // paths; null when --figures was not given
	PNG    results.NullString `json:"png"`
}

func newReportCmd() *cobra.Command {
	var f reportFlags
	cmd := &cobra.Command{
		Use:   "report RECORD",
		Short: "Write a record as one HTML file with its figures",
		Long: `report turns a record (record.jsonl, or the folder of a run) into one HTML file
that needs nothing else: no network, no scripts. The verdict stands first, then
throughput and latency, the wire, the resources, the models, the machine with
its warnings, and the method. The same record always gives the same bytes.

The file is report.html beside the record; --out names another, - is stdout.
--figures writes each figure as SVG and as PNG into a folder. Files that exist
are kept unless --force is given; one with the same content is left as it is.

Exit codes: 0 written, 2 the record cannot be read or a file not be written,
3 written, but the run is invalid or did not come to its end: the report says
so in a banner.`,
		Example: "  weir report weir-runs/2026-11-21T120000Z-host\n" +
			"  weir report record.jsonl --out knee.html --figures figures",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return runReport(cmd, args[0], &f) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.out, "out", "", "file to write, - for stdout (default report.html beside the record)")
	fl.StringVar(&f.figures, "figures", "", "folder for the figures as SVG and PNG")
	fl.BoolVar(&f.force, "force", false, "overwrite files that exist")
	fl.BoolVar(&f.json, "json", false, "print one JSON object (weir.report/1)")
	return cmd
}

func runReport(cmd *cobra.Command, path string, f *reportFlags) error {
	if err := refuseImport(path, "report"); err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, "record.jsonl")
	}
	if f.out == "" {
		f.out = filepath.Join(filepath.Dir(path), reportName)
	}
	if f.out == "-" && f.json {
		return usagef("--out - writes the report on stdout, where --json prints: name a file")
	}
	if sameFile(f.out, path) {
		return usagef("--out %s is the record itself: name another file", f.out)
	}
	rec, err := results.ReadValidPart(path, true)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		return usagef("%w; name a record.jsonl or the folder of a run", err)
	} else if err != nil {
		return usagef("%w", err)
	}
	html, err := report.Of(rec, report.Options{Raw: rawLink(f.out, path)})
	if err != nil {
		return usagef("%s: %w", path, err)
	}
	files, list, err := reportFiles(&html, f)
	if err != nil {
		return usagef("%w", err)
	}
	if f.out == "-" {
		if _, err := cmd.OutOrStdout().Write(html.Page); err != nil {
			return usagef("cannot write the report: %w", err)
		}
	}
	if err := writeReportFiles(files, f); err != nil {
		return err
	}
	res := reportResult{
		Schema: "weir.report/1", Record: path, Report: f.out, Bytes: len(html.Page), Valid: html.Valid,
		Warnings: append([]string{}, html.Warnings...), Figures: list,
	}
	switch {
	case f.json:
		err = printJSON(cmd.OutOrStdout(), res)
	case f.out != "-":
		err = printReport(cmd, &res, f)
	}
	switch {
	case err != nil:
		return err
	case !html.Valid:
		return inconclusivef("the report was written; the run is invalid or partial, and its banner says so")
	}
	return nil
}

func printReport(cmd *cobra.Command, r *reportResult, f *reportFlags) error {
	w := cmd.OutOrStdout()
	if _, err := fmt.Fprintf(w, "%s  %d figures, %d KB\n", r.Report, len(r.Figures), (r.Bytes+999)/1000); err != nil {
		return err
	}
	if f.figures == "" {
		return nil
	}
	for _, g := range r.Figures {
		if _, err := fmt.Fprintf(w, "  %-46s %s.{svg,png}\n", g.Title, filepath.Join(f.figures, g.ID)); err != nil {
			return err
		}
	}
	return nil
}

// reportFile is one file to be written.
type reportFile struct {
	path string
	data []byte
}

// reportFiles are the report and, with --figures, its figures.
func reportFiles(html *report.HTML, f *reportFlags) (files []reportFile, list []reportFigure, err error) {
	if f.out != "-" {
		files = append(files, reportFile{f.out, html.Page})
	}
	for i := range html.Figures {
		g := &html.Figures[i]
		entry := reportFigure{ID: g.ID, Title: g.Title, XLabel: g.XLabel, YLabel: g.YLabel}
		if f.figures != "" {
			svg, png := filepath.Join(f.figures, g.ID+".svg"), filepath.Join(f.figures, g.ID+".png")
			entry.SVG, entry.PNG = results.NullString(svg), results.NullString(png)
			dots, err := g.PNG()
			if err != nil {
				return nil, nil, err
			}
			files = append(files, reportFile{svg, g.SVG()}, reportFile{png, dots})
		}
		list = append(list, entry)
	}
	return files, list, nil
}

// writeReportFiles looks at all files before it writes any.
func writeReportFiles(files []reportFile, f *reportFlags) error {
	var todo []reportFile
	for _, file := range files {
		old, err := os.ReadFile(file.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			todo = append(todo, file)
		case err != nil:
			return usagef("cannot write %s: %w", file.path, err)
		case string(old) == string(file.data):
			// It is what would be written.
		case f.force:
			todo = append(todo, file)
		default:
			return usagef("%s exists and differs: give --force to overwrite it, or another --out or --figures", file.path)
		}
	}
	if f.figures != "" {
		if err := os.MkdirAll(f.figures, 0o755); err != nil {
			return usagef("cannot make the folder of the figures: %w", err)
		}
	}
	for _, file := range todo {
		if err := results.WriteFileAtomic(file.path, file.data, 0o644); err != nil {
			return usagef("%w", err)
		}
	}
	return nil
}

// writeRunReport puts the report beside the record in a run's folder. sum replaces
// the record's summary where a series knows more than it; nil keeps it. A run that
// ended before its first trial has nothing to show.
func writeRunReport(dir string, sum *results.Summary) error {
	rec, err := results.ReadFile(filepath.Join(dir, "record.jsonl"), true)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	return writeReportOf(dir, rec, sum, "./record.jsonl")
}

func writeReportOf(dir string, rec results.Record, sum *results.Summary, raw string) error {
	if sum != nil {
		rec.Summary = sum
	}
	html, err := report.Of(rec, report.Options{Raw: raw})
	if errors.Is(err, report.ErrEmpty) {
		return nil
	} else if err != nil {
		return err
	}
	return results.WriteFileAtomic(filepath.Join(dir, reportName), html.Page, 0o644)
}

// writeSeriesReports writes the report of each record of a series; sum is that of
// the whole, which stands on the first one's.
func writeSeriesReports(dir string, sum *results.Summary) error {
	names, err := filepath.Glob(filepath.Join(dir, "*", "record.jsonl"))
	if err != nil {
		return err // a folder whose name is no pattern
	}
	slices.Sort(names)
	for i, name := range names {
		point := filepath.Dir(name)
		if err := writeRunReport(point, nil); err != nil {
			return err
		}
		if i > 0 || sum == nil {
			continue
		}
		rec, err := results.ReadFile(name, true)
		if err != nil {
			return err
		}
		if err := writeReportOf(dir, rec, sum, "./"+filepath.Base(point)+"/record.jsonl"); err != nil {
			return err
		}
	}
	return nil
}

// rawLink leads from the report to the record; empty when there is no way that
// would work for others.
func rawLink(out, record string) string {
	if out == "-" {
		return ""
	}
	from, err := filepath.Abs(filepath.Dir(out))
	if err != nil {
		return ""
	}
	to, err := filepath.Abs(record)
	if err != nil {
		return ""
	}
	rel, err := filepath.Rel(from, to)
	if err != nil {
		return ""
	}
	rel = filepath.ToSlash(rel)
	if !strings.HasPrefix(rel, "../") {
		rel = "./" + rel // else a name with a colon would be read as a scheme
	}
	return rel
}

func sameFile(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(x, y)
}
