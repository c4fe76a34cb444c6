package report

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"time"

	"github.com/chainweir/weir/bench/stat"
	"github.com/chainweir/weir/results"
)

// verdictMark tells trials apart by shape.
func verdictMark(v results.Verdict) mark {
	switch v {
	case results.VerdictGood:
		return markDot
	case results.VerdictBad:
		return markCross
	}
	return markTriangle
}

// verdictKeys explain the shapes that occur.
func verdictKeys(trials []results.TrialShort) []key {
	var keys []key
	for _, v := range []results.Verdict{results.VerdictGood, results.VerdictBad, results.VerdictInvalid} {
		if slices.ContainsFunc(trials, func(t results.TrialShort) bool { return t.Verdict == v }) {
			keys = append(keys, key{name: string(v) + " trial", ink: inkMuted, mark: verdictMark(v)})
		}
	}
	return keys
}

// goalP99 finds the limit of the commit p99 in the text of a goal.
var goalP99 = regexp.MustCompile(`(?:^|,)\s*p99\s*<=?\s*([0-9.]+[a-zµ]+)`)

func p99Limit(slo string) (ms float64, ok bool) {
	m := goalP99.FindStringSubmatch(slo)
	if m == nil {
		return 0, false
	}
	d, err := time.ParseDuration(m[1])
	return float64(d) / 1e6, err == nil && d > 0
}

// curve is latency over throughput, one point per trial.
func (v *view) curve() (Figure, bool) {
	trials := v.byOffered()
	var (
		points  = map[string][]dataPoint{}
		smooth  = map[string][]dataPoint{}
		xs, ys  []float64
		rows    [][]string
		columns = []struct {
			name string
			ink  ink
			of   func(*results.TrialShort) *float64
		}{
			{"commit p99", ink2, func(t *results.TrialShort) *float64 { return t.CommitP99MS }},
			{"commit p50", ink1, func(t *results.TrialShort) *float64 { return t.CommitP50MS }},
		}
	)
	for i := range trials {
		t := &trials[i]
		rows = append(rows, []string{
			fmt.Sprint(t.ID), string(t.Phase), rate(t.OfferedTxPerSec), rateOr(t.CommittedTxPerSec), ms(t.CommitP50MS), ms(t.CommitP99MS), string(t.Verdict), t.Reason,
		})
		for _, c := range columns {
			y := c.of(t)
			if t.CommittedTxPerSec == nil || y == nil || !(*y > 0) {
				continue
			}
			tip := fmt.Sprintf("trial %d, %s: offered %s, committed %s tx/s, %s %s", t.ID, t.Verdict, rate(t.OfferedTxPerSec), rate(*t.CommittedTxPerSec), c.name, ms(y))
			p := dataPoint{x: *t.CommittedTxPerSec, y: *y, tip: tip, mark: verdictMark(t.Verdict)}
			points[c.name] = append(points[c.name], p)
			if t.Verdict == results.VerdictGood {
				p.mark = markNone
				smooth[c.name] = append(smooth[c.name], p)
			}
			xs, ys = append(xs, p.x), append(ys, p.y)
		}
	}
	if len(xs) == 0 {
		return Figure{}, false
	}
	c := &xyChart{title: "Latency over throughput", keys: verdictKeys(trials)}
	if limit, ok := p99Limit(v.sum.SLO); ok {
		ys = append(ys, limit)
		c.across = []refLine{{limit, inkWall, "goal: commit p99 below " + ms(&limit)}}
	}
	k := &v.sum.Knee
	if k.LowerTxPerSec != nil {
		xs = append(xs, *k.LowerTxPerSec)
		if k.UpperTxPerSec != nil {
			xs = append(xs, *k.UpperTxPerSec)
			c.bands = []band{{*k.LowerTxPerSec, *k.UpperTxPerSec, ink3, "knee " + v.kneeText() + " tx/s"}}
		} else {
			c.down = []refLine{{*k.LowerTxPerSec, ink3, "knee " + v.kneeText() + " tx/s"}}
		}
	}
	c.x = rangeAxis("committed throughput (tx/s)", tickRate, xs...)
	c.y = logAxis("latency from intended send to commit (ms, logarithmic)", plain, ys...)
	for _, col := range columns {
		line := smooth[col.name]
		c.series = append(c.series,
			series{ink: col.ink, joined: true, pts: middles(line)},
			series{name: col.name, ink: col.ink, mark: markDot, pts: points[col.name]})
	}
	return xyFigure("latency-throughput",
		"Each mark is a trial; lines go through the medians of good trials at about the same rate (5 %). The knee is the interval between the highest rate that held the goal and the lowest that did not; it is one of offered rates.",
		c, Table{[]string{"trial", "phase", "offered tx/s", "committed tx/s", "commit p50", "commit p99", "verdict", "reason"}, rows}), true
}

// sameRate is how far rates may differ and still be one point of a curve.
const sameRate = 1.05

// middles puts points of about the same x together, each group at its medians, so
// that a curve does not zigzag through repetitions. The points are sorted.
func middles(pts []dataPoint) []dataPoint {
	slices.SortFunc(pts, func(a, b dataPoint) int { return cmp.Compare(a.x, b.x) })
	var out []dataPoint
	for from := 0; from < len(pts); {
		var xs, ys []float64
		to := from
		for ; to < len(pts) && pts[to].x <= pts[from].x*sameRate; to++ {
			xs, ys = append(xs, pts[to].x), append(ys, pts[to].y)
		}
		out = append(out, dataPoint{x: stat.Median(xs), y: stat.Median(ys)})
		from = to
	}
	return out
}

