package agent

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/chainweir/weir/bench/env"
	"github.com/chainweir/weir/bench/probe"
	"github.com/chainweir/weir/results"
)

// ErrTarget means: what is to be watched is not there, or not clear.
var ErrTarget = errors.New("there is nothing to watch")

// WatchConfig says which node to watch: by its port, by its process, or both.
type WatchConfig struct {
	Port uint16 // the node's client port; 0: the only one that PID listens on
	PID  int    // 0: whoever listens on Port, also after a restart
	// DataDir is on the node's disk; empty: the process's working folder.
	DataDir string
	// Iface is watched for the node's traffic; empty: found from the address
	// that the node listens on.
	Iface string
	// ProbeKind forces a wire source; empty: the best.
	ProbeKind string
}

// Watched is what an agent watches, in words.
type Watched struct {
	Port       uint16             `json:"port"`
	Address    string             `json:"address"` // that the node listens on
	PID        int                `json:"pid"`
	Process    string             `json:"process"`
	Device     results.NullString `json:"device"`
	DataDir    string             `json:"data_dir"`
	WireSource results.NullString `json:"wire_source"`
	Attached   []string           `json:"attached"`
	Warnings   []string           `json:"warnings"`
}

// Watcher reads the counters. Its methods may be called by many goroutines.
type Watcher struct {
	instance string
	cfg      WatchConfig
	what     Watched
	now      func() time.Time
	wire     probe.Source // nil: unknown
	sockets  probe.Source // beside an exact source: it knows the retransmissions
	noWire   string       // why wire is nil

	mu  sync.Mutex
	pid int
}

// Watch finds the node and starts to count its traffic. Close the watcher.
func Watch(cfg WatchConfig) (*Watcher, error) {
	w := &Watcher{cfg: cfg, pid: cfg.PID, now: steadyClock()}
	var id [8]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, err
	}
	w.instance = hex.EncodeToString(id[:])
	addr, err := w.find()
	if err != nil {
		return nil, err
	}
	w.what = Watched{Port: w.cfg.Port, Address: addr.String(), PID: w.pid, Attached: []string{}, Warnings: []string{}}
	if p, err := env.ReadProcess(w.pid); err == nil {
		w.what.Process = p.Name
	}
	w.findDisk()
	w.openWire(addr)
	return w, nil
}

// find completes port and process from each other.
func (w *Watcher) find() (netip.AddrPort, error) {
	if w.cfg.Port == 0 && w.cfg.PID == 0 {
		return netip.AddrPort{}, fmt.Errorf("%w: name the node's port or its process", ErrTarget)
	}
	if w.cfg.PID == 0 {
		pid, addr, err := env.FindListener(w.cfg.Port)
		if err != nil {
			return addr, fmt.Errorf("%w: %w", ErrTarget, err)
		}
		w.pid = pid
		return addr, nil
	}
	if _, err := env.ReadProcess(w.cfg.PID); err != nil {
		return netip.AddrPort{}, fmt.Errorf("%w: %w", ErrTarget, err)
	}
	list, err := env.ListenersOf(w.cfg.PID)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%w: %w; run as root or as the node's user", ErrTarget, err)
	}
	var ports []string
	for _, l := range list {
		if l.Addr.Port() == w.cfg.Port || w.cfg.Port == 0 && len(list) == 1 {
			w.cfg.Port = l.Addr.Port()
			return l.Addr, nil
		}
		ports = append(ports, l.Addr.String())
	}
	if w.cfg.Port == 0 && len(list) > 1 {
		return netip.AddrPort{}, fmt.Errorf("%w: process %d listens on %s; say which port its clients use", ErrTarget, w.cfg.PID, strings.Join(ports, " and "))
	}
	return netip.AddrPort{}, fmt.Errorf("%w: process %d listens on %q, not on port %d", ErrTarget, w.cfg.PID, ports, w.cfg.Port)
}

func (w *Watcher) findDisk() {
	dir := w.cfg.DataDir
	if dir == "" {
		dir = fmt.Sprintf("/proc/%d/cwd", w.pid)
		if target, err := os.Readlink(dir); err == nil {
			dir = target
		}
	}
	w.what.DataDir = dir
	disk, err := env.DiskOf(dir)
	switch {
	case err != nil:
		w.warn("the disk is unknown: %v; name a folder of the node's data", err)
	case disk.Device == "":
		w.warn("the disk is unknown: %s is on %q, which has no device of its own; name a folder on the node's disk", dir, string(disk.FS))
	default:
		w.what.Device = disk.Device
	}
}

func (w *Watcher) warn(format string, args ...any) {
	w.what.Warnings = append(w.what.Warnings, fmt.Sprintf(format, args...))
}

