package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startProgram starts the real program on its first trial and returns when the
// CometBFT node of that trial runs.
func startProgram(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	bin := os.Getenv("WEIR_PEERS_BIN")
	if bin == "" {
		bin = filepath.Join("..", "..", "..", "bin", "peers")
	}
	p, err := programsIn(bin)
	if err != nil {
		t.Fatal(err)
	}
	if why := p.missing(); why != nil {
		t.Skipf("%v: make bench-cometbft builds it, which needs the network and minutes; or name its folder in WEIR_PEERS_BIN", why)
	}
	exe := filepath.Join(t.TempDir(), "nodepeers")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", exe, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	// Weir's turn does not come, so any program does in its place.
	cmd := exec.Command(exe, "--bin", filepath.Dir(p.node), "--weir", exe, "--dir", dir, "--trial", "60s", "--budget", "1h")
	words, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(words)
	for said.Scan() && !strings.Contains(said.Text(), "trial 1") {
	}
	if err := said.Err(); err != nil {
		t.Fatal(err)
	}
	if !eventually(func() bool { return len(processesOf(t, dir)) > 0 }) {
		t.Fatalf("no node was started: %s", cmd.ProcessState)
	}
	return cmd
}

// processesOf lists the command lines of nodes whose chain is in the folder.
func processesOf(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, path := range paths {
		line, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		words := string(bytes.ReplaceAll(line, []byte{0}, []byte{' '}))
		if strings.Contains(words, dir) && strings.Contains(words, "cometbft node") {
			found = append(found, words)
		}
	}
	return found
}

// eventually waits for a condition that other processes bring about.
func eventually(is func() bool) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for !is() {
		select {
		case <-tick.C:
		case <-late:
			return false
		}
	}
	return true
}

// TestInterruptLeavesNothing: after Ctrl-C no process and no chain is left, and
// the exit code says that there is no answer.
func TestInterruptLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	cmd := startProgram(t, dir)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // its exit code is looked at
	if code := cmd.ProcessState.ExitCode(); code != exitInconclusive {
		t.Errorf("exit code %d, want %d", code, exitInconclusive)
	}
	if left := processesOf(t, dir); len(left) > 0 {
		t.Errorf("still running: %q", left)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestKillLeavesNoProcess: nobody is there to stop the children, so they must
// end by themselves.
func TestKillLeavesNoProcess(t *testing.T) {
	dir := t.TempDir()
	cmd := startProgram(t, dir)
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed, which is no news
	if !eventually(func() bool { return len(processesOf(t, dir)) == 0 }) {
		t.Errorf("still running: %q", processesOf(t, dir))
	}
}
