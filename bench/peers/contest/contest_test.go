package contest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chainweir/weir/bench/stat"
)

// quick is the shortest plan that gives an interval.
var quick = Plan{Rounds: 6, Sample: time.Microsecond}

var want = bytes.Repeat([]byte{7}, 64)

func right(dst []byte) error {
	copy(dst, want)
	return nil
}

func row(others ...Contestant) Row {
	return Row{Name: "row", Want: want, Contestants: append([]Contestant{{Name: "us", Role: Ours, Run: right}}, others...)}
}

func TestEveryRoundHasASampleOfEverybody(t *testing.T) {
	probes := 0
	m, err := Run(t.Context(), row(
		Contestant{Name: "again", Role: Control, Run: right},
		Contestant{Name: "absent", Role: Peer, LeftOut: "not today"},
		Contestant{Name: "timed", Role: Peer, Work: 4, Copies: 2, Timed: func(dst []byte) (time.Duration, error) {
			return 400 * time.Nanosecond, errors.Join(right(dst), right(dst[len(want):]))
		}},
	), quick, func() float64 { probes++; return float64(probes) })
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(m.Probes, []float64{1, 2, 3, 4, 5, 6}) {
		t.Errorf("probes %v, want one per round that counts", m.Probes)
	}
	for i, n := range []int{6, 6, 0, 6} {
		if got := len(m.Results[i].NSPerWork); got != n {
			t.Errorf("%s has %d samples, want %d", m.Results[i].Contestant.Name, got, n)
		}
	}
	for _, ns := range m.Results[3].NSPerWork {
		if ns != 100 {
			t.Errorf("%v ns for a quarter of 400 ns", ns)
		}
	}
	if m.Results[0].Calls <= 6 {
		t.Errorf("%d calls: copying 64 bytes does not fill a sample", m.Results[0].Calls)
	}
	if _, err := m.Ratio(m.Results[2]); err == nil {
		t.Error("a ratio of a contestant that was left out")
	}
}

// TestWrongAnswersAreSeen has contestants that are wrong in one call of many,
// in one byte, or that write nothing.
func TestWrongAnswersAreSeen(t *testing.T) {
	calls := 0
	for name, c := range map[string]Contestant{
		"once": {Run: func(dst []byte) error {
			if calls++; calls == 3000 {
				return right(dst[:0])
			}
			return right(dst)
		}},
		"last byte": {Run: func(dst []byte) error { copy(dst, want); dst[63] ^= 1; return nil }},
		"nothing":   {Run: func([]byte) error { return nil }},
		"second copy": {Copies: 2, Timed: func(dst []byte) (time.Duration, error) {
			return time.Microsecond, right(dst)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c.Name, c.Role = name, Peer
			_, err := Run(t.Context(), row(c), Plan{Rounds: 6, Sample: time.Millisecond}, nil)
			if !errors.Is(err, ErrWrongAnswer) || !strings.Contains(err.Error(), name) {
				t.Errorf("error %v, want %v naming %s", err, ErrWrongAnswer, name)
			}
		})
	}
}

// TestErrors: a peer that cannot is left out, whenever it notices; ours fails.
func TestErrors(t *testing.T) {
	broken := errors.New("it is broken")
	for _, after := range []int{0, 3, 40} {
		calls := 0
		fails := func(dst []byte) (time.Duration, error) {
			if calls++; calls > after {
				return 0, broken
			}
			return time.Microsecond, right(dst)
		}
		m, err := Run(t.Context(), row(Contestant{Name: "peer", Role: Peer, Timed: fails}), Plan{Rounds: 60, Sample: time.Microsecond}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if p := m.Results[1]; !strings.Contains(p.Contestant.LeftOut, "broken") || p.NSPerWork != nil || len(m.Results[0].NSPerWork) != 60 {
			t.Errorf("after %d calls: left out %q with %d samples", after, p.Contestant.LeftOut, len(p.NSPerWork))
		}
	}
	_, err := Run(t.Context(), Row{Name: "row", Want: want, Contestants: []Contestant{
		{Name: "us", Role: Ours, Run: func([]byte) error { return broken }},
	}}, quick, nil)
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "row: us") {
		t.Errorf("error %v, want %v of row and contestant", err, broken)
	}
}

