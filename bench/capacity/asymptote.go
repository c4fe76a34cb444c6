package capacity

import (
	"math"
)

// FitBounds fits the asymptotic bounds of operational analysis,
//
//	X(N) = min(N/R₀, C)
//
// by least squares of X: R₀ is the time that one unit of load takes, C the
// capacity. The minimum is exact, however many points there are: for every
// stretch between two measured n the best line and plateau that meet there, and
// every meeting right at a measured n.
// It wants three points at two different n.
func FitBounds(points []Point) (*Fit, error) {
	if err := checkPoints(points, 2); err != nil {
		return nil, err
	}
	points = sorted(points)
	scaled, unit := normalise(points)
	b := bestBounds(scaled)
	f := &Fit{
		Model: ModelBounds, Formula: "x = min(n / r0, c)",
		Method: "least squares of x, unweighted; exact search over the place of the bend; r0 > 0, c > 0; intervals: Student's t, n - 2 degrees of freedom, for the bend where it is",
	}
	f.unit = unit
	f.predict = func(n float64) float64 { return unit * min(b.slope*n, b.plateau) }
	f.gradient = func(n float64, grad []float64) {
		grad[0], grad[1] = 0, 0
		if b.slope*n < b.plateau {
			grad[0] = n
		} else {
			grad[1] = 1
		}
	}
	f.finish(points, 2)
	f.setBounds(b)
	return f, nil
}

// setBounds fills the parameters from the two pieces.
func (f *Fit) setBounds(b bounds) {
	r0, c := Param{Name: "r0"}, Param{Name: "c"}
	if b.slope > 0 && !math.IsInf(b.slope, 1) {
		r0.Value = Known(1 / b.slope / f.unit)
	}
	if !math.IsInf(b.plateau, 1) {
		c.Value = Known(b.plateau * f.unit)
	}
	switch {
	case r0.Value == nil:
		f.warn("throughput does not grow with n: the points lie on the ceiling, and r0 is unknown")
	case c.Value == nil:
		f.warn("throughput grows to the last point: no ceiling was reached, and c is unknown")
	case b.tied:
		f.warn("line and ceiling meet at a measured n: no intervals")
	default:
		f.cov = [][]float64{{b.varSlope, 0}, {0, b.varPlateau}}
		r0.interval(f.sdY*math.Sqrt(b.varSlope)/(b.slope*b.slope)/f.unit, f.DF)
	}
	if b.varPlateau > 0 && !b.tied {
		c.interval(f.unit*f.sdY*math.Sqrt(b.varPlateau), f.DF)
	}
	if r0.Value != nil && c.Value == nil {
		r0.interval(f.sdY*math.Sqrt(b.varSlope)/(b.slope*b.slope)/f.unit, f.DF)
	}
	f.Params = []Param{r0, c}
}

// bounds is a line through the origin and a plateau.
type bounds struct {
	slope, plateau       float64 // +Inf: that piece has no points
	varSlope, varPlateau float64 // times s² the variances
	tied                 bool    // the bend is at a measured n and couples the two
	sse                  float64
}

// bestBounds looks at every split of the points, sorted by n, into those on the
// line and those on the plateau. Both sums of squares are carried from split to
// split by updates that take no difference of large numbers, so that a table of
// any length is searched whole, in one pass.
func bestBounds(points []Point) bounds {
	best := bounds{sse: math.Inf(1)}
	// A simpler explanation (only a line, only a plateau) is tried first and kept
	// unless something is better by more than rounding.
	scale := 0.0
	for _, p := range points {
		scale += p.X * p.X
	}
	consider := func(b bounds) {
		if b.sse < best.sse-1e-14*scale {
			best = b
		}
	}
	plateaus := plateausOf(points)
	var all line
	for _, p := range points {
		all.add(p)
	}
	consider(bounds{slope: all.slope, plateau: math.Inf(1), varSlope: 1 / all.nn, sse: all.sse})
	consider(bounds{slope: math.Inf(1), plateau: plateaus[0].mean, varPlateau: 1 / plateaus[0].count, sse: plateaus[0].sse})
	var l line
	for k := 1; k < len(points); k++ {
		l.add(points[k-1])
		if points[k].N == points[k-1].N {
			continue // what was measured at one n lies on one piece
		}
		rest := plateaus[k]
		if l.slope*points[k-1].N <= rest.mean && l.slope*points[k].N >= rest.mean {
			consider(bounds{slope: l.slope, plateau: rest.mean, varSlope: 1 / l.nn, varPlateau: 1 / rest.count, sse: l.sse + rest.sse})
		}
		// The bend right at the last n of the line.
		bend := points[k-1].N
		nn := l.nn + rest.count*bend*bend
		s := (l.slope*l.nn + bend*rest.mean*rest.count) / nn
		ds, dp := s-l.slope, s*bend-rest.mean
		consider(bounds{slope: s, plateau: s * bend, varSlope: 1 / nn, tied: true, sse: l.sse + ds*ds*l.nn + rest.sse + dp*dp*rest.count})
	}
	return best
}

