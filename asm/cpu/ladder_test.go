package cpu

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// curve is an implementation whose call for n units takes ns(n) nanoseconds.
type curve struct {
	name string
	ns   func(n int) int
}

func linear(name string, base, perUnit int) curve {
	return curve{name, func(n int) int { return base + perUnit*n }}
}

// lanes is a batch kernel that always pays for whole groups.
func lanes(name string, lanes, perUnit int) curve {
	return curve{name, func(n int) int { return (n + lanes - 1) / lanes * lanes * perUnit }}
}

// field is a kernel of curves on a fake clock, and what was called.
type field struct {
	*fake
	kernel  *Kernel
	calls   map[string]map[int]int // by name and size
	longest time.Duration
	noise   func(impl int) float64 // times the true duration; nil for none
}

func newField(ladder []int, curves ...curve) *field {
	f := &field{fake: newFake(""), calls: map[string]map[int]int{}}
	spec := Spec{Name: "k", Unit: "units", Ladder: ladder}
	for _, c := range curves {
		spec.Impls = append(spec.Impls, Impl{Name: c.name})
		f.calls[c.name] = map[int]int{}
	}
	spec.Prepare = func(n int) func(int) {
		return func(impl int) {
			f.calls[curves[impl].name][n]++
			took := float64(curves[impl].ns(n))
			if f.noise != nil {
				took *= f.noise(impl)
			}
			f.clock += time.Duration(took)
			f.longest = max(f.longest, time.Duration(took))
		}
	}
	f.kernel = f.Register(spec)
	return f
}

// ladder measures and returns what was seen.
func (f *field) ladder() []Rung { return f.Explain()[0].Ladder }

// total is the number of calls of an implementation at sizes of from and more.
func (f *field) total(name string, from int) int {
	sum := 0
	for n, calls := range f.calls[name] {
		if n >= from {
			sum += calls
		}
	}
	return sum
}

func (r Rung) why(impl string) string {
	for _, s := range r.Skipped {
		if s.Impl == impl {
			return s.Why
		}
	}
	return ""
}

// TestEightImplementationsOnSixRungs has the shapes and speeds of real kernels
// for pairs.
func TestEightImplementationsOnSixRungs(t *testing.T) {
	ladder := []int{1, 4, 16, 64, 256, 1024}
	f := newField(ladder,
		linear("std", 5, 123), linear("minio", 5, 111), linear("generic", 5, 400),
		curve{"pipeline", func(n int) int { return 800 + (n+15)/16*16*23 }},
		lanes("single", 16, 28), linear("shani", 20, 45), lanes("avx2", 8, 70), linear("hybrid", 2000, 30))
	expectPicks(t, f.kernel, map[int]string{1: "shani", 4: "shani", 15: "shani", 16: "single", 64: "single", 256: "pipeline", 1024: "pipeline"})
	if f.clock > budget {
		t.Errorf("measured for %v, the budget is %v", f.clock, budget)
	}
	rungs := f.ladder()
	if len(rungs) != len(ladder) {
		t.Fatalf("measured at %d sizes, want all %d", len(rungs), len(ladder))
	}
	top := rungs[len(rungs)-1]
	for _, name := range []string{"std", "minio", "generic"} {
		if n := f.total(name, 1024); n > 0 {
			t.Errorf("%s ran %d times at 1024, where it has no chance", name, n)
		}
		if why := top.why(name); !strings.Contains(why, "times the best at") {
			t.Errorf("%s is missing at 1024 because of %q", name, why)
		}
	}
	if len(top.Times)+len(top.Skipped) != 8 {
		t.Errorf("at 1024 %d implementations were timed and %d skipped, want 8 in all", len(top.Times), len(top.Skipped))
	}
}

// TestBatchKernelIsNotDroppedForItsStart: thirty times behind with one item,
// first with many.
func TestBatchKernelIsNotDroppedForItsStart(t *testing.T) {
	f := newField([]int{1, 4, 16, 64, 256, 1024, 4096}, linear("spec", 0, 100), lanes("batch", 128, 25))
	expectPicks(t, f.kernel, map[int]string{1: "spec", 16: "spec", 64: "batch", 4096: "batch"})
}

