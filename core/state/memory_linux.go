package state

import "golang.org/x/sys/unix"

// adviseHuge asks for huge pages. A kernel without them refuses, and the memory
// works all the same.
func adviseHuge(b []byte) {
	if err := unix.Madvise(b, unix.MADV_HUGEPAGE); err != nil {
		return // advice, not a condition
	}
}
