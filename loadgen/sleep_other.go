//go:build !linux

package loadgen

import "time"

// punctual does nothing: there is no portable way to ask for exact timers.
func punctual() (restore func()) { return func() {} }

// usableCores says that one driver is enough: threads cannot be bound here.
func usableCores() []int { return []int{0} }

func stayOn([]int) {}

// sleepFine sleeps for about d. It is as exact as the runtime's timer, which on
// some systems is a millisecond or more: the lag that a run reports shows it.
func sleepFine(d time.Duration) { time.Sleep(d) }
