package store

import (
	"fmt"
	"os"
	"sort"
)

// segment is one file of the log. number, path, first and prevCRC never change; the rest
// is guarded by Log.mu.
type segment struct {
	number  uint64
	path    string
	first   uint64 // height of its first record
	prevCRC uint32 // of the record before that
	end     int64  // where its records end
	marks   []mark
	f       File // open while refs > 0
	refs    int  // readers, plus one while it is the active segment
}

// place is where to start looking for a height: its segment, held open, and the
// offset of a record at or before it.
type place struct {
	seg *segment
	f   File
	mark
	end int64 // where the records of the segment ended when this was taken
}

// find holds the segment of a synced height open; release it afterwards. Sealed
// segments are opened on demand, so that the number of open files does not grow
// with the log.
func (l *Log) find(height uint64) (place, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return place{}, ErrClosed
	case l.durableNext == l.first:
		return place{}, fmt.Errorf("%w: %d; the log is empty", ErrNotFound, height)
	case height < l.first || height >= l.durableNext:
		return place{}, fmt.Errorf("%w: %d; the log has %d to %d", ErrNotFound, height, l.first, l.durableNext-1)
	}
	i := sort.Search(len(l.segments), func(i int) bool { return l.segments[i].first > height }) - 1
	s := l.segments[i]
	if s.refs == 0 {
		f, err := l.opts.FS.OpenFile(s.path, os.O_RDONLY, 0)
		if err != nil {
			return place{}, fmt.Errorf("store: opening segment %d for height %d: %w", s.number, height, err)
		}
		s.f = f
	}
	s.refs++
	m := sort.Search(len(s.marks), func(i int) bool { return s.marks[i].height > height }) - 1
	return place{seg: s, f: s.f, mark: s.marks[m], end: s.end}, nil
}

// done is release for a reader: closing what was only read can lose nothing.
func (l *Log) done(s *segment) { _ = l.release(s) }

// release gives up one hold on a segment; the last one closes its file.
func (l *Log) release(s *segment) error {
	l.mu.Lock()
	s.refs--
	var f File
	if s.refs == 0 {
		f, s.f = s.f, nil
	}
	l.mu.Unlock()
	if f == nil {
		return nil
	}
	return f.Close()
}
