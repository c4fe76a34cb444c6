package bench

import (
	"fmt"
	"strings"

	"github.com/chainweir/weir/bench/stat"
	"github.com/chainweir/weir/results"
)

// Rules of a soak's verdict.
const (
	soakLevel      = 0.01 // of the test for a trend, in each row
	soakConfidence = 0.95
	soakWarmUp     = 10   // one piece in so many, at the start, is left out
	soakMinPoints  = 10   // fewer do not tell a trend from chance
	soakBrokenMax  = 0.1  // share of pieces that may break the goal or be invalid
	soakMaxPoints  = 512  // more are thinned
	soakOthers     = 0.02 // of the machine: less by others moves no figure
)

// soakRow is a figure whose drift is looked at. The limits are what a person
// would act on: half the noise of latency's tail between good runs is more than
// a tenth, that of a held rate far less.
type soakRow struct {
	metric, unit, worse string
	limit               float64
	of                  func(*results.SoakPoint) *float64
}

var soakRows = []soakRow{
	{"committed_tx_per_sec", "tx/s", "down", 0.02, func(p *results.SoakPoint) *float64 { return p.CommittedTxPerSec }},
	{"commit_p50_ms", "ms", "up", 0.10, func(p *results.SoakPoint) *float64 { return p.CommitP50MS }},
	{"commit_p99_ms", "ms", "up", 0.25, func(p *results.SoakPoint) *float64 { return p.CommitP99MS }},
	{"memory_bytes", "B", "up", 0.10, func(p *results.SoakPoint) *float64 {
		if p.MemoryBytes == nil {
			return nil
		}
		v := float64(*p.MemoryBytes)
		return &v
	}},
	{"node_cpu_sec_per_tx", "s", "up", 0.05, func(p *results.SoakPoint) *float64 { return p.CPUSecPerTx }},
}

// conclude computes all that follows from the pieces.
func (s *soak) conclude() {
	s.res.PieceSec = s.piece.Seconds()
	concludeSoak(&s.res)
}

// concludeSoak is a pure function of the series, the time under load and the
// length of the pieces: `weir check` calls it again.
func concludeSoak(s *results.Soak) {
	s.Pieces, s.Broken, s.Invalid = len(s.Series), 0, 0
	for _, p := range s.Series {
		switch p.Verdict {
		case results.VerdictBad:
			s.Broken++
		case results.VerdictInvalid:
			s.Invalid++
		}
	}
	s.WarmUp = (s.Pieces + soakWarmUp - 1) / soakWarmUp
	s.Drift, s.OthersChange = nil, othersChange(s)
	for _, row := range soakRows {
		s.Drift = append(s.Drift, row.drift(s))
	}
	s.Verdict, s.Reason = soakVerdict(s)
}

// othersChange is how much more of the machine others used at the end than at
// the start, nil when no rise is beyond chance or it is no more than soakOthers.
func othersChange(s *results.Soak) *float64 {
	var t, y []float64
	for _, p := range s.Series[s.WarmUp:] {
		if p.OthersBusy != nil {
			t, y = append(t, p.TSec), append(y, *p.OthersBusy)
		}
	}
	if len(y) < soakMinPoints {
		return nil
	}
	t, y = thin(t, y)
	trend, err := stat.MannKendall(t, y, soakConfidence)
	change := trend.PerSec * (t[len(t)-1] - t[0])
	if err != nil || trend.P >= 1-soakConfidence || change <= soakOthers {
		return nil
	}
	return &change
}

