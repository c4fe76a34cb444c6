package verify

import (
	"slices"
	"testing"
	"time"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
	"pgregory.net/rapid"
)

// TestStackDepths: the sum does not depend on the depth it is computed at.
func TestStackDepths(t *testing.T) {
	const n = 200
	scalars, points := make([]*scalar.Scalar, n), make([]*curve.EdwardsPoint, n)
	var want curve.EdwardsPoint
	for i := range n {
		scalars[i] = scalar.NewFromUint64(uint64(i + 1))
		points[i] = new(curve.EdwardsPoint)
		points[i].MulBasepoint(curve.ED25519_BASEPOINT_TABLE, scalars[i])
	}
	sum := uint64(0)
	for i := range uint64(n) {
		sum += (i + 1) * (i + 1)
	}
	want.MulBasepoint(curve.ED25519_BASEPOINT_TABLE, scalar.NewFromUint64(sum))
	for i, m := range depths {
		var got curve.EdwardsPoint
		m(&got, scalars, points)
		if got.Equal(&want) != 1 {
			t.Errorf("depth %d: another sum", i)
		}
	}
}

// TestStackChoice: whatever the times are, the depth whose shortest time is the
// least is used until the depths are tried again, and each is tried as often.
func TestStackChoice(t *testing.T) {
	scalars, points := make([]*scalar.Scalar, stackPoints), make([]*curve.EdwardsPoint, stackPoints)
	for i := range scalars {
		scalars[i], points[i] = new(scalar.Scalar), curve.NewEdwardsPoint()
	}
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.SliceOfN(rapid.Int64Range(1, 1<<40), stackTries, stackTries).Draw(t, "times")
		least := slices.Clone(times[:len(depths)])
		for i, d := range times {
			least[i%len(depths)] = min(least[i%len(depths)], d)
		}
		var clock, asked int64
		s := stack{now: func() time.Time {
			if asked++; asked%2 == 0 {
				clock += times[asked/2-1]
			}
			return time.Unix(0, clock)
		}}
		var d curve.EdwardsPoint
		for range stackTries {
			s.multiply(&d, scalars[:stackPoints], points[:stackPoints])
		}
		if asked != 2*int64(stackTries) {
			t.Fatalf("the clock was read %d times", asked)
		}
		if want := slices.Index(least, slices.Min(least)); s.best != want {
			t.Fatalf("depth %d is used, %d took the least of %v", s.best, want, least)
		}
		s.multiply(&d, scalars, points)
		s.multiply(&d, scalars[:1], points[:1])
		if asked != 2*int64(stackTries) {
			t.Fatal("the depths are tried again at once, or for a small batch")
		}
		s.calls = stackPeriod
		times[0] = 1 << 41
		asked = 0
		s.multiply(&d, scalars, points)
		if s.least[0] != float64(times[0])/stackPoints {
			t.Fatal("an old measurement outlives a new trial")
		}
	})
}
