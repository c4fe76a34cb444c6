package knee

import (
	"strings"
	"testing"
)

// TestSlowed: a search that cannot end because the system became slower says so.
func TestSlowed(t *testing.T) {
	type tr struct {
		rate    float64
		verdict Verdict
		set     string
	}
	for _, c := range []struct {
		name   string
		trials []tr
		want   string
	}{
		{"steady", []tr{{1000, Good, ""}, {2000, Bad, ""}, {1400, Good, ""}, {1500, Bad, ""}, {1400, Good, ""}}, ""},
		{"noise at the knee", []tr{{1000, Good, ""}, {1050, Bad, ""}, {1000, Bad, ""}, {950, Good, ""}}, ""},
		{"a bad spell", []tr{{1000, Good, ""}, {800, Bad, ""}, {800, Good, ""}}, ""},
		{"set aside", []tr{{1000, Good, ""}, {800, Bad, "warm-up"}}, ""},
		{"nothing good before", []tr{{1000, Bad, ""}, {500, Bad, ""}, {250, Good, ""}}, ""},
		{"slower and slower", []tr{{1000, Good, ""}, {2236, Good, ""}, {4000, Bad, ""}, {2236, Bad, ""}, {2000, Bad, ""}, {1000, Good, ""}}, "2236 tx/s was good in trial 2 and 2000 tx/s was not in trial 5"},
	} {
		var trials []Trial
		for i, x := range c.trials {
			trials = append(trials, Trial{Spec: TrialSpec{Index: i + 1, RateTxPerSec: x.rate}, Judgement: Judgement{Verdict: x.verdict}, Discarded: x.set})
		}
		got := slowed(trials)
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
