package compare

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/chainweir/weir/bench/stat"
)

// Levels of the tests.
const (
	confidence = 0.95
	power      = 0.8
	// controlLevel is that of the control: strict, because a false alarm spoils
	// an answer that is there.
	controlLevel = 0.01
	// mostRuns is how far the forecast of runs looks.
	mostRuns = 1_000_000
)

// Options of a comparison.
type Options struct {
	// Delta is the relative change that does not matter, 0.03 for 3 %.
	Delta float64
	// Force compares although class or settings differ.
	Force bool
	// Filter, when set, keeps the rows whose "metric unit" it matches.
	Filter *regexp.Regexp
}

// Files compares two sides; a side is a file, the folder of a run, a folder of
// such folders, or several of them with commas between. ErrInput wraps what is
// wrong with a file, ErrClass sides that do not belong beside each other.
func Files(base, head string, opt Options) (*Result, error) {
	if !(opt.Delta > 0 && opt.Delta < 1) {
		return nil, fmt.Errorf("%w: a delta of %v: give a fraction between 0 and 1, such as 0.03", ErrInput, opt.Delta)
	}
	a, err := openArm(base)
	if err != nil {
		return nil, err
	}
	b, err := openArm(head)
	if err != nil {
		return nil, err
	}
	return compareArms(a, b, opt)
}

func compareArms(a, b *arm, opt Options) (*Result, error) {
	if a.kind != b.kind {
		return nil, fmt.Errorf("%w: %s is %s and %s is %s: compare like with like", ErrInput, a.path, a.kind, b.path, b.kind)
	}
	res := &Result{
		Schema: Schema, Base: a.path, Head: b.path, Kind: a.kind, Delta: opt.Delta,
		Rows: []Row{}, Geomeans: []Geomean{}, OnlyBase: []string{}, OnlyHead: []string{}, Warnings: []string{}, Notes: []string{},
	}
	forbidding, noted := differences(a, b)
	if len(forbidding) > 0 {
		if !opt.Force {
			return nil, fmt.Errorf("%w: %s and %s differ in what makes numbers incomparable:\n  %s\nuse --force to compare all the same",
				ErrClass, a.path, b.path, strings.Join(forbidding, "\n  "))
		}
		res.Forced = true
		for _, f := range forbidding {
			res.Warnings = append(res.Warnings, "compared by force, "+f)
		}
	}
	res.Warnings = append(res.Warnings, slices.Concat(a.bad, b.bad)...)
	res.Notes = append(res.Notes, slices.Concat(a.notes, b.notes, noted)...)
	if a.kind == kindRecord {
		res.Notes = append(res.Notes, measuredNote(a.traits.text("measured")))
	}
	pairs, err := res.match(a, b, opt)
	if err != nil {
		return nil, err
	}
	for _, p := range pairs {
		row, err := compareSeries(p.base, p.head)
		if err != nil {
			return nil, err
		}
		res.Rows = append(res.Rows, row)
	}
	res.judge(pairs)
	if len(a.bad)+len(b.bad) > 0 {
		res.discard("an invalid run")
	}
	res.control(pairs)
	res.conclude()
	return res, nil
}

// pair is one quantity on both sides.
type pair struct{ base, head *series }

// match pairs the quantities, in the order of base.
func (res *Result) match(a, b *arm, opt Options) ([]pair, error) {
	var pairs []pair
	hidden := 0
	keep := func(s *series) bool { return opt.Filter == nil || opt.Filter.MatchString(s.metric+" "+s.unit) }
	for _, s := range a.order {
		t := b.byKey[s.key()]
		switch {
		case !keep(s):
			hidden++
		case t == nil:
			res.OnlyBase = append(res.OnlyBase, s.metric+" "+s.unit)
		default:
			if s.better == "" {
				s.better = t.better
			}
			pairs = append(pairs, pair{s, t})
		}
	}
	for _, t := range b.order {
		if keep(t) && a.byKey[t.key()] == nil {
			res.OnlyHead = append(res.OnlyHead, t.metric+" "+t.unit)
		}
	}
	if len(pairs) == 0 {
		if hidden > 0 {
			return nil, fmt.Errorf("%w: the filter %q leaves nothing that both sides have", ErrInput, opt.Filter)
		}
		return nil, fmt.Errorf("%w: %s and %s have no quantity in common: base has %s, head has %s",
			ErrInput, a.path, b.path, some(res.OnlyBase), some(res.OnlyHead))
	}
	return pairs, nil
}

