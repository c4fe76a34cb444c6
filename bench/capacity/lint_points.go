package capacity

import (
	"fmt"
	"math"
)

const (
	// littleLimit is the residual of Little's law above which a run was not what
	// it claims.
	littleLimit = 0.05
	// superlinearLimit is the gain per unit of load that is more than noise.
	superlinearLimit = 0.05
)

// LittleResidual is X·(R+Z)/N − 1 for a closed loop of N clients, throughput X,
// response time R and think time Z (seconds): 0 when Little's law N = X·(R+Z)
// holds. NaN when an argument is not a number > 0 (Z: ≥ 0).
func LittleResidual(n, x, rSec, thinkSec float64) float64 {
	if !(n > 0) || !(x > 0) || !(rSec > 0) || !(thinkSec >= 0) {
		return math.NaN()
	}
	return x*(rSec+thinkSec)/n - 1
}

// Little checks every point that has a response time, and says in words which
// ones break Little's law by more than 5 %: their load was not n clients that
// wait for answers, or x and R were not taken over the same time.
func Little(points []Point, thinkSec float64) []string {
	var out []string
	for _, p := range points {
		if p.R == nil || p.X == 0 {
			continue
		}
		if r := LittleResidual(p.N, p.X, *p.R, thinkSec); math.Abs(r) > littleLimit || math.IsNaN(r) {
			out = append(out, fmt.Sprintf("n = %v: x (r + think) = %.4g, %+.0f %% from n: by Little's law these were not %v clients in a closed loop, or x and r are of different times",
				p.N, p.X*(*p.R+thinkSec), 100*r, p.N))
		}
	}
	return out
}

// Superlinear says in words where throughput per unit of load is higher than at
// the smallest one. No queue does that: usually the first point was measured
// cold, or caches, memory or batches grow with the load. points are sorted.
func Superlinear(points []Point) []string {
	points = sorted(points)
	if len(points) == 0 {
		return nil
	}
	// Of repeated measurements at the smallest n, the best one.
	first := points[0]
	for _, p := range points {
		if p.N == first.N && p.X > first.X {
			first = p
		}
	}
	base := first.X / first.N
	worst, at := 1+superlinearLimit, 0.0
	for _, p := range points {
		if g := p.X / p.N / base; base > 0 && g > worst {
			worst, at = g, p.N
		}
	}
	if at == 0 {
		return nil
	}
	return []string{fmt.Sprintf("superlinear: at n = %v the throughput per n is %.2f times that at n = %v; no queue does that: was the first point cold, or do batches or caches grow with n?",
		at, worst, first.N)}
}
