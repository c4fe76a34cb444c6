package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chainweir/weir/bench/capacity"
	"github.com/chainweir/weir/results/importers"
)

// importName is the file of what was imported, in the folder of --out.
const importName = "import.json"

// minImportPoints is how many loads a model is fitted to by itself.
const minImportPoints = 3

// pointsOf are the loads of the runs whose load and throughput are known.
func pointsOf(runs []importers.Run) []importedPoint {
	var list []importedPoint
	for i := range runs {
		r := &runs[i]
		if n, how := r.Concurrency(); n != nil && r.CommittedTxPerSec != nil && *n > 0 {
			list = append(list, importedPoint{N: *n, X: *r.CommittedTxPerSec, Source: how, Run: i})
		}
	}
	return list
}

// tableOf is what a model is fitted to.
func tableOf(runs []importers.Run, points []importedPoint) capacity.Table {
	t := capacity.Table{NName: "n", XName: "x_tx_per_sec"}
	for _, p := range points {
		t.Points = append(t.Points, capacity.Point{N: p.N, X: p.X, R: turnSec(&runs[p.Run], p.Source)})
	}
	return t
}

// fitPoints fits models to the runs, when they are one series: the same system
// at several loads.
func (o *imported) fitPoints() {
	if o.fitReason = notASeries(o.Runs, o.Points); o.fitReason != "" {
		return
	}
	table := tableOf(o.Runs, o.Points)
	flags := fitFlags{model: modelAuto, loadOnly: true}
	doc, err := flags.fit("the runs", table)
	if err != nil {
		o.fitReason = lastPart(err.Error())
		return
	}
	o.fit = doc
}

// notASeries says why no curve goes through the points; empty: one may.
func notASeries(runs []importers.Run, points []importedPoint) string {
	loads := make(map[float64]bool)
	for _, p := range points {
		loads[p.N] = true
	}
	if len(loads) < minImportPoints {
		return fmt.Sprintf("load and throughput are known at %d different loads, a model needs %d", len(loads), minImportPoints)
	}
	for _, of := range []struct {
		what string
		is   func(p importedPoint) string
	}{
		{"format", func(p importedPoint) string { return runs[p.Run].Format }},
		{"number of nodes", func(p importedPoint) string { return knownInt(runs[p.Run].Nodes) }},
		{"transaction size", func(p importedPoint) string { return knownInt(runs[p.Run].TxBytes) }},
		{"meaning of n", func(p importedPoint) string { return p.Source }},
	} {
		for _, p := range points[1:] {
			if a, b := of.is(points[0]), of.is(p); a != b {
				return fmt.Sprintf("the runs differ in %s (%s and %s): import those that belong together alone", of.what, a, b)
			}
		}
	}
	return ""
}

func knownInt(v *int64) string {
	if v == nil {
		return "unknown"
	}
	return fmt.Sprint(*v)
}

func textOrNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// printFit is the fit in a few lines; weir fit has the rest. One run alone asks
// for no model.
func (o *imported) printFit(b *strings.Builder) {
	d := o.fit
	if d == nil {
		if len(o.Runs) > 1 {
			importWrap(b, "no fit: ", o.fitReason)
		}
		return
	}
	what := "transactions in the system, rate × mean latency"
	if o.Points[0].Source == "clients" {
		what = "clients"
	}
	parts := make([]string, 0, len(d.order))
	for _, name := range d.order {
		text := name + " " + figure(d.Params[name], "%.4g")
		if ci := d.CI95[name]; ci != nil {
			text += fmt.Sprintf(" [%.4g, %.4g]", ci[0], ci[1])
		}
		parts = append(parts, text)
	}
	text := fmt.Sprintf("%s, %s, over n = %.4g to %.4g (%s): %s", d.Model, d.Formula, d.NRange[0], d.NRange[1], what, strings.Join(parts, ", "))
	for _, m := range d.Models {
		if m.Chosen && m.CVShare != nil {
			text += fmt.Sprintf("; off by %.1f %% of x at points left out", 100**m.CVShare)
		}
	}
	importWrap(b, "fit: ", text)
	for _, warning := range d.Warnings {
		importWrap(b, "fit: warning: ", warning)
	}
}

func isObject(data []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) }

// importedTable reads the points of import.json.
func importedTable(path string, data []byte) (capacity.Table, error) {
	var doc struct {
		importers.Set
		Points []importedPoint `json:"points"`
	}
	var head struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(data, &head); err != nil || head.Schema != importers.Schema {
		return capacity.Table{}, fmt.Errorf("%s:1: this is a JSON object, such as a record has, and neither a table of points nor %s: one run is one point; weir run --sweep writes points.csv, weir import --out reads the results of other tools, and weir plan reads records", path, importers.Schema)
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return capacity.Table{}, fmt.Errorf("%s: %w", path, err)
	}
	for i, p := range doc.Points {
		if p.Run < 0 || p.Run >= len(doc.Runs) || !(p.N > 0) || !(p.X >= 0) {
			return capacity.Table{}, fmt.Errorf("%s: point %d (n %v, x %v, run %d of %d) is not one that weir import writes", path, i, p.N, p.X, p.Run, len(doc.Runs))
		}
	}
	if why := notASeries(doc.Runs, doc.Points); why != "" {
		return capacity.Table{}, fmt.Errorf("%s: %s", path, why)
	}
	return tableOf(doc.Runs, doc.Points), nil
}

// refuseImport is an error when path is what weir import wrote, which has no
// trials: its points are all there is of it.
func refuseImport(path, verb string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		if _, err := os.Stat(filepath.Join(path, "record.jsonl")); err == nil {
			return nil
		}
		path = filepath.Join(path, importName)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil // whoever reads it says what is wrong
	}
	defer file.Close()
	var head [256]byte
	n, _ := file.Read(head[:])
	schema := []byte(`"` + importers.Schema + `"`)
	if text := head[:n]; !isObject(text) || !bytes.Contains(text, schema) {
		return nil
	}
	return usagef("%s is what weir import wrote: it has other tools' sums and no trials, so there is nothing to %s; its lints are in it, weir fit and weir compare read it", path, verb)
}
