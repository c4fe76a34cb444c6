//go:build linux || darwin

package loadgen

import (
	"fmt"
	"syscall"
)

// filesBeside are the descriptors that a run needs beside its connections: the
// record, the probe, a node's pipes.
const filesBeside = 64

// allowFiles makes room for so many connections. The Go runtime has raised the
// soft limit to the hard one already; a privileged process may go beyond that.
func allowFiles(conns int) error {
	var lim syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil {
		return fmt.Errorf("the limit of open files: %w", err)
	}
	need := uint64(conns + filesBeside)
	if lim.Cur >= need {
		return nil
	}
	more := syscall.Rlimit{Cur: need, Max: max(lim.Max, need)}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &more); err != nil {
		return fmt.Errorf("%w: %d connections need %d open files, the limit is %d (hard limit %d) and cannot be raised: %w; raise it with ulimit -n %d, or use fewer --conns",
			ErrBadConfig, conns, need, lim.Cur, lim.Max, err, need)
	}
	return nil
}
