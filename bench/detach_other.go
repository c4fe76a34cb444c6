//go:build !unix

package bench

import "os/exec"

// detach does nothing: there are no process groups to leave.
func detach(*exec.Cmd) {}
