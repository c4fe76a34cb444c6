package link

import (
	"context"
	"errors"
	"math"
	"net"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The second half of a train shows the link's rate whatever bucket helped the
// first, as long as the train has twice as much as the bucket let through.
func TestDispersionLeavesTheBucketOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		frames := rapid.IntRange(200, 5000).Draw(t, "frames")
		free := rapid.IntRange(0, frames/2-1).Draw(t, "let through at once")
		gapNS := rapid.Uint64Range(100, 1_000_000).Draw(t, "gap")
		var marks []mark
		at := uint64(0)
		for i := range frames {
			if i > free {
				at += gapNS
			} else {
				at += 10
			}
			marks = append(marks, mark{at, uint64(i + 1), uint64(i + 1)})
		}
		got, drift, err := dispersion(marks)
		if want := 1e9 / float64(gapNS); err != nil || math.Abs(got/want-1) > 1e-9 || math.Abs(drift) > 1e-9 {
			t.Fatalf("%g frames/s (%v), want %g; drift %g", got, err, want, drift)
		}
	})
}

func TestDispersionNeedsFrames(t *testing.T) {
	for _, marks := range [][]mark{nil, {{0, 1, 1}}, {{0, 1, 1}, {5, 1000, 1000}}} {
		if _, _, err := dispersion(marks); !errors.Is(err, ErrTooShort) {
			t.Errorf("%v: %v, want ErrTooShort", marks, err)
		}
	}
}

// However many arrivals there are, the record stays small, goes forward and
// ends with the last.
func TestRecorderIsBounded(t *testing.T) {
	r := recorder{marks: make([]mark, 0, recordMarks), every: 1}
	const n = 5 * recordMarks
	for i := range int64(n) {
		r.add(1000+i/3*7, uint64(i+1)) // three at a time
	}
	marks := r.finish(n)
	if len(marks) > maxMarks || len(marks) < maxMarks/4 || marks[len(marks)-1].segments != n {
		t.Fatalf("%d marks, the last %+v", len(marks), marks[len(marks)-1])
	}
	if _, _, err := parseReport(marshalReport(n, marks)); err != nil {
		t.Error(err)
	}
}

func TestSummarize(t *testing.T) {
	var rtts []time.Duration
	for i := 100; i >= 1; i-- {
		rtts = append(rtts, time.Duration(i))
	}
	r, err := summarize(rtts, 120)
	if want := (RTT{MinNS: 1, P50NS: 50, P99NS: 99, MaxNS: 100, Sent: 120, Received: 100}); err != nil || r != want {
		t.Errorf("got %+v, %v, want %+v", r, err, want)
	}
	if _, err := summarize(nil, 5); !errors.Is(err, ErrTooShort) {
		t.Errorf("nothing came back: %v, want ErrTooShort", err)
	}
}

func TestMaxBits(t *testing.T) {
	if got := MaxBits(8e6, 32768, 1); got != 8e6+262144 {
		t.Errorf("MaxBits = %g", got)
	}
}

// Everything is measured over loopback, both ways, IPv4 and IPv6, and called a
// memory copy.
func TestLookLoopback(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		t.Run(host, func(t *testing.T) {
			ln, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
			if err != nil {
				t.Skipf("this machine has no %s to listen on: %v", host, err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			served := make(chan error, 1)
			go func() { served <- Serve(ctx, ln, ServerConfig{Token: "a token of some length"}) }()
			defer func() {
				cancel()
				if err := <-served; err != nil {
					t.Error(err)
				}
			}()
			cfg := Config{Dial: dialer(ln.Addr().String()), Duration: 200 * time.Millisecond, Token: "a token of some length"}
			s, err := Look(t.Context(), cfg, nil)
			for errors.Is(err, ErrTooShort) && cfg.Duration < 2*time.Second {
				cfg.Duration *= 2
				s, err = Look(t.Context(), cfg, nil)
			}
			if err != nil {
				t.Fatal(err)
			}
			if s.Schema != Schema || s.Kind != KindLoopback || s.BulkIn == nil || s.BulkOut == nil || s.RTTIdle == nil {
				t.Fatalf("%+v", s)
			}
			if s.BulkIn.L1BitsPerSec <= s.BulkIn.L2BitsPerSec {
				t.Errorf("layer 1 %g is not above layer 2 %g", s.BulkIn.L1BitsPerSec, s.BulkIn.L2BitsPerSec)
			}
			if s.RTTIdle.MinNS == 0 || s.RTTIdle.P50NS > s.RTTIdle.P99NS || s.RTTIdle.Received > s.RTTIdle.Sent {
				t.Errorf("round trips %+v", *s.RTTIdle)
			}
			// A busy machine may lose datagrams of a test, but says so.
			if (s.TrainIn == nil || s.TrainOut == nil || len(s.SmallIn) < 2 || len(s.SmallOut) < 2) && len(s.Warnings) == 0 {
				t.Error("something is unknown and nothing says why")
			}
		})
	}
}

// A cap holds on both ends: neither side sends more than it in the time.
func TestRateCapHolds(t *testing.T) {
	const limit = 8_000_000
	for _, c := range []struct {
		server, client uint64
	}{{0, limit}, {limit, 0}, {limit, 10 * limit}} {
		addr := serve(t, ServerConfig{RateCapBitsPerSec: c.server})
		res, err := Measure(t.Context(), Config{Dial: dialer(addr), RateCapBitsPerSec: c.client, Duration: 500 * time.Millisecond})
		if err != nil && !errors.Is(err, ErrTooShort) {
			t.Fatal(err)
		}
		for _, d := range []*Direction{res.In, res.Out} {
			// One chunk of 20 ms may go before the first is due.
			if d != nil && d.Bytes > limit/8/2+2*limit/8/pacedChunksPerSec {
				t.Errorf("%+v: %d bytes in half a second at %d bit/s", c, d.Bytes, limit)
			}
		}
	}
}
