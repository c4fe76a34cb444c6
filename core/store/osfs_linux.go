package store

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// directFlag is how the system calls OpenDirect, or 0.
const directFlag = unix.O_DIRECT

// Signals may interrupt a system call this often before it is reported.
const interruptsMax = 100

// retryInterrupted repeats a system call that a signal interrupted.
func retryInterrupted(call func() error) error {
	var err error
	for range interruptsMax {
		if err = call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
	return err
}

// Sync is fdatasync: the content and the size, but not the times, which would
// cost a journal write per block.
func (f *osFile) Sync() error {
	fd := int(f.Fd())
	if err := retryInterrupted(func() error { return unix.Fdatasync(fd) }); err != nil {
		return &os.PathError{Op: "fdatasync", Path: f.Name(), Err: err}
	}
	return nil
}

func (f *osFile) Preallocate(off, n int64) error {
	fd := int(f.Fd())
	err := retryInterrupted(func() error { return unix.Fallocate(fd, 0, off, n) })
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOSYS):
		return fmt.Errorf("fallocate %s: %w", f.Name(), errors.ErrUnsupported)
	}
	return &os.PathError{Op: "fallocate", Path: f.Name(), Err: err}
}

func (f *osFile) DropCache() error {
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		return &os.PathError{Op: "fadvise", Path: f.Name(), Err: err}
	}
	return nil
}
