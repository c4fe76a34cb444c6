package contest

import (
	"fmt"
	"slices"

	"github.com/chainweir/weir/bench/stat"
)

// Confidence of the intervals.
const Confidence = 0.95

// NoiseLimit is how far the control may be from 1.
const NoiseLimit = 0.03

// Ours returns the result that ratios refer to.
func (m Measured) Ours() (Result, bool) {
	i := slices.IndexFunc(m.Results, func(r Result) bool { return r.Contestant.Role == Ours && len(r.NSPerWork) > 0 })
	if i < 0 {
		return Result{}, false
	}
	return m.Results[i], true
}

// Ratio is the time of r over that of ours, round by round: the median, with
// the order statistics that enclose it. Above 1 ours is faster.
func (m Measured) Ratio(r Result) (stat.Interval, error) {
	ours, ok := m.Ours()
	if !ok || len(r.NSPerWork) != len(ours.NSPerWork) {
		return stat.Interval{}, fmt.Errorf("%w: %s and ours were not measured in the same rounds", ErrRow, r.Contestant.Name)
	}
	ratios := make([]float64, len(r.NSPerWork))
	for i, ns := range r.NSPerWork {
		ratios[i] = ns / ours.NSPerWork[i]
	}
	return stat.MedianWithInterval(ratios, Confidence)
}

// Noisy says what a control tells: whether its interval leaves 1 ± NoiseLimit,
// so that differences of that size between others mean nothing.
func Noisy(control stat.Interval) bool {
	return !(control.Low >= 1-NoiseLimit && control.High <= 1+NoiseLimit)
}
