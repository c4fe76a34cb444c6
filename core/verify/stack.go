package verify

import (
	"time"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
)

// stack chooses how deep in its stack a worker multiplies.
//
// The library's vector code keeps its field elements, 32 bytes a row, in local
// variables. Go aligns those to 8 bytes, so where they come to lie depends on
// the frames of all callers above: at one of the four places modulo 32 no row
// crosses a cache line, at the others the node verified 15 to 20 % fewer
// signatures (EPYC family 25, both cores busy, windows of four depths in turn).
// Which place that is changes with the compiler and with every frame on the
// way, so that it is tried: the first batches use each depth in turn, and what
// was fastest stays until it is tried again.
type stack struct {
	calls int
	best  int
	least [len(depths)]float64 // ns per point
	now   func() time.Time
}

// depths call the multiplication from below a frame of another size each.
var depths = [...]multiplication{below[[8]byte], below[[16]byte], below[[24]byte], below[[32]byte]}

type multiplication func(*curve.EdwardsPoint, []*scalar.Scalar, []*curve.EdwardsPoint)

const (
	stackTries = 12 * len(depths)
	// stackPeriod is after how many batches the depths are tried again, because
	// something else may have had the processor while one was measured.
	stackPeriod = 4096
	// stackPoints is the size from which a batch's time says something.
	stackPoints = MaxBatch / 2
)

// multiply sets d to the sum of the products.
func (s *stack) multiply(d *curve.EdwardsPoint, scalars []*scalar.Scalar, points []*curve.EdwardsPoint) {
	if len(points) < stackPoints {
		depths[s.best](d, scalars, points)
		return
	}
	try := s.calls % stackPeriod
	s.calls++
	if try >= stackTries {
		depths[s.best](d, scalars, points)
		return
	}
	depth := try % len(depths)
	begin := s.now()
	depths[depth](d, scalars, points)
	s.took(try, depth, float64(s.now().Sub(begin))/float64(len(points)))
}

// took notes a measurement. The shortest time counts: whatever else the machine
// does only adds to it.
func (s *stack) took(try, depth int, ns float64) {
	if try < len(depths) || ns < s.least[depth] {
		s.least[depth] = ns
	}
	if try != stackTries-1 {
		return
	}
	s.best = 0
	for i, ns := range s.least {
		if ns < s.least[s.best] {
			s.best = i
		}
	}
}

//go:noinline
func below[T any](d *curve.EdwardsPoint, scalars []*scalar.Scalar, points []*curve.EdwardsPoint) {
	var room T
	occupy(&room)
	d.MultiscalarMulVartime(scalars, points)
	occupy(&room)
}

// occupy keeps room in its caller's frame.
//
//go:noinline
func occupy[T any](*T) {}
