package netlab_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/chainweir/weir/bench/netlab"
)

// networkNamespaces counts the processes in each network namespace, as lsns
// does, by the number of the namespace.
func networkNamespaces(t *testing.T) map[string]int {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	count := make(map[string]int)
	for _, p := range paths {
		if l, err := os.Readlink(p); err == nil {
			count[l]++
		}
	}
	return count
}

// poll tries until cond holds or the time is up.
func poll(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.NewTimer(testTimeout)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("not within %s: %s", testTimeout, what)
		}
	}
}

// awaitNSGone waits until no process is in these namespaces. They are looked
// for by number, because other programs on the machine make and end their own.
func awaitNSGone(t *testing.T, inodes ...uint64) {
	t.Helper()
	for _, ino := range inodes {
		key := fmt.Sprintf("net:[%d]", ino)
		poll(t, "namespace "+key+" is gone", func() bool { return networkNamespaces(t)[key] == 0 })
	}
}

// startOwner starts a program that opens a lab, and reads what it tells.
func startOwner(t *testing.T) (owner *exec.Cmd, nodeNS, clientNS uint64, tied, loose int) {
	t.Helper()
	owner = exec.Command("/proc/self/exe")
	owner.Args = []string{roleOwner}
	owner.Stderr = os.Stderr
	if _, err := owner.StdinPipe(); err != nil { // kept open: the owner waits on it
		t.Fatal(err)
	}
	stdout, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		_ = owner.Process.Kill()
		t.Fatalf("the owner said %q, %v, %v", line, err, owner.Wait())
	}
	if _, err := fmt.Sscan(line, &nodeNS, &clientNS, &tied, &loose); err != nil {
		t.Fatalf("the owner said %q: %v", line, err)
	}
	return owner, nodeNS, clientNS, tied, loose
}

// After kill -9 of the program that opened a lab, the kernel takes away the
// holders and the commands tied to it. A command started behind the lab's back
// stays, is found as a leftover, and is cleaned.
func TestKillNineLeavesNothing(t *testing.T) {
	if err := netlab.Check(); err != nil {
		t.Skipf("network namespaces need root: %v", err)
	}
	owner, nodeNS, clientNS, tied, loose := startOwner(t)
	nodeKey, clientKey := fmt.Sprintf("net:[%d]", nodeNS), fmt.Sprintf("net:[%d]", clientNS)
	before := networkNamespaces(t)
	if before[nodeKey] != 3 || before[clientKey] != 1 {
		t.Errorf("%d processes on the node's side and %d on the client's, want 3 and 1",
			before[nodeKey], before[clientKey])
	}
	if list, err := netlab.Leftovers(); err != nil || slices.ContainsFunc(list, ownedBy(owner.Process.Pid)) {
		t.Errorf("Leftovers names a living owner's processes: %+v, %v", list, err)
	}

	programs := heldPrograms(t, owner.Process.Pid)
	if os.Geteuid() == 0 && len(programs) != 2 {
		t.Errorf("the owner holds eBPF programs %v, want one for each side", programs)
	}

	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait()
	poll(t, "its eBPF programs are gone", func() bool { return !slices.ContainsFunc(programs, programExists) })
	awaitNSGone(t, clientNS)
	poll(t, "only the loose command is left", func() bool { return networkNamespaces(t)[nodeKey] == 1 })
	if alive(tied) {
		t.Errorf("the command started with Lab.Start, %d, outlived its owner", tied)
	}

	list, err := netlab.Leftovers()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(l netlab.Leftover) bool { return l.PID == loose })
	if i < 0 {
		t.Fatalf("Leftovers = %+v, want process %d in it", list, loose)
	}
	if l := list[i]; l.Role != "command" || l.Name != "owner-test" || l.OwnerPID != owner.Process.Pid ||
		l.Command != "sleep 600" {
		t.Errorf("leftover is %+v", l)
	}
	ended, err := netlab.CleanLeftovers(t.Context())
	if err != nil || !slices.ContainsFunc(ended, func(l netlab.Leftover) bool { return l.PID == loose }) {
		t.Errorf("CleanLeftovers = %+v, %v; want process %d in it", ended, err, loose)
	}
	awaitNSGone(t, nodeNS)
}

// heldPrograms lists the eBPF programs that a process has open.
func heldPrograms(t *testing.T, pid int) []ebpf.ProgramID {
	t.Helper()
	infos, err := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	held := map[ebpf.ProgramID]bool{}
	for _, path := range infos {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // closed meanwhile
		}
		for line := range strings.Lines(string(text)) {
			var id ebpf.ProgramID
			if n, _ := fmt.Sscanf(line, "prog_id:\t%d", &id); n == 1 {
				held[id] = true
			}
		}
	}
	return slices.Collect(maps.Keys(held))
}

func programExists(id ebpf.ProgramID) bool {
	p, err := ebpf.NewProgramFromID(id)
	if err == nil {
		p.Close()
	}
	return err == nil
}

func ownedBy(pid int) func(netlab.Leftover) bool {
	return func(l netlab.Leftover) bool { return l.OwnerPID == pid }
}

// alive tells whether a process exists and is no zombie.
func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	after := string(b[bytes.LastIndexByte(b, ')')+1:])
	return !strings.HasPrefix(after, " Z") && !strings.HasPrefix(after, " X")
}

// A user without privileges is told to start again in a user namespace, does,
// and has a lab there; without user namespaces the reason and remedy are told.
func TestUnprivileged(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Args = []string{roleUser}
	cmd.Dir = "/"
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	} else if err := netlab.Check(); err == nil {
		t.Skip("this user has the capabilities without being root, and cannot lose them here")
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	out := stdout.String()
	if strings.Contains(out, netlab.ErrNotPermitted.Error()) {
		if !strings.Contains(out, "run as root") {
			t.Errorf("the refusal names no remedy: %s", out)
		}
		t.Skipf("user namespaces are refused on this machine: %s", out)
	}
	if !strings.Contains(out, netlab.ErrNeedUserNamespace.Error()) {
		t.Errorf("Check said %q, want it to ask for a user namespace", out)
	}
	uid := 65534
	if os.Geteuid() != 0 {
		uid = os.Geteuid()
	}
	want := fmt.Sprintf(`crossed as uid %d with arguments ["one" "two words"]`, uid)
	if err != nil || !strings.Contains(out, want) {
		t.Fatalf("%v\nstdout %sstderr %swant %q", err, out, stderr.String(), want)
	}
}

// A program that is inside its user namespace and still may not create network
// namespaces must not start itself again for ever.
func TestReexecOnce(t *testing.T) {
	t.Setenv("WEIR_NETLAB_USERNS", "1")
	if _, err := netlab.Reexec(t.Context(), nil); !errors.Is(err, netlab.ErrNotPermitted) {
		t.Errorf("Reexec inside a Reexec: %v, want ErrNotPermitted", err)
	}
}
