package store

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrCorrupt means: bytes that were promised are no longer there. The error is a
	// *CorruptError with the place.
	ErrCorrupt = errors.New("store: the block log is corrupt")
	// ErrForeign means: the files belong to another chain, format or byte order.
	ErrForeign = errors.New("store: these files belong to another log")
	// ErrInUse means: another process, or another Log of this one, has the directory.
	ErrInUse = errors.New("store: data directory in use")
	// ErrPoisoned means: an earlier write or sync failed; only reading still works.
	ErrPoisoned = errors.New("store: the log takes no more writes after a failed one")
	// ErrNoSpace means: the disk or the quota is full.
	ErrNoSpace = errors.New("store: no space left")
	// ErrHeight means: Append was called with a height that is not the next one.
	ErrHeight = errors.New("store: wrong height")
	// ErrTooLarge means: the payload exceeds Options.MaxRecordBytes.
	ErrTooLarge = errors.New("store: payload too large")
	// ErrNotFound means: no synced record of that height.
	ErrNotFound = errors.New("store: no such height")
	// ErrReadOnly means: a write to a log opened with Options.ReadOnly.
	ErrReadOnly = errors.New("store: the log is open for reading only")
	// ErrClosed means: the log was closed.
	ErrClosed = errors.New("store: the log is closed")
	// ErrOptions means: the options contradict themselves or lack something.
	ErrOptions = errors.New("store: bad options")
)

// CorruptError says where the log is damaged. It matches ErrCorrupt.
type CorruptError struct {
	Path    string // segment file
	Segment uint64 // its number
	Offset  int64  // byte offset of the damage, or of the record that holds it
	Height  uint64 // height of the record that is damaged or missing there
	Reason  string
	// Torn is set when the damage looks like the unfinished write of a crash:
	// Open would cut it off and report it. Only Verify returns such errors.
	Torn bool
}

func (e *CorruptError) Error() string {
	remedy := "restore this file from a copy, or move the data directory away and fetch the chain again"
	if e.Torn {
		remedy = "nothing after it is proven to have been synced: opening the log for writing cuts it off"
	}
	if strings.HasSuffix(e.Path, indexSuffix) {
		remedy = "no block is lost: remove this file, and opening the log for writing makes it again"
	}
	return fmt.Sprintf("%v: segment %d (%s), offset %d, height %d: %s; %s",
		ErrCorrupt, e.Segment, e.Path, e.Offset, e.Height, e.Reason, remedy)
}

func (e *CorruptError) Unwrap() error { return ErrCorrupt }

// spaceError names the directory when err means a full disk.
func spaceError(dir string, err error) error {
	if !isNoSpace(err) {
		return err
	}
	return fmt.Errorf("%w in data directory %s: %w; free some space there, or move the directory to a larger disk, then open the log again",
		ErrNoSpace, dir, err)
}
