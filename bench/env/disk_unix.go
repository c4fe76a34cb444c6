//go:build linux || darwin

package env

import (
	"math"

	"golang.org/x/sys/unix"
)

// diskFree returns the bytes that an ordinary user may still write to dir.
func diskFree(dir string) *int64 {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil || s.Bsize <= 0 {
		return nil
	}
	size := uint64(s.Bsize)
	if s.Bavail > math.MaxInt64/size {
		return nil
	}
	free := int64(s.Bavail * size)
	return &free
}
