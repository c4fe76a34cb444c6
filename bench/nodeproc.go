package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/chainweir/weir/bench/netlab"
)

// NodeCommand says how to start a node of our own.
type NodeCommand struct {
	Exe  string   // the weir binary
	Args []string // further arguments of `weir node`
	Lab  *netlab.Lab
	// Cores, above 0, keeps the node to that many.
	Cores int
}

const (
	nodeStartTimeout = 15 * time.Second
	nodeStopTimeout  = 10 * time.Second
)

// nodeProc is a running child process. It ends when its stdin does, so it
// cannot outlive this process, however that ends.
type nodeProc struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stderr tail
	exited chan struct{} // closed when the process has ended and waitErr is set
	// waitErr is what the process ended with; read it after exited.
	waitErr error
	answers chan ControlAnswer // to lines on stdin
	mute    bool               // an answer did not come; no more is asked
	Listen  string             `json:"listen"`
	Link    string             `json:"link"`
}

// startNode starts a node on the data directory and waits until it listens.
func startNode(ctx context.Context, nc NodeCommand, dataDir, listen string) (*nodeProc, error) {
	args := append([]string{"node", "--json", "--control", "--data", dataDir, "--listen", listen}, nc.Args...)
	p := &nodeProc{exited: make(chan struct{}), answers: make(chan ControlAnswer, 1)}
	start := func() error { return p.cmd.Start() }
	if nc.Lab != nil {
		// Not tied to ctx: Ctrl-C stops the node in order, through its stdin.
		p.cmd = nc.Lab.Command(context.WithoutCancel(ctx), netlab.NodeSide, nc.Exe, args...)
		start = func() error { return nc.Lab.Start(p.cmd) }
	} else {
		p.cmd = exec.Command(nc.Exe, args...)
	}
	detach(p.cmd)
	if nc.Cores > 0 {
		p.cmd.Env = append(p.cmd.Environ(), "GOMAXPROCS="+strconv.Itoa(nc.Cores))
	}
	p.cmd.Stderr = &p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := start(); err != nil {
		return nil, fmt.Errorf("cannot start the node: %w", err)
	}
	ready := make(chan error, 1)
	go func() {
		dec := json.NewDecoder(stdout)
		ready <- dec.Decode(p)
		p.listen(dec)
		_, _ = io.Copy(io.Discard, stdout) // until the process ends
		p.waitErr = p.cmd.Wait()
		close(p.exited)
	}()
	select {
	case err = <-ready:
		if err == nil && nc.Cores > 0 {
			err = pinProcess(p.cmd.Process.Pid, nc.Cores)
			if err != nil {
				return nil, errors.Join(err, p.stop())
			}
		}
		if err == nil {
			return p, nil
		}
		// A node that gives up closes stdout a moment before its last words are
		// read from stderr: its end is what has them all.
		select {
		case <-p.exited:
		case <-time.After(time.Second):
		}
		err = fmt.Errorf("the node did not start: %s", p.stderr.last())
	case <-time.After(nodeStartTimeout):
		err = fmt.Errorf("the node did not listen within %v: %s", nodeStartTimeout, p.stderr.last())
	case <-ctx.Done():
		err = ctx.Err()
	}
	return nil, errors.Join(err, p.kill())
}

// stop ends the node in order and waits for it.
func (p *nodeProc) stop() error {
	if err := p.stdin.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return errors.Join(err, p.kill())
	}
	select {
	case <-p.exited:
		if p.waitErr != nil {
			return fmt.Errorf("the node ended with %w: %s", p.waitErr, p.stderr.last())
		}
		return nil
	case <-time.After(nodeStopTimeout):
		return errors.Join(fmt.Errorf("the node did not stop within %v and was killed", nodeStopTimeout), p.kill())
	}
}

func (p *nodeProc) kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.exited: // "killed", which is no news
		return nil
	case <-time.After(nodeStopTimeout):
		return fmt.Errorf("process %d does not end", p.cmd.Process.Pid)
	}
}

// tail keeps the end of what a process wrote to stderr.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, b...)
	if over := len(t.buf) - 4096; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(b), nil
}

func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := strings.TrimSpace(string(bytes.TrimSpace(t.buf)))
	if s == "" {
		return "it said nothing"
	}
	return s
}
