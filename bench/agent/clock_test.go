package agent

import (
	"testing"

	"pgregory.net/rapid"
)

// Whatever the path does, and though the clocks go apart, the true offset is
// within the stated error, also a while after the last exchange.
func TestClockOffsetIsWithinItsError(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		truth := rapid.Int64Range(-1e15, 1e15).Draw(t, "offset")
		var f clockFilter
		now := rapid.Int64Range(0, 2e18).Draw(t, "start")
		n := rapid.IntRange(1, 200).Draw(t, "exchanges")
		ppm := rapid.Int64Range(-driftPPM, driftPPM).Draw(t, "drift")
		start := now
		offset := func(at int64) int64 { return truth + (at-start)*ppm/1e6 }
		for range n {
			there, back := rapid.Int64Range(1e5, 1e9).Draw(t, "there"), rapid.Int64Range(1e5, 1e9).Draw(t, "back")
			work := rapid.Int64Range(0, 1e9).Draw(t, "work")
			in, out := now+there, now+there+work
			x := exchange{t1: now, t2: in + offset(in), t3: out + offset(out), t4: out + back}
			f.add(x)
			now = x.t4 + rapid.Int64Range(1000, 60e9).Draw(t, "pause")
		}
		c := f.best(now)
		if c == nil || c.Samples == 0 || c.Samples > min(n, clockSamples) {
			t.Fatalf("%+v, want up to %d samples", c, min(n, clockSamples))
		}
		if off := c.OffsetNS - offset(now); off > c.ErrorNS || off < -c.ErrorNS {
			t.Fatalf("offset %d is %d from the truth, error says %d", c.OffsetNS, off, c.ErrorNS)
		}
	})
}

// A short round trip an hour ago tells less than a long one just now.
func TestClockPrefersWhatTellsMost(t *testing.T) {
	const hour = 3600_000_000_000
	var f clockFilter
	f.add(exchange{t1: 0, t2: 10_000, t3: 10_000, t4: 20_000}) // 20 µs
	if c := f.best(30_000); c.RTTNS != 20_000 || c.ErrorNS > 10_010 {
		t.Errorf("%+v right after it, want an error of 10 µs", c)
	}
	if c := f.best(hour); c.ErrorNS < hour/1e6*driftPPM {
		t.Errorf("%+v an hour after the only exchange: the clocks may be %d ns apart", c, int64(hour/1e6*driftPPM))
	}
	f.add(exchange{t1: hour, t2: hour + 1e6, t3: hour + 1e6, t4: hour + 2e6}) // 2 ms
	if c := f.best(hour + 2e6); c.RTTNS != 2e6 || c.ErrorNS > 1_001_000 {
		t.Errorf("%+v, want the exchange of 2 ms", c)
	}
}

// An answer that came before it was sent tells nothing.
func TestClockLeavesOutNonsense(t *testing.T) {
	var f clockFilter
	f.add(exchange{t1: 10, t2: 5, t3: 4, t4: 11})
	f.add(exchange{t1: 10, t2: 20, t3: 30, t4: 15})
	if c := f.best(20); c != nil {
		t.Errorf("estimate %+v from nothing", c)
	}
	f.add(exchange{t1: 100, t2: 1_105, t3: 1_106, t4: 112})
	if c := f.best(112); c == nil || c.OffsetNS != 999 || c.RTTNS != 11 || c.ErrorNS != 7 || c.Samples != 1 {
		t.Errorf("%+v", c)
	}
}
