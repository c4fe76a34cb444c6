package capacity

import (
	"fmt"
	"math"
)

// DemandPoint is a demand that one run measured.
type DemandPoint struct {
	Bytes float64 // encoded size of a transaction
	Cores float64 // that the node could use
	Sec   float64 // seconds of the resource per transaction, of all its units
}

// SizeModel is a demand over the size of transactions and the cores of the node:
//
//	seconds = Fixed + PerByte · bytes + PerCore · (cores − 1)
//
// PerCore is contention: with it, throughput over cores follows Amdahl's law.
type SizeModel struct {
	Fixed, PerByte, PerCore float64
	// OverBytes and OverCores tell whether the runs differed enough in them for
	// the coefficient to be measured; otherwise it is 0 and nothing is known.
	OverBytes, OverCores bool
	Points               int
	RelErr               float64 // root mean square of residual ÷ measured
}

// FitDemand fits a SizeModel by least squares of relative errors with
// coefficients that cannot be negative. A term whose runs are too much alike, or
// too few, is left out. The error wraps ErrBadDemand.
func FitDemand(points []DemandPoint) (SizeModel, error) {
	if len(points) == 0 {
		return SizeModel{}, fmt.Errorf("%w: no run measured it", ErrBadDemand)
	}
	m := SizeModel{Points: len(points)}
	var bytes, cores []float64
	for i, p := range points {
		if !(p.Bytes > 0) || !(p.Cores > 0) || !(p.Sec > 0) || math.IsInf(p.Bytes+p.Cores+p.Sec, 1) {
			return SizeModel{}, fmt.Errorf("%w: run %d is %+v, want finite numbers > 0", ErrBadDemand, i+1, p)
		}
		bytes, cores = append(bytes, p.Bytes), append(cores, p.Cores)
	}
	m.OverBytes, m.OverCores = spread(bytes) >= 1.2, spread(cores) >= 1.2
	var a [3][3]float64
	var b [3]float64
	for _, p := range points {
		x := [3]float64{1 / p.Sec, p.Bytes / p.Sec, (p.Cores - 1) / p.Sec}
		for r := range 3 {
			b[r] += x[r]
			for c := range 3 {
				a[r][c] += x[r] * x[c]
			}
		}
	}
	best := math.Inf(1)
	for subset := 1; subset < 8; subset++ {
		terms := subset&1 + subset>>1&1 + subset>>2&1
		if subset&2 != 0 && !m.OverBytes || subset&4 != 0 && !m.OverCores || terms > len(points) {
			continue
		}
		x, ok := solveSubset(a, b, subset)
		if !ok {
			continue
		}
		sse := float64(len(points))
		for r := range 3 {
			sse -= x[r] * b[r]
		}
		if sse = max(sse, 0); sse < best*(1-1e-9)-1e-15 {
			best = sse
			m.Fixed, m.PerByte, m.PerCore = x[0], x[1], x[2]
		}
	}
	if math.IsInf(best, 1) {
		return SizeModel{}, fmt.Errorf("%w: no cost ≥ 0 explains the runs", ErrBadDemand)
	}
	m.RelErr = math.Sqrt(best / float64(len(points)))
	return m, nil
}

// At is the demand for a size and a number of cores.
func (m SizeModel) At(bytes, cores float64) float64 {
	return m.Fixed + m.PerByte*bytes + m.PerCore*(cores-1)
}

// spread is the ratio of the largest to the smallest.
func spread(v []float64) float64 {
	lo, hi := v[0], v[0]
	for _, x := range v {
		lo, hi = min(lo, x), max(hi, x)
	}
	return hi / lo
}
