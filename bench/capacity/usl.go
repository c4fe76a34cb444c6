package capacity

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// USL is the Universal Scalability Law (Gunther 2007, Guerrilla Capacity
// Planning, ch. 4) fitted to points:
//
//	X(N) = γN / (1 + α(N−1) + βN(N−1))
//
// γ is the throughput of one, α the share that has to queue (contention), β the
// cost of each pair that has to agree (coherency). With β = 0 it is Amdahl's law.
type USL struct {
	Fit
	Alpha, Beta, Gamma float64

	// PeakN is where throughput is highest, √((1−α)/β), and PeakX what it is
	// there; nil when there is no peak (β = 0) or none above 1 (α ≥ 1).
	PeakN, PeakX *float64
	// LimitX is γ/α, what Amdahl's law would allow without coherency; nil when
	// nothing limits (α ≤ 0).
	LimitX *float64
	// PeakExtrapolated: the peak lies more than twice beyond the measured n.
	PeakExtrapolated bool
}

// USLOptions change the constraints of FitUSL.
type USLOptions struct {
	// FreeAlpha lets α be negative, which fits throughput that grows faster than
	// n (Gunther, Puglia and Tomasette 2015, superlinear scalability).
	FreeAlpha bool
}

// FitUSL fits the USL by non-linear least squares of X, unweighted, with α ≥ 0,
// β ≥ 0, γ ≥ 0. Standard errors are s·√diag((JᵀJ)⁻¹), intervals use Student's t
// with n − 3 degrees of freedom. It wants four points at three different n.
// Errors wrap ErrBadPoints.
func FitUSL(points []Point, opt USLOptions) (*USL, error) {
	return fitUSL(points, opt, false)
}

// FitAmdahl fits Amdahl's law, the USL with β fixed at 0: two parameters, n − 2
// degrees of freedom.
func FitAmdahl(points []Point) (*USL, error) {
	return fitUSL(points, USLOptions{}, true)
}

func fitUSL(points []Point, opt USLOptions, amdahl bool) (*USL, error) {
	params := 3
	if amdahl {
		params = 2
	}
	if err := checkPoints(points, params); err != nil {
		return nil, err
	}
	points = sorted(points)
	scaled, unit := normalise(points)
	c := uslCurve(params, opt)
	best, ok := solution{sse: math.Inf(1)}, false
	for _, start := range uslStarts(scaled, params, opt) {
		if s, good := c.minimise(scaled, start); good && s.sse < best.sse {
			best, ok = s, true
		}
	}
	if !ok || !(best.theta[0] > 0) {
		return nil, fmt.Errorf("%w: no curve of this kind comes near the points", ErrBadPoints)
	}
	snap(&best, points[len(points)-1].N)
	u := &USL{Gamma: best.theta[0] * unit, Alpha: best.theta[1]}
	if !amdahl {
		u.Beta = best.theta[2]
	}
	u.describe(opt, amdahl)
	u.predict = func(n float64) float64 { return uslAt(u.Gamma, u.Alpha, u.Beta, n) }
	// The covariance and the gradient stay in the scaled unit.
	u.unit = unit
	u.gradient = func(n float64, grad []float64) { c.f(best.theta, n, grad) }
	u.finish(points, params)
	if cov, solved := c.covariance(scaled, best); solved {
		u.cov = cov
	} else {
		u.warn("the points do not tell the parameters apart: no intervals")
	}
	u.setParams(best, amdahl)
	u.derive()
	return u, nil
}

// snap puts α and β that are rounding at their bound of 0: whose term in the
// denominator is less than its last digits at every measured n.
func snap(s *solution, maxN float64) {
	d := 1 + math.Abs(s.theta[1])*maxN
	if len(s.theta) == 3 {
		d += s.theta[2] * maxN * maxN
	}
	for k := 1; k < len(s.theta); k++ {
		if term := math.Abs(s.theta[k]) * math.Pow(maxN, float64(k)); term > 0 && term < 1e-12*d {
			s.theta[k], s.atBound[k] = 0, true
		}
	}
}

func uslAt(gamma, alpha, beta, n float64) float64 {
	return gamma * n / (1 + alpha*(n-1) + beta*n*(n-1))
}

// uslCurve has the parameters γ, α and, with three of them, β.
func uslCurve(params int, opt USLOptions) curve {
	lower := []float64{0, 0, 0}[:params]
	if opt.FreeAlpha {
		lower[1] = math.Inf(-1)
	}
	return curve{lower: lower, f: func(th []float64, n float64, grad []float64) float64 {
		beta := 0.0
		if params == 3 {
			beta = th[2]
		}
		d := 1 + th[1]*(n-1) + beta*n*(n-1)
		if !(d > 0) {
			return math.NaN()
		}
		x := th[0] * n / d
		grad[0], grad[1] = n/d, -x*(n-1)/d
		if params == 3 {
			grad[2] = -x * n * (n - 1) / d
		}
		return x
	}}
}

