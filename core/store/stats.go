package store

import "sync/atomic"

// Stats counts what this Log has written since it was opened.
type Stats struct {
	WrittenBytes uint64 // records with headers and padding
	Records      uint64 // appended, synced or not
	Syncs        uint64 // syncs of records; those of new segments are not counted
	BusyNS       int64  // time in writes and syncs of records, failed ones included
	LastSyncNS   int64  // the most recent successful sync alone
	// Direct is true when records are written past the page cache; otherwise
	// DirectReason says why not.
	Direct       bool
	DirectReason string
}

type counters struct {
	bytes, records, syncs atomic.Uint64
	busyNS, lastSyncNS    atomic.Int64
}

// Stats may be called at any time; the values are read one after the other.
func (l *Log) Stats() Stats {
	c := &l.stats
	mode := l.mode.Load()
	return Stats{
		WrittenBytes: c.bytes.Load(), Records: c.records.Load(), Syncs: c.syncs.Load(),
		BusyNS: c.busyNS.Load(), LastSyncNS: c.lastSyncNS.Load(),
		Direct: mode.direct, DirectReason: mode.reason,
	}
}
