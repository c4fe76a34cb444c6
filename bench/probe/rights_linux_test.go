//go:build linux && (386 || amd64 || arm || arm64 || loong64 || mips64le || mipsle || ppc64le || riscv64)

package probe

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

func init() {
	roles["watch"] = runWatch
	roles["nobtf"] = runNoBTF
	roles["hold"] = runHold
}

// watched is what the child reports.
type watched struct {
	Kind    string
	Report  Report
	In, Out uint64
}

// runWatch watches a conversation with itself and prints what it saw.
func runWatch() int {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fail(err)
	}
	defer ln.Close()
	src, rep, err := Open(serverTarget(ln.Addr().(*net.TCPAddr).AddrPort(), os.Getenv(roleEnv+"_FORCE")))
	if err != nil {
		return fail(err)
	}
	defer src.Close()
	c, err := tryConnect(ln)
	if err != nil {
		return fail(err)
	}
	defer c.close()
	if err := c.exchange(50_000, 7_000); err != nil {
		return fail(err)
	}
	got, err := src.Snapshot()
	if err != nil {
		return fail(err)
	}
	w := watched{Kind: src.Kind(), Report: rep, In: got.In.PayloadBytes.N, Out: got.Out.PayloadBytes.N}
	if err := json.NewEncoder(os.Stdout).Encode(w); err != nil {
		return fail(err)
	}
	return 0
}

// runNoBTF hides the kernel's type information and then watches.
func runNoBTF() int {
	if err := unix.Mount("none", "/sys/kernel/btf", "tmpfs", 0, ""); err != nil && !errors.Is(err, unix.ENOENT) {
		return fail(err)
	}
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); !errors.Is(err, os.ErrNotExist) {
		return fail(fmt.Errorf("the type information is still there: %v", err))
	}
	return runWatch()
}

// runHold opens a probe, prints its program's id and waits to be killed.
func runHold() int {
	src, _, err := Open(Target{Port: 9, Iface: "lo", Force: KindEBPF})
	if err != nil {
		return fail(err)
	}
	info, err := src.(*ebpfSource).objs.WeirWire.Info()
	if err != nil {
		return fail(err)
	}
	id, _ := info.ID()
	fmt.Println(uint32(id))
	_, _ = io.Copy(io.Discard, os.Stdin)
	return fail(errors.New("was not killed"))
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// child is this test binary in a role. /proc/self/exe, because other users may
// not enter the folder that go test builds in.
func child(role, force string, attr *syscall.SysProcAttr) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Dir = "/"
	cmd.Env = []string{roleEnv + "=" + role, roleEnv + "_FORCE=" + force}
	cmd.SysProcAttr = attr
	return cmd
}

func tryChild(role, force string, attr *syscall.SysProcAttr) (watched, error) {
	cmd := child(role, force, attr)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return watched{}, fmt.Errorf("%s: %w: %s", role, err, stderr.String())
	}
	var w watched
	if err := json.Unmarshal(out, &w); err != nil {
		return w, fmt.Errorf("%s printed %q: %w", role, out, err)
	}
	if w.In != 50_000 || w.Out != 7_000 {
		return w, fmt.Errorf("%s saw payload in %d, out %d; want 50000, 7000", w.Kind, w.In, w.Out)
	}
	return w, nil
}

func runChild(t *testing.T, role, force string, attr *syscall.SysProcAttr) watched {
	t.Helper()
	w, err := tryChild(role, force, attr)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func nobody(caps ...uintptr) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, AmbientCaps: caps}
}

func TestOrdinaryUserFallsBackToSockDiag(t *testing.T) {
	needRoot(t) // to become another user
	w := runChild(t, "watch", "", nobody())
	if w.Kind != KindSockDiag || len(w.Report.Refused) != 1 {
		t.Fatalf("%s, report %+v", w.Kind, w.Report)
	}
	r := w.Report.Refused[0]
	if r.Kind != KindEBPF || r.Errno != "EPERM" || !slices.Equal(r.MissingCaps, []string{"CAP_BPF", "CAP_NET_ADMIN"}) ||
		!strings.Contains(r.Remedy, "setcap") || r.Lost == "" {
		t.Errorf("refusal %+v", r)
	}
}

func TestCapabilitiesDecide(t *testing.T) {
	needEBPF(t)
	if w := runChild(t, "watch", "", nobody(unix.CAP_BPF, unix.CAP_NET_ADMIN)); w.Kind != KindEBPF {
		t.Errorf("with CAP_BPF and CAP_NET_ADMIN: %s, %+v", w.Kind, w.Report)
	}
	for _, c := range []struct {
		has     uintptr
		missing string
	}{{unix.CAP_BPF, "CAP_NET_ADMIN"}, {unix.CAP_NET_ADMIN, "CAP_BPF"}} {
		w := runChild(t, "watch", "", nobody(c.has))
		if w.Kind != KindSockDiag || len(w.Report.Refused) != 1 || !slices.Equal(w.Report.Refused[0].MissingCaps, []string{c.missing}) {
			t.Errorf("without %s: %s, %+v", c.missing, w.Kind, w.Report)
		}
	}
}

// Root of a user namespace has every capability there and none that counts.
func TestUserNamespaceIsNamed(t *testing.T) {
	needRoot(t)
	w, err := tryChild("watch", "", &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 65534, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 65534, Size: 1}},
		Credential:  &syscall.Credential{},
	})
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSPC) {
		t.Skipf("user namespaces are switched off here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if w.Kind != KindSockDiag || len(w.Report.Refused) != 1 || !strings.Contains(w.Report.Refused[0].Reason, "user namespace") {
		t.Errorf("%s, %+v", w.Kind, w.Report)
	}
}

func TestWorksWithoutBTF(t *testing.T) {
	needEBPF(t)
	w := runChild(t, "nobtf", KindEBPF, &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS})
	if w.Kind != KindEBPF {
		t.Errorf("%s, %+v", w.Kind, w.Report)
	}
}

func TestKilledProcessLeavesNothing(t *testing.T) {
	needEBPF(t)
	cmd := child("hold", "", nil)
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
	killErr := cmd.Process.Kill()
	_ = cmd.Wait() // "signal: killed" is the expected end
	var id uint32
	if _, err := fmt.Sscan(line, &id); errors.Join(err, readErr, killErr) != nil {
		t.Fatalf("%q: %v", line, errors.Join(err, readErr, killErr))
	}
	deadline := time.Now().Add(trafficTimeout)
	for {
		p, err := ebpf.NewProgramFromID(ebpf.ProgramID(id))
		if errors.Is(err, os.ErrNotExist) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		_ = p.Close()
		if time.Now().After(deadline) {
			t.Fatalf("program %d outlives its process by %v", id, trafficTimeout)
		}
		<-time.After(time.Millisecond) // the kernel frees it asynchronously; the deadline decides
	}
}
