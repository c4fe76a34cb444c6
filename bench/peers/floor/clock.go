package floor

import (
	"errors"
	"fmt"
	"math/bits"
	"time"
)

// ErrClock says that the clock frequency could not be measured.
var ErrClock = errors.New("floor: the clock frequency is unknown")

// Bounds of a plausible result.
const (
	minHz     = 0.5e9
	maxHz     = 8e9
	tolerance = 0.04 // of the two chains' disagreement
)

// Sizes of the measurement. Noise only ever adds time, so the fastest of a few
// short runs is the clock.
const (
	clockRuns     = 9
	chainSteps    = 1 << 16 // some 17 µs
	rotationSteps = 1 << 15 // the same time: two cycles a step
)

// ClockHz measures the frequency of the core it runs on, in cycles per second,
// by a chain of integer operations each of which needs the result of the one
// before: one cycle each on every processor that this package has a model of.
// Some 0.3 ms.
//
// A second chain, with rotations, must agree: it does
// not where a compiler or a processor found a shorter way, or where the core
// was taken away all the time. The error is then ErrClock.
func ClockHz() (float64, error) {
	// A run of each by turns, so that both see the same clock.
	first, second := time.Hour, time.Hour
	for range clockRuns {
		begin := time.Now()
		sum := chain(chainSteps, chainAdd, chainXor)
		middle := time.Now()
		mix := rotations(rotationSteps)
		end := time.Now()
		if sum != chainResult || mix == 0 {
			return 0, fmt.Errorf("%w: the chain of operations gave %#x, want %#x", ErrClock, sum, uint64(chainResult))
		}
		first, second = min(first, middle.Sub(begin)), min(second, end.Sub(middle))
	}
	hz := chainSteps / first.Seconds()
	other := 2 * rotationSteps / second.Seconds()
	switch {
	case hz < minHz || hz > maxHz:
		return 0, fmt.Errorf("%w: %d dependent operations in %v would be %.2f GHz", ErrClock, chainSteps, first, hz/1e9)
	case hz/other > 1+tolerance || other/hz > 1+tolerance:
		return 0, fmt.Errorf("%w: one chain of operations gives %.2f GHz and one with rotations %.2f GHz", ErrClock, hz/1e9, other/1e9)
	}
	return hz, nil
}

// chainResult is what the chain gives from (chainAdd, chainXor): proof that no
// step was left out.
const (
	chainAdd    = 0x9e3779b97f4a7c15
	chainXor    = 0xc2b2ae3d27d4eb4f
	chainResult = 0x6a2316af19680000
)

// chain makes n dependent steps, n a multiple of 16, an addition and an
// exclusive or by turns. Additions alone would not do: of x+y+x the compiler
// makes one instruction.
//
//go:noinline
func chain(n int, y, z uint64) uint64 {
	x := uint64(0)
	for ; n > 0; n -= 16 {
		x = (x + y) ^ z
		x = (x + y) ^ z
		x = (x + y) ^ z
		x = (x + y) ^ z
		x = (x + y) ^ z
		x = (x + y) ^ z
		x = (x + y) ^ z
		x = (x + y) ^ z
	}
	return x
}

// rotations makes n dependent steps of two cycles, n a multiple of 8.
//
//go:noinline
func rotations(n int) uint64 {
	x := uint64(n) | 1
	for ; n > 0; n -= 8 {
		x += bits.RotateLeft64(x, 7)
		x += bits.RotateLeft64(x, 11)
		x += bits.RotateLeft64(x, 13)
		x += bits.RotateLeft64(x, 17)
		x += bits.RotateLeft64(x, 19)
		x += bits.RotateLeft64(x, 23)
		x += bits.RotateLeft64(x, 29)
		x += bits.RotateLeft64(x, 31)
	}
	return x
}
