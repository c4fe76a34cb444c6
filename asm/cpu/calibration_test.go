package cpu

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func calibrated(t *testing.T) Calibration {
	t.Helper()
	f := newFake("")
	twoKernels(f)
	f.Calibrate()
	return f.Export()
}

func TestCalibrationTravelsAsData(t *testing.T) {
	data, err := json.Marshal(calibrated(t))
	if err != nil {
		t.Fatal(err)
	}
	var c Calibration
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	f := newFake("")
	pairs, one := twoKernels(f)
	if err := f.Import(c); err != nil {
		t.Fatal(err)
	}
	expectPicks(t, pairs, map[int]string{63: "simple", 64: "wide"})
	expectPicks(t, one, map[int]string{1: "quick"})
	if f.clock != 0 {
		t.Errorf("measured for %v in spite of the import", f.clock)
	}
	if diff := cmp.Diff(c, f.Export()); diff != "" {
		t.Errorf("exported again it differs (-imported +exported):\n%s", diff)
	}
	if e := f.Explain()[0]; e.Source != Imported || len(e.Ladder) != len(rungs) {
		t.Errorf("source %s with %d rungs, want %s with %d", e.Source, len(e.Ladder), Imported, len(rungs))
	}
}

func TestImportDoesNotLiftForcedChoices(t *testing.T) {
	f := newFake("one:simple")
	pairs, one := twoKernels(f)
	if err := f.Override("pairs:simple"); err != nil {
		t.Fatal(err)
	}
	if err := f.Import(calibrated(t)); err != nil {
		t.Fatal(err)
	}
	expectPicks(t, pairs, map[int]string{1000: "simple"})
	expectPicks(t, one, map[int]string{1000: "simple"})
}

func TestExportHasOnlyWhatWasMeasured(t *testing.T) {
	f := newFake("")
	pairs, _ := twoKernels(f)
	if n := len(f.Export().Kernels); n != 0 {
		t.Errorf("%d kernels exported before anything was measured", n)
	}
	pairs.Pick(1)
	if got := f.Export().Kernels; len(got) != 1 || got[0].Kernel != "pairs" {
		t.Errorf("exported %+v, want pairs alone", got)
	}
}

func TestImportRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		want  error
		spoil func(*Calibration)
	}{
		"another processor":      {ErrForeign, func(c *Calibration) { c.CPU = "amd64-Other-6-1-1-00" }},
		"another version":        {ErrForeign, func(c *Calibration) { c.Version = "0" }},
		"nothing at all":         {ErrForeign, func(c *Calibration) { *c = Calibration{} }},
		"unknown kernel":         {ErrCalibration, func(c *Calibration) { c.Kernels[1].Kernel = "nosuch" }},
		"kernel twice":           {ErrCalibration, func(c *Calibration) { c.Kernels[1] = c.Kernels[0] }},
		"unknown implementation": {ErrCalibration, func(c *Calibration) { c.Kernels[1].Steps[0].Impl = "nosuch" }},
		"unavailable":            {ErrCalibration, func(c *Calibration) { c.Kernels[0].Steps[1].Impl = "other" }},
		"no steps":               {ErrCalibration, func(c *Calibration) { c.Kernels[1].Steps = nil }},
		"not from 0":             {ErrCalibration, func(c *Calibration) { c.Kernels[1].Steps[0].From = 1 }},
		"steps fall":             {ErrCalibration, func(c *Calibration) { c.Kernels[0].Steps[1].From = 0 }},
		"too many steps": {ErrCalibration, func(c *Calibration) {
			for i := range maxSteps {
				c.Kernels[1].Steps = append(c.Kernels[1].Steps, Crossover{i + 1, "simple"})
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			cal := calibrated(t)
			c.spoil(&cal)
			f := newFake("")
			pairs, _ := twoKernels(f)
			if err := f.Import(cal); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if pairs.active.Load() != nil {
				t.Error("a part of the refused calibration is in force")
			}
		})
	}
}

func TestVersionFollowsTheImplementations(t *testing.T) {
	version := func(impls ...fakeImpl) string {
		f := newFake("")
		f.add("k", rungs, impls...)
		return f.Version()
	}
	seen := []string{version(fakeImpl{name: "a"})}
	if again := version(fakeImpl{name: "a", base: 5}); again != seen[0] {
		t.Errorf("equal registries have versions %s and %s", seen[0], again)
	}
	for _, v := range []string{
		version(fakeImpl{name: "b"}),
		version(fakeImpl{name: "a"}, fakeImpl{name: "b"}),
		version(fakeImpl{name: "a"}, fakeImpl{name: "b", unavailable: "no"}),
	} {
		if slices.Contains(seen, v) {
			t.Errorf("version %s stands for two different registries", v)
		}
		seen = append(seen, v)
	}
}
