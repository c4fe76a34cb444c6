//go:build linux && (386 || amd64 || arm || arm64 || loong64 || mips64le || mipsle || ppc64le || riscv64)

package probe

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

func init() {
	roles["watchall"] = func() int { return runWatchAll(false) }
	roles["watchall-nobtf"] = func() int { return runWatchAll(true) }
	roles["watchhold"] = runWatchHold
}

// watchedAll is what the child reports.
type watchedAll struct {
	Report   WatchReport
	Sent     uint64 // by the server's end
	Received uint64
}

// runWatchAll watches every tier of a conversation with itself.
func runWatchAll(hideBTF bool) int {
	if hideBTF {
		if err := unix.Mount("none", "/sys/kernel/btf", "tmpfs", 0, ""); err != nil && !errors.Is(err, unix.ENOENT) {
			return fail(err)
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fail(err)
	}
	defer ln.Close()
	w, rep, err := Watch(WatchConfig{Ports: []PortClass{{"client", serverTarget(ln.Addr().(*net.TCPAddr).AddrPort(), "").Port}}, Tiers: []int{1, 2, 3}})
	if err != nil {
		return fail(err)
	}
	defer w.Close()
	c, err := tryConnect(ln)
	if err != nil {
		return fail(err)
	}
	defer c.close()
	if err := c.exchange(50_000, 7_000); err != nil {
		return fail(err)
	}
	out := watchedAll{Report: rep}
	for deadline := time.Now().Add(trafficTimeout); time.Now().Before(deadline) && out.Sent < 7000; {
		s, err := w.Sample()
		if err != nil {
			return fail(err)
		}
		got := classOf(s.Sockets, "client", EndLocal)
		out.Sent, out.Received = got.AppSentBytes.N, got.AppReceivedBytes.N
	}
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		return fail(err)
	}
	return 0
}

func runWatchHold() int {
	w, rep, err := Watch(WatchConfig{Iface: "lo", Tiers: []int{1, 2, 3}})
	if err != nil {
		return fail(err)
	}
	defer w.Close()
	attached := 0
	for _, p := range rep.Parts {
		attached += len(p.Attached)
	}
	fmt.Println(attached)
	_, _ = io.Copy(io.Discard, os.Stdin)
	return fail(errors.New("was not killed"))
}

func watchChild(t *testing.T, role string, attr *syscall.SysProcAttr) watchedAll {
	t.Helper()
	cmd := child(role, "", attr)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	b, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", role, err, stderr.String())
	}
	var w watchedAll
	if err := json.Unmarshal(b, &w); err != nil {
		t.Fatalf("%s printed %q: %v", role, b, err)
	}
	return w
}

// Every rung of the ladder counts the same bytes, and says what it is and why
// the better ones were refused.
func TestLadder(t *testing.T) {
	needEBPF(t)
	type part struct {
		source  string
		missing []string // capabilities that the first refusal names
	}
	all := []uintptr{unix.CAP_BPF, unix.CAP_PERFMON, unix.CAP_NET_ADMIN}
	for _, c := range []struct {
		name, role    string
		attr          *syscall.SysProcAttr
		sockets, wire part
	}{
		{"root", "watchall", nil, part{SourceTracing, nil}, part{SourceTCX, nil}},
		{"the three capabilities", "watchall", nobody(all...), part{SourceTracing, nil}, part{SourceTCX, nil}},
		{"no BTF", "watchall-nobtf", &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}, part{SourceSockops, nil}, part{SourceTCX, nil}},
		{"without CAP_PERFMON", "watchall", nobody(unix.CAP_BPF, unix.CAP_NET_ADMIN), part{SourceSockDiag, []string{"CAP_PERFMON"}}, part{SourceTCX, nil}},
		{"without CAP_NET_ADMIN", "watchall", nobody(unix.CAP_BPF, unix.CAP_PERFMON), part{SourceTracing, nil}, part{"", []string{"CAP_NET_ADMIN"}}},
		{"without CAP_BPF", "watchall", nobody(unix.CAP_NET_ADMIN, unix.CAP_PERFMON), part{SourceSockDiag, []string{"CAP_BPF"}}, part{"", []string{"CAP_BPF"}}},
		{"nobody", "watchall", nobody(), part{SourceSockDiag, []string{"CAP_BPF", "CAP_PERFMON"}}, part{"", []string{"CAP_BPF", "CAP_NET_ADMIN"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := watchChild(t, c.role, c.attr)
			if w.Sent != 7_000 && w.Sent != 7_001 || w.Received != 50_000 && w.Received != 50_001 {
				t.Errorf("sent %d of 7000, received %d of 50000", w.Sent, w.Received)
			}
			for name, want := range map[string]part{"sockets": c.sockets, "wire": c.wire} {
				p := partNamed(t, w.Report, name)
				if p.Source != want.source {
					t.Errorf("%s by %q, want %q: %+v", name, p.Source, want.source, p.Refused)
				}
				if want.missing == nil {
					continue
				}
				if len(p.Refused) == 0 || !slices.Equal(p.Refused[0].MissingCaps, want.missing) || !strings.Contains(p.Refused[0].Remedy, "setcap") || p.Refused[0].Lost == "" {
					t.Errorf("%s: refused %+v, want missing %v", name, p.Refused, want.missing)
				}
			}
		})
	}
}

// weirPrograms counts the programs in the kernel that are ours.
func weirPrograms(t *testing.T) int {
	t.Helper()
	n := 0
	for id := ebpf.ProgramID(0); ; {
		next, err := ebpf.ProgramGetNextID(id)
		if errors.Is(err, os.ErrNotExist) {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
		id = next
		p, err := ebpf.NewProgramFromID(id)
		if err != nil {
			continue // freed meanwhile
		}
		if info, err := p.Info(); err == nil && strings.HasPrefix(info.Name, "weir_") {
			n++
		}
		_ = p.Close()
	}
}

// A killed watcher of all tiers leaves no program in the kernel.
func TestKilledWatcherLeavesNothing(t *testing.T) {
	needEBPF(t)
	before := weirPrograms(t)
	cmd := child("watchhold", "", nil)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, readErr := bufio.NewReader(stdout).ReadString('\n')
	during := weirPrograms(t)
	killErr := cmd.Process.Kill()
	_ = cmd.Wait() // "signal: killed" is the expected end
	if err := errors.Join(readErr, killErr); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	if during < before+8 {
		t.Errorf("%d programs before, %d while all tiers were attached (%s)", before, during, strings.TrimSpace(line))
	}
	for deadline := time.Now().Add(trafficTimeout); weirPrograms(t) > before; {
		if time.Now().After(deadline) {
			t.Fatalf("%d programs before, %d after", before, weirPrograms(t))
		}
		<-time.After(time.Millisecond) // the kernel frees them asynchronously; the deadline decides
	}
}
