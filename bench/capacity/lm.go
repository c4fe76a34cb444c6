package capacity

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// curve is a model x = f(θ; n) with lower bounds on its parameters.
type curve struct {
	lower []float64 // -Inf: none
	// f returns the prediction and fills grad with its derivatives by θ. A
	// result that is not finite says that θ makes no sense at n.
	f func(theta []float64, n float64, grad []float64) float64
}

const (
	maxIterations = 500
	lambdaStart   = 1e-3
	lambdaEnd     = 1e16
)

// solution is a minimum of the sum of squares.
type solution struct {
	theta   []float64
	sse     float64
	atBound []bool
}

// minimise finds a minimum of Σ(x − f)² from a start by Levenberg's and
// Marquardt's method (Marquardt 1963: damping scaled by the diagonal of JᵀJ).
// Bounds are kept by an active set: a parameter at its bound whose gradient
// points outside takes no part in a step, and comes back when the gradient
// turns. ok is false when the start makes no sense.
func (c curve) minimise(points []Point, start []float64) (s solution, ok bool) {
	p := len(start)
	s.theta = make([]float64, p)
	for i, v := range start {
		s.theta[i] = max(v, c.lower[i])
	}
	jac, res := mat.NewDense(len(points), p, nil), make([]float64, len(points))
	if s.sse = c.eval(points, s.theta, jac, res); math.IsInf(s.sse, 1) || math.IsNaN(s.sse) {
		return s, false
	}
	try, tryJac, tryRes := make([]float64, p), mat.NewDense(len(points), p, nil), make([]float64, len(points))
	lambda := lambdaStart
	for range maxIterations {
		free := c.free(s.theta, jac, res)
		step, solved := dampedStep(jac, res, free, lambda)
		if solved {
			small := true
			for i := range try {
				try[i] = max(s.theta[i]+step[i], c.lower[i])
				small = small && math.Abs(try[i]-s.theta[i]) <= 1e-14*math.Abs(s.theta[i])
			}
			if small {
				break
			}
			if sse := c.eval(points, try, tryJac, tryRes); sse < s.sse {
				s.sse = sse
				copy(s.theta, try)
				jac, tryJac, res, tryRes = tryJac, jac, tryRes, res
				lambda = max(lambda/10, 1e-15)
				continue
			}
		}
		if lambda *= 10; lambda > lambdaEnd {
			break
		}
	}
	c.polish(points, &s, jac, res)
	s.atBound = make([]bool, p)
	for i := range s.theta {
		s.atBound[i] = s.theta[i] == c.lower[i]
	}
	return s, true
}

// polish goes the last steps without looking at the sum of squares, which is
// flat to half of the digits around its minimum: Gauss–Newton as long as the
// steps get shorter.
func (c curve) polish(points []Point, s *solution, jac *mat.Dense, res []float64) {
	last := math.Inf(1)
	try := make([]float64, len(s.theta))
	for range 50 {
		step, ok := dampedStep(jac, res, c.free(s.theta, jac, res), 0)
		if !ok {
			return
		}
		length := 0.0
		for i := range try {
			if try[i] = s.theta[i] + step[i]; try[i] < c.lower[i] {
				return
			}
			if s.theta[i] != 0 {
				length = max(length, math.Abs(step[i]/s.theta[i]))
			}
		}
		if !(length < last/2) || length > 1e-3 {
			return
		}
		last = length
		sse := c.eval(points, try, jac, res)
		if !(sse <= s.sse*(1+1e-9)+1e-300) {
			return
		}
		s.sse = sse
		copy(s.theta, try)
	}
}

// eval fills the Jacobian of the model and the residuals x − f, and returns
// their sum of squares, +Inf where the model makes no sense.
func (c curve) eval(points []Point, theta []float64, jac *mat.Dense, res []float64) float64 {
	sse := 0.0
	for i, p := range points {
		f := c.f(theta, p.N, jac.RawRowView(i))
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return math.Inf(1)
		}
		res[i] = p.X - f
		sse += res[i] * res[i]
	}
	return sse
}

// free tells which parameters may move: those that are not at their bound, and
// those that are and would leave it inwards.
func (c curve) free(theta []float64, jac *mat.Dense, res []float64) []int {
	var free []int
	for j := range theta {
		inward := 0.0 // −½ of the gradient of the sum of squares
		for i := range res {
			inward += jac.At(i, j) * res[i]
		}
		if theta[j] > c.lower[j] || inward > 0 {
			free = append(free, j)
		}
	}
	return free
}

// dampedStep solves (JᵀJ + λ·diag(JᵀJ))·δ = Jᵀr for the free parameters by QR of
// the stacked matrix, whose condition is the root of that of JᵀJ.
func dampedStep(jac *mat.Dense, res []float64, free []int, lambda float64) (step []float64, ok bool) {
	rows, p := jac.Dims()
	step = make([]float64, p)
	if len(free) == 0 {
		return step, true
	}
	a := mat.NewDense(rows+len(free), len(free), nil)
	b := mat.NewVecDense(rows+len(free), nil)
	scale := make([]float64, len(free))
	for k, j := range free {
		for i := range rows {
			scale[k] = math.Hypot(scale[k], jac.At(i, j))
		}
		if !(scale[k] > 0) || math.IsInf(scale[k], 1) {
			return step, false
		}
		for i := range rows {
			a.Set(i, k, jac.At(i, j)/scale[k])
		}
		a.Set(rows+k, k, math.Sqrt(lambda))
	}
	for i, r := range res {
		b.SetVec(i, r)
	}
	var qr mat.QR
	qr.Factorize(a)
	if qr.Cond() > 1e14 {
		return step, false
	}
	var d mat.VecDense
	if err := qr.SolveVecTo(&d, false, b); err != nil {
		return step, false
	}
	for k, j := range free {
		step[j] = d.AtVec(k) / scale[k]
	}
	return step, true
}

// covariance returns (JᵀJ)⁻¹ of the free parameters in a matrix of all, with 0
// for those at their bound. ok is false when the points do not tell the free
// parameters apart.
func (c curve) covariance(points []Point, s solution) (cov [][]float64, ok bool) {
	p := len(s.theta)
	jac, res := mat.NewDense(len(points), p, nil), make([]float64, len(points))
	c.eval(points, s.theta, jac, res)
	cov = make([][]float64, p)
	var free []int
	for j := range p {
		cov[j] = make([]float64, p)
		if !s.atBound[j] {
			free = append(free, j)
		}
	}
	if len(free) == 0 {
		return cov, true
	}
	a := mat.NewDense(len(points), len(free), nil)
	scale := make([]float64, len(free))
	for k, j := range free {
		for i := range points {
			scale[k] = math.Hypot(scale[k], jac.At(i, j))
		}
		if !(scale[k] > 0) {
			return cov, false
		}
		for i := range points {
			a.Set(i, k, jac.At(i, j)/scale[k])
		}
	}
	var qr mat.QR
	qr.Factorize(a)
	if qr.Cond() > 1e12 {
		return cov, false
	}
	var r, inv mat.Dense
	qr.RTo(&r)
	if err := inv.Inverse(r.Slice(0, len(free), 0, len(free))); err != nil {
		return cov, false
	}
	for i, fi := range free {
		for j, fj := range free {
			for k := range free {
				cov[fi][fj] += inv.At(i, k) * inv.At(j, k) / scale[i] / scale[j]
			}
		}
	}
	return cov, true
}
