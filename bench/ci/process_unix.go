//go:build unix

package ci

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// group makes the process the head of a group of its own: the end of a run is
// the end of all that it started.
func group(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// endGroup ends what a process has left behind in its group: it would run beside
// the next run and be measured there.
func endGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // mostly there is nothing to end

// usageOf reads what an ended process used.
func usageOf(state *os.ProcessState, wall time.Duration) usage {
	u := usage{wall: wall, cpu: state.UserTime() + state.SystemTime()}
	var own syscall.Rusage
	if r, ok := state.SysUsage().(*syscall.Rusage); ok && syscall.Getrusage(syscall.RUSAGE_SELF, &own) == nil && r.Maxrss > own.Maxrss {
		// A process inherits the peak of the one that started it: below that,
		// its own is not known.
		rss := int64(r.Maxrss) //nolint:unconvert // 32 bits wide on some systems
		if runtime.GOOS != "darwin" && runtime.GOOS != "ios" {
			rss *= 1024 // everywhere else it is in kilobytes
		}
		u.maxRSSBytes = &rss
	}
	return u
}
