package cpu

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestCrossoverIsWhereTheOtherWasSeenToWin(t *testing.T) {
	f := newFake("")
	pairs, one := twoKernels(f)
	// 100n against 3000+20n: equal at 37.5, so 64 is the first rung where wide wins.
	expectPicks(t, pairs, map[int]string{-1: "simple", 0: "simple", 1: "simple", 63: "simple", 64: "wide", 1 << 30: "wide"})
	expectPicks(t, one, map[int]string{0: "quick", 1: "quick", 5000: "quick"})
}

func TestSmallAdvantageDoesNotMakeACrossover(t *testing.T) {
	f := newFake("")
	k := f.add("k", rungs, fakeImpl{name: "spec", base: 1000}, fakeImpl{name: "newcomer", base: 980})
	expectPicks(t, k, map[int]string{1: "spec", 256: "spec"})
	k = f.add("l", rungs, fakeImpl{name: "spec", base: 1000}, fakeImpl{name: "newcomer", base: 950})
	expectPicks(t, k, map[int]string{1: "newcomer", 256: "newcomer"})
}

func TestUnavailableIsNeitherRunNorChosen(t *testing.T) {
	f := newFake("")
	pairs, _ := twoKernels(f)
	pairs.Pick(1)
	if n := f.runs["pairs:other"]; n != 0 {
		t.Errorf("an unavailable implementation ran %d times", n)
	}
}

func TestNothingToCompareIsNotMeasured(t *testing.T) {
	f := newFake("")
	k := f.add("k", rungs, fakeImpl{name: "spec", base: 1000}, fakeImpl{name: "gone", unavailable: "no"})
	expectPicks(t, k, map[int]string{1: "spec"})
	if f.clock != 0 {
		t.Errorf("measured for %v although one implementation is all there is", f.clock)
	}
}

// duringMeasurement registers a kernel with a slow, a fast and a decent
// implementation, of which the last one serves meanwhile, and calls meanwhile
// in the middle of each call that is measured.
func duringMeasurement(f *fake, meanwhile func(k *Kernel)) *Kernel {
	var k *Kernel
	k = f.Register(Spec{
		Name: "k", Unit: "units", Ladder: []int{1},
		Impls: []Impl{{Name: "spec"}, {Name: "fast"}, {Name: "decent"}}, Meanwhile: 2,
		Prepare: func(int) func(int) {
			return func(impl int) {
				f.clock += []time.Duration{10_000, 1_000, 2_000}[impl]
				meanwhile(k)
			}
		},
	})
	return k
}

func TestPickWhileMeasuringDoesNotWait(t *testing.T) {
	for env, want := range map[string]int{"": 2, "other:x": 2, "k:spec": 0} {
		f, calls := newFake(env), 0
		k := duringMeasurement(f, func(k *Kernel) {
			calls++
			if got := k.Pick(1); got != want { // stands for another goroutine's call
				t.Errorf("%q: a call during the measurement got implementation %d, want %d", env, got, want)
			}
		})
		f.Calibrate()
		if calls == 0 {
			t.Errorf("%q: nothing was measured", env)
		}
		if chosen := f.Export().Kernels[0].Steps[0].Impl; chosen != "fast" {
			t.Errorf("%q: measured %s as the best of %d, want fast", env, chosen, len(k.Impls()))
		}
	}
}

// TestPickSettledWaits starts calls while another kernel, or their own, is
// being measured: none of them may get what serves meanwhile, nor end before
// the measurement does.
func TestPickSettledWaits(t *testing.T) {
	f := newFake("")
	other := f.Register(Spec{
		Name: "other", Unit: "units", Ladder: []int{1}, Meanwhile: 1,
		Impls: []Impl{{Name: "spec"}, {Name: "decent"}, {Name: "fast"}},
		Prepare: func(int) func(int) {
			return func(impl int) { f.clock += []time.Duration{10_000, 2_000, 1_000}[impl] }
		},
	})
	var wg sync.WaitGroup
	var ended atomic.Int32
	k := duringMeasurement(f, func(k *Kernel) {
		settled := func(k *Kernel, want int) {
			wg.Go(func() {
				if got := k.PickSettled(1); got != want {
					t.Errorf("%s: waited for implementation %d, want the measured %d", k.Name(), got, want)
				}
				ended.Add(1)
			})
		}
		settled(k, 1)
		settled(other, 2)
		for range 20 {
			runtime.Gosched() // lets them run as far as they get
		}
		if n := ended.Load(); n > 0 {
			t.Errorf("%d calls ended before the measurement did", n)
		}
	})
	if got := k.PickSettled(1); got != 1 {
		t.Errorf("the call that measured got implementation %d, want 1", got)
	}
	wg.Wait()
	if ended.Load() == 0 {
		t.Error("no call came during the measurement")
	}
}

