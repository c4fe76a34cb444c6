package loadgen

import (
	"math"
	"testing"
)

// The backlog of a chain is a saw-tooth: it fills at the offered rate and drops
// with every block. Only what is left over from tooth to tooth is growth.
func TestSlopeOfASawTooth(t *testing.T) {
	for _, growth := range []float64{0, 200, -50} {
		var ts, ys []float64
		for i := range 500 {
			at := 0.2 + float64(i)*sampleEvery.Seconds()
			ts = append(ts, at)
			ys = append(ys, 300+growth*at+20_000*math.Mod(at, 0.010)) // 200 tx per 10 ms block
		}
		s := slopeOf(stretches(ts), stretches(ys))
		if s == nil {
			t.Fatal("no slope from 500 samples")
		}
		if math.Abs(s.PerSec-growth) > 3*s.StdErr+1 || s.StdErr > 20 {
			t.Errorf("growth %v: slope %.2f ± %.2f", growth, s.PerSec, s.StdErr)
		}
	}
	if s := slopeOf([]float64{1, 2}, []float64{1, 2}); s != nil {
		t.Errorf("a slope with an error from two samples: %+v", s)
	}
	if s := slopeOf(nil, nil); s != nil {
		t.Errorf("a slope from nothing: %+v", s)
	}
}
