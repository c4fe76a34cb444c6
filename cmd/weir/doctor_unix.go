//go:build unix

package main

import "golang.org/x/sys/unix"

// openFilesLimit is how many files this process may open, 0 when unknown. Go
// has raised it to what is allowed already.
func openFilesLimit() uint64 {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 0
	}
	return uint64(l.Cur) //nolint:unconvert // it is signed on FreeBSD
}