func TestHopelessIsLeftOut(t *testing.T) {
	slow := func(dst []byte) (time.Duration, error) { return hopeless + 1, right(dst) }
	m, err := Run(t.Context(), row(Contestant{Name: "slow", Role: Implementation, Timed: slow}), quick, nil)
	if err != nil || !strings.Contains(m.Results[1].Contestant.LeftOut, "2s") || m.Results[1].Calls != 1 {
		t.Errorf("%+v, %v", m.Results, err)
	}
}

func TestImpossibleRows(t *testing.T) {
	for name, c := range map[string]struct {
		row  Row
		plan Plan
	}{
		"no rounds":   {row(), Plan{Sample: 1}},
		"no time":     {row(), Plan{Rounds: 6}},
		"no answer":   {Row{Contestants: row().Contestants}, quick},
		"nobody":      {Row{Want: want}, quick},
		"two of ours": {row(Contestant{Name: "us, too", Role: Ours, Run: right}), quick},
		"no function": {row(Contestant{Name: "x", Role: Peer}), quick},
	} {
		if _, err := Run(t.Context(), c.row, c.plan, nil); !errors.Is(err, ErrRow) {
			t.Errorf("%s: error %v, want %v", name, err, ErrRow)
		}
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	_, err := Run(ctx, row(Contestant{Name: "x", Role: Peer, Timed: func(dst []byte) (time.Duration, error) {
		if calls++; calls == 3 {
			cancel()
		}
		return time.Second, right(dst)
	}}), Plan{Rounds: 1000, Sample: time.Millisecond}, nil)
	if !errors.Is(err, context.Canceled) || calls != 3 {
		t.Errorf("error %v after %d calls, want %v after 3", err, calls, context.Canceled)
	}
}

// TestOrder: every round is a permutation, every second one the reverse of the
// one before, and everybody comes after everybody else.
func TestOrder(t *testing.T) {
	for n := 1; n <= 12; n++ {
		after := make([]map[int]bool, n)
		for i := range after {
			after[i] = map[int]bool{}
		}
		for round := range 20 * n {
			order := Order(n, round)
			for i, who := range slices.Sorted(slices.Values(order)) {
				if who != i {
					t.Fatalf("round %d: %v is no permutation", round, order)
				}
			}
			for i := 1; i < n; i++ {
				after[order[i]][order[i-1]] = true
			}
			other := Order(n, round^1)
			slices.Reverse(other)
			if !slices.Equal(order, other) {
				t.Errorf("rounds %d and %d are not each other's reverse", round, round^1)
			}
		}
		for i := range n {
			if len(after[i]) != n-1 {
				t.Errorf("of %d: contestant %d comes after %d others", n, i, len(after[i]))
			}
		}
	}
}

func TestRatio(t *testing.T) {
	m := Measured{Results: []Result{
		{Contestant: Contestant{Role: Peer}, NSPerWork: []float64{20, 10, 30, 20, 20, 22, 18}},
		{Contestant: Contestant{Role: Ours}, NSPerWork: []float64{10, 10, 10, 10, 10, 10, 10}},
	}}
	iv, err := m.Ratio(m.Results[0])
	if err != nil {
		t.Fatal(err)
	}
	// Seven values: the interval is from the first to the last.
	if iv.Median != 2 || iv.Low != 1 || iv.High != 3 || iv.Coverage < Confidence {
		t.Errorf("%+v", iv)
	}
	m.Results[0].NSPerWork = m.Results[0].NSPerWork[:6]
	if _, err := m.Ratio(m.Results[0]); !errors.Is(err, ErrRow) {
		t.Errorf("rounds that do not match: %v", err)
	}
}

func TestNoisy(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		noisy     bool
	}{{0.98, 1.02, false}, {0.97, 1.03, false}, {0.96, 1.0, true}, {1.0, 1.04, true}, {1.04, 1.05, true}, {0.5, 2, true}} {
		if got := Noisy(stat.Interval{Median: 1, Low: c.low, High: c.high}); got != c.noisy {
			t.Errorf("[%v, %v] noisy: %v", c.low, c.high, got)
		}
	}
}
