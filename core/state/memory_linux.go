package state

import "golang.org/x/sys/unix"

// adviseHuge asks for huge pages: for what is touched from now on and, by
// copying, for what the runtime used before and gave again. A kernel without
// them, or without room, refuses, and the memory works all the same.
func adviseHuge(b []byte) {
	if err := unix.Madvise(b, unix.MADV_HUGEPAGE); err != nil {
		return // advice, not a condition
	}
	_ = unix.Madvise(b, unix.MADV_COLLAPSE) // since Linux 6.1
}
