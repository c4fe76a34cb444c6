package cpu

import (
	"testing"
	"time"
)

// fake is a registry on a clock that only its kernels move, so that what the
// tests of the measurement see does not depend on the machine.
type fake struct {
	*Registry
	clock time.Duration
	runs  map[string]int // calls per kernel:impl
}

func newFake(env string) *fake {
	f := &fake{runs: map[string]int{}}
	f.Registry = NewRegistry(func(name string) string {
		if name != EnvName {
			return ""
		}
		return env
	})
	f.now = func() time.Duration { return f.clock }
	return f
}

// fakeImpl takes base + perUnit×n nanoseconds.
type fakeImpl struct {
	name          string
	base, perUnit float64
	unavailable   string
}

func (f *fake) add(name string, ladder []int, impls ...fakeImpl) *Kernel {
	spec := Spec{Name: name, Unit: "units", Ladder: ladder}
	for _, im := range impls {
		spec.Impls = append(spec.Impls, Impl{Name: im.name, Version: "1", Unavailable: im.unavailable})
	}
	spec.Prepare = func(n int) func(int) {
		return func(i int) {
			f.runs[name+":"+impls[i].name]++
			f.clock += time.Duration(impls[i].base + impls[i].perUnit*float64(n))
		}
	}
	return f.Register(spec)
}

var rungs = []int{1, 16, 64, 256}

// twoKernels has a crossover in "pairs" (simple below 64 units, wide from
// there) and none in "one".
func twoKernels(f *fake) (pairs, one *Kernel) {
	pairs = f.add("pairs", rungs,
		fakeImpl{name: "simple", perUnit: 100},
		fakeImpl{name: "wide", base: 3000, perUnit: 20},
		fakeImpl{name: "other", base: 50, perUnit: 1, unavailable: "this processor does not offer X"})
	one = f.add("one", rungs,
		fakeImpl{name: "simple", base: 100},
		fakeImpl{name: "quick", base: 60})
	return pairs, one
}

func expectPicks(t *testing.T, k *Kernel, want map[int]string) {
	t.Helper()
	for n, name := range want {
		if got := k.spec.Impls[k.Pick(n)].Name; got != name {
			t.Errorf("%s at %d units: %s, want %s", k.Name(), n, got, name)
		}
	}
}