// columns shows what was offered, sent and committed in each trial.
func (v *view) columns() (Figure, bool) {
	trials := v.sum.Trials
	if len(trials) == 0 {
		return Figure{}, false
	}
	c := &xyChart{title: "Offered, sent and committed in each trial", x: axis{label: "trial, in the order of the run (number)", lo: 0.4, hi: float64(len(trials)) + 0.6}}
	var ys []float64
	var rows [][]string
	for i := range trials {
		t := &trials[i]
		c.x.ticks = append(c.x.ticks, float64(i+1))
		c.x.names = append(c.x.names, fmt.Sprint(t.ID))
		sent := math.NaN()
		if t.DurationSec > 0 {
			sent = float64(t.Counts.Sent) / t.DurationSec
		}
		committed := math.NaN()
		if t.CommittedTxPerSec != nil {
			committed = *t.CommittedTxPerSec
		}
		for k, y := range []float64{t.OfferedTxPerSec, sent, committed} {
			if math.IsNaN(y) {
				continue
			}
			ys = append(ys, y)
			x := float64(i+1) - 0.39 + float64(k)*0.26
			tip := fmt.Sprintf("trial %d, %s, %s: %s %s tx/s", t.ID, t.Phase, t.Verdict, stageNames[k], rate(y))
			c.boxes = append(c.boxes, box{x, x + 0.25, 0, y, stageInks[k], tip})
		}
		n := &t.Counts
		rows = append(rows, []string{
			fmt.Sprint(t.ID), string(t.Phase), fmt.Sprint(n.Offered), fmt.Sprint(n.Sent), fmt.Sprint(n.Dropped), fmt.Sprint(n.Accepted), fmt.Sprint(n.Committed),
			fmt.Sprint(n.RejectedTotal()), fmt.Sprint(n.Expired), fmt.Sprint(n.Lost), rateOr(t.CommittedTxPerSec), string(t.Verdict),
		})
	}
	for k, name := range stageNames {
		c.keys = append(c.keys, key{name: name, ink: stageInks[k], area: true})
	}
	c.y = linearAxis("rate (tx/s)", tickRate, ys...)
	return xyFigure("offered-sent-committed",
		"Offered is what the schedule asked for, sent what left the generator in time, committed what came back in blocks per second until the last commit. Where sent is below offered, the generator or back-pressure held transactions back.",
		c, Table{[]string{
			"trial", "phase", "offered tx", "sent tx", "dropped tx", "accepted tx", "committed tx", "rejected tx", "expired tx", "lost tx", "committed tx/s", "verdict",
		}, rows}), true
}

var (
	stageNames = []string{"offered", "sent", "committed"}
	stageInks  = []ink{ink6, ink2, ink1}
)

// minWindows is how many windows make a course over time.
const minWindows = 4

// course shows one trial at the knee, window by window.
func (v *view) course() (Figure, bool) {
	var best []results.Window
	id := 0
	for i := range v.knee {
		var own []results.Window
		for _, w := range v.rec.Windows {
			if w.TrialID == v.knee[i].ID && w.DurationNS > 0 {
				own = append(own, w)
			}
		}
		if len(own) > len(best) {
			best, id = own, v.knee[i].ID
		}
	}
	if len(best) < minWindows {
		return Figure{}, false
	}
	slices.SortFunc(best, func(a, b results.Window) int { return cmp.Compare(a.StartNS, b.StartNS) })
	lines := make([]series, len(stageNames))
	for k := range lines {
		lines[k] = series{name: stageNames[k], ink: stageInks[k], joined: true, mark: []mark{markRing, markSquare, markDot}[k]}
	}
	lines[0].dash = []float64{5, 3}
	var ys []float64
	var rows [][]string
	end := 0.0
	for _, w := range best {
		sec := float64(w.DurationNS) / 1e9
		mid := float64(w.StartNS)/1e9 + sec/2
		end = max(end, mid+sec/2)
		row := []string{fmt.Sprintf("%.2f – %.2f", mid-sec/2, mid+sec/2)}
		for k, n := range []int64{w.Counts.Offered, w.Counts.Sent, w.Counts.Committed} {
			y := float64(n) / sec
			ys = append(ys, y)
			p := dataPoint{x: mid, y: y, tip: fmt.Sprintf("%.2f s: %s %s tx/s", mid, stageNames[k], rate(y))}
			lines[k].pts = append(lines[k].pts, p)
			row = append(row, rate(y))
		}
		rows = append(rows, row)
	}
	if len(best) > 60 { // marks would hide the lines
		for k := range lines {
			lines[k].mark = markNone
		}
	}
	c := &xyChart{
		title: fmt.Sprintf("Trial %d, window by window", id), series: lines,
		x: linearAxis("time since the first intended send (s)", plain, end), y: linearAxis("rate in the window (tx/s)", tickRate, ys...),
	}
	c.x.hi = end
	return xyFigure("windows",
		"Counts of each window divided by its length. Commits come in blocks, so a window can hold more or fewer than were sent in it; what is committed after the last send is the drain.",
		c, Table{[]string{"window (s)", "offered tx/s", "sent tx/s", "committed tx/s"}, rows}), true
}
