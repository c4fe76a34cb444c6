//go:build unix

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// windowSize is the terminal's, 0 when it does not tell.
func windowSize(f *os.File) (columns, rows int) {
	w, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0
	}
	return int(w.Col), int(w.Row)
}

// openFilesLimit is how many files this process may open, 0 when unknown. Go
// has raised it to what is allowed already.
func openFilesLimit() uint64 {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 0
	}
	return uint64(l.Cur) //nolint:unconvert // it is signed on FreeBSD
}