// TestLateBloomerIsLookedAtAgain: an implementation that does short messages
// with slow code, without any progress per byte, and long ones best.
func TestLateBloomerIsLookedAtAgain(t *testing.T) {
	f := newField([]int{64, 256, 1024, 8192, 32768},
		linear("spec", 0, 1),
		curve{"late", func(n int) int {
			if n <= 1024 {
				return 4 * n
			}
			return n / 3
		}})
	expectPicks(t, f.kernel, map[int]string{64: "spec", 1024: "spec", 8192: "late", 32768: "late"})
}

// TestHopelessPlateauIsSkippedOnceItIsExpensive: up to a call of 60 µs another
// look is cheap, and beyond it is not taken.
func TestHopelessPlateauIsSkippedOnceItIsExpensive(t *testing.T) {
	f := newField([]int{1, 4, 16, 64, 256, 1024}, linear("spec", 0, 100), linear("slow", 0, 900))
	rungs := f.ladder()
	if len(rungs) != 6 {
		t.Fatalf("%d rungs, want 6", len(rungs))
	}
	if f.calls["slow"][64] == 0 || f.total("slow", 256) > 0 {
		t.Errorf("calls by size %v, want some at 64 and none above", f.calls["slow"])
	}
	want := "9.0 times the best at 64 and no faster per unit than at the size below it; a call here would take 230 µs"
	if why := rungs[4].why("slow"); why != want {
		t.Errorf("reason %q, want %q", why, want)
	}
}

func TestSpecificationCanBeSkippedToo(t *testing.T) {
	f := newField([]int{1, 64, 4096}, linear("spec", 0, 100), linear("fast", 0, 10))
	expectPicks(t, f.kernel, map[int]string{0: "fast", 4096: "fast"})
	if f.total("spec", 4096) > 0 {
		t.Error("the specification ran at a size where it has no chance")
	}
}

func TestHopelessImplementationGetsTwoSamples(t *testing.T) {
	f := newField([]int{1}, linear("spec", 5000, 0), linear("hopeless", 500_000, 0))
	f.kernel.Pick(1)
	if n := f.total("hopeless", 1); n != 3 {
		t.Errorf("the hopeless implementation ran %d times, want 3: a warm-up and two samples", n)
	}
	if n := f.total("spec", 1); n != 1+maxSamples {
		t.Errorf("the best implementation ran %d times, want a warm-up and %d samples", n, maxSamples)
	}
}

func TestMeasurementStaysInItsBudget(t *testing.T) {
	// A slow machine: one call of the slowest takes a quarter of the budget.
	f := newField([]int{1, 2, 4, 8, 16, 32, 64},
		linear("spec", int(budget/8), 0), linear("slow", int(budget/4), 0))
	expectPicks(t, f.kernel, map[int]string{1: "spec", 1000: "spec"})
	if limit := budget + budget/4; f.clock > limit {
		t.Errorf("measured for %v, want at most %v: the budget and the call in which it ended", f.clock, limit)
	}
	if n := len(f.ladder()); n != 1 {
		t.Errorf("%d rungs, want the first alone", n)
	}
}

// TestUnfinishedRungDoesNotCount: where the budget ends before five samples
// the choice of the rung below holds, whatever the few samples said.
func TestUnfinishedRungDoesNotCount(t *testing.T) {
	f := newField([]int{1, 2},
		curve{"spec", func(n int) int { return []int{0, 10_000, int(budget / 8)}[n] }},
		curve{"other", func(n int) int { return []int{0, 11_000, int(budget / 10)}[n] }})
	expectPicks(t, f.kernel, map[int]string{1: "spec", 2: "spec"})
	if n := f.calls["other"][2]; n < 2 {
		t.Errorf("%d calls of the faster one at the upper size; the test means some", n)
	}
	if n := len(f.ladder()); n != 1 {
		t.Errorf("%d rungs, want 1: the second could not be finished", n)
	}
}