// line is the least squares line through the origin of the points so far.
type line struct{ slope, nn, sse float64 }

func (l *line) add(p Point) {
	r := p.X - l.slope*p.N
	before := l.nn
	l.nn += p.N * p.N
	l.sse += r * r * before / l.nn
	l.slope += r * p.N / l.nn
}

// flat is the mean of some points.
type flat struct{ mean, count, sse float64 }

// plateausOf returns the mean of the points from each one to the last.
func plateausOf(points []Point) []flat {
	out := make([]flat, len(points))
	var f flat
	for k := len(points) - 1; k >= 0; k-- {
		r := points[k].X - f.mean
		f.count++
		f.mean += r / f.count
		f.sse += r * r * (f.count - 1) / f.count
		out[k] = f
	}
	return out
}

// FitPayload fits the cost of a transaction over its size S in bytes,
//
//	1/X = a + b·S
//
// by least squares of 1/X, with a ≥ 0 and b ≥ 0: a is what a transaction costs
// whatever its size, b what a byte costs. It wants three points at two sizes.
func FitPayload(points []Point) (*Fit, error) {
	if err := checkPoints(points, 2); err != nil {
		return nil, err
	}
	points = sorted(points)
	for _, p := range points {
		if p.X == 0 {
			return nil, badZero(p.N)
		}
	}
	scaled, unit := normalise(points)
	l := lineOfCosts(scaled)
	f := &Fit{
		Model: ModelPayload, Formula: "1/x = a + b s", reciprocal: true, unit: unit,
		Method: "linear least squares of 1/x, unweighted; a >= 0, b >= 0; intervals: Student's t, n - 2 degrees of freedom",
		sdY:    l.rse,
	}
	f.predict = func(n float64) float64 { return unit / (l.a + l.b*n) }
	f.gradient = func(n float64, grad []float64) { grad[0], grad[1] = 1, n }
	f.finish(points, 2)
	f.R2 = l.r2
	f.cov = l.cov
	for i, q := range []Param{{Name: "a", Value: Known(l.a / unit), AtBound: l.a == 0}, {Name: "b", Value: Known(l.b / unit), AtBound: l.b == 0}} {
		q.interval(l.rse*math.Sqrt(l.cov[i][i])/unit, f.DF)
		if q.AtBound {
			f.warn("%s is at its bound of 0: it has no interval, and the other holds for %s = 0", q.Name, q.Name)
		}
		f.Params = append(f.Params, q)
	}
	return f, nil
}

// costs is the line 1/X = a + b·S.
type costs struct {
	a, b, rse, r2 float64
	cov           [][]float64 // times rse² the covariance of a and b
}

// lineOfCosts solves the line about the mean size, which keeps its digits.
func lineOfCosts(points []Point) costs {
	n := float64(len(points))
	var ms, my float64
	for _, p := range points {
		ms, my = ms+p.N/n, my+1/p.X/n
	}
	var sxx, sxy, ss, sy, yy float64
	for _, p := range points {
		d := p.N - ms
		sxx, sxy = sxx+d*d, sxy+d*(1/p.X-my)
		ss, sy, yy = ss+p.N*p.N, sy+p.N/p.X, yy+(1/p.X-my)*(1/p.X-my)
	}
	c := costs{b: sxy / sxx}
	c.a = my - c.b*ms
	c.cov = [][]float64{{1/n + ms*ms/sxx, -ms / sxx}, {-ms / sxx, 1 / sxx}}
	switch {
	case c.b < 0: // a byte cannot give time back
		c.a, c.b = my, 0
		c.cov = [][]float64{{1 / n, 0}, {0, 0}}
	case c.a < 0:
		c.a, c.b = 0, sy/ss
		c.cov = [][]float64{{0, 0}, {0, 1 / ss}}
	}
	sse := 0.0
	for _, p := range points {
		r := 1/p.X - c.a - c.b*p.N
		sse += r * r
	}
	c.rse = math.Sqrt(sse / (n - 2))
	c.r2 = math.NaN()
	if yy > 0 {
		c.r2 = 1 - sse/yy
	}
	return c
}
