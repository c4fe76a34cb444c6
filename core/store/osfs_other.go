//go:build !linux

package store

import (
	"errors"
	"fmt"
)

// directFlag is 0: what other systems offer is not the same.
const directFlag = 0

// Sync is the inherited (*os.File).Sync: a full fsync, which on macOS also
// flushes the drive's cache.

// Preallocate is not available here: segments grow write by write, so that
// every sync also writes the file's size.
func (f *osFile) Preallocate(off, n int64) error {
	return fmt.Errorf("preallocating %s: %w", f.Name(), errors.ErrUnsupported)
}

// DropCache is not available here: after a failed sync, reboot before opening
// the log again, or recovery may trust a cached page that never reached the disk.
func (f *osFile) DropCache() error {
	return fmt.Errorf("dropping cached pages of %s: %w", f.Name(), errors.ErrUnsupported)
}
