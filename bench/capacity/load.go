package capacity

import (
	"errors"
	"fmt"
	"math"
)

// ErrNoModel says that a set of trials does not tell how demand changes with load.
var ErrNoModel = errors.New("no model of demand over load")

// LoadPoint is what one trial used of a resource.
type LoadPoint struct {
	Sec     float64 // length of the window
	Txs     float64 // transactions committed in it
	Batches float64 // submissions in it: what costs something once for many transactions
	Used    float64 // seconds of the resource, in the unit of Demands
}

// LoadModel is the demand of a resource as a function of load:
//
//	seconds used = IdlePerSec · seconds + PerTx · transactions + PerBatch · batches
//
// At low rates a transaction bears more of what is paid once per second (timers,
// blocks) and once per batch (system calls, a batch of signatures that is too
// small to gain), so its demand there overstates that at the wall.
type LoadModel struct {
	IdlePerSec float64
	PerTx      float64
	PerBatch   float64

	// BatchesPerSec is the most of any trial. It is assumed at the wall: batches
	// grow with load while their number does not.
	BatchesPerSec float64
	MaxTxPerSec   float64 // the highest rate of any trial
	Points        int
	RelErr        float64 // root mean square of residual ÷ used
	// LowTxPerSec and HighTxPerSec are the lowest and highest wall when any one
	// trial is left out; the high one with the fewest batches of any trial, because
	// a full resource gathers batches.
	LowTxPerSec, HighTxPerSec float64
}

const (
	minLoadPoints = 5
	// minSpread is how much rate or batch size must differ between trials: the
	// ratio of the largest to the smallest.
	minSpread = 1.5
)

// FitLoad fits a LoadModel by least squares of relative errors with coefficients
// that cannot be negative (Lawson and Hanson 1974; with three of them every
// subset is tried, which is exact). The error wraps ErrBadDemand for figures that
// cannot be true and ErrNoModel for too few trials, or trials too much alike.
func FitLoad(points []LoadPoint) (LoadModel, error) {
	lowRate, highRate := math.Inf(1), 0.0
	lowBatch, highBatch := math.Inf(1), 0.0
	m := LoadModel{Points: len(points)}
	fewest := math.Inf(1) // batches per second
	for i, p := range points {
		if !(p.Sec > 0) || !(p.Txs > 0) || !(p.Batches > 0) || !(p.Used > 0) || math.IsInf(p.Sec+p.Txs+p.Batches+p.Used, 1) {
			return LoadModel{}, fmt.Errorf("%w: trial %d of the fit is %+v, want finite numbers > 0", ErrBadDemand, i+1, p)
		}
		rate, batch := p.Txs/p.Sec, p.Txs/p.Batches
		lowRate, highRate = min(lowRate, rate), max(highRate, rate)
		lowBatch, highBatch = min(lowBatch, batch), max(highBatch, batch)
		m.BatchesPerSec, fewest = max(m.BatchesPerSec, p.Batches/p.Sec), min(fewest, p.Batches/p.Sec)
	}
	if len(points) < minLoadPoints {
		return LoadModel{}, fmt.Errorf("%w: %d trials, need %d", ErrNoModel, len(points), minLoadPoints)
	}
	if max(highRate/lowRate, highBatch/lowBatch) < minSpread {
		return LoadModel{}, fmt.Errorf("%w: the trials are too much alike (rates within a factor %.2f, batches %.2f, need %.1f)",
			ErrNoModel, highRate/lowRate, highBatch/lowBatch, minSpread)
	}
	m.MaxTxPerSec = highRate
	if !m.solve(points, -1) {
		return LoadModel{}, fmt.Errorf("%w: the trials are explained best by transactions that cost nothing; they differ too little in rate", ErrNoModel)
	}
	wall, _, ok := m.Wall()
	if !ok {
		return LoadModel{}, fmt.Errorf("%w: idle work and batches alone fill the resource", ErrNoModel)
	}
	m.LowTxPerSec, m.HighTxPerSec = wall, wall
	for i := range points {
		one := m
		one.solve(points, i)
		w, _, ok := one.Wall()
		if !ok {
			w = m.MaxTxPerSec // it cannot be below what was seen
		}
		m.LowTxPerSec, m.HighTxPerSec = min(m.LowTxPerSec, w), max(m.HighTxPerSec, w)
		one.BatchesPerSec = fewest
		if w, _, ok = one.Wall(); ok {
			m.HighTxPerSec = max(m.HighTxPerSec, w)
		}
	}
	return m, nil
}

