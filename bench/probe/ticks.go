package probe

// ticksPerSecond tells the kernel's tick rate from the tick counter and the
// monotonic clock at one moment. The counter starts 300 s below the wrap of its
// lower 32 bits, and both stand still while the machine sleeps. Within seconds
// of that wrap the rates cannot be told apart: 0.
func ticksPerSecond(jiffies, monotonicNS uint64) uint64 {
	const start = 1 << 32
	var best, second float64 = -1, -1
	var rate uint64
	for _, hz := range []uint64{100, 250, 300, 1000} {
		expected := float64(start) - 300*float64(hz) + float64(monotonicNS)/1e9*float64(hz)
		off := float64(jiffies) - expected
		if off < 0 {
			off = -off
		}
		off /= float64(hz) // in seconds
		switch {
		case best < 0 || off < best:
			best, second, rate = off, best, hz
		case second < 0 || off < second:
			second = off
		}
	}
	if best > 2 || second < 4*best || second < 5 {
		return 0
	}
	return rate
}
