package compare

import (
	"fmt"
	"math"

	"github.com/chainweir/weir/bench/stat"
)

// judge gives every row its verdict, with the probabilities adjusted for the
// number of rows.
func (res *Result) judge(pairs []pair) {
	p := make([]float64, len(res.Rows))
	for i, row := range res.Rows {
		p[i] = math.NaN()
		if row.P != nil {
			p[i] = *row.P
		}
	}
	adjusted, err := stat.BenjaminiHochberg(p)
	if err != nil { // a p outside [0, 1] would be an error of this program
		adjusted = p
	}
	for i := range res.Rows {
		row := &res.Rows[i]
		if row.P != nil {
			row.PAdjusted = &adjusted[i]
		}
		row.Verdict, row.Reason = judgeRow(row, res.Delta)
		if row.Verdict == Inconclusive {
			row.RunsFor = runsFor(row, pairs[i], res.Delta)
		}
	}
}

// judgeRow decides by the interval, and by the adjusted probability too where
// it says that there is a difference.
func judgeRow(row *Row, delta float64) (Verdict, string) {
	if row.Reason != "" {
		return Inconclusive, row.Reason
	}
	if row.P == nil {
		return Inconclusive, fmt.Sprintf("%s against %s: 95 %% needs four of each (or three against five)", runs(row.BaseRuns), runs(row.HeadRuns))
	}
	differs := *row.PAdjusted <= 1-confidence
	if row.CI95 == nil { // a zero or a negative value: no ratio
		if !differs {
			return Inconclusive, "values of zero or below have no ratio, and the test sees no difference"
		}
		return direction(row.Better, row.Head-row.Base), ""
	}
	lo, hi := row.CI95[0], row.CI95[1]
	switch {
	case lo >= 1/(1+delta) && hi <= 1+delta:
		return Same, ""
	case differs && (lo > 1 || hi < 1):
		return direction(row.Better, *row.Ratio-1), ""
	case lo > 1 || hi < 1:
		return Inconclusive, fmt.Sprintf("one of many rows: p is %.3f when all are counted", *row.PAdjusted)
	}
	return Inconclusive, fmt.Sprintf("the interval holds both 1 and changes beyond ±%.3g %%", 100*delta)
}

func runs(n int) string {
	if n == 1 {
		return "one run"
	}
	return fmt.Sprintf("%d runs", n)
}

// direction turns the sign of a change into a verdict.
func direction(better string, change float64) Verdict {
	switch {
	case change == 0:
		return Inconclusive
	case better == "":
		return Changed
	case (change > 0) == (better == Higher):
		return Faster
	}
	return Slower
}

// runsFor forecasts how many runs per side would decide: enough to see a change
// of delta in the noise of these, at least the four that an interval needs.
func runsFor(row *Row, p pair, delta float64) *int {
	least := 4
	x, y, logs := scale(p.base.values, p.head.values)
	if len(x) < 3 || len(y) < 3 || !logs {
		if row.P == nil {
			return &least
		}
		return nil
	}
	sigma := math.Sqrt((square(stat.RobustSigma(x)) + square(stat.RobustSigma(y))) / 2)
	n := least
	if sigma > 0 {
		n = stat.RoundsToDetect(math.Log1p(delta)/sigma, power, 1-confidence, mostRuns)
	}
	if n == 0 {
		return nil
	}
	// What was taken did not decide: one more of each, at least.
	n = max(n, least, min(len(x), len(y))+1)
	return &n
}

func square(x float64) float64 { return x * x }

// discard takes back all verdicts.
func (res *Result) discard(reason string) {
	for i := range res.Rows {
		res.Rows[i].Verdict, res.Rows[i].Reason, res.Rows[i].RunsFor = Inconclusive, reason, nil
	}
}

// controlHalf is the fewest values of a half that reach the control's level: 5
// against 5 give 2/252 at best, 4 against 4 give 2/70.
const controlHalf = 5

