package results

import (
	"fmt"
	"slices"
)

// Violation is a sum that does not hold: Left should equal Right. For a rule
// about one value, Left is that value and Right its bound.
type Violation struct {
	Where string // e.g. "trial 3", "trial 3, windows"
	Rule  string // in words, e.g. "sent = committed + rejected + expired + lost"
	Left  int64
	Right int64
}

// String returns the violation as one sentence.
func (v Violation) String() string {
	s := fmt.Sprintf("%s does not hold: %d against %d", v.Rule, v.Left, v.Right)
	if v.Where != "" {
		return v.Where + ": " + s
	}
	return s
}

// Check returns the accounting rules that c breaks, none when it adds up:
// offered = sent + dropped, sent = committed + Σ rejected + expired + lost,
// accepted ≤ sent, and no negative count.
func Check(c Counts) []Violation {
	var out []Violation
	for _, f := range stages(c) {
		if f.n < 0 {
			out = append(out, Violation{Rule: f.name + " ≥ 0", Left: f.n})
		}
	}
	if sum := c.Sent + c.Dropped; c.Offered != sum {
		out = append(out, Violation{Rule: "offered = sent + dropped", Left: c.Offered, Right: sum})
	}
	if sum := c.Committed + c.RejectedTotal() + c.Expired + c.Lost; c.Sent != sum {
		out = append(out, Violation{Rule: "sent = committed + rejected + expired + lost", Left: c.Sent, Right: sum})
	}
	if c.Accepted > c.Sent {
		out = append(out, Violation{Rule: "accepted ≤ sent", Left: c.Accepted, Right: c.Sent})
	}
	return out
}

// CheckTrial checks the counts of t, that the two reasons for dropping sum to
// the dropped count, and that no latency histogram holds more samples than
// transactions reached its stage.
func CheckTrial(t Trial) []Violation {
	out := Check(t.Counts)
	if sum := t.DroppedBy.Generator + t.DroppedBy.Backpressure; sum != t.Counts.Dropped {
		out = append(out, Violation{Rule: "dropped = generator + backpressure", Left: t.Counts.Dropped, Right: sum})
	}
	for _, h := range []struct {
		name string
		q    Quantiles
		most int64
	}{
		{"submit", t.LatencyMS.Submit, t.Counts.Sent},
		{"accept", t.LatencyMS.Accept, t.Counts.Accepted},
		{"commit", t.LatencyMS.Commit, t.Counts.Committed},
		{"commit_from_send", t.LatencyMS.CommitFromSend, t.Counts.Committed},
	} {
		if n := h.q.Count + h.q.Negative; n > h.most {
			out = append(out, Violation{Rule: h.name + " samples ≤ transactions of that stage", Left: n, Right: h.most})
		}
	}
	return located(out, fmt.Sprintf("trial %d", t.ID))
}

// CheckWindows checks that the windows of t, out of all of a record, are
// numbered without a gap and sum to the trial's counts. A trial without
// windows has nothing to check.
func CheckWindows(t Trial, all []Window) []Violation {
	var own []Window
	for _, w := range all {
		if w.TrialID == t.ID {
			own = append(own, w)
		}
	}
	if len(own) == 0 {
		return nil
	}
	slices.SortStableFunc(own, func(a, b Window) int { return a.Index - b.Index })
	var out []Violation
	var sum Counts
	for i, w := range own {
		if w.Index != i {
			out = append(out, Violation{Rule: "window indexes run from 0 without a gap", Left: int64(w.Index), Right: int64(i)})
			break
		}
	}
	for _, w := range own {
		sum = sum.Add(w.Counts)
	}
	out = append(out, compareCounts(sum, t.Counts)...)
	return located(out, fmt.Sprintf("trial %d, windows", t.ID))
}

// CheckRecord checks every trial of rec with its windows, and that the summary
// repeats the trials as they were.
func CheckRecord(rec Record) []Violation {
	var out []Violation
	byID := make(map[int]Trial, len(rec.Trials))
	for _, t := range rec.Trials {
		if _, twice := byID[t.ID]; twice {
			out = append(out, Violation{Where: fmt.Sprintf("trial %d", t.ID), Rule: "trial ids are unique", Left: int64(t.ID), Right: int64(t.ID)})
		}
		byID[t.ID] = t
		out = append(out, CheckTrial(t)...)
		out = append(out, CheckWindows(t, rec.Windows)...)
	}
	if rec.Summary == nil {
		return out
	}
	if n, m := len(rec.Summary.Trials), len(rec.Trials); n != m {
		out = append(out, Violation{Where: "summary", Rule: "trials in the summary = trial lines", Left: int64(n), Right: int64(m)})
	}
	for _, s := range rec.Summary.Trials {
		if t, ok := byID[s.ID]; ok {
			out = append(out, located(compareCounts(s.Counts, t.Counts), fmt.Sprintf("summary, trial %d", s.ID))...)
		}
	}
	return out
}

type stageCount struct {
	name string
	n    int64
}

func stages(c Counts) []stageCount {
	list := []stageCount{
		{"offered", c.Offered}, {"sent", c.Sent}, {"dropped", c.Dropped}, {"accepted", c.Accepted},
		{"committed", c.Committed}, {"expired", c.Expired}, {"lost", c.Lost},
	}
	for _, reason := range sortedKeys(c.Rejected) {
		list = append(list, stageCount{"rejected{" + reason + "}", c.Rejected[reason]})
	}
	return list
}

// compareCounts reports every stage in which got differs from want.
func compareCounts(got, want Counts) []Violation {
	wanted := make(map[string]int64)
	for _, f := range stages(want) {
		wanted[f.name] = f.n
	}
	var out []Violation
	for _, f := range stages(got) {
		if f.n != wanted[f.name] {
			out = append(out, Violation{Rule: "Σ " + f.name + " = the trial's", Left: f.n, Right: wanted[f.name]})
		}
		delete(wanted, f.name)
	}
	for _, name := range sortedKeys(wanted) { // reasons that got lacks
		if wanted[name] != 0 {
			out = append(out, Violation{Rule: "Σ " + name + " = the trial's", Right: wanted[name]})
		}
	}
	return out
}

func located(list []Violation, where string) []Violation {
	for i := range list {
		list[i].Where = where
	}
	return list
}

func sortedKeys(m map[string]int64) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
