//go:build !linux

package env

import (
	"fmt"
	"runtime"
)

// ReadProcessCPU cannot read the CPU time of a process on this system and
// returns ErrNotSupported.
func ReadProcessCPU(pid int) (ProcessCPU, error) {
	return ProcessCPU{}, fmt.Errorf("CPU time of process %d on %s: %w: run on Linux to have the CPU per transaction", pid, runtime.GOOS, ErrNotSupported)
}