func TestPickAllocatesNothing(t *testing.T) {
	f := newFake("")
	pairs, _ := twoKernels(f)
	pairs.Pick(1)
	if n := testing.AllocsPerRun(100, func() { pairs.Pick(100) }); n != 0 {
		t.Errorf("%v allocations per Pick, want none", n)
	}
}

func TestConcurrentPicks(t *testing.T) {
	r := NewRegistry(func(string) string { return "" })
	var sink [2][64]byte
	k := r.Register(Spec{
		Name: "k", Unit: "units", Ladder: []int{1, 64},
		Impls: []Impl{{Name: "spec"}, {Name: "fast"}},
		Prepare: func(n int) func(int) {
			return func(impl int) { copy(sink[impl][:n], sink[1-impl][:n]) }
		},
	})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for n := range 200 {
				if got := k.Pick(n); got < 0 || got > 1 {
					t.Errorf("picked %d of 2", got)
				}
				if got := k.PickSettled(n); got < 0 || got > 1 {
					t.Errorf("settled on %d of 2", got)
				}
				if n%50 == 0 {
					r.Explain()
					if err := r.Override(""); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
}

// TestChoiceAgreesWithDefinition compares the walk of Pick with a search for
// the last step that is not above n.
func TestChoiceAgreesWithDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &choice{first: 0}
		from := 0
		for i := range rapid.IntRange(0, 6).Draw(t, "steps") {
			from += rapid.IntRange(1, 100).Draw(t, "rise")
			c.rest = append(c.rest, step{from, i + 1})
		}
		n := rapid.IntRange(-5, 700).Draw(t, "n")
		want := 0
		for _, s := range c.steps() {
			if s.from <= n {
				want = s.impl
			}
		}
		if got := c.at(n); got != want {
			t.Fatalf("at(%d) = %d, want %d of %v", n, got, want, c.steps())
		}
	})
}

func TestRegisterRefusesSpecsThatCannotWork(t *testing.T) {
	good := Spec{Name: "k", Ladder: []int{1}, Impls: []Impl{{Name: "spec"}}, Prepare: func(int) func(int) { return func(int) {} }}
	for name, spoil := range map[string]func(*Spec){
		"no name":                   func(s *Spec) { s.Name = "" },
		"comma in the name":         func(s *Spec) { s.Name = "a,b" },
		"no implementation":         func(s *Spec) { s.Impls = nil },
		"specification unavailable": func(s *Spec) { s.Impls = []Impl{{Name: "spec", Unavailable: "no"}} },
		"meanwhile out of range":    func(s *Spec) { s.Meanwhile = 1 },
		"meanwhile negative":        func(s *Spec) { s.Meanwhile = -1 },
		"meanwhile unavailable": func(s *Spec) {
			s.Impls, s.Meanwhile = []Impl{{Name: "spec"}, {Name: "gone", Unavailable: "no"}}, 1
		},
		"follows nobody": func(s *Spec) { s.Follows = "nosuch" },
		"follows a stranger": func(s *Spec) {
			s.Follows, s.Impls = "taken", []Impl{{Name: "spec"}, {Name: "more"}}
		},
		"same name twice":  func(s *Spec) { s.Impls = []Impl{{Name: "spec"}, {Name: "spec"}} },
		"no ladder":        func(s *Spec) { s.Ladder = nil },
		"ladder falls":     func(s *Spec) { s.Ladder = []int{2, 1} },
		"ladder repeats":   func(s *Spec) { s.Ladder = []int{2, 2} },
		"ladder from 0":    func(s *Spec) { s.Ladder = []int{0, 1} },
		"no Prepare":       func(s *Spec) { s.Prepare = nil },
		"registered twice": func(s *Spec) { s.Name = "taken" },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake("")
			f.add("taken", rungs, fakeImpl{name: "spec"})
			spec := good
			spoil(&spec)
			defer func() {
				if recover() == nil {
					t.Error("accepted")
				}
			}()
			f.Register(spec)
		})
	}
}
