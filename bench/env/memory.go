package env

import (
	"fmt"
	"os"
	"strings"
)

// ReadProcessMemory returns what a process holds in memory, in bytes: VmRSS of
// /proc/PID/status, pages of files that it has mapped included.
func ReadProcessMemory(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("memory of process %d: %w", pid, err)
	}
	n := kibibytes(strings.Split(string(text), "\n"), "VmRSS")
	if n == nil {
		return 0, fmt.Errorf("memory of process %d: /proc says nothing of VmRSS: has it ended?", pid)
	}
	return *n, nil
}
