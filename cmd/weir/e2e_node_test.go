//go:build unix

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chainweir/weir/results"
)

// e2eNode is a `weir node --json` that a test started.
type e2eNode struct {
	ready  nodeReady
	cmd    *exec.Cmd
	stderr lockedBuffer
	exited chan struct{}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// startNode starts a prepared node and waits for its ready line.
func startNode(t *testing.T, cmd *exec.Cmd, start func(*exec.Cmd) error) *e2eNode {
	t.Helper()
	n := &e2eNode{cmd: cmd, exited: make(chan struct{})}
	cmd.Stderr = &n.stderr
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = start(cmd)
	}
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan error, 1)
	go func() {
		defer close(n.exited)
		r := bufio.NewReader(stdout)
		line, err := r.ReadBytes('\n')
		if err == nil {
			err = json.Unmarshal(line, &n.ready)
		}
		ready <- err
		_, _ = io.Copy(io.Discard, r) // until the process ends
		_ = cmd.Wait()                // its state is read from cmd.ProcessState
	}()
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Error(err)
		}
		<-n.exited
	})
	select {
	case err = <-ready:
	case <-time.After(e2eTimeout):
		err = errors.New("no ready line")
	}
	if err != nil {
		t.Fatalf("the node did not start: %v: %s", err, n.stderr.String())
	}
	return n
}

// runningNode starts a node on a free port.
func runningNode(t *testing.T, dir, data string, args ...string) *e2eNode {
	t.Helper()
	cmd := weirCommand(t, dir, append([]string{"node", "--json", "--data", data, "--listen", "127.0.0.1:0"}, args...)...)
	return startNode(t, cmd, (*exec.Cmd).Start)
}

func (n *e2eNode) target() string { return "weir://" + n.ready.Listen }

// wait waits for the node's end and returns its exit code.
func (n *e2eNode) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-n.exited:
	case <-time.After(e2eTimeout):
		t.Fatalf("the node does not end: %s", n.stderr.String())
	}
	return n.cmd.ProcessState.ExitCode()
}

// stop asks the node to end, which must work.
func (n *e2eNode) stop(t *testing.T) {
	t.Helper()
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := n.wait(t); code != exitOK {
		t.Errorf("after SIGTERM the node ends with %d: %s", code, n.stderr.String())
	}
}

// load offers a schedule and checks what must hold for every one.
func load(t *testing.T, dir, target string, args ...string) (results.LoadResult, outcome) {
	t.Helper()
	out := weir(t, dir, append([]string{"load", "--json", "--target", target}, args...)...)
	valid(t, validator(t, results.SchemaLoad), out.stdout)
	var r results.LoadResult
	oneObject(t, out.stdout, &r)
	for _, v := range results.Check(r.Counts) {
		t.Errorf("the load does not add up: %s", v)
	}
	return r, out
}

func query(t *testing.T, dir string, n *e2eNode, args ...string) queryAnswer {
	t.Helper()
	args = append([]string{"node", "query"}, args...)
	out := weir(t, dir, append(args, "--json", "--addr", n.ready.Listen)...)
	if out.code != exitOK {
		t.Fatalf("%q: %s", args, out)
	}
	var a queryAnswer
	oneObject(t, out.stdout, &a)
	return a
}

func verifyChain(t *testing.T, dir, data string) (verifyReport, outcome) {
	t.Helper()
	out := weir(t, dir, "node", "verify", "--json", "--data", data)
	var r verifyReport
	oneObject(t, out.stdout, &r)
	return r, out
}

func TestNodeLoadVerifyQueryRestart(t *testing.T) {
	t.Parallel()
	dir := e2eTemp(t)
	n := runningNode(t, dir, "chain", "--accounts", "64")
	r, out := load(t, dir, n.target(), "--rate", "800", "--duration", "1s")
	if r.Committed == 0 || out.code != exitOK && out.code != exitInconclusive {
		t.Fatalf("nothing was committed: %s", out)
	}
	head := query(t, dir, n, "head")
	account := query(t, dir, n, "account", "3")
	proof := query(t, dir, n, "proof", "1", "0")
	for what, a := range map[string]queryAnswer{"account": account, "proof": proof} {
		if a.Verified == nil || !*a.Verified || len(a.StateRoot) != 64 {
			t.Errorf("the %s is not proven: %+v", what, a)
		}
	}
	n.stop(t)

	before, out := verifyChain(t, dir, "chain")
	if out.code != exitOK || !before.OK || before.Hash != head.Hash || before.Txs != uint64(r.Committed) {
		t.Errorf("%d transactions were committed, the head was %d %s: %s", r.Committed, head.Height, head.Hash, out)
	}
	n = runningNode(t, dir, "chain")
	if n.ready.Height != head.Height || n.ready.ChainID != before.ChainID {
		t.Errorf("restarted at %d of chain %s", n.ready.Height, n.ready.ChainID)
	}
	if again := query(t, dir, n, "head"); again.Hash != head.Hash || again.StateRoot != head.StateRoot {
		t.Errorf("the head changed from %+v to %+v", head, again)
	}
	n.stop(t)
	damage(t, dir, before)
}

// damage flips one bit in the middle of the log.
func damage(t *testing.T, dir string, good verifyReport) {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join(dir, "chain", "blocks", "*.log"))
	if err != nil || len(logs) != 1 {
		t.Fatalf("block logs %q, %v", logs, err)
	}
	f, err := os.OpenFile(logs[0], os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	at := int64(good.Txs) * 200 / 2 // the log is longer than its transactions
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1
	if _, err := f.WriteAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	r, out := verifyChain(t, dir, "chain")
	if out.code != exitFailed || r.OK || r.BadHeight == nil || *r.BadHeight != r.Height+1 || *r.BadHeight > good.Height {
		t.Fatalf("byte %d was changed: %s", at, out)
	}
	if name := "block " + strconv.FormatUint(*r.BadHeight, 10); !strings.Contains(out.stderr, name) {
		t.Errorf("stderr does not name %s: %s", name, out.stderr)
	}
}
