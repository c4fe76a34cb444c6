package loadgen

import (
	"time"

	"golang.org/x/sys/unix"
)

// sleepFine sleeps for about d, usually less than 0.1 ms longer. A signal may
// end it early; the caller looks at the clock anyway.
func sleepFine(d time.Duration) {
	ts := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&ts, nil)
}
