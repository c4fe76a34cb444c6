package capacity

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Names of the models, as they appear in output.
const (
	ModelUSL     = "usl"
	ModelAmdahl  = "amdahl"
	ModelBounds  = "bounds"
	ModelPayload = "payload"
)

// Models lists them in the order in which they are tried, the simplest first.
var Models = []string{ModelBounds, ModelAmdahl, ModelPayload, ModelUSL}

// Param is an estimated parameter. SE and CI95 are nil where the theory of
// least squares gives none: for a parameter at its bound, or one that the
// points do not tell from another.
type Param struct {
	Name    string
	Value   *float64 // nil: the points do not show it
	SE      *float64
	CI95    *[2]float64 // value ± t(0.975; n − p)·SE
	AtBound bool
}

// Fit is a model fitted to points.
type Fit struct {
	Model      string
	Formula    string
	Method     string // how it was fitted, with its constraints
	Params     []Param
	Points     int
	DF         int     // degrees of freedom n − p, p all parameters of the model
	RSE        float64 // residual standard error √(Σ(x − f)²/DF), in the unit of x
	R2         float64 // 1 − Σ(x − f)²/Σ(x − mean)²; NaN when all x are equal
	MinN, MaxN float64 // the measured range
	Warnings   []string
	predict    func(n float64) float64
	gradient   func(n float64, grad []float64)
	cov        [][]float64 // times sdY² the covariance in that unit; nil: unknown
	unit       float64     // of x in which sdY, cov and gradient are
	reciprocal bool        // fitted as 1/x: cov and s belong to that
	sdY        float64     // residual standard error of what was fitted
}

// Param returns the parameter of a name, nil when the model has none or the
// points do not show it.
func (f *Fit) Param(name string) *float64 {
	for _, p := range f.Params {
		if p.Name == name {
			return p.Value
		}
	}
	return nil
}

// AtBound lists the parameters whose bound was reached.
func (f *Fit) AtBound() []string {
	out := []string{}
	for _, p := range f.Params {
		if p.AtBound {
			out = append(out, p.Name)
		}
	}
	return out
}

// Predict returns the model's throughput at n.
func (f *Fit) Predict(n float64) float64 { return f.predict(n) }

// Interval is a two-sided interval.
type Interval struct{ Low, High float64 }

// Prediction is what a fit says about one n.
type Prediction struct {
	N, X float64
	// Mean is where the curve lies, Single where one more measurement would,
	// both with 95 %; nil when the fit has no covariance.
	Mean, Single *Interval
	// Factor is how far n is outside the measured range, as a ratio; 1 inside.
	Factor       float64
	Extrapolated bool // Factor > 2: the model is believed, not the points
}

// At predicts with intervals from the linear theory: x ± t·s·√(gᵀCg) for the
// curve, x ± t·s·√(1 + gᵀCg) for one more measurement.
func (f *Fit) At(n float64) Prediction {
	p := Prediction{N: n, X: f.predict(n)}
	p.Factor, p.Extrapolated = Extrapolation(n, f.MinN, f.MaxN)
	if f.cov == nil || f.DF < 1 {
		return p
	}
	g := make([]float64, len(f.cov))
	f.gradient(n, g)
	v := 0.0
	for i := range g {
		for j := range g {
			v += g[i] * f.cov[i][j] * g[j]
		}
	}
	t := tQuantile(f.DF)
	mean, single := t*f.sdY*math.Sqrt(v), t*f.sdY*math.Sqrt(1+v)
	if !f.reciprocal {
		mean, single = mean*f.unit, single*f.unit
		p.Mean, p.Single = &Interval{p.X - mean, p.X + mean}, &Interval{p.X - single, p.X + single}
		return p
	}
	// The interval of 1/x turns into one of x; an end at or beyond 0 is none.
	turn := func(half float64) *Interval {
		y := f.unit / p.X
		if half >= y {
			return nil
		}
		return &Interval{f.unit / (y + half), f.unit / (y - half)}
	}
	p.Mean, p.Single = turn(mean), turn(single)
	return p
}

// maxFactor is how far beyond the measured range a prediction may lie before it
// is stamped.
const maxFactor = 2

// Extrapolation is how far v lies outside [low, high], as a ratio ≥ 1, and
// whether that is more than twice.
func Extrapolation(v, low, high float64) (factor float64, extrapolated bool) {
	factor = max(v/high, low/v, 1)
	return factor, factor > maxFactor
}

// tQuantile is the 97.5 % point of Student's t, so that ± it holds 95 %.
func tQuantile(df int) float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(df)}.Quantile(0.975)
}

// interval fills SE and CI95.
func (p *Param) interval(se float64, df int) {
	if p.Value == nil || p.AtBound || df < 1 || math.IsNaN(se) || math.IsInf(se, 0) {
		return
	}
	half := tQuantile(df) * se
	p.SE, p.CI95 = &se, &[2]float64{*p.Value - half, *p.Value + half}
}

// finish computes what all models share, from sorted points and the prediction.
func (f *Fit) finish(points []Point, params int) {
	f.Points, f.DF = len(points), len(points)-params
	f.MinN, f.MaxN = points[0].N, points[len(points)-1].N
	scale := 0.0
	for _, p := range points {
		scale = max(scale, p.X)
	}
	mean := 0.0
	for _, p := range points {
		mean += p.X / scale / float64(len(points))
	}
	var sse, sst float64
	for _, p := range points {
		r, d := (p.X-f.predict(p.N))/scale, p.X/scale-mean
		sse, sst = sse+r*r, sst+d*d
	}
	f.R2 = math.NaN()
	if sst > 0 {
		f.R2 = 1 - sse/sst
	}
	rse := math.Sqrt(sse / float64(f.DF))
	f.RSE = rse * scale
	if f.unit == 0 {
		f.unit = 1
	}
	if !f.reciprocal {
		f.sdY = f.RSE / f.unit
	}
	if rse < 1e-12 {
		f.warn("the points lie on the curve to the last digits: the intervals are those of rounding, not of measuring")
	}
	f.Warnings = append(f.Warnings, Superlinear(points)...)
}

func (f *Fit) warn(format string, args ...any) {
	f.Warnings = append(f.Warnings, fmt.Sprintf(format, args...))
}

// FitModel fits the model of a name.
func FitModel(name string, points []Point) (*Fit, error) {
	switch name {
	case ModelUSL:
		return wrap(FitUSL(points, USLOptions{}))
	case ModelAmdahl:
		return wrap(FitAmdahl(points))
	case ModelBounds:
		return FitBounds(points)
	case ModelPayload:
		return FitPayload(points)
	}
	return nil, fmt.Errorf("%w: there is no model %q; there are %v", ErrBadPoints, name, Models)
}

func wrap(u *USL, err error) (*Fit, error) {
	if err != nil {
		return nil, err
	}
	return &u.Fit, nil
}
