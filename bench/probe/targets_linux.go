package probe

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// targets are the processes, sockets and groups that a WatchConfig means, as of
// the last refresh.
type targets struct {
	cfg     WatchConfig
	classes *classTable
	netns   uint32 // inode of the namespace of NetNS

	pids    map[uint32]bool
	cookies map[uint64]bool // sockets that the processes hold
	groups  map[uint64]bool // inodes of the control group and those below it
	group   string          // its folder
	hidden  int             // processes whose files could not be read
	started string          // when the process started, in ticks: ids are used again
	gone    bool            // the process has ended
}

func resolve(cfg WatchConfig) (*targets, error) {
	classes, err := newClassTable(cfg.Ports, cfg.all())
	if err != nil {
		return nil, err
	}
	t := &targets{cfg: cfg, classes: classes}
	if cfg.PID != 0 {
		if _, err := os.Stat(procPath(uint32(cfg.PID), "status")); err != nil {
			return nil, fmt.Errorf("probe: %w: process %d: %w; see ps", ErrTarget, cfg.PID, plainPath(err))
		}
		_, t.started, _ = statOf(uint32(cfg.PID))
		if cfg.NetNS == "" && !sameNetNS(cfg.PID) {
			t.cfg.NetNS = procPath(uint32(cfg.PID), "ns/net")
		}
	}
	path := t.cfg.NetNS
	if path == "" {
		path = "/proc/self/ns/net"
	}
	if t.netns, err = inodeOf(path); err != nil {
		return nil, fmt.Errorf("probe: %w: network namespace %q: %w", ErrTarget, path, err)
	}
	if cfg.Cgroup != "" {
		if t.group, err = findGroup(cfg.Cgroup); err != nil {
			return nil, err
		}
	}
	return t, t.refresh()
}

func plainPath(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// sameNetNS also holds when the process's namespace may not be read: then it is
// the caller's own or out of reach.
func sameNetNS(pid int) bool {
	theirs, err := os.Readlink(procPath(uint32(pid), "ns/net"))
	ours, ourErr := os.Readlink("/proc/self/ns/net")
	return err != nil || ourErr != nil || theirs == ours
}

func inodeOf(path string) (uint32, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return 0, err
	}
	return uint32(st.Ino), nil
}

func procPath(pid uint32, name string) string {
	return filepath.Join("/proc", strconv.FormatUint(uint64(pid), 10), name)
}

// refresh finds the descendants of the process and of the control group.
func (t *targets) refresh() error {
	if t.cfg.PID != 0 {
		root := uint32(t.cfg.PID)
		_, started, ok := statOf(root)
		t.gone = t.gone || !ok || started != t.started
		t.pids = descendants(root)
		if t.gone {
			delete(t.pids, root) // the id may be another process's now
		}
		inodes := make(map[uint32]bool)
		t.hidden = 0
		for pid := range t.pids {
			if err := socketInodes(pid, inodes); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.hidden++
			}
		}
		if err := inNetNS(t.cfg.NetNS, func() error { return t.findSockets(inodes) }); err != nil {
			return err
		}
	}
	if t.group != "" {
		t.groups = make(map[uint64]bool)
		err := filepath.WalkDir(t.group, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return nil //nolint:nilerr // a group that was removed meanwhile
			}
			if ino, err := inodeOf(path); err == nil {
				t.groups[uint64(ino)] = true
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("probe: control group %s: %w", t.group, err)
		}
	}
	return nil
}

// findSockets turns file numbers into cookies, and local ports into a class.
func (t *targets) findSockets(inodes map[uint32]bool) error {
	t.cookies = make(map[uint64]bool)
	local := make(map[uint16]uint8)
	for _, protocol := range []uint8{protocolTCP, protocolUDP} {
		err := listSockets(protocol, func(s *listedSocket) {
			if s.inode == 0 || !inodes[s.inode] {
				return
			}
			if protocol == protocolTCP {
				t.cookies[s.Cookie] = true
			}
			if p := s.Local.Port(); p != 0 && t.classes.ports[p] == 0 {
				class := t.classes.other()
				if c := t.classes.ports[s.Remote.Port()]; c != 0 {
					class = c
				}
				local[p] = class
			}
		})
		if err != nil {
			return err
		}
	}
	t.classes.local = local
	return nil
}

// descendants are a process and all below it, by the parents that procfs names.
func descendants(root uint32) map[uint32]bool {
	children := make(map[uint32][]uint32)
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.ParseUint(e.Name(), 10, 32)
		if err != nil {
			continue
		}
		if parent, _, ok := statOf(uint32(pid)); ok {
			children[parent] = append(children[parent], uint32(pid))
		}
	}
	out := make(map[uint32]bool)
	for todo := []uint32{root}; len(todo) > 0; {
		pid := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !out[pid] {
			out[pid] = true
			todo = append(todo, children[pid]...)
		}
	}
	return out
}

// statOf reads a process's parent and start time from /proc/PID/stat: "pid (any
// text) state ppid …"; the start is field 22. A zombie has ended.
func statOf(pid uint32) (parent uint32, started string, ok bool) {
	b, err := os.ReadFile(procPath(pid, "stat"))
	if err != nil {
		return 0, "", false
	}
	end := strings.LastIndexByte(string(b), ')')
	fields := strings.Fields(string(b[end+1:]))
	if end < 0 || len(fields) < 20 || fields[0] == "Z" {
		return 0, "", false
	}
	n, err := strconv.ParseUint(fields[1], 10, 32)
	return uint32(n), fields[19], err == nil
}

func socketInodes(pid uint32, into map[uint32]bool) error {
	dir := procPath(pid, "fd")
	fds, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, fd := range fds {
		link, err := os.Readlink(filepath.Join(dir, fd.Name()))
		if err != nil {
			continue // closed meanwhile
		}
		if n, ok := strings.CutPrefix(link, "socket:["); ok {
			if inode, err := strconv.ParseUint(strings.TrimSuffix(n, "]"), 10, 32); err == nil {
				into[uint32(inode)] = true
			}
		}
	}
	return nil
}

// cgroup2Mount is where the unified hierarchy is mounted.
func cgroup2Mount() (string, error) {
	b, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return "", fmt.Errorf("probe: find the cgroup2 mount: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 2 && f[2] == "cgroup2" {
			return f[1], nil
		}
	}
	return "", fmt.Errorf("probe: %w: no cgroup2 is mounted; mount -t cgroup2 none /sys/fs/cgroup", ErrNotSupported)
}

func findGroup(name string) (string, error) {
	mount, err := cgroup2Mount()
	if err != nil {
		return "", err
	}
	for _, path := range []string{name, filepath.Join(mount, name)} {
		if !filepath.IsAbs(path) {
			continue
		}
		var st unix.Statfs_t
		if unix.Statfs(path, &st) == nil && st.Type == unix.CGROUP2_SUPER_MAGIC {
			return path, nil
		}
	}
	return "", fmt.Errorf("probe: %w: %q is no control group of version 2; they are the folders below %s", ErrTarget, name, mount)
}
