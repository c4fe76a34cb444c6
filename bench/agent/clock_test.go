package agent

import (
	"testing"

	"pgregory.net/rapid"
)

// Whatever the path does, the true offset is within the stated error.
func TestClockOffsetIsWithinItsError(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		truth := rapid.Int64Range(-1e15, 1e15).Draw(t, "offset")
		var f clockFilter
		now := rapid.Int64Range(0, 2e18).Draw(t, "start")
		n := rapid.IntRange(1, 200).Draw(t, "exchanges")
		shortest := int64(1) << 62
		for i := range n {
			there, back := rapid.Int64Range(0, 1e9).Draw(t, "there"), rapid.Int64Range(0, 1e9).Draw(t, "back")
			work := rapid.Int64Range(0, 1e9).Draw(t, "work")
			x := exchange{t1: now, t2: now + there + truth, t3: now + there + work + truth, t4: now + there + work + back}
			f.add(x)
			now = x.t4 + 1000
			if i >= n-clockSamples {
				shortest = min(shortest, there+back)
			}
		}
		c := f.best()
		if c == nil || c.Samples != min(n, clockSamples) || c.RTTNS != shortest {
			t.Fatalf("%+v, want %d samples and %d ns", c, min(n, clockSamples), shortest)
		}
		if off := c.OffsetNS - truth; off > c.ErrorNS || off < -c.ErrorNS {
			t.Fatalf("offset %d is %d from the truth, error says %d", c.OffsetNS, off, c.ErrorNS)
		}
	})
}

// An answer that came before it was sent tells nothing.
func TestClockLeavesOutNonsense(t *testing.T) {
	var f clockFilter
	f.add(exchange{t1: 10, t2: 5, t3: 4, t4: 11})
	f.add(exchange{t1: 10, t2: 20, t3: 30, t4: 15})
	if c := f.best(); c != nil {
		t.Errorf("estimate %+v from nothing", c)
	}
	f.add(exchange{t1: 100, t2: 1_105, t3: 1_106, t4: 112})
	if c := f.best(); c == nil || c.OffsetNS != 999 || c.RTTNS != 11 || c.ErrorNS != 6 || c.Samples != 1 {
		t.Errorf("%+v", c)
	}
}
