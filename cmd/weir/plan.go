package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chainweir/weir/bench/netlab"
	"github.com/chainweir/weir/bench/plan"
	"github.com/chainweir/weir/results"
)

type planFlags struct {
	nodes                               int
	cores                               float64
	link, rate, size, headroom, spreads string
	faster                              []string
	force, json                         bool
}

func newPlanCmd() *cobra.Command {
	var f planFlags
	cmd := &cobra.Command{
		Use:   "plan RECORD...",
		Short: "What-if: can these nodes, cores and links carry a rate",
		Long: `plan answers: can N nodes on link L with C cores carry R tx/s of S bytes?
It computes walls from measured demands by role and resource, names the first
and the next one and the cheapest change that lifts the first, shows how the
answer moves with each setting, and what a faster hash kernel would gain. What
was not asked is taken from the record with the most alike transaction size.

RECORD is a record.jsonl, the folder of a run, or of a series (weir run --sweep
or --validate), whose records are used together: several sizes or numbers of
cores turn assumptions into fits. What is assumed is said, predictions beyond
twice what was measured are stamped, and the model's error on its own records is
printed. docs/capacity.md explains the method.

Exit codes: 0 the rate is carried (or none was asked for), 1 it is not,
2 bad arguments or records, 3 a record is invalid or incomplete.`,
		Example: "  weir plan weir-runs/2026-11-21T120000Z-host --link 1gbit\n" +
			"  weir plan RECORD --nodes 16 --link 1gbit --cores 8 \\\n" +
			"    --rate 20k --size 500 --headroom 20%\n" +
			"  weir plan RECORD --faster hashing=2,signatures=1.5\n" +
			"  weir plan sweep --link 10gbit --json",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return runPlan(cmd, args, &f) },
	}
	fl := cmd.Flags()
	fl.IntVar(&f.nodes, "nodes", 0, "number of nodes (default: the record's)")
	fl.Float64Var(&f.cores, "cores", 0, "cores of each node (default: the record's)")
	fl.StringVar(&f.link, "link", "", "nominal rate of each node's link, such as 1gbit")
	fl.StringVar(&f.rate, "rate", "", "transactions per second that are wanted, such as 20k")
	fl.StringVar(&f.size, "size", "", "encoded bytes of a transaction, such as 500 or 2k (k = 1024)")
	fl.StringVar(&f.headroom, "headroom", "20%", "share of the wall that must stay free")
	fl.StringVar(&f.spreads, "dissemination", plan.SingleLeader, "leader: one node sends to all others;\nevery: each node sends its own clients' transactions")
	fl.StringSliceVar(&f.faster, "faster", nil, "parts of the processor's work made faster, such as hashing=2")
	fl.BoolVar(&f.force, "force", false, "use invalid records, and records of different machines")
	fl.BoolVar(&f.json, "json", false, "print one JSON object (weir.plan/1)")
	return cmd
}

// question reads the flags.
func (f *planFlags) question(cmd *cobra.Command) (q plan.Question, err error) {
	q = plan.Question{Nodes: f.nodes, Cores: f.cores, Dissemination: f.spreads, Force: f.force}
	changed := cmd.Flags().Changed
	if changed("nodes") && f.nodes < 1 {
		return q, usagef("--nodes is %d, want 1 or more", f.nodes)
	}
	if changed("cores") && !(f.cores > 0) {
		return q, usagef("--cores is %v, want a number > 0", f.cores)
	}
	if f.link != "" {
		bits, err := netlab.ParseRate(f.link)
		if err != nil {
			return q, usagef("--link: %w", err)
		}
		q.LinkBits = float64(bits)
	}
	if f.rate != "" {
		if q.RateTxPerSec, err = scaledNumber(f.rate, 1000); err != nil {
			return q, usagef("--rate: %w", err)
		}
	}
	if f.size != "" {
		if q.TxBytes, err = scaledNumber(f.size, 1024); err != nil {
			return q, usagef("--size: %w", err)
		}
	}
	if q.Headroom, err = shareOf(f.headroom); err != nil {
		return q, usagef("--headroom: %w", err)
	}
	q.Faster = map[string]float64{}
	for _, text := range f.faster {
		name, factor, ok := strings.Cut(text, "=")
		k, perr := strconv.ParseFloat(strings.TrimSpace(factor), 64)
		if !ok || perr != nil || !(k > 0) || math.IsInf(k, 1) {
			return q, usagef("--faster %q: write PART=FACTOR, such as hashing=2", text)
		}
		q.Faster[strings.TrimSpace(name)] = k
	}
	return q, nil
}

