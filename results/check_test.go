package results

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func drawCounts(t *rapid.T) Counts {
	n := rapid.Int64Range(0, 1<<40)
	c := Counts{
		Dropped: n.Draw(t, "dropped"), Committed: n.Draw(t, "committed"),
		Expired: n.Draw(t, "expired"), Lost: n.Draw(t, "lost"),
		Rejected: rapid.MapOfN(rapid.SampledFrom([]string{"full", "nonce", "exec:funds"}), n, 0, 3).Draw(t, "rejected"),
	}
	c.Sent = c.Committed + c.RejectedTotal() + c.Expired + c.Lost
	c.Offered = c.Sent + c.Dropped
	c.Accepted = rapid.Int64Range(0, c.Sent).Draw(t, "accepted")
	return c
}

func TestCheckHoldsAndFires(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCounts(t)
		if v := Check(c); len(v) != 0 {
			t.Fatalf("%+v: %v", c, v)
		}
		by := rapid.Int64Range(1, 100).Draw(t, "by")
		broken := c
		switch rapid.IntRange(0, 5).Draw(t, "stage") {
		case 0:
			broken.Offered += by
		case 1:
			broken.Sent += by
		case 2:
			broken.Dropped += by
		case 3:
			broken.Committed += by
		case 4:
			broken.Lost += by
		case 5:
			broken.Rejected = Rejections{"one too many": c.RejectedTotal() + by}
		}
		if v := Check(broken); len(v) == 0 {
			t.Fatalf("nothing found in %+v", broken)
		}
	})
}

func TestCheckSaysWhatIsWrong(t *testing.T) {
	c := sampleCounts()
	c.Lost += 2
	v := Check(c)
	if len(v) != 1 || v[0].String() != "sent = committed + rejected + expired + lost does not hold: 990 against 992" {
		t.Errorf("%v", v)
	}
	c = sampleCounts()
	c.Rejected = Rejections{"a": -1, "b": 13}
	if v := Check(c); len(v) != 1 || v[0].Rule != "rejected{a} ≥ 0" {
		t.Errorf("%v", v)
	}
	c = sampleCounts()
	c.Accepted = c.Sent + 1
	if v := Check(c); len(v) != 1 || v[0].Rule != "accepted ≤ sent" {
		t.Errorf("%v", v)
	}
}

func TestCheckTrial(t *testing.T) {
	if v := CheckTrial(sampleTrial()); len(v) != 0 {
		t.Fatal(v)
	}
	tr := sampleTrial()
	tr.DroppedBy.Generator++
	tr.LatencyMS.Commit.Count = tr.Counts.Committed + 1
	v := CheckTrial(tr)
	if len(v) != 2 || v[0].Where != "trial 1" || !strings.HasPrefix(v[1].Rule, "commit samples") {
		t.Errorf("%v", v)
	}
}

func TestCheckWindows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "windows")
		tr := Trial{ID: 7}
		windows := []Window{{TrialID: 8, Counts: Counts{Offered: 5}}}
		for i := range n {
			w := Window{TrialID: 7, Index: i, Counts: drawCounts(t)}
			tr.Counts = tr.Counts.Add(w.Counts)
			windows = append(windows, w)
		}
		slices.Reverse(windows) // the order in the record does not matter
		if v := CheckWindows(tr, windows); len(v) != 0 {
			t.Fatal(v)
		}
		i := rapid.IntRange(0, n-1).Draw(t, "which") // the foreign window is last now
		broken := slices.Clone(windows)
		broken[i].Counts.Accepted++
		v := CheckWindows(tr, broken)
		if len(v) != 1 || v[0].Where != "trial 7, windows" || v[0].Rule != "Σ accepted = the trial's" {
			t.Fatal(v)
		}
		if n > 1 {
			gap := slices.Clone(windows)
			gap[0].Index += 3
			if v := CheckWindows(tr, gap); len(v) != 1 || !strings.Contains(v[0].Rule, "without a gap") {
				t.Fatal(v)
			}
		}
		tr.Counts.Rejected = Rejections{"only here": 4}
		if v := CheckWindows(tr, windows); len(v) == 0 {
			t.Fatal("a reason that no window has")
		}
	})
	if v := CheckWindows(sampleTrial(), nil); v != nil {
		t.Error(v)
	}
}

func TestCheckRecord(t *testing.T) {
	sum := sampleSummary()
	rec := Record{Trials: []Trial{sampleTrial()}, Windows: []Window{sampleWindow(t)}, Summary: &sum}
	if v := CheckRecord(rec); len(v) != 0 {
		t.Fatal(v)
	}
	sum.Trials[0].Counts.Committed--
	if v := CheckRecord(rec); len(v) != 1 || v[0].Where != "summary, trial 1" {
		t.Error(v)
	}
	sum.Trials = nil
	if v := CheckRecord(rec); len(v) != 1 || v[0].Where != "summary" {
		t.Error(v)
	}
	rec = Record{Trials: []Trial{sampleTrial(), sampleTrial()}}
	if v := CheckRecord(rec); len(v) != 1 || v[0].Rule != "trial ids are unique" {
		t.Error(v)
	}
}
