package main

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/chainweir/weir/bench/capacity"
)

// fitDoc is the object of weir fit --json. alpha, beta and gamma, the peak and
// the limit are null for models without them.
type fitDoc struct {
	Schema  string `json:"schema"`
	File    string `json:"file"`
	Model   string `json:"model"`
	Formula string `json:"formula"`
	Method  string `json:"method"`

	Alpha  *float64               `json:"alpha"`
	Beta   *float64               `json:"beta"`
	Gamma  *float64               `json:"gamma"`
	Params map[string]*float64    `json:"params"`
	SE     map[string]*float64    `json:"se"`
	CI95   map[string]*[2]float64 `json:"ci95"`

	PeakN            *float64 `json:"peak_n"`
	PeakX            *float64 `json:"peak_x"`
	PeakExtrapolated *bool    `json:"peak_extrapolated"`
	LimitX           *float64 `json:"limit_x"`

	RSE     float64    `json:"rse"`
	R2      *float64   `json:"r2"`
	DF      int        `json:"df"`
	Points  int        `json:"points"`
	NRange  [2]float64 `json:"n_range"`
	NColumn string     `json:"n_column"`
	XColumn string     `json:"x_column"`

	AtBound     []string        `json:"at_bound"`
	Warnings    []string        `json:"warnings"`
	Models      []fitCandidate  `json:"models"` // with --model auto, the error of each
	Predictions []fitPrediction `json:"predictions"`
	Inverse     []fitInverse    `json:"inverse"`

	order []string // of the parameters
	rows  []fitRow
}

// fitCandidate is one model of --model auto.
type fitCandidate struct {
	Model   string   `json:"model"`
	CVError *float64 `json:"cv_error"` // root mean square at points left out, unit of x
	CVShare *float64 `json:"cv_share"` // the same ÷ root mean square of x
	RSE     *float64 `json:"rse"`
	Chosen  bool     `json:"chosen"`
	Reason  *string  `json:"reason"` // why there is no fit
}

// fitPrediction has 95 % intervals of the curve and of one more measurement.
type fitPrediction struct {
	N            float64     `json:"n"`
	X            float64     `json:"x"`
	CI95         *[2]float64 `json:"ci95"`
	PI95         *[2]float64 `json:"pi95"`
	Factor       float64     `json:"factor"` // how far outside the measured n; 1: inside
	Extrapolated bool        `json:"extrapolated"`
}

// fitInverse are the loads at which a throughput is reached.
type fitInverse struct {
	X     float64  `json:"x"`
	NLow  *float64 `json:"n_low"`  // on the way up
	NHigh *float64 `json:"n_high"` // on the way down, behind the peak
}

type fitRow struct{ n, x, model float64 }

func newFitDoc(path string, t capacity.Table) *fitDoc {
	d := &fitDoc{
		Schema: "weir.fit/1", File: path, Points: len(t.Points), NColumn: t.NName, XColumn: t.XName,
		Params: map[string]*float64{}, SE: map[string]*float64{}, CI95: map[string]*[2]float64{},
		AtBound: []string{}, Warnings: []string{}, Models: []fitCandidate{}, Predictions: []fitPrediction{}, Inverse: []fitInverse{},
	}
	for _, p := range t.Points {
		d.rows = append(d.rows, fitRow{n: p.N, x: p.X})
	}
	return d
}

func (d *fitDoc) addCandidates(models []string, all []capacity.Candidate, chosen int) {
	for i, c := range all {
		row := fitCandidate{Model: models[i], Chosen: i == chosen}
		if c.Fit != nil {
			row.RSE = finite(c.Fit.RSE)
		}
		if c.Err != nil {
			reason := c.Err.Error()
			row.Reason = &reason
		} else {
			row.CVError, row.CVShare = finite(c.CVError), finite(c.CVShare)
		}
		d.Models = append(d.Models, row)
	}
}

func (d *fitDoc) addUSL(u *capacity.USL) {
	d.Alpha, d.Gamma, d.Beta = &u.Alpha, &u.Gamma, &u.Beta
	d.PeakN, d.PeakX, d.LimitX = u.PeakN, u.PeakX, u.LimitX
	if u.PeakN != nil {
		d.PeakExtrapolated = &u.PeakExtrapolated
	}
}

func (d *fitDoc) addFit(f *capacity.Fit) {
	d.Model, d.Formula, d.Method = f.Model, f.Formula, f.Method
	d.RSE, d.DF, d.NRange = f.RSE, f.DF, [2]float64{f.MinN, f.MaxN}
	d.R2 = finite(f.R2)
	for _, p := range f.Params {
		d.order = append(d.order, p.Name)
		d.Params[p.Name], d.SE[p.Name], d.CI95[p.Name] = p.Value, p.SE, p.CI95
	}
	d.AtBound = f.AtBound()
	d.Warnings = append(d.Warnings, f.Warnings...)
	for i := range d.rows {
		d.rows[i].model = f.Predict(d.rows[i].n)
	}
}

