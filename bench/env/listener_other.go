//go:build !linux

package env

import (
	"fmt"
	"runtime"
)

// Listener is the process that listens on a TCP port of this machine.
type Listener struct {
	PID  int
	Name string
}

// FindListener cannot find a port's process on this system.
func FindListener(port int) (*Listener, error) {
	return nil, fmt.Errorf("port %d on %s: %w: run on Linux to have its process", port, runtime.GOOS, ErrNotSupported)
}

// ReadProcessWritten cannot read it on this system.
func ReadProcessWritten(pid int) (int64, error) {
	return 0, fmt.Errorf("bytes written by process %d on %s: %w", pid, runtime.GOOS, ErrNotSupported)
}
