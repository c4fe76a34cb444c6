package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chainweir/weir/results"
)

// ownExe gives the binary a name that no other test runs, so that every process
// with that name, namespace holders among them, belongs to this test.
func ownExe(t *testing.T, dir string) string {
	t.Helper()
	exe := filepath.Join(dir, "weir-under-test")
	if err := os.Link(weirExe, exe); err != nil {
		t.Fatal(err)
	}
	return exe
}

// processesOf lists the processes that run the file. Zombies run none.
func processesOf(t *testing.T, exe string) []string {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		if name, err := os.Readlink(filepath.Join("/proc", e.Name(), "exe")); err != nil || name != exe {
			continue // also: gone meanwhile
		}
		cmdline, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if err == nil {
			out = append(out, e.Name()+" "+strings.ReplaceAll(string(cmdline), "\x00", " "))
		}
	}
	return out
}

// traces lists what a run could have left on the machine. Namespaces, their
// qdiscs and BPF links have no name and no pin: they last as long as a process
// of the run does.
func traces(t *testing.T, exe string) []string {
	t.Helper()
	out := processesOf(t, exe)
	ifaces, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range ifaces {
		if strings.HasPrefix(i.Name, "weir-") {
			out = append(out, "interface "+i.Name)
		}
	}
	for _, pattern := range []string{"/run/netns/weir*", "/sys/fs/bpf/weir*"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, names...)
	}
	return out
}

func noTraces(t *testing.T, exe string) {
	t.Helper()
	// Processes that the kernel kills are gone a little later.
	if !until(15*time.Second, func() bool { return len(traces(t, exe)) == 0 }) {
		t.Errorf("left behind: %q", traces(t, exe))
	}
}

// runUnderWay starts a shaped run and returns when it is between two trials or
// in one, with its node and both holders there.
func runUnderWay(t *testing.T, dir, exe string) (*exec.Cmd, *lockedBuffer, *lockedBuffer) {
	t.Helper()
	cmd := weirCommand(t, dir, "run", "--json", "--link", "20mbit", "--budget", "60s", "--accounts", "64", "--out", "out")
	cmd.Path, cmd.Args[0] = exe, exe
	var stdout, stderr lockedBuffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // usually it has ended
		_ = cmd.Wait()
	})
	record := filepath.Join(dir, "out", "record.jsonl")
	if !until(e2eTimeout, func() bool {
		b, err := os.ReadFile(record)
		return err == nil && strings.Contains(string(b), `"type":"trial"`) && len(processesOf(t, exe)) >= 4
	}) {
		t.Fatalf("no trial in the record, or no node and holders: %q, %s", processesOf(t, exe), stderr.String())
	}
	return cmd, &stdout, &stderr
}

