package env

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/chainweir/weir/results"
)

// sectorBytes is the unit of /proc/diskstats, whatever the disk's own is
// (Documentation/admin-guide/iostats.rst).
const sectorBytes = 512

// ProcessIO is what a process made the disks read and write, in bytes. Pages
// that are still in memory count as written when they were made dirty; reads
// that the page cache answered do not count (proc(5), /proc/PID/io).
type ProcessIO struct{ ReadBytes, WrittenBytes int64 }

// ReadProcessIO returns the counters of /proc/PID/io, which the process's own
// user and root may read.
func ReadProcessIO(pid int) (ProcessIO, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
	if err != nil {
		return ProcessIO{}, fmt.Errorf("bytes read and written by process %d: %w", pid, err)
	}
	return parseProcessIO(string(text))
}

func parseProcessIO(text string) (ProcessIO, error) {
	lines := strings.Split(text, "\n")
	var out ProcessIO
	for key, into := range map[string]*int64{"read_bytes": &out.ReadBytes, "write_bytes": &out.WrittenBytes} {
		t, _ := value(lines, key)
		n := parseInt(t)
		if n == nil || *n < 0 {
			return ProcessIO{}, fmt.Errorf("/proc/PID/io: %s is %q, not a number of bytes", key, t)
		}
		*into = *n
	}
	return out, nil
}

// DiskIO is what a disk did since boot.
type DiskIO struct {
	Reads, ReadBytes, Writes, WrittenBytes int64
	BusyNS                                 int64 // with at least one request in flight, in steps of 1 ms
}

// ReadDiskIO returns the counters of the disk of the given kernel name.
func ReadDiskIO(device string) (DiskIO, error) {
	lines, err := procLines("proc/diskstats")
	if err != nil {
		return DiskIO{}, err
	}
	return parseDiskIO(lines, device)
}

func parseDiskIO(lines []string, device string) (DiskIO, error) {
	busy, err := parseDiskBusy(lines, device)
	if err != nil {
		return DiskIO{}, err
	}
	out := DiskIO{BusyNS: busy}
	for _, l := range lines {
		// major minor name, reads, merged, sectors, ms, writes, merged, sectors, …
		f := strings.Fields(l)
		if len(f) < 13 || f[2] != device {
			continue
		}
		for _, c := range []struct {
			into  *int64
			field int
			unit  int64
		}{{&out.Reads, 3, 1}, {&out.ReadBytes, 5, sectorBytes}, {&out.Writes, 7, 1}, {&out.WrittenBytes, 9, sectorBytes}} {
			n := parseInt(f[c.field])
			if n == nil || *n < 0 || *n > 1<<52 {
				return DiskIO{}, fmt.Errorf("/proc/diskstats: %q of %s is not a count", f[c.field], device)
			}
			*c.into = *n * c.unit
		}
		break
	}
	return out, nil
}

// DiskOf returns the device and the file system behind an existing folder. The
// device is empty where none can be told (a container's layer, a network file
// system, memory).
func DiskOf(dir string) (results.EnvDisk, error) {
	abs, err := filepath.Abs(dir)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if err != nil {
		return results.EnvDisk{}, fmt.Errorf("the folder %s: %w", dir, err)
	}
	return readDisk(source{os.DirFS("/")}, abs), nil
}

// Process says which process a number stands for.
type Process struct {
	PID        int
	Name       string
	StartTicks int64 // since boot: with it a number that was given away again can be told
	// UsableCores are those that its affinity allows.
	UsableCores int
}

// ReadProcess identifies a process. One that has ended is an error that wraps
// os.ErrNotExist.
func ReadProcess(pid int) (Process, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Process{}, fmt.Errorf("process %d: %w", pid, err)
	}
	p := Process{PID: pid}
	if p.Name, p.StartTicks, err = parseProcessName(string(text)); err != nil {
		return Process{}, fmt.Errorf("process %d: %w", pid, err)
	}
	src := source{os.DirFS("/")}
	if list, ok := value(src.lines(fmt.Sprintf("proc/%d/status", pid)), "Cpus_allowed_list"); ok {
		if cores, err := parseCPUList(list); err == nil {
			p.UsableCores = len(cores)
		}
	}
	if online, ok := src.text("sys/devices/system/cpu/online"); ok {
		if cores, err := parseCPUList(online); err == nil && (p.UsableCores == 0 || len(cores) < p.UsableCores) {
			p.UsableCores = len(cores)
		}
	}
	return p, nil
}

func parseProcessName(text string) (name string, startTicks int64, err error) {
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return "", 0, fmt.Errorf("%q is not the line of a process", text)
	}
	f := strings.Fields(text[end+1:])
	const start = 22 - 3 // the first field after the name is the third
	if len(f) <= start {
		return "", 0, fmt.Errorf("%q is not the line of a process", text)
	}
	n := parseInt(f[start])
	if n == nil || *n < 0 {
		return "", 0, fmt.Errorf("start time %q is not in ticks", f[start])
	}
	return text[open+1 : end], *n, nil
}

