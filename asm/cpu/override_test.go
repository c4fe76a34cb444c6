package cpu

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestEnvironmentForcesTheImplementation(t *testing.T) {
	f := newFake(" pairs:wide , one:simple,")
	pairs, one := twoKernels(f)
	if err := f.EnvError(); err != nil {
		t.Fatal(err)
	}
	expectPicks(t, pairs, map[int]string{1: "wide", 1000: "wide"})
	expectPicks(t, one, map[int]string{1: "simple", 1000: "simple"})
	if f.clock != 0 {
		t.Errorf("measured for %v although everything was forced", f.clock)
	}
	for _, e := range f.Explain() {
		if e.Source != Environment {
			t.Errorf("%s: source %s, want %s", e.Kernel, e.Source, Environment)
		}
	}
}

func TestWrongEnvironmentIsReportedAndForcesNothing(t *testing.T) {
	for env, want := range map[string]struct {
		err  error
		text string
	}{
		"nosuch:simple":            {ErrUnknown, `no kernel "nosuch"; there are pairs, one`},
		"pairs:nosuch":             {ErrUnknown, `no implementation "nosuch"; it has simple, wide, other`},
		"pairs:other":              {ErrUnavailable, "this processor does not offer X"},
		"pairs":                    {ErrSyntax, `"pairs"`},
		"pairs:":                   {ErrSyntax, "sha256_pairs:std"},
		":simple":                  {ErrSyntax, ":simple"},
		"pairs:simple:wide":        {ErrSyntax, "pairs:simple:wide"},
		"pairs=simple":             {ErrSyntax, "pairs=simple"},
		"pairs:other,pairs:simple": {ErrSyntax, "given twice, as other and as simple"},
	} {
		t.Run(env, func(t *testing.T) {
			f := newFake(env + ",one:simple")
			pairs, one := twoKernels(f)
			expectPicks(t, pairs, map[int]string{1: "simple", 64: "wide"})
			expectPicks(t, one, map[int]string{1: "simple", 64: "simple"}) // the sound entry holds
			err := f.EnvError()
			if !errors.Is(err, want.err) || !strings.Contains(err.Error(), want.text) || !strings.Contains(err.Error(), EnvName) {
				t.Errorf("error %v, want %v naming %s and saying %q", err, want.err, EnvName, want.text)
			}
		})
	}
}

func TestOverrideWinsOverTheEnvironmentAndGoesAway(t *testing.T) {
	f := newFake("pairs:wide")
	pairs, one := twoKernels(f)
	if err := f.Override("pairs:simple"); err != nil {
		t.Fatal(err)
	}
	expectPicks(t, pairs, map[int]string{1000: "simple"})
	if err := f.Override("one:simple"); err != nil {
		t.Fatal(err)
	}
	expectPicks(t, pairs, map[int]string{1: "wide"}) // the environment again
	expectPicks(t, one, map[int]string{1: "simple"})
	if err := f.Override(""); err != nil {
		t.Fatal(err)
	}
	expectPicks(t, one, map[int]string{1: "quick"}) // the measurement
}

// TestForcedChoiceHoldsForFollowers: by either way of forcing, unless the
// follower is named itself; measured they are apart.
func TestForcedChoiceHoldsForFollowers(t *testing.T) {
	follower := func(f *fake) *Kernel {
		twoKernels(f)
		return f.Register(Spec{
			Name: "pairs_long", Follows: "pairs", Unit: "units", Ladder: []int{1},
			Impls:   []Impl{{Name: "simple"}, {Name: "wide"}, {Name: "other", Unavailable: "no"}},
			Prepare: func(int) func(int) { return func(impl int) { f.clock += time.Duration(1000 * (2 - impl)) } },
		})
	}
	for forced, want := range map[string]string{
		"": "wide", "one:simple": "wide", "pairs:simple": "simple", "pairs:simple,pairs_long:wide": "wide",
		"pairs_long:simple": "simple", "pairs_long:simple,pairs:wide": "simple",
	} {
		f := newFake("")
		k := follower(f)
		if err := f.Override(forced); err != nil {
			t.Fatal(err)
		}
		expectPicks(t, k, map[int]string{1: want})
		expectPicks(t, follower(newFake(forced)), map[int]string{1: want})
	}
}

func TestWrongOverrideChangesNothing(t *testing.T) {
	f := newFake("")
	pairs, _ := twoKernels(f)
	if err := f.Override("pairs:wide"); err != nil {
		t.Fatal(err)
	}
	for list, want := range map[string]error{
		"pairs:simple,one:nosuch": ErrUnknown,
		"pairs:simple,nosuch:one": ErrUnknown,
		"pairs:other":             ErrUnavailable,
		"pairs:simple,one":        ErrSyntax,
	} {
		if err := f.Override(list); !errors.Is(err, want) {
			t.Errorf("Override(%q): %v, want %v", list, err, want)
		}
		expectPicks(t, pairs, map[int]string{1: "wide"})
	}
}

func TestCalibrateUnderAnOverride(t *testing.T) {
	f := newFake("")
	pairs, _ := twoKernels(f)
	if err := f.Override("pairs:simple"); err != nil {
		t.Fatal(err)
	}
	f.Calibrate()
	expectPicks(t, pairs, map[int]string{1000: "simple"})
	got := f.Export().Kernels
	if len(got) != 2 || len(got[0].Steps) != 2 || got[0].Steps[1] != (Crossover{64, "wide"}) {
		t.Errorf("exported %+v, want the measured choice of both kernels", got)
	}
}

// FuzzParseChoice: entries that come back are well formed, and written out
// again they mean the same.
func FuzzParseChoice(f *testing.F) {
	for _, s := range []string{"", ",", "a:b", "a:b,c:d", " a:b ,", "a:b,a:b", "a:b,a:c", "a", ":", "a:b:c", "é:ü"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, list string) {
		p, err := parseChoice(list)
		if err != nil && !errors.Is(err, ErrSyntax) {
			t.Errorf("error %v is not ErrSyntax", err)
		}
		if len(p.order) != len(p.impl) {
			t.Fatalf("%d kernels in order, %d with an implementation", len(p.order), len(p.impl))
		}
		var entries []string
		for _, k := range p.order {
			if !validName(k) || !validName(p.impl[k]) {
				t.Errorf("accepted %q:%q", k, p.impl[k])
			}
			entries = append(entries, k+":"+p.impl[k])
		}
		again, err := parseChoice(strings.Join(entries, ","))
		if err != nil || len(again.order) != len(p.order) {
			t.Errorf("%q does not read back: %v", entries, err)
		}
	})
}