func drawField(t *rapid.T) (ladder []int, curves []curve) {
	n := rapid.IntRange(1, 64).Draw(t, "first size")
	factor := rapid.IntRange(2, 8).Draw(t, "factor")
	for range rapid.IntRange(1, 7).Draw(t, "sizes") {
		ladder = append(ladder, n)
		n *= factor
	}
	for i := range rapid.IntRange(2, 8).Draw(t, "implementations") {
		base := rapid.OneOf(rapid.IntRange(0, 100), rapid.IntRange(0, 50_000)).Draw(t, "base ns")
		perUnit := rapid.IntRange(1, 2000).Draw(t, "ns per unit")
		curves = append(curves, linear(string(rune('a'+i)), base, perUnit))
	}
	return ladder, curves
}

// TestChoiceIsTheBest: whatever was skipped and dropped on the way, at every
// rung the choice is the best of all implementations, but for the margin.
func TestChoiceIsTheBest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ladder, curves := drawField(t)
		f := newField(ladder, curves...)
		rungs := f.ladder()
		for _, r := range rungs {
			chosen := float64(curves[f.kernel.Pick(r.N)].ns(r.N))
			for _, c := range curves {
				if other := float64(c.ns(r.N)); other < margin*chosen {
					t.Fatalf("at %d the choice takes %v ns, %s %v", r.N, chosen, c.name, other)
				}
			}
		}
		for i, r := range rungs {
			if r.N != ladder[i] {
				t.Fatalf("rung %d is at %d, want %d", i, r.N, ladder[i])
			}
		}
	})
}

// TestLadderIsHonest: a rung has the true time of what it lists, says why of
// every other, and nothing that was skipped ran; and all stays in the budget.
func TestLadderIsHonest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ladder, curves := drawField(t)
		f := newField(ladder, curves...)
		var firstRung time.Duration
		for _, r := range f.ladder() {
			timed := map[string]float64{}
			for _, x := range r.Times {
				timed[x.Impl] = x.NSPerCall
			}
			for _, c := range curves {
				ns, ok := timed[c.name]
				why := r.why(c.name)
				switch {
				case ok == (why != ""):
					t.Fatalf("at %d %s is timed: %v, skipped: %q; want one of the two", r.N, c.name, ok, why)
				case ok && ns != float64(c.ns(r.N)):
					t.Fatalf("at %d %s has %v ns, took %d", r.N, c.name, ns, c.ns(r.N))
				case !ok && f.calls[c.name][r.N] > 0:
					t.Fatalf("at %d %s was skipped, but ran", r.N, c.name)
				}
				if r.N == ladder[0] {
					// Warm-up and first sample, looking for its repetitions.
					firstRung += 2*time.Duration(c.ns(r.N)) + 4*minSampleNS
				}
			}
		}
		if limit := max(budget, firstRung) + 2*f.longest + 4*minSampleNS; f.clock > limit {
			t.Fatalf("measured for %v, want at most %v", f.clock, limit)
		}
	})
}

// TestNoiseDoesNotDecide: samples that are up to 1.6 times too long, all but
// one in five, do not change the choice.
func TestNoiseDoesNotDecide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var curves []curve
		for i := range rapid.IntRange(2, 8).Draw(t, "implementations") {
			ns := rapid.IntRange(minSampleNS, 4*minSampleNS).Draw(t, "ns")
			curves = append(curves, linear(string(rune('a'+i)), ns, 0))
		}
		calls, clean := make([]int, len(curves)), rapid.IntRange(0, minSamples-1).Draw(t, "clean")
		f := newField([]int{1}, curves...)
		f.noise = func(impl int) float64 {
			calls[impl]++
			if (calls[impl]+impl)%minSamples == clean {
				return 1
			}
			return rapid.Float64Range(1, 1.6).Draw(t, "noise")
		}
		chosen := float64(curves[f.kernel.Pick(1)].ns(1))
		for _, c := range curves {
			if other := float64(c.ns(1)); other < margin*chosen {
				t.Fatalf("the choice takes %v ns, %s %v", chosen, c.name, other)
			}
		}
	})
}
