package netlab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cleanTimeout bounds the wait for one killed process to be gone.
const cleanTimeout = 10 * time.Second

// ownerMark identifies this process beyond the reuse of its number: its id and
// the time it started.
func ownerMark() (string, error) {
	start, err := startTicks(os.Getpid())
	if err != nil {
		return "", fmt.Errorf("netlab: read this process's start time: %w", err)
	}
	return fmt.Sprintf("%d:%d", os.Getpid(), start), nil
}

// startTicks is the start time of a process, in clock ticks since boot: field
// 22 of /proc/PID/stat. The command name in field 2 may hold spaces and
// parentheses, so fields are counted from the last ')'.
func startTicks(pid int) (uint64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	s := string(b)
	i := strings.LastIndexByte(s, ')')
	fields := strings.Fields(s[i+1:])
	const startField = 22 - 3 // the first field after ')' is number 3
	if i < 0 || len(fields) <= startField {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields after the name", pid, len(fields))
	}
	return strconv.ParseUint(fields[startField], 10, 64)
}

// parseOwner splits "pid:start" or "pid:start:name".
func parseOwner(s string) (pid int, start uint64, name string, ok bool) {
	parts := strings.SplitN(s, ":", 3)
	if len(parts) < 2 {
		return 0, 0, "", false
	}
	p, err1 := strconv.ParseUint(parts[0], 10, 31)
	start, err2 := strconv.ParseUint(parts[1], 10, 64)
	if len(parts) == 3 {
		name = parts[2]
	}
	return int(p), start, name, err1 == nil && err2 == nil && p > 0
}

// ownerGone tells whether the process that opened a lab no longer exists.
func ownerGone(pid int, start uint64) bool {
	got, err := startTicks(pid)
	if err != nil {
		return errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH)
	}
	return got != start
}

// Leftovers lists the processes of labs whose owner is gone: holders, and
// commands that were not started with Lab.Start. There should be none, since
// the kernel kills them with the owner. Processes of other users are seen only
// as far as the kernel lets this user read them.
func Leftovers() ([]Leftover, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("netlab: list processes: %w", err)
	}
	var out []Leftover
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		if lo, ok := leftover(pid); ok {
			out = append(out, lo)
		}
	}
	return out, nil
}

// leftover reads one process; one that vanishes meanwhile is none.
func leftover(pid int) (Leftover, bool) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	cmdline, err := os.ReadFile(filepath.Join(dir, "cmdline"))
	if err != nil || len(cmdline) == 0 {
		return Leftover{}, false // gone, a zombie or a kernel thread
	}
	argv := strings.Split(strings.TrimSuffix(string(cmdline), "\x00"), "\x00")
	lo := Leftover{PID: pid, Command: strings.Join(argv, " ")}
	var start uint64
	var ok bool
	if argv[0] == argHolder && len(argv) == 4 {
		lo.Role, lo.Name = "holder", argv[1]
		lo.OwnerPID, start, _, ok = parseOwner(argv[3])
	} else {
		lo.Role = "command"
		lo.OwnerPID, start, lo.Name, ok = ownerInEnv(dir)
	}
	return lo, ok && ownerGone(lo.OwnerPID, start)
}

func ownerInEnv(dir string) (pid int, start uint64, name string, ok bool) {
	env, err := os.ReadFile(filepath.Join(dir, "environ"))
	if err != nil {
		return 0, 0, "", false
	}
	for _, kv := range strings.Split(string(env), "\x00") {
		if v, found := strings.CutPrefix(kv, envLab+"="); found {
			return parseOwner(v)
		}
	}
	return 0, 0, "", false
}

// CleanLeftovers kills the processes that Leftovers lists, waits until they
// are gone, and returns those that it ended. Processes with a living owner are
// never touched.
func CleanLeftovers(ctx context.Context) ([]Leftover, error) {
	list, err := Leftovers()
	if err != nil {
		return nil, err
	}
	var ended []Leftover
	var errs []error
	for _, lo := range list {
		switch killed, err := endLeftover(ctx, lo); {
		case err != nil:
			errs = append(errs, fmt.Errorf("netlab: end leftover process %d (%s): %w", lo.PID, lo.Command, err))
		case killed:
			ended = append(ended, lo)
		}
	}
	return ended, errors.Join(errs...)
}

// endLeftover kills through a file descriptor of the process, which cannot
// come to mean another one, after checking once more that it is the leftover.
func endLeftover(ctx context.Context, lo Leftover) (bool, error) {
	fd, err := unix.PidfdOpen(lo.PID, 0)
	if errors.Is(err, unix.ESRCH) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer unix.Close(fd)
	if again, ok := leftover(lo.PID); !ok || again != lo {
		return false, nil
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil {
		return false, err
	}
	deadline := time.Now().Add(cleanTimeout)
	for {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		left := time.Until(deadline)
		if left <= 0 {
			return false, fmt.Errorf("still there %s after SIGKILL", cleanTimeout)
		}
		// Readable means ended; woken every 100 ms to look at ctx.
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, int(min(left, 100*time.Millisecond)/time.Millisecond)+1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return false, err
		}
		if n > 0 {
			return true, nil
		}
	}
}