func TestRunInterruptedLeavesARecordAndNothingElse(t *testing.T) {
	needTime(t)
	needRoot(t, "to make network namespaces")
	t.Parallel()
	dir := e2eTemp(t)
	exe := ownExe(t, dir)
	cmd, stdout, stderr := runUnderWay(t, dir, exe)
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // its exit code is looked at below
	out := outcome{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
	s := readRun(t, out, filepath.Join(dir, "out"))
	if out.code != exitInconclusive || !s.Interrupted || s.Valid {
		t.Errorf("interrupted %v, valid %v: %s", s.Interrupted, s.Valid, out)
	}
	if len(s.Trials) == 0 || !mentions(s.Warnings, "interrupted") {
		t.Errorf("%d trials, warnings %q", len(s.Trials), s.Warnings)
	}
	noTraces(t, exe)
	if left, err := filepath.Glob(filepath.Join(dir, "out", "node-*")); err != nil || len(left) > 0 {
		t.Errorf("left in the record's folder: %q %v", left, err)
	}
}

func TestRunKilledLeavesNoProcess(t *testing.T) {
	needTime(t)
	needRoot(t, "to make network namespaces")
	t.Parallel()
	dir := e2eTemp(t)
	exe := ownExe(t, dir)
	cmd, _, _ := runUnderWay(t, dir, exe)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	noTraces(t, exe)
	rec, err := results.ReadFile(filepath.Join(dir, "out", "record.jsonl"), true)
	if err != nil || rec.Env == nil || len(rec.Trials) == 0 {
		t.Errorf("after kill -9 the record has %d trials: %v", len(rec.Trials), err)
	}
}

// TestNodeOnAFullDisk: the node stops, says where and why, and everything it
// had acknowledged as committed is there when there is room again.
func TestNodeOnAFullDisk(t *testing.T) {
	needRoot(t, "to mount a small file system")
	t.Parallel()
	dir := e2eTemp(t)
	disk := filepath.Join(dir, "disk")
	if err := os.Mkdir(disk, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("none", disk, "tmpfs", 0, "size=1m,mode=755"); err != nil {
		t.Skipf("cannot mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	})
	data := filepath.Join(disk, "chain")
	n := runningNode(t, dir, data, "--accounts", "256")
	r, out := load(t, dir, n.target(), "--rate", "4000", "--duration", "3s")
	if out.code != exitInconclusive || r.Valid || r.InvalidReason == "" {
		t.Errorf("the load against a node that stopped: %s", out)
	}
	if code, said := n.wait(t), n.stderr.String(); code != exitUsage || !mentionsAll(said, "no space", data, "free some space") ||
		strings.Count(said, "weir: ") != 1 {
		t.Errorf("the node ended with %d and said: %s", code, said)
	}
	if err := syscall.Mount("none", disk, "tmpfs", syscall.MS_REMOUNT, "size=16m"); err != nil {
		t.Fatal(err)
	}
	n = runningNode(t, dir, data)
	again, out := load(t, dir, n.target(), "--rate", "500", "--duration", "500ms")
	if again.Committed == 0 {
		t.Errorf("with room again nothing is committed: %s", out)
	}
	n.stop(t)
	check, out := verifyChain(t, dir, data)
	if out.code != exitOK || check.Txs < uint64(r.Committed+again.Committed) {
		t.Errorf("%d and %d transactions were acknowledged, the chain has %d: %s", r.Committed, again.Committed, check.Txs, out)
	}
}

// TestNodeOnAReadOnlyDirectory runs as a user whom modes stop.
func TestNodeOnAReadOnlyDirectory(t *testing.T) {
	needRoot(t, "to become another user")
	t.Parallel()
	for _, sub := range []string{"locked/new", "locked/chain"} {
		dir := e2eTemp(t)
		runningNode(t, dir, "locked/chain", "--accounts", "8").stop(t)
		if err := os.Chmod(filepath.Join(dir, "locked"), 0o555); err != nil {
			t.Fatal(err)
		}
		cmd := weirCommand(t, dir, "node", "--data", sub, "--listen", "127.0.0.1:0", "--accounts", "8")
		asNobody(t, cmd)
		out := finish(t, cmd)
		if out.code != exitUsage || out.stdout != "" || !mentionsAll(out.stderr, sub, "permission denied") {
			t.Errorf("%s: %s", sub, out)
		}
	}
	// A record's folder that cannot be made.
	dir := e2eTemp(t)
	if err := os.Mkdir(filepath.Join(dir, "locked"), 0o555); err != nil {
		t.Fatal(err)
	}
	cmd := weirCommand(t, dir, "run", "--out", "locked/out")
	asNobody(t, cmd)
	if out := finish(t, cmd); out.code != exitUsage || out.stdout != "" || !mentionsAll(out.stderr, "locked/out", "--out") {
		t.Errorf("%s", out)
	}
}

// TestUnreadableFiles: root reads everything, so another user tries.
func TestUnreadableFiles(t *testing.T) {
	needRoot(t, "to become another user")
	t.Parallel()
	dir := e2eTemp(t)
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("00\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{
		"node --data new --genesis secret", "merkle root secret", "merkle verify --proof secret",
	} {
		cmd := weirCommand(t, dir, strings.Fields(args)...)
		asNobody(t, cmd)
		if out := finish(t, cmd); out.code != exitUsage || out.stdout != "" || !mentionsAll(out.stderr, "secret", "permission denied") {
			t.Errorf("%s: %s", fmt.Sprintf("%q", args), out)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "new")); !os.IsNotExist(err) {
		t.Errorf("a refused node left its directory: %v", err)
	}
}
