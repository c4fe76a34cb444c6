package loadgen

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// The integral up to a time is that of the pieces up to it, one after the other.
func TestUntilIsTheSumOfThePieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &pieces{}
		for range rapid.IntRange(1, 40).Draw(t, "pieces") {
			p.add(rapid.Float64Range(1, 1e9).Draw(t, "ns"), rapid.Float64Range(0, 1e4).Draw(t, "tx"), rapid.Float64Range(-1, 1).Draw(t, "slope"))
		}
		ns := rapid.Float64Range(-10, 1.1).Draw(t, "at") * p.endNS
		sum := 0.0
		for _, c := range p.list {
			x := min(1, max(0, (ns-c.startNS)/c.lenNS))
			sum += c.tx * ((1-c.slope)*x + c.slope*x*x)
		}
		if got := p.until(ns); math.Abs(got-sum) > 1e-9*max(1, sum) {
			t.Fatalf("until %v of %v ns: %v, want %v", ns, p.endNS, got, sum)
		}
	})
}

// BenchmarkUntil asks a trace of many rows for every gap of a run.
func BenchmarkUntil(b *testing.B) {
	p := &pieces{}
	for range maxTraceRows / 4 {
		p.add(1e9, 1, 0)
	}
	for i := 0; b.Loop(); i++ {
		p.until(float64(i%1000) / 1000 * p.endNS)
	}
}
