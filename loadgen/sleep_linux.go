package loadgen

import (
	"time"

	"golang.org/x/sys/unix"
)

// sliceNS is the share of a processor that the sending thread asks for at a
// time: the shortest that the kernel takes.
const sliceNS = 100_000

// punctual makes the calling thread wake up on time, as far as the kernel lets
// it: no slack for its timers (the default lets them run 50 µs late so that
// wake-ups coincide), and from Linux 6.12 on a short slice, whose early deadline
// lets it run before a thread that computes. It does not get more of the
// processor by that. In a process that was started with a real-time priority it
// takes the next higher one for the same reason. What is refused is left as it
// is: the lag that a run reports shows the difference. The returned function
// undoes it.
func punctual() (restore func()) {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	slack := func() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) } // the default
	before, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		return slack
	}
	attr := *before
	switch attr.Policy {
	case unix.SCHED_NORMAL:
		attr.Runtime = sliceNS
	case unix.SCHED_FIFO, unix.SCHED_RR:
		attr.Priority++
	default:
		return slack
	}
	if unix.SchedSetAttr(0, &attr, 0) != nil {
		return slack
	}
	return func() {
		slack()
		_ = unix.SchedSetAttr(0, before, 0)
	}
}

// usableCores are the processors that this process may use.
func usableCores() []int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return []int{0}
	}
	var out []int
	for i := 0; len(out) < set.Count(); i++ {
		if set.IsSet(i) {
			out = append(out, i)
		}
	}
	return out
}

// stayOn binds the calling thread to the given processors.
func stayOn(cores []int) {
	var set unix.CPUSet
	for _, c := range cores {
		set.Set(c)
	}
	_ = unix.SchedSetaffinity(0, &set) // refused: the thread stays where it was
}

// sleepFine sleeps for about d, usually less than 0.1 ms longer. A signal may
// end it early; the caller looks at the clock anyway.
func sleepFine(d time.Duration) {
	ts := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&ts, nil)
}