// drift fits one figure.
func (row soakRow) drift(s *results.Soak) results.Drift {
	d := results.Drift{Metric: row.metric, Unit: row.unit, Limit: row.limit, Worse: row.worse, Verdict: results.SoakInconclusive}
	var t, y []float64
	for _, p := range s.Series[s.WarmUp:] {
		if v := row.of(&p); v != nil && p.Verdict != results.VerdictInvalid {
			t, y = append(t, p.TSec), append(y, *v)
		}
	}
	if d.N = len(y); d.N < soakMinPoints {
		return d
	}
	median := stat.Median(y)
	d.Median = &median
	t, y = thin(t, y)
	trend, err := stat.MannKendall(t, y, soakConfidence)
	if err != nil || median <= 0 {
		return d // no share can be told of a median of 0
	}
	offsets := make([]float64, len(y))
	for i := range y {
		offsets[i] = y[i] - trend.PerSec*t[i]
	}
	at0, span := stat.Median(offsets), t[len(t)-1]-t[0]
	first, last := at0+trend.PerSec*t[0], at0+trend.PerSec*t[len(t)-1]
	perHour := trend.PerSec * 3600
	change, low, high := trend.PerSec*span/median, trend.Low*span/median, trend.High*span/median
	d.First, d.Last, d.PerHour, d.P, d.Inflation = &first, &last, &perHour, &trend.P, &trend.Inflation
	d.Change, d.ChangeLow, d.ChangeHigh = &change, &low, &high
	worse, worst := change, high
	if row.worse == "down" {
		worse, worst = -change, -low
	}
	switch {
	case trend.P < soakLevel && worse > row.limit && s.OthersChange != nil:
		// The row stays inconclusive: the machine got busier meanwhile.
	case trend.P < soakLevel && worse > row.limit:
		d.Verdict = results.SoakDrifts
	case trend.P < soakLevel && worse < -row.limit:
		d.Verdict = results.SoakImproves
	case worst <= row.limit:
		d.Verdict = results.SoakSteady
	}
	return d
}

// thin takes the medians of neighbours until the robust slope takes the series.
func thin(t, y []float64) (tt, yy []float64) {
	for len(y) > soakMaxPoints {
		var t2, y2 []float64
		for i := 0; i < len(y); i += 3 {
			j := min(i+3, len(y))
			t2, y2 = append(t2, stat.Median(t[i:j])), append(y2, stat.Median(y[i:j]))
		}
		t, y = t2, y2
	}
	return t, y
}

// soakVerdict is the worst of the rows, in words. A row of which nothing is
// known decides nothing, but for rate and latency.
func soakVerdict(s *results.Soak) (verdict, reason string) {
	n := float64(s.Pieces)
	switch left := s.Pieces - s.WarmUp - s.Invalid; {
	case float64(s.Invalid) > soakBrokenMax*n:
		return results.SoakInconclusive, fmt.Sprintf("%d of %d pieces did not measure the system; the last of them: %s", s.Invalid, s.Pieces, lastOf(s, results.VerdictInvalid))
	case float64(s.Broken) > soakBrokenMax*n:
		return results.SoakFails, fmt.Sprintf("%d of %d pieces broke the goal at %.0f tx/s; the last of them: %s", s.Broken, s.Pieces, s.OfferedTxPerSec, lastOf(s, results.VerdictBad))
	case left < soakMinPoints:
		return results.SoakInconclusive, fmt.Sprintf("%d pieces can be used, a trend takes %d: soak longer", max(left, 0), soakMinPoints)
	}
	texts := map[string][]string{}
	if s.OthersChange != nil {
		texts[results.SoakInconclusive] = []string{fmt.Sprintf("other work on the machine rose by %.0f %% of its cores", 100**s.OthersChange)}
	}
	for i, d := range s.Drift {
		if d.Change == nil {
			if i < 3 {
				texts[results.SoakInconclusive] = append(texts[results.SoakInconclusive], d.Metric+" is not known")
			}
			continue
		}
		text := fmt.Sprintf("%s %+.1f %% [%+.1f, %+.1f]", d.Metric, 100**d.Change, 100**d.ChangeLow, 100**d.ChangeHigh)
		if d.Verdict == results.SoakInconclusive {
			text += fmt.Sprintf(", limit %.0f %% %s", 100*d.Limit, d.Worse)
		}
		texts[d.Verdict] = append(texts[d.Verdict], text)
	}
	for _, v := range []struct{ verdict, words string }{
		{results.SoakDrifts, "for the worse: "},
		{results.SoakInconclusive, "too noisy to tell from a drift, soak longer or on a quieter machine: "},
		{results.SoakImproves, "still warming up: "},
	} {
		if list := texts[v.verdict]; len(list) > 0 {
			return v.verdict, v.words + strings.Join(list, "; ")
		}
	}
	return results.SoakSteady, "every change lies within its limit"
}

// lastOf is why the last piece of a verdict has it.
func lastOf(s *results.Soak, v results.Verdict) string {
	for i := len(s.Series) - 1; i >= 0; i-- {
		if s.Series[i].Verdict == v {
			return s.Series[i].Reason
		}
	}
	return "none"
}
