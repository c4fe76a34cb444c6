package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/bench/capacity"
)

const modelAuto = "auto"

// maxFitBytes bounds the file that fit reads.
const maxFitBytes = 16 << 20

type fitFlags struct {
	model, nColumn, xColumn string
	at, inverse             []float64
	think                   float64
	freeAlpha, json         bool
	loadOnly                bool // n is a load: auto leaves out the model over sizes
}

// loadModels are those that auto chooses among when n is known to be a load.
var loadModels = []string{capacity.ModelUSL, capacity.ModelAmdahl, capacity.ModelBounds}

func newFitCmd() *cobra.Command {
	var f fitFlags
	cmd := &cobra.Command{
		Use:   "fit FILE.csv",
		Short: "Fit scaling models to measured points, with intervals",
		Long: `fit reads points n,x (load or nodes or bytes, and throughput there) and fits

  usl      x = gamma n / (1 + alpha (n-1) + beta n (n-1))
  amdahl   the same with beta = 0
  bounds   x = min(n / r0, c), the asymptotic bounds
  payload  1/x = a + b s, with transaction sizes s in the place of n

by least squares, with 95 % intervals of Student's t. auto, the default, fits
all and chooses by the error at points left out of the fit. The USL alone
invents peaks: predictions beyond twice the measured range are stamped.

FILE.csv has a header; n and x are found by name, or are the two columns that
there are. A column r (response time, seconds) is held against Little's law.
The folder of weir run --sweep or weir import --out can be named instead, or the
import.json in it, and - is standard input.

Exit codes: 0 fitted, 2 the points cannot be read or fitted.`,
		Example: "  weir fit points.csv\n" +
			"  weir fit --model usl --json points.csv\n" +
			"  weir fit --model usl --at 200,400 --inverse 1500 points.csv\n" +
			"  weir fit --n-column cores sweep/points.csv",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return runFit(cmd, args[0], &f) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.model, "model", modelAuto, "auto, usl, amdahl, bounds or payload")
	fl.StringVar(&f.nColumn, "n-column", "", "column to take as n")
	fl.StringVar(&f.xColumn, "x-column", "", "column to take as x")
	fl.Float64SliceVar(&f.at, "at", nil, "predict x at these n")
	fl.Float64SliceVar(&f.inverse, "inverse", nil, "at which n are these x reached (usl, amdahl)")
	fl.Float64Var(&f.think, "think", 0, "think time of the clients in seconds, for Little's law")
	fl.BoolVar(&f.freeAlpha, "free-alpha", false, "let the USL's alpha be negative (superlinear data)")
	fl.BoolVar(&f.json, "json", false, "print one JSON object (weir.fit/1)")
	return cmd
}

func runFit(cmd *cobra.Command, path string, f *fitFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	path, data, err := readPoints(cmd.InOrStdin(), path)
	if err != nil {
		return err
	}
	table, err := f.table(path, data)
	if err != nil {
		return usagef("%w", err)
	}
	doc, err := f.fit(path, table)
	if err != nil {
		return usagef("%s: %w", path, err)
	}
	if f.json {
		return printJSON(cmd.OutOrStdout(), doc)
	}
	printFit(cmd.OutOrStdout(), doc)
	return nil
}

func (f *fitFlags) check() error {
	if f.model != modelAuto && !slices.Contains(capacity.Models, f.model) {
		return usagef("--model %q is none of %s, %s", f.model, modelAuto, strings.Join(capacity.Models, ", "))
	}
	if f.freeAlpha && f.model != capacity.ModelUSL {
		return usagef("--free-alpha is of the USL: add --model usl")
	}
	if !(f.think >= 0) || math.IsInf(f.think, 1) {
		return usagef("--think is %v, give seconds ≥ 0", f.think)
	}
	for _, v := range f.at {
		if !(v > 0) || math.IsInf(v, 1) {
			return usagef("--at %v: give finite numbers > 0", v)
		}
	}
	for _, v := range f.inverse {
		if !(v > 0) || math.IsInf(v, 1) {
			return usagef("--inverse %v: give finite throughputs > 0", v)
		}
	}
	return nil
}

// readPoints reads a file, standard input, or what a sweep left.
func readPoints(stdin io.Reader, path string) (name string, data []byte, err error) {
	in := stdin
	name = "standard input"
	if path != "-" {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			path = filepath.Join(path, "points.csv")
		}
		file, err := os.Open(path)
		if err != nil {
			return path, nil, usagef("%w; name a file of points or the folder of weir run --sweep", err)
		}
		defer file.Close()
		in, name = file, path
	}
	data, err = io.ReadAll(io.LimitReader(in, maxFitBytes+1))
	switch {
	case err != nil:
		return name, nil, usagef("%s: %w", name, err)
	case len(data) > maxFitBytes:
		return name, nil, usagef("%s is larger than %d bytes: it is no table of points", name, maxFitBytes)
	}
	return name, data, nil
}

// table reads a table of points, or what weir import wrote.
func (f *fitFlags) table(path string, data []byte) (capacity.Table, error) {
	if !isObject(data) {
		return capacity.ParsePoints(path, data, f.nColumn, f.xColumn)
	}
	if f.nColumn != "" || f.xColumn != "" {
		return capacity.Table{}, fmt.Errorf("%s has no columns to choose: leave out --n-column and --x-column", path)
	}
	f.loadOnly = true
	return importedTable(path, data)
}

// fit makes the document.
func (f *fitFlags) fit(path string, table capacity.Table) (*fitDoc, error) {
	doc := newFitDoc(path, table)
	var (
		best *capacity.Fit
		usl  *capacity.USL
		err  error
	)
	model := f.model
	if model == modelAuto {
		among := capacity.Models
		if f.loadOnly {
			among = loadModels
		}
		all, chosen, cerr := capacity.ChooseAmong(among, table.Points)
		if chosen < 0 {
			return nil, cerr
		}
		doc.addCandidates(among, all, chosen)
		model = among[chosen]
	}
	switch model {
	case capacity.ModelUSL:
		usl, err = capacity.FitUSL(table.Points, capacity.USLOptions{FreeAlpha: f.freeAlpha})
	case capacity.ModelAmdahl:
		usl, err = capacity.FitAmdahl(table.Points)
	default:
		best, err = capacity.FitModel(model, table.Points)
	}
	if err != nil {
		return nil, err
	}
	if usl != nil {
		best = &usl.Fit
		doc.addUSL(usl)
	} else if len(f.inverse) > 0 {
		return nil, errors.New("--inverse is of the models usl and amdahl: choose one with --model")
	}
	doc.addFit(best)
	doc.Warnings = append(doc.Warnings, capacity.Little(table.Points, f.think)...)
	for _, n := range f.at {
		doc.addPrediction(best, n)
	}
	for _, x := range f.inverse {
		low, high := usl.Inverse(x)
		doc.Inverse = append(doc.Inverse, fitInverse{X: x, NLow: low, NHigh: high})
	}
	return doc, nil
}
