package ci

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
)

// world is a machine that runs programs: what a run takes is the program's own
// time, times what the machine does to it.
type world struct {
	rng    *rand.Rand
	runs   int
	sd     float64 // of a run, as a fraction
	drift  float64 // by which the machine gets slower with every run
	spikes float64 // share of runs that something else disturbs by up to a half
	head   float64 // factor of head's time
	wire   float64 // factor of head's bytes
}

func (w *world) run(_ context.Context, arm Arm) (Sample, error) {
	w.runs++
	t := math.Exp(w.sd*w.rng.NormFloat64() + w.drift*float64(w.runs))
	if w.rng.Float64() < w.spikes {
		t *= 1 + w.rng.Float64()/2
	}
	bytes := 300 * math.Exp(0.001*w.rng.NormFloat64())
	if arm == Head {
		t *= w.head
		bytes *= w.wire
	}
	return Sample{Values: []Value{{mTime, t}, {mWire, bytes}}, Answer: "42"}, nil
}

// repeat measures many times on machines that differ by their luck only.
type tally struct{ n, noisy, before, after, slower, fail, pass, rounds int }

func repeat(t *testing.T, n int, w world, gates string, maxRounds int) tally {
	t.Helper()
	g, err := ParseGates(gates)
	if err != nil {
		t.Fatal(err)
	}
	var out tally
	for i := range n {
		w := w
		w.rng = rand.New(rand.NewPCG(7, uint64(i)))
		res, err := Measure(t.Context(), Config{Run: w.run, Gates: g, Rounds: 10, MaxRounds: maxRounds, Delta: 0.03})
		if err != nil {
			t.Fatal(err)
		}
		out.n++
		out.rounds += res.Rounds
		if res.Noisy {
			out.noisy++
			continue
		}
		if res.Confirmed {
			out.before++
		}
		if res.Verdict == Slower || res.Verdict == Faster {
			out.after++
		}
		if res.Verdict == Slower {
			out.slower++
		}
		switch res.Outcome {
		case Fail:
			out.fail++
		case Pass:
			out.pass++
		}
	}
	t.Logf("of %d: %d noisy, changed before the confirmation %d, after it %d, slower %d, gates failed %d, passed %d, rounds %.1f",
		out.n, out.noisy, out.before, out.after, out.slower, out.fail, out.pass, float64(out.rounds)/float64(out.n))
	return out
}

// The error rates are held with room for the luck of the draw: 200 repetitions
// of an event of 5 % are within 10 ± 10 with three standard deviations.
func TestSameProgram(t *testing.T) {
	for name, w := range map[string]world{
		"quiet":  {sd: 0.005, head: 1, wire: 1},
		"noisy":  {sd: 0.03, head: 1, wire: 1},
		"drift":  {sd: 0.01, drift: 0.002, head: 1, wire: 1},
		"spikes": {sd: 0.01, spikes: 0.1, head: 1, wire: 1},
	} {
		t.Run(name, func(t *testing.T) {
			got := repeat(t, 200, w, "", 30)
			if got.before > 20 {
				t.Errorf("%d of 200 changed before the confirmation, at most 5 %% and luck are allowed", got.before)
			}
			if got.after > 3 {
				t.Errorf("%d of 200 changed after it, a quarter of a percent and luck are allowed", got.after)
			}
			if got.noisy > 8 {
				t.Errorf("the control fired %d times on a machine that treats both alike", got.noisy)
			}
			if got.fail > 3 {
				t.Errorf("%d of 200 gates failed", got.fail)
			}
		})
	}
}

func TestSlowdownIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		w     world
		gates string
		least int // of 100
	}{
		"3 % noise":             {world{sd: 0.03, head: 1.05, wire: 1}, "", 90},
		"3 % noise and a gate":  {world{sd: 0.03, head: 1.05, wire: 1}, "time<=+2.5%", 90},
		"a machine that drifts": {world{sd: 0.01, drift: 0.002, head: 1.05, wire: 1}, "time<=+3%", 90},
		// Runs that take up to half as long again are a standard deviation of 9 %:
		// more than forty rounds are asked to cope with.
		"one run in ten spoilt": {world{sd: 0.01, spikes: 0.1, head: 1.05, wire: 1}, "", 60},
	} {
		t.Run(name, func(t *testing.T) {
			got := repeat(t, 100, c.w, c.gates, 40)
			if got.fail < c.least {
				t.Errorf("5 %% slower was found in %d of 100, want %d", got.fail, c.least)
			}
			if got.pass > 2 {
				t.Errorf("5 %% slower passed %d times", got.pass)
			}
		})
	}
}

func TestPaddingIsFound(t *testing.T) {
	got := repeat(t, 200, world{sd: 0.03, head: 1, wire: 1.02}, "wire_bytes_per_tx<=+1%", 30)
	if got.fail != got.n {
		t.Errorf("2 %% more bytes failed a gate of 1 %% in %d of %d", got.fail, got.n)
	}
	got = repeat(t, 200, world{sd: 0.03, head: 1, wire: 1.02}, "wire_bytes_per_tx<=+3%", 30)
	if got.pass != got.n {
		t.Errorf("2 %% more bytes passed a gate of 3 %% in %d of %d", got.pass, got.n)
	}
}

// A machine that treats the first and the last run of a round differently, one
// way or the other for minutes, is not one to judge on.
func TestControlFires(t *testing.T) {
	g, err := ParseGates("time<=+3%")
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	run := func(_ context.Context, arm Arm) (Sample, error) {
		v := math.Exp(0.005 * rng.NormFloat64())
		if arm == Control {
			v *= 1.08
		}
		return Sample{Values: []Value{{mTime, v}}}, nil
	}
	res, err := Measure(t.Context(), Config{Run: run, Gates: g, Rounds: 10, MaxRounds: 20, Delta: 0.03})
	if err != nil {
		t.Fatal(err)
	}
	if !res.Noisy || res.Outcome != Noisy || !res.Rows[0].Control.Fired || res.Confirmed {
		t.Errorf("base and control differ by 8 %%: noisy %v, outcome %q, confirmation %v", res.Noisy, res.Outcome, res.Confirmed)
	}
}

// detectable is held against the exact test on drawn samples.
func TestDetectable(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{8, 10, 20, 40} {
		const sd = 0.02
		d := detectable(n, sd, 0.05, 0.8)
		found := 0
		byHalf := 0.0
		const draws = 2000
		for range draws {
			x := make([]float64, n)
			for i := range x {
				x[i] = d + sd*rng.NormFloat64()
			}
			e, err := estimateOf(x)
			if err != nil {
				t.Fatal(err)
			}
			byHalf += detectableBy(n, e.half(), 0.8) / draws
			if e.p <= 0.05 && e.lo > 0 {
				found++
			}
		}
		if byHalf < 0.9*d || byHalf > 1.15*d {
			t.Errorf("n=%d: by their intervals samples find %v, by the deviation of all %v", n, byHalf, d)
		}
		got := float64(found) / draws
		t.Logf("n=%d: %.4f sd is found in %.3f", n, d/sd, got)
		if got < 0.75 || got > 0.87 {
			t.Errorf("n=%d: a change of %v is found in %.3f of the draws, want 0.8", n, d, got)
		}
	}
}
