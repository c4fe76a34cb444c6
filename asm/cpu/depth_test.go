package cpu

import "testing"

func TestAtDepthCallsOnce(t *testing.T) {
	for _, n := range []int{-1, 0, 1, 31, 1000} {
		calls := 0
		AtDepth(n, func() { calls++ })
		if calls != 1 {
			t.Errorf("depth %d: %d calls, want 1", n, calls)
		}
	}
}
