package capacity

import (
	"errors"
	"fmt"
	"math"
)

func badZero(n float64) error {
	return fmt.Errorf("%w: x is 0 at n = %v, and 1/x is not a number; leave the row out", ErrBadPoints, n)
}

const (
	// worthIt is by how much the error of a model with more parameters, or of
	// one that stands later in Models, must be smaller.
	worthIt = 0.05
	// maxFolds bounds the refits of a long table, longFolds of one with more than
	// longTable points, where fits take long and differ little.
	maxFolds, longFolds, longTable = 50, 10, 1000
	// exactly is an error, as a share of the largest x, that is rounding.
	exactly = 1e-9
)

// Candidate is one model in a choice.
type Candidate struct {
	Fit *Fit  // nil when Err says why there is none
	Err error // of the fit, or of the check of its error
	// CVError is the root mean square of x − prediction at points that the model
	// had not seen, in the unit of x: each point in turn is left out (in tables of
	// more than 50 a fiftieth of them in turn, of more than 1 000 a tenth).
	CVError float64
	CVShare float64 // CVError ÷ root mean square of x
}

// Choose fits all Models and returns them in that order, with the index of the
// chosen one; see ChooseAmong.
func Choose(points []Point) (all []Candidate, chosen int, err error) {
	return ChooseAmong(Models, points)
}

// ChooseAmong fits the named models and returns them in that order, with the
// index of the chosen one: the smallest error at points that the model had not seen, where a
// model with more parameters has to be better by a twentieth. An error on the
// points that were fitted would always prefer more parameters. It fails when no
// model fits.
func ChooseAmong(models []string, points []Point) (all []Candidate, chosen int, err error) {
	chosen = -1
	scale := rootMeanSquare(points)
	for _, name := range models {
		c := Candidate{CVError: math.Inf(1)}
		if c.Fit, c.Err = FitModel(name, points); c.Err == nil {
			c.CVError, c.Err = crossValidate(name, points)
			c.CVShare = c.CVError / scale
		}
		all = append(all, c)
		if c.Err != nil {
			if chosen < 0 {
				err = errors.Join(err, fmt.Errorf("%s: %w", name, c.Err))
			}
			continue
		}
		if chosen < 0 || beats(c, all[chosen]) {
			chosen = len(all) - 1
		}
	}
	if chosen < 0 {
		return all, chosen, err
	}
	return all, chosen, nil
}

func beats(c, than Candidate) bool {
	if than.CVShare < exactly {
		return false
	}
	limit := than.CVError
	if len(c.Fit.Params) > len(than.Fit.Params) {
		limit *= 1 - worthIt
	}
	return c.CVError < limit
}

func rootMeanSquare(points []Point) float64 {
	sum := 0.0
	for _, p := range points {
		sum = math.Hypot(sum, p.X)
	}
	return sum / math.Sqrt(float64(len(points)))
}

// crossValidate leaves points out in turn and predicts them from the others.
func crossValidate(name string, points []Point) (float64, error) {
	points = sorted(points)
	folds := min(len(points), maxFolds)
	if len(points) > longTable {
		folds = longFolds
	}
	rest := make([]Point, 0, len(points))
	sum := 0.0
	for k := range folds {
		rest = rest[:0]
		for i, p := range points {
			if i%folds != k {
				rest = append(rest, p)
			}
		}
		f, err := FitModel(name, rest)
		if err != nil {
			return math.Inf(1), fmt.Errorf("too few points to leave one out: %w", err)
		}
		for i, p := range points {
			if i%folds == k {
				sum = math.Hypot(sum, p.X-f.Predict(p.N))
			}
		}
	}
	return sum / math.Sqrt(float64(len(points))), nil
}
