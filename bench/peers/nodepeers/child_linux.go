package main

import (
	"os/exec"
	"syscall"
)

// childOf lets the command die with the thread that starts it, however that
// ends, and gives it a group of its own, so that Ctrl-C in a terminal reaches
// this process only, which then stops its children in order.
func childOf(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
