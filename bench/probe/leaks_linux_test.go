package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// leakTimeout bounds every wait: for a moment to come, and for the kernel to
// take back what a dead process held.
const leakTimeout = 60 * time.Second

// soon asks again and again about other processes and the kernel, which have no
// way to tell.
func soon(done func() bool) bool {
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	limit := time.After(leakTimeout)
	for !done() {
		select {
		case <-again.C:
		case <-limit:
			return done()
		}
	}
	return true
}

// held is what the processes of one program keep alive in the kernel.
type held struct {
	pids       []int
	node       bool              // a weir node is among them
	namespaces map[string]bool   // network namespaces other than ours
	bpf        map[string]uint32 // objects by kind and number: "prog 7"
}

// holds looks at all processes that run the file. Zombies run none.
func holds(t *testing.T, exe string) held {
	t.Helper()
	h := held{namespaces: map[string]bool{}, bpf: map[string]uint32{}}
	ours, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	procs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range procs {
		if name, err := os.Readlink(filepath.Join(dir, "exe")); err != nil || name != exe {
			continue // also: gone meanwhile
		}
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			t.Fatal(err)
		}
		h.pids = append(h.pids, pid)
		if ns, err := os.Readlink(filepath.Join(dir, "ns/net")); err == nil && ns != ours {
			h.namespaces[ns] = true
		}
		if args, err := os.ReadFile(filepath.Join(dir, "cmdline")); err == nil {
			h.node = h.node || bytes.Contains(args, []byte("\x00node\x00"))
		}
		fds, err := filepath.Glob(filepath.Join(dir, "fdinfo/*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, fd := range fds {
			text, err := os.ReadFile(fd)
			if err != nil {
				continue // closed meanwhile
			}
			for line := range strings.Lines(string(text)) {
				key, value, _ := strings.Cut(line, ":")
				kind, ok := strings.CutSuffix(key, "_id")
				if n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32); ok && err == nil && slices.Contains([]string{"prog", "link", "map"}, kind) {
					h.bpf[fmt.Sprintf("%s %d", kind, n)] = uint32(n)
				}
			}
		}
	}
	return h
}

// stillThere lists what of it is left.
func (h *held) stillThere(t *testing.T, exe string) []string {
	t.Helper()
	var left []string
	for _, pid := range holds(t, exe).pids {
		left = append(left, fmt.Sprintf("process %d", pid))
	}
	all, err := filepath.Glob("/proc/[0-9]*/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		if ns, err := os.Readlink(name); err == nil && h.namespaces[ns] {
			left = append(left, ns+" by "+name)
		}
	}
	for name, id := range h.bpf {
		var c interface{ Close() error }
		var err error
		switch name[:4] {
		case "prog":
			c, err = ebpf.NewProgramFromID(ebpf.ProgramID(id))
		case "link":
			c, err = link.NewFromID(link.ID(id))
		default:
			c, err = ebpf.NewMapFromID(ebpf.MapID(id))
		}
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		left = append(left, fmt.Sprintf("%s (%v)", name, err))
		if err == nil {
			c.Close()
		}
	}
	ifaces, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range ifaces {
		if strings.HasPrefix(i.Name, "weir-") {
			left = append(left, "interface "+i.Name)
		}
	}
	for _, pattern := range []string{"/run/netns/weir*", "/sys/fs/bpf/weir*", "/sys/fs/cgroup/weir*"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, names...)
	}
	return left
}

// lockedLines collects a process's output.
type lockedLines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// leak is one way to end the program at one moment.
type leak struct {
	name    string
	args    []string
	moment  func(h *held, dir, stdout string) bool
	wantInt int // exit code after SIGINT
}

// TestNothingIsLeftBehind ends the real program by Ctrl-C and by kill -9 at
// several moments. All it held in the kernel must be gone then, its children
// with it.
func TestNothingIsLeftBehind(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root for network namespaces and eBPF")
	}
	if testing.Short() {
		t.Skip("builds and runs the program some ten times")
	}
	exe := filepath.Join(t.TempDir(), "weir-leak-test")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", exe, "../../cmd/weir").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	port := strconv.Itoa(ln.Addr().(*net.TCPAddr).Port)
	run := []string{"run", "--json", "--link", "20mbit", "--budget", "60s", "--accounts", "64", "--out", "out"}
	loopback := []string{"run", "--json", "--budget", "60s", "--accounts", "64", "--max-rate", "1000", "--out", "out"}
	watch := []string{"probe", "--json", "--port", port, "--interval", "50ms"}
	trial := func(h *held, dir, _ string) bool {
		b, err := os.ReadFile(filepath.Join(dir, "out", "record.jsonl"))
		return err == nil && bytes.Contains(b, []byte(`"type":"trial"`)) && h.node && len(h.bpf) > 0
	}
	const inconclusive = 3
	for _, l := range []leak{
		{"run with half a link", run, func(h *held, _, _ string) bool { return len(h.namespaces) > 0 }, inconclusive},
		{"run with its node", run, func(h *held, _, _ string) bool { return h.node }, inconclusive},
		{"run with its programs", run, func(h *held, _, _ string) bool { return len(h.bpf) > 0 }, inconclusive},
		{"run after a trial", run, trial, inconclusive},
		{"run on loopback after a trial", loopback, trial, inconclusive},
		{"probe with its programs", watch, func(h *held, _, _ string) bool { return len(h.bpf) > 0 }, 0},
		{"probe after a reading", watch, func(_ *held, _, stdout string) bool { return strings.Contains(stdout, "\n") }, 0},
	} {
		for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
			t.Run(l.name+"/"+sig.String(), func(t *testing.T) { l.check(t, exe, sig) })
		}
	}
}

func (l *leak) check(t *testing.T, exe string, sig syscall.Signal) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*leakTimeout)
	defer cancel()
	dir := t.TempDir()
	cmd := exec.CommandContext(ctx, exe, l.args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(dir, "cache"), "WEIR_IMPL=")
	var stdout, stderr lockedLines
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var h held
	if !soon(func() bool {
		h = holds(t, exe)
		return l.moment(&h, dir, stdout.String())
	}) {
		t.Errorf("the moment does not come: %+v\n%s", h, stderr.String())
	}
	if err := cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // its end is looked at below
	if code := cmd.ProcessState.ExitCode(); sig == syscall.SIGINT && code != l.wantInt {
		t.Errorf("after Ctrl-C the exit code is %d, want %d: %s", code, l.wantInt, stderr.String())
	}
	if !soon(func() bool { return len(h.stillThere(t, exe)) == 0 }) {
		t.Errorf("left behind of %+v: %q", h, h.stillThere(t, exe))
	}
	if sig == syscall.SIGINT {
		if left, err := filepath.Glob(filepath.Join(dir, "out", "node-*")); err != nil || len(left) > 0 {
			t.Errorf("left in the record's folder: %q %v", left, err)
		}
	}
}
