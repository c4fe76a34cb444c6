//go:build !darwin && !dragonfly && !freebsd && !linux && !netbsd && !openbsd && !windows

package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// This system has no lock that ends with its process, so the existence of the
// file is the lock. A process that was killed leaves it behind: remove it by
// hand once you are sure that no node runs. Readers only look whether it exists.

func openLockFile(name string, flag int) (*os.File, error) {
	if flag&os.O_CREATE == 0 {
		if _, err := os.Stat(name); err == nil {
			return nil, errLocked
		}
		return nil, fmt.Errorf("no lock file: %w", fs.ErrNotExist)
	}
	f, err := os.OpenFile(name, flag|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil, errLocked
	}
	return f, err
}

func tryLock(*os.File, bool) error { return nil }

func releaseLock(f *os.File) error { return errors.Join(f.Close(), os.Remove(f.Name())) }