func (d *fitDoc) addPrediction(f *capacity.Fit, n float64) {
	p := f.At(n)
	pair := func(i *capacity.Interval) *[2]float64 {
		if i == nil || math.IsNaN(i.Low+i.High) || math.IsInf(i.Low, 0) || math.IsInf(i.High, 0) {
			return nil
		}
		return &[2]float64{i.Low, i.High}
	}
	d.Predictions = append(d.Predictions, fitPrediction{
		N: p.N, X: p.X, CI95: pair(p.Mean), PI95: pair(p.Single), Factor: p.Factor, Extrapolated: p.Extrapolated,
	})
	if p.Extrapolated {
		d.Warnings = append(d.Warnings, fmt.Sprintf("n = %v lies %.4g times outside the measured range (%v to %v): the model is believed there, not the points", n, p.Factor, f.MinN, f.MaxN))
	}
}

// finite is nil for what JSON has no number for.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

func printFit(w io.Writer, d *fitDoc) {
	fmt.Fprintf(w, "%s: %d points, %s from %.6g to %.6g\n\n", d.File, d.Points, d.NColumn, d.NRange[0], d.NRange[1])
	if len(d.Models) > 0 {
		fmt.Fprintf(w, "%-10s %14s %9s\n", "model", "error left out", "of x")
		for _, m := range d.Models {
			mark := ""
			if m.Chosen {
				mark = "  <- chosen"
			}
			if m.Reason != nil {
				fmt.Fprintf(w, "%-10s no fit: %s\n", m.Model, lastPart(*m.Reason))
				continue
			}
			fmt.Fprintf(w, "%-10s %14s %8s%%%s\n", m.Model, figure(m.CVError, "%.5g"), figure(scaledBy(m.CVShare, 100), "%.2f"), mark)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "%s: %s\n\n%-8s %14s %14s   %s\n", d.Model, d.Formula, "", "value", "std error", "95 % interval")
	for _, name := range d.order {
		ci := "none"
		if c := d.CI95[name]; c != nil {
			ci = fmt.Sprintf("[%.6g, %.6g]", c[0], c[1])
		}
		fmt.Fprintf(w, "%-8s %14s %14s   %s\n", name, figure(d.Params[name], "%.9g"), figure(d.SE[name], "%.4g"), ci)
	}
	fmt.Fprintf(w, "\nrse %.6g · R² %s · %d degrees of freedom\n", d.RSE, figure(d.R2, "%.5f"), d.DF)
	switch {
	case d.PeakN != nil && *d.PeakExtrapolated:
		fmt.Fprintf(w, "peak at n = %.8g: x = %.10g (extrapolated)\n", *d.PeakN, *d.PeakX)
	case d.PeakN != nil:
		fmt.Fprintf(w, "peak at n = %.8g: x = %.10g\n", *d.PeakN, *d.PeakX)
	}
	if d.LimitX != nil {
		fmt.Fprintf(w, "limit without coherency cost: x = %.7g\n", *d.LimitX)
	}
	printFitRows(w, d)
	for _, t := range append([]string{"method: " + d.Method}, prefixed("warning: ", d.Warnings)...) {
		printWrapped(w, t, helpColumns)
	}
}

// maxFitRows is how many points are shown beside the curve.
const maxFitRows = 20

func printFitRows(w io.Writer, d *fitDoc) {
	fmt.Fprintf(w, "\n%12s %14s %14s %8s\n", d.NColumn, d.XColumn, "model", "off by")
	for i, r := range d.rows {
		if i == maxFitRows {
			fmt.Fprintf(w, "%12s and %d more\n", "…", len(d.rows)-maxFitRows)
			break
		}
		off := "unknown"
		if r.x > 0 {
			off = fmt.Sprintf("%+.1f %%", 100*(r.model/r.x-1))
		}
		fmt.Fprintf(w, "%12.6g %14.6g %14.6g %8s\n", r.n, r.x, r.model, off)
	}
	for _, p := range d.Predictions {
		text := "no interval"
		if p.CI95 != nil {
			text = fmt.Sprintf("curve [%.5g, %.5g]", p.CI95[0], p.CI95[1])
		}
		if p.PI95 != nil {
			text += fmt.Sprintf(", a run [%.5g, %.5g]", p.PI95[0], p.PI95[1])
		}
		if p.Extrapolated {
			text += fmt.Sprintf("\n%27s  EXTRAPOLATED %.4g times beyond the points", "", p.Factor)
		}
		fmt.Fprintf(w, "%12.6g %14.6g  %s\n", p.N, p.X, text)
	}
	for _, i := range d.Inverse {
		fmt.Fprintf(w, "x = %.6g at n = %s going up, %s going down\n", i.X, figure(i.NLow, "%.6g"), figure(i.NHigh, "%.6g"))
	}
	fmt.Fprintln(w)
}

// lastPart is an error without the sentinel and the prefix before it.
func lastPart(s string) string {
	if i := strings.LastIndex(s, "bad points: "); i >= 0 {
		return s[i+len("bad points: "):]
	}
	return s
}

func scaledBy(v *float64, by float64) *float64 {
	if v == nil {
		return nil
	}
	x := *v * by
	return &x
}

func prefixed(with string, list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = with + s
	}
	return out
}

// printWrapped breaks a text at words, and sets the lines after the first in.
func printWrapped(w io.Writer, text string, columns int) {
	const indent = "  "
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case len([]rune(line))+1+len([]rune(word)) > columns:
			fmt.Fprintln(w, line)
			line = indent + word
		default:
			line += " " + word
		}
	}
	fmt.Fprintln(w, line)
}