// Listener is a TCP socket that waits for connections.
type Listener struct {
	Addr  netip.AddrPort
	Inode uint64
}

// Listeners returns the listening TCP sockets of the network namespace that the
// process lives in (0: this one).
func Listeners(pid int) ([]Listener, error) {
	dir := "self"
	if pid > 0 {
		dir = strconv.Itoa(pid)
	}
	var out []Listener
	for _, name := range []string{"tcp", "tcp6"} {
		lines, err := procLines("proc/" + dir + "/net/" + name)
		if errors.Is(err, ErrNotSupported) && name == "tcp6" {
			continue // a kernel without IPv6
		}
		if err != nil {
			return nil, err
		}
		l, err := parseListeners(lines)
		if err != nil {
			return nil, err
		}
		out = append(out, l...)
	}
	return out, nil
}

// parseListeners reads /proc/net/tcp and tcp6.
func parseListeners(lines []string) ([]Listener, error) {
	const stateListen = "0A"
	var out []Listener
	for _, l := range lines {
		// "sl: local remote state tx:rx tr:when retr uid timeout inode …"
		f := strings.Fields(l)
		if len(f) < 10 || f[3] != stateListen {
			continue
		}
		addr, err := parseSocketAddr(f[1])
		if err != nil {
			return nil, err
		}
		inode, err := strconv.ParseUint(f[9], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("/proc/net/tcp: inode %q is not a number", f[9])
		}
		out = append(out, Listener{addr, inode})
	}
	return out, nil
}

// parseSocketAddr reads "0100007F:1BEF": 32-bit words in the byte order of the
// machine (little-endian on all that Linux shows here), then the port.
func parseSocketAddr(s string) (netip.AddrPort, error) {
	bad := fmt.Errorf("/proc/net/tcp: %q is not an address and port", s)
	host, port, ok := strings.Cut(s, ":")
	raw, err := hex.DecodeString(host)
	if !ok || err != nil || len(raw) != 4 && len(raw) != 16 {
		return netip.AddrPort{}, bad
	}
	for i := 0; i < len(raw); i += 4 {
		slices.Reverse(raw[i : i+4])
	}
	p, err := strconv.ParseUint(port, 16, 16)
	if err != nil {
		return netip.AddrPort{}, bad
	}
	addr, _ := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(addr.Unmap(), uint16(p)), nil
}

// socketInodes are the sockets that a process has open.
func socketInodes(pid int) (map[uint64]bool, error) {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("the sockets of process %d: %w", pid, err)
	}
	out := map[uint64]bool{}
	for _, e := range entries {
		target, err := os.Readlink(filepath.Join(dir, e.Name()))
		if err != nil {
			continue // closed meanwhile
		}
		if num, ok := strings.CutPrefix(target, "socket:["); ok {
			if n, err := strconv.ParseUint(strings.TrimSuffix(num, "]"), 10, 64); err == nil {
				out[n] = true
			}
		}
	}
	return out, nil
}

// ListenersOf returns the listening sockets that the process itself has open.
func ListenersOf(pid int) ([]Listener, error) {
	open, err := socketInodes(pid)
	if err != nil {
		return nil, err
	}
	all, err := Listeners(pid)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(l Listener) bool { return !open[l.Inode] }), nil
}

// FindListener returns the process that listens on the TCP port in this network
// namespace, and its address. Without a listener, or without the right to see
// whose it is, the error wraps fs.ErrNotExist.
func FindListener(port uint16) (pid int, addr netip.AddrPort, err error) {
	all, err := Listeners(0)
	if err != nil {
		return 0, addr, err
	}
	i := slices.IndexFunc(all, func(l Listener) bool { return l.Addr.Port() == port })
	if i < 0 {
		return 0, addr, fmt.Errorf("nobody listens on TCP port %d here: %w", port, fs.ErrNotExist)
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, addr, err
	}
	for _, e := range entries {
		id, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if open, err := socketInodes(id); err == nil && open[all[i].Inode] {
			return id, all[i].Addr, nil
		}
	}
	return 0, all[i].Addr, fmt.Errorf("the process that listens on TCP port %d is not visible to this user: %w; run as root or as its user", port, fs.ErrNotExist)
}

// OnlineCores is the number of logical cores that are online, whatever this
// process may use of them.
func OnlineCores() (int, error) {
	text, ok := source{os.DirFS("/")}.text("sys/devices/system/cpu/online")
	if !ok {
		return 0, fmt.Errorf("the number of cores: %w", ErrNotSupported)
	}
	cores, err := parseCPUList(text)
	return len(cores), err
}
