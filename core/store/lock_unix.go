//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package store

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lockTriesMax bounds how often a signal may interrupt flock.
const lockTriesMax = 100

func openLockFile(name string, flag int) (*os.File, error) {
	return os.OpenFile(name, flag, 0o644)
}

// tryLock takes a flock, which belongs to the open file: a second Open in this
// process is refused as well, and the kernel releases it when the process ends.
func tryLock(f *os.File, shared bool) error {
	how := unix.LOCK_EX
	if shared {
		how = unix.LOCK_SH
	}
	var err error
	for range lockTriesMax {
		err = unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		return errLocked
	}
	return err
}

func releaseLock(f *os.File) error { return f.Close() }
