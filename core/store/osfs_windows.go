package store

import (
	"errors"

	"golang.org/x/sys/windows"
)

// SyncDir does nothing: Windows cannot sync a directory. NTFS journals its own
// metadata, so a new segment's name survives on it.
func (OSFS) SyncDir(string) error { return nil }

// isNoSpace reports whether err means a full disk.
func isNoSpace(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}

// syncRefused is never asked: SyncDir cannot fail here.
func syncRefused(error) bool { return false }