// some lists the first few names.
func some(names []string) string {
	if len(names) > 3 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), len(names)-3)
	}
	return strings.Join(names, ", ")
}

// compareSeries fills all of a row but what depends on the other rows.
func compareSeries(base, head *series) (Row, error) {
	row := Row{
		Metric: base.metric, Unit: base.unit, Better: base.better,
		Base: stat.Median(base.values), Head: stat.Median(head.values),
		BaseSpread: spread(base.values), HeadSpread: spread(head.values),
		BaseRuns: len(base.values), HeadRuns: len(head.values),
	}
	for _, s := range []*series{base, head} {
		if classes, err := stat.TukeyOutliers(s.values); err == nil {
			for _, c := range classes {
				if c != stat.NotOutlier {
					row.Outliers++
				}
			}
		}
	}
	if base.exact || head.exact {
		return exactRow(row, base, head), nil
	}
	x, y, logs := scale(base.values, head.values)
	shift, lo, hi, achieved, err := stat.ShiftInterval(y, x, confidence)
	enough := err == nil
	if logs {
		ratio := math.Exp(shift)
		row.Ratio = &ratio
		if enough {
			row.CI95, row.Confidence = &[2]float64{math.Exp(lo), math.Exp(hi)}, &achieved
		}
	} else if row.Base == row.Head && allEqual(base.values, head.values) {
		one := 1.0
		row.Ratio = &one
		if enough {
			row.CI95, row.Confidence = &[2]float64{1, 1}, &achieved
		}
	}
	if enough {
		_, p, err := stat.MannWhitney(y, x)
		if err != nil {
			return Row{}, fmt.Errorf("%s %s: %w", base.metric, base.unit, err)
		}
		row.P = &p
	}
	return row, nil
}

// exactRow is for quantities that a text declares exact: one value is enough,
// and values that differ on one side break the promise.
func exactRow(row Row, base, head *series) Row {
	if !allEqual(base.values) || !allEqual(head.values) {
		row.Reason = "declared exact, but the values of one side differ"
		return row
	}
	if row.Base > 0 && row.Head > 0 {
		ratio := row.Head / row.Base
		row.Ratio, row.CI95 = &ratio, &[2]float64{ratio, ratio}
	} else if row.Base == row.Head {
		one := 1.0
		row.Ratio, row.CI95 = &one, &[2]float64{1, 1}
	}
	p := 1.0
	if row.Base != row.Head {
		p = 0
	}
	row.P = &p
	return row
}

// scale takes logarithms, so that shifts are ratios; values that have none stay
// as they are.
func scale(base, head []float64) (x, y []float64, logs bool) {
	for _, list := range [][]float64{base, head} {
		for _, v := range list {
			if v <= 0 {
				return base, head, false
			}
		}
	}
	log := func(list []float64) []float64 {
		out := make([]float64, len(list))
		for i, v := range list {
			out[i] = math.Log(v)
		}
		return out
	}
	return log(base), log(head), true
}

func allEqual(lists ...[]float64) bool {
	for _, list := range lists {
		for _, v := range list {
			if v != lists[0][0] {
				return false
			}
		}
	}
	return true
}

// spread is MAD/median, nil when it is not known.
func spread(values []float64) *float64 {
	m := stat.Median(values)
	if len(values) < 2 || m == 0 {
		return nil
	}
	s := stat.MAD(values) / math.Abs(m)
	return &s
}
