package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stopTimeout is what a child gets to end in order.
const stopTimeout = 10 * time.Second

// errEnded says that a child ended by itself.
var errEnded = errors.New("it ended by itself")

// child is a program that runs until it is stopped.
type child struct {
	cmd    *exec.Cmd
	words  tail
	exited chan struct{} // closed when it has ended and err is set
	err    error
}

// startChild starts a program whose words are kept for error messages.
func startChild(cmd *exec.Cmd) (*child, error) {
	c := &child{cmd: cmd, exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &c.words, &c.words
	childOf(cmd)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		c.err = cmd.Wait()
		close(c.exited)
	}()
	return c, nil
}

// ended returns an error when the child is no longer there.
func (c *child) ended() error {
	select {
	case <-c.exited:
		return fmt.Errorf("%w (%s): %s", errEnded, c.cmd.ProcessState, c.words.last())
	default:
		return nil
	}
}

// stop ends the child in order and, if it does not, at once. It returns when
// the process is gone. A child that had ended by itself is an error.
func (c *child) stop() error {
	if err := c.ended(); err != nil {
		return err
	}
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return c.kill() // this system knows no such signal
	}
	select {
	case <-c.exited:
		return nil
	case <-time.After(stopTimeout):
		return errors.Join(fmt.Errorf("process %d did not stop within %v and was killed", c.cmd.Process.Pid, stopTimeout), c.kill())
	}
}

func (c *child) kill() error {
	if err := c.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-c.exited:
		return nil
	case <-time.After(stopTimeout):
		return fmt.Errorf("process %d does not end", c.cmd.Process.Pid)
	}
}

// politely makes the end of the command's context a request, with a kill
// behind it.
func politely(cmd *exec.Cmd) {
	cmd.Cancel = func() error {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			return cmd.Process.Kill()
		}
		return nil
	}
	cmd.WaitDelay = stopTimeout
}

// tail keeps the end of what a process said.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

const tailBytes = 2048

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, b...)
	if over := len(t.buf) - tailBytes; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(b), nil
}

func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := strings.TrimSpace(string(bytes.ToValidUTF8(t.buf, []byte("?"))))
	if s == "" {
		return "it said nothing"
	}
	return s
}