// scaledNumber reads a number > 0 with an optional k, M or G.
func scaledNumber(text string, kilo float64) (float64, error) {
	num, unit := strings.TrimSpace(text), 1.0
	for i, suffix := range []string{"k", "m", "g"} {
		if cut, ok := strings.CutSuffix(strings.ToLower(num), suffix); ok {
			num, unit = cut, math.Pow(kilo, float64(i+1))
			break
		}
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(num), 64)
	if err != nil || !(v > 0) || math.IsInf(v*unit, 1) {
		return 0, fmt.Errorf("%q is not a number > 0 such as 500 or 20k", text)
	}
	return v * unit, nil
}

// shareOf reads 20%, 20 or 0.2.
func shareOf(text string) (float64, error) {
	num, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(num), 64)
	if percent || v >= 1 {
		v /= 100
	}
	if err != nil || !(v >= 0 && v <= 0.99) {
		return 0, fmt.Errorf("%q is not a share from 0%% to 99%%, such as 20%%", text)
	}
	return v, nil
}

func runPlan(cmd *cobra.Command, paths []string, f *planFlags) error {
	q, err := f.question(cmd)
	if err != nil {
		return err
	}
	for _, path := range paths {
		if err := refuseImport(path, "plan with"); err != nil {
			return err
		}
	}
	sources, notes, err := planSources(paths)
	if err != nil {
		return err
	}
	p, err := plan.Make(sources, q)
	switch {
	case errors.Is(err, plan.ErrInvalid), errors.Is(err, plan.ErrUnknown):
		return inconclusivef("%w", err)
	case err != nil:
		return usagef("%w", err)
	}
	p.Warnings = append(p.Warnings, notes...)
	if f.json {
		err = printJSON(cmd.OutOrStdout(), p)
	} else {
		printPlan(cmd.OutOrStdout(), p)
	}
	if err == nil && p.Feasible != nil && !*p.Feasible {
		return failf("no: %.0f tx/s are more than the %.0f that this plan carries", q.RateTxPerSec, p.MaxTx)
	}
	return err
}

// maxPlanRecords bounds what one plan reads.
const maxPlanRecords = 256

// planSources reads records: files, folders of runs, and folders of series.
func planSources(paths []string) (sources []plan.Source, notes []string, err error) {
	for _, path := range paths {
		files, err := recordFiles(path)
		if err != nil {
			return nil, nil, err
		}
		for _, file := range files {
			if len(sources) == maxPlanRecords {
				return nil, nil, usagef("more than %d records: name fewer", maxPlanRecords)
			}
			rec, err := results.ReadValidPart(file, false)
			if err != nil {
				return nil, nil, usagef("%w", err)
			}
			name := strings.TrimSuffix(strings.TrimSuffix(file, "record.jsonl"), string(filepath.Separator))
			// One point of a series that could not tell does not spoil the others.
			if len(files) > 1 && (rec.Summary == nil || !rec.Summary.Valid) {
				notes = append(notes, name+": inconclusive, left out")
				continue
			}
			sources = append(sources, plan.Source{Name: name, Record: rec})
		}
	}
	if len(sources) == 0 {
		return nil, nil, inconclusivef("none of the records in %s is valid", strings.Join(paths, ", "))
	}
	return sources, notes, nil
}

func recordFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, usagef("%w; name a record.jsonl or the folder of a run", err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	own := filepath.Join(path, "record.jsonl")
	if _, err := os.Stat(own); err == nil {
		return []string{own}, nil
	}
	found, err := filepath.Glob(filepath.Join(escapeGlob(path), "*", "record.jsonl"))
	if err != nil {
		return nil, usagef("%s: %w", path, err)
	}
	var files []string
	for _, f := range found {
		if !strings.Contains(filepath.Base(filepath.Dir(f)), ".interrupted") {
			files = append(files, f)
		}
	}
	if len(files) == 0 {
		return nil, usagef("%s holds no record.jsonl, nor does any folder in it", path)
	}
	return files, nil
}

// escapeGlob makes a path stand for itself in a pattern.
func escapeGlob(path string) string {
	if filepath.Separator == '\\' {
		return path // has no escapes there
	}
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}
