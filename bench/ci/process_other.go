//go:build !unix

package ci

import (
	"os"
	"os/exec"
	"time"
)

func group(*exec.Cmd) {}

// endGroup does nothing: there are no groups.
func endGroup(*exec.Cmd) {}

// usageOf reads what an ended process used; its memory is not told here.
func usageOf(state *os.ProcessState, wall time.Duration) usage {
	return usage{wall: wall, cpu: state.UserTime() + state.SystemTime()}
}
