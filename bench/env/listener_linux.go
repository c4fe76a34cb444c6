package env

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Listener is the process that listens on a TCP port of this machine.
type Listener struct {
	PID  int
	Name string // as the kernel has it, at most 15 bytes
}

// FindListener finds the process that listens on a port, through the socket's
// inode: /proc/net/tcp names it, and one of some process's open files is it.
// Other users' processes are only found by root.
func FindListener(port int) (*Listener, error) {
	inodes := map[string]bool{}
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue // a kernel without IPv6
		}
		if err != nil {
			return nil, err
		}
		for _, i := range listening(string(text), port) {
			inodes["socket:["+i+"]"] = true
		}
	}
	if len(inodes) == 0 {
		return nil, fmt.Errorf("port %d: nobody listens on it in this network namespace: %w", port, os.ErrNotExist)
	}
	found, err := holders(inodes)
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, fmt.Errorf("port %d: the process that listens on it cannot be seen: run as its user or as root: %w", port, os.ErrPermission)
	case len(found) > 1:
		return nil, fmt.Errorf("port %d: %d processes listen on it, which of them does the work is not known", port, len(found))
	}
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", found[0]))
	if err != nil {
		return nil, err
	}
	return &Listener{PID: found[0], Name: strings.TrimSpace(string(name))}, nil
}

// listening returns the inodes of the sockets of a table of proc_net_tcp(5)
// that listen on a port: the second column ends in it, the fourth is 0A, the
// tenth is the inode.
func listening(table string, port int) (inodes []string) {
	end := fmt.Sprintf(":%04X", port)
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) >= 10 && strings.HasSuffix(f[1], end) && f[3] == "0A" && f[9] != "0" {
			inodes = append(inodes, f[9])
		}
	}
	return inodes
}

// holders returns the processes that have one of the links as an open file.
func holders(links map[string]bool) (pids []int, err error) {
	all, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	for _, e := range all {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		dir := filepath.Join("/proc", e.Name(), "fd")
		open, err := os.ReadDir(dir)
		if err != nil {
			continue // it has ended, or belongs to somebody else
		}
		for _, fd := range open {
			if to, err := os.Readlink(filepath.Join(dir, fd.Name())); err == nil && links[to] {
				pids = append(pids, pid)
				break
			}
		}
	}
	return pids, nil
}

// ReadProcessWritten returns the bytes that a process has caused to be written
// to storage: write_bytes of proc_pid_io(5), counted when pages become dirty.
func ReadProcessWritten(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, "write_bytes:"); ok {
			return strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		}
	}
	return 0, fmt.Errorf("/proc/%d/io has no write_bytes", pid)
}
