//go:build unix

package loadgen

import "golang.org/x/sys/unix"

// cpuNS is the processor time that this process has used, user and system.
func cpuNS() (ns int64, known bool) {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0, false
	}
	return u.Utime.Nano() + u.Stime.Nano(), true
}
