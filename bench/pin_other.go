//go:build !linux

package bench

import "errors"

// pinProcess cannot be done here; GOMAXPROCS alone bounds the node.
func pinProcess(int, int) error {
	return errors.New("keeping a process to some cores needs Linux")
}
