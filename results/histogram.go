package results

import (
	"errors"
	"fmt"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// ErrBadHistogram reports an encoded histogram that cannot be used.
var ErrBadHistogram = errors.New("bad histogram")

// Bounds of an encoded histogram. A record may come from anywhere, and a small
// text can ask for a very large table of counts.
const (
	maxHistogramBytes   = 4 << 20
	maxHistogramMaxUnit = int64(1) << 50 // 13 days in ns
	maxHistogramDigits  = 4
)

// EncodeHistogram returns h in the form of a record. unitNS is the length of
// one unit of h in nanoseconds, negative the number of samples below zero that
// h does not hold.
func EncodeHistogram(h *hdrhistogram.Histogram, stage string, unitNS, negative int64) (Histogram, error) {
	if err := checkGeometry(h); err != nil {
		return Histogram{}, fmt.Errorf("histogram %q: %w", stage, err)
	}
	if unitNS <= 0 {
		return Histogram{}, fmt.Errorf("histogram %q: %w: unit of %d ns", stage, ErrBadHistogram, unitNS)
	}
	text, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return Histogram{}, fmt.Errorf("histogram %q: %w: %w", stage, ErrBadHistogram, err)
	}
	return Histogram{Stage: stage, UnitNS: unitNS, Negative: negative, HDR: string(text)}, nil
}

// Decode returns the histogram, in units of UnitNS nanoseconds.
func (h Histogram) Decode() (*hdrhistogram.Histogram, error) {
	if h.UnitNS <= 0 {
		return nil, fmt.Errorf("histogram %q: %w: unit of %d ns", h.Stage, ErrBadHistogram, h.UnitNS)
	}
	if len(h.HDR) > maxHistogramBytes {
		return nil, fmt.Errorf("histogram %q: %w: %d bytes, at most %d are read", h.Stage, ErrBadHistogram, len(h.HDR), maxHistogramBytes)
	}
	out, err := hdrhistogram.Decode([]byte(h.HDR))
	if err != nil {
		return nil, fmt.Errorf("histogram %q: %w: %w", h.Stage, ErrBadHistogram, err)
	}
	if err := checkGeometry(out); err != nil {
		return nil, fmt.Errorf("histogram %q: %w", h.Stage, err)
	}
	return out, nil
}

func checkGeometry(h *hdrhistogram.Histogram) error {
	if top, digits := h.HighestTrackableValue(), h.SignificantFigures(); top > maxHistogramMaxUnit || digits > maxHistogramDigits {
		return fmt.Errorf("%w: values up to %d with %d digits; at most %d with %d are kept in a record",
			ErrBadHistogram, top, digits, maxHistogramMaxUnit, maxHistogramDigits)
	}
	return nil
}

// QuantilesMS returns the quantiles of h in milliseconds. unitNS and negative
// are as in EncodeHistogram. A nil or empty h has no quantiles, only counts.
func QuantilesMS(h *hdrhistogram.Histogram, unitNS, negative int64) Quantiles {
	q := Quantiles{Negative: negative}
	if h == nil || h.TotalCount() == 0 {
		return q
	}
	ms := func(units int64) *float64 {
		v := float64(units) * float64(unitNS) / 1e6
		return &v
	}
	q.Count = h.TotalCount()
	q.P50 = ms(h.ValueAtQuantile(50))
	q.P90 = ms(h.ValueAtQuantile(90))
	q.P99 = ms(h.ValueAtQuantile(99))
	q.P999 = ms(h.ValueAtQuantile(99.9))
	q.Max = ms(h.Max())
	return q
}

// MergedMS merges the histograms of one stage over the windows that use wants,
// and returns their quantiles. Without such a histogram there are none.
func MergedMS(windows []Window, stage string, use func(Window) bool) (Quantiles, error) {
	var all *hdrhistogram.Histogram
	var unit, negative int64
	for _, w := range windows {
		if !use(w) {
			continue
		}
		for _, h := range w.Histograms {
			if h.Stage != stage {
				continue
			}
			one, err := h.Decode()
			switch {
			case err != nil:
				return Quantiles{}, fmt.Errorf("trial %d, window %d: %w", w.TrialID, w.Index, err)
			case all == nil:
				all, unit = one, h.UnitNS
			case unit != h.UnitNS:
				return Quantiles{}, fmt.Errorf("trial %d, window %d: histogram %q: %w: its unit is %d ns, that of the others %d ns", w.TrialID, w.Index, stage, ErrBadHistogram, h.UnitNS, unit)
			default:
				if dropped := all.Merge(one); dropped > 0 {
					return Quantiles{}, fmt.Errorf("trial %d, window %d: histogram %q: %w: %d samples lie beyond the range of the others", w.TrialID, w.Index, stage, ErrBadHistogram, dropped)
				}
			}
			negative += h.Negative
		}
	}
	return QuantilesMS(all, unit, negative), nil
}

// Short returns the three percentiles that a summary repeats.
func (q Quantiles) Short() Percentiles {
	return Percentiles{P50: q.P50, P99: q.P99, P999: q.P999}
}
