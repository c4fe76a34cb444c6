package require

import "testing"

func TestFor(t *testing.T) {
	for _, c := range []struct {
		zen5, avx512, sha bool
		figures           int
		least             float64
	}{
		{true, true, true, len(Zen5Server), 1.85},
		{false, true, true, 0, 0},
		{false, true, false, 0, 0},
		{true, false, true, 6, 1.05},
		{false, false, true, 6, 1.05},
		{false, false, false, 6, 1},
	} {
		table := For(c.zen5, c.avx512, c.sha)
		if len(table.Figures) != c.figures || (table.Title == "") != (c.figures == 0) {
			t.Errorf("%+v: %d figures for %q", c, len(table.Figures), table.Title)
			continue
		}
		if c.figures > 0 && table.Figures[0].AtLeast != c.least {
			t.Errorf("%+v: the first asks for %v", c, table.Figures[0].AtLeast)
		}
	}
}

func TestJudge(t *testing.T) {
	f := Figure{AtLeast: 2, Aim: 3}
	for median, want := range map[float64]Verdict{1.99: NotMet, 2: Met, 2.99: Met, 3: AimMet} {
		if got := f.Judge(median); got != want {
			t.Errorf("%v: %s, want %s", median, got, want)
		}
	}
	if got := (Figure{AtLeast: 1}).Judge(5); got != Met {
		t.Errorf("no aim: %s", got)
	}
}

func TestFiguresAreInOrder(t *testing.T) {
	for _, f := range Zen5Server {
		if f.Row == "" || f.Peer == "" || f.AtLeast <= 1 || f.Aim <= f.AtLeast {
			t.Errorf("%+v", f)
		}
	}
}