// uslStarts solves N/X = c₀ + c₁(N−1) + c₂N(N−1), which is the USL with
// γ = 1/c₀, α = c₁/c₀, β = c₂/c₀, by linear least squares with weights that make
// its residuals those of X to first order; once for every set of terms, because
// each may be the one that the bounds leave.
func uslStarts(points []Point, params int, opt USLOptions) [][]float64 {
	highest := 0.0
	for _, p := range points {
		highest = max(highest, p.X/p.N)
	}
	var starts [][]float64
	first := [][]float64{{highest, 0, 0}, {highest, 0.1, 1e-4}}
	if params == 3 {
		// Wild points may have several minima, each with its peak at another place.
		for _, k := range []int{len(points) / 4, len(points) / 2, len(points) - 1} {
			n := points[k].N
			first = append(first, []float64{highest, 0, 1 / (n * n)})
		}
	}
	for _, start := range first {
		starts = append(starts, start[:params])
	}
	for subset := 1; subset < 1<<params; subset += 2 {
		var in []int
		for k := range params {
			if subset>>k&1 == 1 {
				in = append(in, k)
			}
		}
		a, b := mat.NewDense(len(points), len(in), nil), mat.NewVecDense(len(points), nil)
		for i, p := range points {
			w := p.X * p.X / p.N
			terms := [3]float64{w, w * (p.N - 1), w * p.N * (p.N - 1)}
			for col, k := range in {
				a.Set(i, col, terms[k])
			}
			b.SetVec(i, p.X)
		}
		var c mat.VecDense
		if len(in) > len(points) || c.SolveVec(a, b) != nil {
			continue // nearly dependent: the other starts are there
		}
		start := make([]float64, params)
		for col, k := range in {
			start[k] = c.AtVec(col)
		}
		if !(start[0] > 0) {
			continue
		}
		start[0] = 1 / start[0]
		for k := 1; k < params; k++ {
			start[k] *= start[0]
			if k == 1 && !opt.FreeAlpha || k == 2 {
				start[k] = max(start[k], 0)
			}
		}
		starts = append(starts, start)
	}
	return starts
}

func (u *USL) describe(opt USLOptions, amdahl bool) {
	u.Model, u.Formula = ModelUSL, "x = gamma n / (1 + alpha (n-1) + beta n (n-1))"
	bounds := "alpha >= 0, beta >= 0, gamma >= 0"
	df := "n - 3"
	if opt.FreeAlpha {
		bounds = "beta >= 0, gamma >= 0, alpha free"
	}
	if amdahl {
		u.Model, u.Formula = ModelAmdahl, "x = gamma n / (1 + alpha (n-1))"
		bounds, df = "alpha >= 0, gamma >= 0, beta = 0", "n - 2"
	}
	u.Method = "non-linear least squares of x, unweighted; Levenberg-Marquardt with an active set; " + bounds +
		"; intervals: Student's t, " + df + " degrees of freedom"
}

func (u *USL) setParams(s solution, amdahl bool) {
	for i, p := range []struct {
		name  string
		value float64
	}{{"gamma", u.Gamma}, {"alpha", u.Alpha}, {"beta", u.Beta}} {
		if amdahl && i == 2 {
			break
		}
		q := Param{Name: p.name, Value: Known(p.value), AtBound: s.atBound[i]}
		if u.cov != nil {
			unit := 1.0
			if i == 0 {
				unit = u.unit
			}
			q.interval(unit*u.sdY*math.Sqrt(u.cov[i][i]), u.DF)
		}
		u.Params = append(u.Params, q)
		if q.AtBound {
			u.warn("%s is at its bound of 0: it has no interval, and the others hold for %s = 0", p.name, p.name)
		}
	}
}

// derive computes the peak and the limit.
func (u *USL) derive() {
	if u.Alpha > 0 {
		u.LimitX = Known(u.Gamma / u.Alpha)
	}
	switch {
	case u.Alpha > 1-1e-9:
		u.warn("alpha is %.4g: by this curve nothing is gained beyond n = 1, and there is no peak above it", u.Alpha)
	case u.Beta > 0:
		n := math.Sqrt((1 - u.Alpha) / u.Beta)
		u.PeakN, u.PeakX = &n, Known(u.Predict(n))
		factor, far := Extrapolation(n, u.MinN, u.MaxN)
		if u.PeakExtrapolated = far; far && n > u.MaxN {
			u.warn("the peak at n = %.4g lies %.4g times beyond the largest measured n (%.4g): it is an extrapolation, and may not exist", n, factor, u.MaxN)
		} else if n > u.MaxN {
			u.warn("the peak at n = %.4g lies beyond the largest measured n (%.4g): no point shows the decline behind it", n, u.MaxN)
		}
	case u.Model == ModelUSL:
		u.warn("beta is 0: the curve has no peak")
	}
}

// Inverse returns the two loads at which the curve has a throughput of x: on the
// way up and, behind the peak, on the way down. nil: there is none; the upper
// one does not exist without a peak. It solves
// xβN² + (x(α−β) − γ)N + x(1−α) = 0.
func (u *USL) Inverse(x float64) (low, high *float64) {
	if !(x > 0) || math.IsInf(x, 1) {
		return nil, nil
	}
	// Divided by γ, so that huge throughputs do not overflow.
	y := x / u.Gamma
	a, b, c := y*u.Beta, y*(u.Alpha-u.Beta)-1, y*(1-u.Alpha)
	keep := func(n float64) *float64 {
		if !(n > 0) || math.IsInf(n, 1) || !(1+u.Alpha*(n-1)+u.Beta*n*(n-1) > 0) {
			return nil
		}
		return &n
	}
	if a == 0 {
		return keep(-c / b), nil
	}
	disc := b*b - 4*a*c
	if u.PeakX != nil && x >= *u.PeakX && x <= *u.PeakX*(1+1e-12) {
		disc = 0 // the peak itself, where rounding decides the sign
	}
	if disc < 0 {
		return nil, nil
	}
	// The form without cancellation: q has the sign of −b.
	q := -(b + math.Copysign(math.Sqrt(disc), b)) / 2
	r1, r2 := keep(q/a), (*float64)(nil)
	if q != 0 {
		r2 = keep(c / q)
	}
	switch {
	case r1 == nil:
		return r2, nil
	case r2 == nil:
		return r1, nil
	case *r1 > *r2:
		return r2, r1
	}
	return r1, r2
}

// Efficiency is X(N)/(γN), the share of linear growth that is reached.
func (u *USL) Efficiency(n float64) float64 { return u.Predict(n) / (u.Gamma * n) }
