package results

import (
	"errors"
	"math"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"
	"pgregory.net/rapid"
)

func TestHistogramRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := hdrhistogram.New(1, 60_000_000, 3)
		for _, v := range rapid.SliceOf(rapid.Int64Range(0, 60_000_000)).Draw(t, "values") {
			if err := h.RecordValue(v); err != nil {
				t.Fatal(err)
			}
		}
		enc, err := EncodeHistogram(h, "commit", 1000, 3)
		if err != nil {
			t.Fatal(err)
		}
		got, err := enc.Decode()
		if err != nil {
			t.Fatal(err)
		}
		if !got.Equals(h) {
			t.Fatal("the histogram changed")
		}
		if a, b := QuantilesMS(h, 1000, 3), QuantilesMS(got, 1000, 3); a.Count != b.Count || (a.P99 != nil && *a.P99 != *b.P99) {
			t.Fatalf("%+v %+v", a, b)
		}
	})
}

func TestQuantilesMS(t *testing.T) {
	h := hdrhistogram.New(1, 1_000_000, 3)
	for v := range int64(1000) {
		if err := h.RecordValue(v + 1); err != nil { // 1 to 1000 µs
			t.Fatal(err)
		}
	}
	q := QuantilesMS(h, 1000, 7)
	if q.Count != 1000 || q.Negative != 7 || *q.P50 != 0.5 || *q.P90 != 0.9 || *q.P99 != 0.99 || *q.P999 != 0.999 || *q.Max != 1 {
		t.Errorf("%+v", q)
	}
	for _, empty := range []*hdrhistogram.Histogram{nil, hdrhistogram.New(1, 10, 1)} {
		if q := QuantilesMS(empty, 1, 2); q != (Quantiles{Negative: 2}) {
			t.Errorf("%+v", q)
		}
	}
}

func TestHistogramRefuses(t *testing.T) {
	wide := hdrhistogram.New(1, math.MaxInt64/4, 1)
	if _, err := EncodeHistogram(wide, "x", 1, 0); !errors.Is(err, ErrBadHistogram) {
		t.Errorf("a very wide histogram: %v", err)
	}
	if _, err := EncodeHistogram(hdrhistogram.New(1, 10, 1), "x", 0, 0); !errors.Is(err, ErrBadHistogram) {
		t.Errorf("no unit: %v", err)
	}
	good, err := EncodeHistogram(hdrhistogram.New(1, 10, 1), "x", 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	for name, h := range map[string]Histogram{
		"empty": {UnitNS: 1}, "no base64": {UnitNS: 1, HDR: "%%%"}, "no unit": {HDR: good.HDR},
		"cut": {UnitNS: 1, HDR: good.HDR[:len(good.HDR)-8]}, "large": {UnitNS: 1, HDR: string(make([]byte, maxHistogramBytes+1))},
	} {
		if _, err := h.Decode(); !errors.Is(err, ErrBadHistogram) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzHistogramDecode(f *testing.F) {
	good, err := EncodeHistogram(hdrhistogram.New(1, 100000, 2), "x", 1, 0)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good.HDR)
	f.Fuzz(func(t *testing.T, text string) {
		h, err := Histogram{UnitNS: 1, HDR: text}.Decode()
		if err != nil {
			return
		}
		if _, err := EncodeHistogram(h, "x", 1, 0); err != nil {
			t.Fatalf("read and not writable: %v", err)
		}
	})
}