// Wall is the rate at which the resource is used without a pause, and how many
// times that is the highest rate measured. ok is false when there is none: the
// work that does not depend on the rate fills the resource.
func (m *LoadModel) Wall() (txPerSec, extrapolation float64, ok bool) {
	free := 1 - m.IdlePerSec - m.PerBatch*m.BatchesPerSec
	if !(free > 0) || !(m.PerTx > 0) {
		return 0, 0, false
	}
	txPerSec = free / m.PerTx
	return txPerSec, txPerSec / m.MaxTxPerSec, true
}

// DemandAt is the demand at a rate, in seconds per transaction, with the number
// of batches that is assumed at the wall.
func (m *LoadModel) DemandAt(txPerSec float64) float64 {
	return m.PerTx + (m.IdlePerSec+m.PerBatch*m.BatchesPerSec)/txPerSec
}

// solve fits the coefficients to all points but one (-1: to all), with a cost per
// transaction above 0. found is false when the minimum has none: what is fitted
// is then no minimum.
func (m *LoadModel) solve(points []LoadPoint, without int) (found bool) {
	// Normal equations of rows divided by what they explain, so that 1 is wanted
	// of each: relative errors count, not absolute ones.
	var a [3][3]float64
	var b [3]float64
	n := 0
	for i, p := range points {
		if i == without {
			continue
		}
		n++
		x := row(p)
		for r := range 3 {
			b[r] += x[r]
			for c := range 3 {
				a[r][c] += x[r] * x[c]
			}
		}
	}
	best, free := math.Inf(1), math.Inf(1) // free: of transactions that cost nothing
	for subset := 1; subset < 8; subset++ {
		x, ok := solveSubset(a, b, subset)
		if !ok {
			continue
		}
		sse := float64(n)
		for r := range 3 {
			sse -= x[r] * b[r] // at the minimum
		}
		if sse = max(sse, 0); subset&1 == 0 {
			free = min(free, sse)
			continue
		}
		// One more coefficient has to explain something.
		if sse < best*(1-1e-9)-1e-15 {
			best = sse
			m.PerTx, m.IdlePerSec, m.PerBatch = x[0], x[1], x[2]
		}
	}
	m.RelErr = math.Sqrt(best / float64(n))
	return !(free < best*(1-1e-9)-1e-15)
}

// row is a point's part of each coefficient in what it used.
func row(p LoadPoint) [3]float64 {
	return [3]float64{p.Txs / p.Used, p.Sec / p.Used, p.Batches / p.Used}
}

// solveSubset solves the normal equations for the coefficients in the subset, the
// others being 0. ok is false when one would be negative or the trials do not
// tell them apart.
func solveSubset(a [3][3]float64, b [3]float64, subset int) (x [3]float64, ok bool) {
	var scale [3]float64 // the columns have different units
	var in []int
	for r := range 3 {
		if subset>>r&1 == 1 {
			in = append(in, r)
			scale[r] = math.Sqrt(a[r][r])
			if !(scale[r] > 0) || math.IsInf(scale[r], 1) {
				return x, false
			}
		}
	}
	var l [3][3]float64 // Cholesky factor of the scaled matrix, which has ones on its diagonal
	var y [3]float64
	for i, r := range in {
		for j := range i + 1 {
			v := a[r][in[j]] / scale[r] / scale[in[j]]
			for k := range j {
				v -= l[i][k] * l[j][k]
			}
			if i > j {
				l[i][j] = v / l[j][j]
				continue
			}
			if v < 1e-6 {
				return x, false // nearly dependent
			}
			l[i][i] = math.Sqrt(v)
		}
		y[i] = b[r] / scale[r]
		for k := range i {
			y[i] -= l[i][k] * y[k]
		}
		y[i] /= l[i][i]
	}
	for i := len(in) - 1; i >= 0; i-- {
		v := y[i]
		for k := i + 1; k < len(in); k++ {
			v -= l[k][i] * x[in[k]] * scale[in[k]]
		}
		x[in[i]] = v / l[i][i] / scale[in[i]]
		if x[in[i]] < 0 {
			return x, false
		}
	}
	return x, true
}
