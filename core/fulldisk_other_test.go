//go:build !linux

package core_test

import "errors"

// fullDiskChild is never started here: only Linux mounts a file system for it.
func fullDiskChild(string) error { return errors.New("needs Linux: it mounts a tmpfs of its own") }
