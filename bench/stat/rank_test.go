package stat

import (
	"errors"
	"math"
	"testing"
)

func closeTo(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s = %.12g, want %.12g ± %g", what, got, want, tol)
	}
}

var (
	shiftX = []float64{.80, .83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, .73, 1.46}
	shiftY = []float64{1.15, .88, .90, .74, 1.21}
)

// The data of Hollander and Wolfe's example on permeability constants, and the
// figures that R prints for them.
func TestMannWhitneyGolden(t *testing.T) {
	u, p, err := MannWhitney(shiftX, shiftY)
	if err != nil {
		t.Fatal(err)
	}
	closeTo(t, "U", u, 35, 0)
	closeTo(t, "p", p, .2544122544, 5e-11)
	u, p, err = MannWhitney(shiftY, shiftX)
	if err != nil {
		t.Fatal(err)
	}
	closeTo(t, "U mirrored", u, 15, 0)
	closeTo(t, "p mirrored", p, .2544122544, 5e-11)
	shift, lo, hi, achieved, err := ShiftInterval(shiftX, shiftY, .95)
	if err != nil {
		t.Fatal(err)
	}
	closeTo(t, "shift", shift, .305, 1e-12)
	closeTo(t, "lo", lo, -.15, 1e-12)
	closeTo(t, "hi", hi, .76, 1e-12)
	if achieved < .95 || achieved > .97 {
		t.Errorf("achieved %v", achieved)
	}
}

func TestMinDetectable(t *testing.T) {
	for n, want := range map[int]float64{6: 1.92, 10: 1.395, 20: .933} {
		closeTo(t, "smallest change", MinDetectable(n, .8, .05), want, .05)
	}
	if got := MinDetectable(3, .8, .05); !math.IsInf(got, 1) {
		t.Errorf("three values never reach 0.05, got %v", got)
	}
}

func TestTooFew(t *testing.T) {
	if _, _, _, err := SignedRankInterval([]float64{1, 2, 3, 4, 5}, .95); !errors.Is(err, ErrTooFewSamples) {
		t.Error(err)
	}
	if _, _, _, _, err := ShiftInterval([]float64{1, 2, 3}, []float64{1, 2, 3}, .95); !errors.Is(err, ErrTooFewSamples) {
		t.Error(err)
	}
}
