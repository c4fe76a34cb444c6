//go:build unix && !linux

package main

import (
	"os/exec"
	"syscall"
)

// childOf gives the command a group of its own, so that Ctrl-C in a terminal
// reaches this process only, which then stops its children in order.
func childOf(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
