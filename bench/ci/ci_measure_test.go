//go:build measure

package ci

import (
	"fmt"
	"testing"
	"time"
)

// What is asked of a comparison on a real machine: see docs/methodology.md.
const (
	repetitions    = 20
	noiseMost      = 0.03 // standard deviation of a run, above which nothing is promised
	attemptsMost   = 2 * repetitions
	burnSteps      = 120_000_000 // half a second: starting a process is a small part of it
	firedBefore    = 3
	firedAfter     = 1
	foundLeast     = 18
	padTxs         = 2000
	padBytes       = 200
	padBytesLonger = 207 // 2 % of the 340 bytes that a transaction is on the wire
)

// repeatMeasured compares until there are 20 repetitions that count. Those that
// the control stamps noisy, or whose control varies by more than is promised
// for, are told apart.
func repeatMeasured(t *testing.T, r *Runner, gates, metric string, count func(Result)) {
	t.Helper()
	g, err := ParseGates(gates)
	if err != nil {
		t.Fatal(err)
	}
	counted, noisy, restless := 0, 0, 0
	for range attemptsMost {
		begin := time.Now()
		res, err := Measure(t.Context(), Config{Run: r.Run, Gates: g, Rounds: 10, MaxRounds: 40, Delta: 0.03})
		if err != nil {
			t.Fatal(err)
		}
		row := rowOf(t, res, metric)
		sd := 0.0
		if row.Control.RunSD != nil {
			sd = *row.Control.RunSD
		}
		stamp := ""
		switch {
		case res.Noisy:
			noisy++
			stamp = "noisy, "
		case sd > noiseMost:
			restless++
			stamp = "not counted, "
		default:
			counted++
			count(res)
		}
		first := "-"
		if row.First != nil {
			first = fmt.Sprintf("%s %s", row.First.Verdict, percent(row.First.Ratio))
		}
		t.Logf("%2d: %s%s %s %s, first %s, %d rounds, a run varies by %.2f %%, %.0f s", counted, stamp, row.Verdict, percent(row.Ratio), interval(row.CI95),
			first, res.Rounds, 100*sd, time.Since(begin).Seconds())
		if counted == repetitions {
			t.Logf("counted apart: %d noisy, %d with runs that vary by more than %v %%", noisy, restless, 100*noiseMost)
			return
		}
	}
	t.Fatalf("this machine is too restless to say: of %d repetitions %d count, %d were noisy, in %d a run varied by more than %v %%; see weir doctor",
		attemptsMost, counted, noisy, restless, 100*noiseMost)
}

func rowOf(t *testing.T, res Result, metric string) Row {
	t.Helper()
	for _, r := range res.Rows {
		if r.Name == metric {
			return r
		}
	}
	t.Fatalf("no %s in %+v", metric, res.Rows)
	return Row{}
}

// TestMeasuredSameProgram: one program against itself changes in at most 3 of 20
// repetitions before the confirmation and in 1 after it.
func TestMeasuredSameProgram(t *testing.T) {
	for _, metric := range []string{"time", "cpu_time"} {
		t.Run(metric, func(t *testing.T) {
			args := []string{"burn", fmt.Sprint(burnSteps), "0"}
			before, after := 0, 0
			repeatMeasured(t, helperRunner(t, args, args), metric+"<=+3%", metric, func(res Result) {
				if res.Confirmed {
					before++
				}
				if res.Verdict == Slower || res.Verdict == Faster {
					after++
				}
			})
			t.Logf("%s of one program: changed in %d of %d before the confirmation (at most %d), in %d after it (at most %d)", metric, before, repetitions, firedBefore, after, firedAfter)
			if before > firedBefore || after > firedAfter {
				t.Error("a program is told from itself too often")
			}
		})
	}
}

// TestMeasuredSlowdown: 5 % more work in a program bound by the processor is
// found, twice, in at least 18 of 20 repetitions.
func TestMeasuredSlowdown(t *testing.T) {
	for _, metric := range []string{"time", "cpu_time"} {
		t.Run(metric, func(t *testing.T) {
			found := 0
			r := helperRunner(t, []string{"burn", fmt.Sprint(burnSteps), "0"}, []string{"burn", fmt.Sprint(burnSteps), fmt.Sprint(burnSteps / 20)})
			repeatMeasured(t, r, metric+"<=+3%", metric, func(res Result) {
				if res.Verdict == Slower && res.Outcome == Fail {
					found++
				}
			})
			t.Logf("5 %% more work: found by %s in %d of %d (at least %d)", metric, found, repetitions, foundLeast)
			if found < foundLeast {
				t.Error("a real slowdown is found too rarely")
			}
		})
	}
}

// TestMeasuredPadding: 2 % more bytes on the wire fail a gate of 1 % every time.
func TestMeasuredPadding(t *testing.T) {
	found := 0
	var change float64
	r := helperRunner(t, []string{"wire", fmt.Sprint(padTxs), fmt.Sprint(padBytes)}, []string{"wire", fmt.Sprint(padTxs), fmt.Sprint(padBytesLonger)})
	repeatMeasured(t, r, "wire_bytes_per_tx<=+1%", "wire_bytes_per_tx", func(res Result) {
		row := rowOf(t, res, "wire_bytes_per_tx")
		change = *row.Ratio - 1
		if res.Outcome == Fail && row.Confirmed {
			found++
		}
	})
	t.Logf("%.2f %% more bytes on the wire: found in %d of %d", 100*change, found, repetitions)
	if change < 0.015 || change > 0.025 {
		t.Errorf("the padding is %.2f %% of the bytes on the wire, the test wants 2", 100*change)
	}
	if found != repetitions {
		t.Error("padding was missed")
	}
}
