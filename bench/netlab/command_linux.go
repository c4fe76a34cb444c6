package netlab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// envLab marks the processes of a lab, so that leftovers can be found when
// their owner is gone: "ownerPID:ownerStart:name".
const envLab = "WEIR_NETLAB"

// Command returns a command that runs name with args inside one side's network
// namespace; as with exec.CommandContext the process is killed when ctx ends.
// Set its streams and folder as usual; a caller that sets Env must append to
// the one it finds. Start it with Lab.Start, so that it dies with this program
// even after kill -9 and with the lab at Close; started with its own Start it
// runs in the namespace but may outlive both.
//
// The process first is this binary, which enters the namespace and then
// becomes the command: its process id is the command's. When that fails the
// exit code is 126 (cannot enter) or 127 (cannot execute), with the reason on
// stderr.
func (l *Lab) Command(ctx context.Context, side Side, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, selfExe)
	e, err := l.side(side)
	if err != nil {
		cmd.Err = err
		return cmd
	}
	exe, err := exec.LookPath(name)
	if err != nil {
		cmd.Err = fmt.Errorf("netlab: %w", err)
		return cmd
	}
	owner, err := ownerMark()
	if err != nil {
		cmd.Err = err
		return cmd
	}
	cmd.Args = append([]string{argExec, l.NSPath(side), strconv.FormatUint(e.inode, 10), exe, name}, args...)
	cmd.Env = append(os.Environ(), envLab+"="+owner+":"+l.cfg.Name)
	return cmd
}

// Start starts a command made by Command and ties its life to this program's
// and the lab's. The caller waits for it with cmd.Wait.
func (l *Lab) Start(cmd *exec.Cmd) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return fmt.Errorf("netlab: %w", ErrClosed)
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	if err := l.keeper.do(cmd.Start); err != nil {
		return err
	}
	l.children = append(l.children, cmd.Process)
	return nil
}
