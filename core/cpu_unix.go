//go:build unix

package core

import "golang.org/x/sys/unix"

// processCPU is the processor time that this process has used.
func processCPU() (userNS, sysNS int64) {
	var ru unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &ru) != nil {
		return 0, 0
	}
	return ru.Utime.Nano(), ru.Stime.Nano()
}
