package env

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// ReadProcessCPU returns the CPU time of the process pid, this one or any
// other. A process that has ended is an error that wraps os.ErrNotExist.
func ReadProcessCPU(pid int) (ProcessCPU, error) {
	if pid <= 0 || pid > 1<<22 {
		return ProcessCPU{}, fmt.Errorf("process %d: no such process id: %w", pid, os.ErrNotExist)
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ProcessCPU{}, fmt.Errorf("process %d: %w", pid, err)
	}
	var p ProcessCPU
	if p.UserNS, p.SysNS, err = parseProcessStat(string(text)); err != nil {
		return ProcessCPU{}, fmt.Errorf("process %d: %w", pid, err)
	}
	// The id of a process's CPU clock is its inverted pid above three bits of
	// which 2 selects the scheduler's count (clock_getcpuclockid(3)).
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &ts); err != nil {
		return ProcessCPU{}, fmt.Errorf("process %d: CPU clock: %w", pid, err)
	}
	p.TotalNS = ts.Nano()
	return p, nil
}