// openWire starts the observer of the node's port, in the node's own network
// namespace when that is another one.
func (w *Watcher) openWire(addr netip.AddrPort) {
	t := probe.Target{Port: w.cfg.Port, Addr: addr.Addr(), Iface: w.cfg.Iface, PerspectiveServer: true, Force: w.cfg.ProbeKind}
	if ns := fmt.Sprintf("/proc/%d/ns/net", w.pid); !sameFile(ns, "/proc/self/ns/net") {
		t.NetNS = ns
	}
	src, rep, err := probe.Open(t)
	for _, r := range rep.Refused {
		w.warn("wire: %v", r)
	}
	if err != nil {
		w.noWire = err.Error()
		w.warn("the wire is unknown: %v", err)
		return
	}
	w.wire, w.what.WireSource = src, results.NullString(src.Kind())
	w.what.Attached = append(w.what.Attached, rep.Attached...)
	w.what.Warnings = append(w.what.Warnings, rep.Warnings...)
	if src.Kind() != probe.KindEBPF {
		return
	}
	t.Force = probe.KindSockDiag
	if w.sockets, rep, err = probe.Open(t); err != nil {
		w.sockets = nil
		w.warn("retransmissions are unknown: %v", err)
		return
	}
	w.what.Attached = append(w.what.Attached, rep.Attached...)
}

func sameFile(a, b string) bool {
	x, err1 := os.Stat(a)
	y, err2 := os.Stat(b)
	return err1 != nil || err2 != nil || os.SameFile(x, y)
}

// What tells what is watched.
func (w *Watcher) What() Watched { return w.what }

// Read takes every counter now.
func (w *Watcher) Read() Reading {
	r := Reading{Instance: w.instance, Unknown: []string{}}
	miss := func(what string, err error) { r.Unknown = append(r.Unknown, fmt.Sprintf("%s: %v", what, err)) }
	if w.wire == nil {
		miss("wire", errors.New(w.noWire))
	} else if c, err := w.traffic(); err != nil {
		miss("wire", err)
	} else {
		r.Wire = &c
	}
	if h, err := env.ReadHostCPU(); err != nil {
		miss("host CPU", err)
	} else {
		r.Host = &Host{Cores: onlineCores(), BusyNS: h.BusyNS, IdleNS: h.IdleNS, StealNS: h.StealNS}
	}
	if p, err := w.process(); err != nil {
		miss("process", err)
	} else {
		r.Process = p
	}
	if w.what.Device == "" {
		miss("disk", errors.New("no device is known"))
	} else if d, err := env.ReadDiskIO(string(w.what.Device)); err != nil {
		miss("disk", err)
	} else {
		r.Disk = &Disk{string(w.what.Device), d.BusyNS, d.Reads, d.ReadBytes, d.Writes, d.WrittenBytes}
	}
	r.AtUnixNS = w.now().UnixNano()
	return r
}

// traffic is the wire's counters with the retransmissions of the sockets.
func (w *Watcher) traffic() (results.WireCounters, error) {
	c, err := w.wire.Snapshot()
	if err != nil {
		return results.WireCounters{}, err
	}
	if w.sockets != nil {
		if s, err := w.sockets.Snapshot(); err == nil {
			c.In.RetransSegments, c.Out.RetransSegments = s.In.RetransSegments, s.Out.RetransSegments
		}
	}
	return c.Record(w.wire.Kind()), nil
}

// process reads the node's process; when that has ended and the node was named
// by its port, whoever listens there now.
func (w *Watcher) process() (*Process, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, err := readProcess(w.pid)
	if err == nil || w.cfg.PID != 0 || !errors.Is(err, fs.ErrNotExist) {
		return p, err
	}
	pid, _, ferr := env.FindListener(w.cfg.Port)
	if ferr != nil {
		return nil, errors.Join(err, ferr)
	}
	w.pid = pid
	return readProcess(pid)
}

func readProcess(pid int) (*Process, error) {
	id, err := env.ReadProcess(pid)
	if err != nil {
		return nil, err
	}
	cpu, err := env.ReadProcessCPU(pid)
	if err != nil {
		return nil, err
	}
	p := &Process{
		PID: pid, Name: id.Name, StartTicks: id.StartTicks, UsableCores: id.UsableCores,
		CPUTotalNS: cpu.TotalNS, CPUUserNS: cpu.UserNS, CPUSysNS: cpu.SysNS,
	}
	if io, err := env.ReadProcessIO(pid); err == nil {
		p.ReadBytes, p.WrittenBytes = &io.ReadBytes, &io.WrittenBytes
	}
	return p, nil
}

// onlineCores: the runtime's number would be the agent's own affinity.
func onlineCores() int {
	if n, err := env.OnlineCores(); err == nil {
		return n
	}
	return runtime.NumCPU()
}

// Close stops counting.
func (w *Watcher) Close() error {
	var errs []error
	for _, s := range []probe.Source{w.wire, w.sockets} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}
