//go:build !unix && !windows

package store

// SyncDir does nothing here: these systems cannot sync a directory, so a new
// segment may be missing after a power loss.
func (OSFS) SyncDir(string) error { return nil }

// isNoSpace is always false here: a full disk is reported in the system's own
// words, without the name of the directory.
func isNoSpace(error) bool { return false }

// syncRefused is never asked: SyncDir cannot fail here.
func syncRefused(error) bool { return false }