// longestHalf is the longest half of any side of what may vary; -1: nothing may.
func longestHalf(pairs []pair) int {
	longest := -1
	for _, p := range pairs {
		if p.base.exact || p.head.exact {
			continue
		}
		longest = max(longest, len(p.base.values)/2, len(p.head.values)/2)
	}
	return longest
}

// control holds the first half of every side against its second half. The two
// are the same program on the same machine: where they differ by more than
// delta, beyond chance, the machine changed while it was measured, and a change
// of that size between the sides means nothing.
func (res *Result) control(pairs []pair) {
	type half struct {
		name  string
		shift float64
	}
	var p []float64
	var halves []half
	for _, pr := range pairs {
		for i, s := range []*series{pr.base, pr.head} {
			n := len(s.values) / 2
			x, y, logs := scale(s.values[:n], s.values[n:])
			if n < controlHalf || !logs {
				continue
			}
			shift, _, _, _, err := stat.ShiftInterval(y, x, confidence)
			if err != nil {
				continue // fewer values than an interval needs: no control
			}
			if _, prob, err := stat.MannWhitney(y, x); err == nil {
				p = append(p, prob)
				halves = append(halves, half{fmt.Sprintf("%s %s of %s", s.metric, s.unit, []string{"base", "head"}[i]), shift})
			}
		}
	}
	switch longest := longestHalf(pairs); {
	case longest < 0:
		return // what is exact needs none
	case longest < controlHalf:
		res.Notes = append(res.Notes, fmt.Sprintf("no control: it takes %d runs of a side to tell its first half from its second; whether the machine changed meanwhile is not known (weir ci has a control in every round)", 2*controlHalf))
		return
	}
	adjusted, err := stat.BenjaminiHochberg(p)
	if err != nil {
		return
	}
	count, worst := 0, -1
	for i, q := range adjusted {
		if q <= controlLevel && math.Abs(halves[i].shift) > math.Log1p(res.Delta) {
			count++
			if worst < 0 || math.Abs(halves[i].shift) > math.Abs(halves[worst].shift) {
				worst = i
			}
		}
	}
	if count > 0 {
		res.Noisy = true
		res.Warnings = append(res.Warnings, fmt.Sprintf(
			"noisy: in %d of %d controls the first half of a side differs from its second half; most in %s, by %+.1f %%. Stop other work and measure again, the sides in turns (weir ci does that)",
			count, len(halves), halves[worst].name, 100*math.Expm1(halves[worst].shift)))
	}
}

// conclude sets the verdict of the whole and the means.
func (res *Result) conclude() {
	res.Verdict = Same
	count := map[Verdict]int{}
	for _, row := range res.Rows {
		count[row.Verdict]++
	}
	switch {
	case res.Noisy:
		res.Verdict = Inconclusive
	case count[Slower] > 0:
		res.Verdict = Slower
	case count[Inconclusive]+count[Changed] > 0:
		res.Verdict = Inconclusive
	case count[Faster] > 0:
		res.Verdict = Faster
	}
	var units []string
	byUnit := map[string]*Geomean{}
	sums := map[string]float64{}
	for _, row := range res.Rows {
		if row.Ratio == nil || res.Kind != kindBench { // p50, p99 and p999 have no mean
			continue
		}
		g := byUnit[row.Unit]
		if g == nil {
			g = &Geomean{Unit: row.Unit}
			byUnit[row.Unit] = g
			units = append(units, row.Unit)
		}
		g.Rows++
		sums[row.Unit] += math.Log(*row.Ratio)
		switch row.Verdict {
		case Faster:
			g.Faster++
		case Slower:
			g.Slower++
		case Changed:
			g.Changed++
		}
	}
	for _, u := range units {
		g := byUnit[u]
		if g.Rows < 2 {
			continue
		}
		g.Ratio = math.Exp(sums[u] / float64(g.Rows))
		res.Geomeans = append(res.Geomeans, *g)
	}
}
