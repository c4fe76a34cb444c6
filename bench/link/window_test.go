package link

import (
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// uncounted stands for a system that counts no segments.
func uncounted() uint64 { return 0 }

// A flow with a burst at its start, then at a constant rate, has that rate,
// whatever the burst was.
func TestSteadyWindowIgnoresTheBurst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bytesPerMS := rapid.Uint64Range(10, 6_000_000).Draw(t, "bytesPerMS")
		burst := rapid.Uint64Range(0, 100_000_000).Draw(t, "burst")
		lengthMS := rapid.Uint64Range(60, 3000).Draw(t, "lengthMS")
		duration := time.Duration(lengthMS) * time.Millisecond
		m := newMarker(duration)
		start := time.Unix(0, 0)
		for ms := range lengthMS + 200 { // what drains after the end
			m.add(start.Add(time.Duration(ms)*time.Millisecond), burst+bytesPerMS*ms, uncounted)
		}
		w, err := steadyWindow(m.finish(uncounted), duration)
		if err != nil {
			t.Fatal(err)
		}
		want := float64(bytesPerMS) * 8 * 1000
		if got := w.payloadBitsPerSec(1448); math.Abs(got-want) > want*1e-9 {
			t.Fatalf("%g bits/s, want %g", got, want)
		}
		if math.Abs(w.drift-1) > 1e-9 {
			t.Fatalf("drift %g of a constant rate", w.drift)
		}
		if w.duration > time.Duration(float64(duration)*(windowTo-windowFrom)) {
			t.Fatalf("window of %v in a test of %v", w.duration, duration)
		}
	})
}

// On a path that loses frames the readable bytes stand still and then come in
// a heap. Segments show the rate at which they crossed the link all the while.
func TestSteadyWindowCountsSegments(t *testing.T) {
	const duration, bytesPerSegment = time.Second, 1448
	m := newMarker(duration)
	var segments, readable uint64
	for ms := range 1000 {
		segments += 10
		if hole := ms%400 < 300; !hole {
			readable = segments * bytesPerSegment
		}
		m.add(time.Unix(0, 0).Add(time.Duration(ms)*time.Millisecond), readable, func() uint64 { return segments })
	}
	w, err := steadyWindow(m.finish(func() uint64 { return segments }), duration)
	if err != nil {
		t.Fatal(err)
	}
	const want = 10 * bytesPerSegment * 8 * 1000
	if got := w.payloadBitsPerSec(bytesPerSegment); math.Abs(got-want) > want*1e-9 {
		t.Errorf("%g bits/s, want %d", got, want)
	}
	if math.Abs(w.drift-1) > 1e-9 {
		t.Errorf("drift %g of a constant rate of segments", w.drift)
	}
	if w.segments = 0; w.payloadBitsPerSec(bytesPerSegment) == want {
		t.Error("bytes alone show the same rate: the test does not tell them apart")
	}
}

// A rate that doubles in the middle of the window is seen as drift.
func TestSteadyWindowDrift(t *testing.T) {
	const duration = time.Second
	m := newMarker(duration)
	var bytes uint64
	for ms := range 1000 {
		bytes += 1000
		if ms > 625 {
			bytes += 1000
		}
		m.add(time.Unix(0, 0).Add(time.Duration(ms)*time.Millisecond), bytes, uncounted)
	}
	w, err := steadyWindow(m.finish(uncounted), duration)
	if err != nil || w.drift < 1.9 || w.drift > 2.1 {
		t.Errorf("drift %g, %v; want 2", w.drift, err)
	}
}

func TestSteadyWindowTooShort(t *testing.T) {
	stalled := []mark{{0, 5, 0}}
	for i := range 40 {
		stalled = append(stalled, mark{uint64(i+1) * 25e6, 1000, 0})
	}
	for name, marks := range map[string][]mark{
		"nothing":       nil,
		"one read":      {{0, 100, 0}},
		"few reads":     {{0, 1, 0}, {5e8, 2, 0}, {6e8, 3, 0}, {7e8, 4, 0}},
		"standing flow": stalled,
	} {
		if _, err := steadyWindow(marks, time.Second); !errors.Is(err, ErrTooShort) {
			t.Errorf("%s: %v, want ErrTooShort", name, err)
		}
	}
}

// However long a test lasts and however often it reads, the marks are bounded,
// in order, and end with the last read.
func TestMarkerIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMarker(time.Duration(rapid.Int64Range(1, int64(time.Minute)).Draw(t, "duration")))
		step := rapid.Int64Range(0, int64(40*time.Millisecond)).Draw(t, "step")
		n := rapid.IntRange(1, 20_000).Draw(t, "reads")
		at := time.Unix(0, 0)
		for i := range n {
			m.add(at, uint64(i+1), func() uint64 { return uint64(i) })
			at = at.Add(time.Duration(step))
		}
		marks := m.finish(func() uint64 { return uint64(n) })
		if len(marks) > maxMarks || marks[len(marks)-1].bytes != uint64(n) {
			t.Fatalf("%d marks, the last %+v of %d", len(marks), marks[len(marks)-1], n)
		}
		total, back, err := parseReport(marshalReport(uint64(n), marks))
		if err != nil || total != uint64(n) || !reflect.DeepEqual(back, marks) {
			t.Fatalf("report does not come back: %v", err)
		}
	})
}

func TestParseReportRefuses(t *testing.T) {
	good := []mark{{1, 10, 3}, {2, 20, 3}}
	for name, b := range map[string][]byte{
		"empty":          {},
		"short":          marshalReport(20, good)[:20],
		"long":           append(marshalReport(20, good), 0),
		"beyond total":   marshalReport(19, good),
		"time stands":    marshalReport(20, []mark{{1, 10, 0}, {1, 20, 0}}),
		"bytes go back":  marshalReport(20, []mark{{1, 10, 0}, {2, 9, 0}}),
		"segments back":  marshalReport(20, []mark{{1, 10, 5}, {2, 20, 4}}),
		"time too large": marshalReport(20, []mark{{1 << 63, 10, 0}}),
		"too many marks": marshalReport(0, make([]mark, maxMarks+1)),
	} {
		if _, _, err := parseReport(b); !errors.Is(err, ErrProtocol) {
			t.Errorf("%s: %v, want ErrProtocol", name, err)
		}
	}
	if _, marks, err := parseReport(marshalReport(20, good)); err != nil || len(marks) != 2 {
		t.Errorf("a good report: %v, %v", marks, err)
	}
}
