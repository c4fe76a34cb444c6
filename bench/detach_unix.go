//go:build unix

package bench

import (
	"os/exec"
	"syscall"
)

// detach gives the process a group of its own, so that Ctrl-C in a terminal
// reaches this process only, which then stops the node in order.
func detach(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
}
