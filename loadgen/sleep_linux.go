package loadgen

import (
	"time"

	"golang.org/x/sys/unix"
)

// sliceNS is the share of a processor that the sending thread asks for at a
// time: the shortest that the kernel takes.
const sliceNS = 100_000

// punctual makes the calling thread wake up on time, as far as the kernel lets
// an ordinary process: no slack for its timers (the default lets them run 50 µs
// late so that wake-ups coincide), and from Linux 6.12 on a short slice, whose
// early deadline lets it run before a thread that computes. It does not get
// more of the processor by that. What is refused is left as it is: the lag that
// a run reports shows the difference.
func punctual() {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	if attr, err := unix.SchedGetAttr(0, 0); err == nil && attr.Policy == unix.SCHED_NORMAL {
		attr.Runtime = sliceNS
		_ = unix.SchedSetAttr(0, attr, 0)
	}
}

// sleepFine sleeps for about d, usually less than 0.1 ms longer. A signal may
// end it early; the caller looks at the clock anyway.
func sleepFine(d time.Duration) {
	ts := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&ts, nil)
}
