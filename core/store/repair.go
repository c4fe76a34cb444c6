package store

import "fmt"

// RepairReport says what Open found at the end of the log after a crash. The
// zero value means a clean end.
type RepairReport struct {
	Found   bool   // something unfinished was found
	Applied bool   // and cut off; false for a log opened for reading only
	Path    string // segment file
	Segment uint64
	Offset  int64 // where the cut is
	// TruncatedBytes counts from Offset to the end of the last page that was
	// not zero: preallocated space does not count.
	TruncatedBytes int64
	// FromHeight is the first height that is not in the log: it and everything
	// above must come again.
	FromHeight uint64
	// DiscardedRecords are intact records behind the bad one. They are no loss:
	// they were never synced, the crash only kept later writes and dropped
	// earlier ones.
	DiscardedRecords int
	// RemovedSegment is set when the crash came while the segment was created.
	RemovedSegment bool
	Reason         string
}

// String is one sentence for a log line.
func (r RepairReport) String() string {
	switch {
	case !r.Found:
		return "the block log ends cleanly"
	case r.RemovedSegment && r.Applied:
		return fmt.Sprintf("removed segment %d, whose creation a crash interrupted (%s); it held no block", r.Segment, r.Path)
	case r.RemovedSegment:
		return fmt.Sprintf("segment %d (%s) was never finished; opening the log for writing removes it", r.Segment, r.Path)
	case r.Applied:
		return fmt.Sprintf("cut %d bytes of unfinished writes at offset %d of %s; the log continues with height %d (%s)",
			r.TruncatedBytes, r.Offset, r.Path, r.FromHeight, r.Reason)
	}
	return fmt.Sprintf("%d bytes of unfinished writes at offset %d of %s, from height %d; opening the log for writing cuts them off (%s)",
		r.TruncatedBytes, r.Offset, r.Path, r.FromHeight, r.Reason)
}

// report describes the tail the loader found.
func (ld *loader) report() RepairReport {
	t := ld.tail
	switch {
	case t.unborn != 0:
		return RepairReport{Found: true, Path: t.path, Segment: t.unborn, TruncatedBytes: t.size,
			FromHeight: ld.want.height, RemovedSegment: true, Reason: "the segment has no valid header and no record"}
	case t.torn:
		return RepairReport{Found: true, Path: t.path, Segment: ld.segments[len(ld.segments)-1].number, Offset: t.end,
			TruncatedBytes: t.tornEnd - t.end, FromHeight: ld.want.height, DiscardedRecords: t.later, Reason: t.reason}
	}
	return RepairReport{}
}

// repair removes what a crash left unfinished, durably, before anything new is
// written: a leftover record behind the new tail would be taken for evidence.
func (ld *loader) repair() error {
	t := &ld.tail
	switch {
	case t.unborn != 0:
		if err := ld.fs.Remove(t.path); err != nil {
			return fmt.Errorf("store: removing the unfinished segment %d: %w", t.unborn, err)
		}
		if err := ld.fs.SyncDir(ld.blocks); err != nil {
			return fmt.Errorf("store: syncing %s after removing segment %d: %w", ld.blocks, t.unborn, err)
		}
	case t.torn:
		if err := t.f.Truncate(t.end); err != nil {
			return fmt.Errorf("store: cutting the torn tail of %s at %d: %w", t.path, t.end, err)
		}
		if err := t.f.Sync(); err != nil {
			return fmt.Errorf("store: syncing %s after cutting its torn tail: %w", t.path, err)
		}
		t.size = t.end
	}
	return nil
}
