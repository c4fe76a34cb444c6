//go:build !linux

package loadgen

import "time"

// sleepFine sleeps for about d. It is as exact as the runtime's timer, which on
// some systems is a millisecond or more: the lag that a run reports shows it.
func sleepFine(d time.Duration) { time.Sleep(d) }
