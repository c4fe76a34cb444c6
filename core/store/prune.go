package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// Prune removes the segments whose records all lie below a height, and First
// moves up to the lowest one that is left. The newest segment stays, and so does
// the head. Readers of a removed segment finish undisturbed; a Scan that is
// overtaken ends with ErrNotFound. It may run beside everything else.
//
// A crash leaves the log with its old or its new beginning: the new one is on
// disk before the first file goes, and files before it do not count any more.
// After a failed write the log is as it was; after a failed sync it is poisoned.
// A file that cannot be removed is an error, but it is out of the log, and the
// next Prune or Open tries again.
func (l *Log) Prune(below uint64) error {
	l.pruneMu.Lock()
	defer l.pruneMu.Unlock()
	l.mu.Lock()
	err := l.usable()
	n := 0
	for n+1 < len(l.segments) && l.segments[n+1].first <= below && l.segments[n+1].first < l.durableNext {
		n++
	}
	segments := l.segments
	l.mu.Unlock()
	if err != nil {
		return err
	}
	if n > 0 {
		keep := segments[n]
		c := beginning{number: keep.number, firstHeight: keep.first, prevCRC: keep.prevCRC}
		if err := l.begin(c); err != nil {
			return err
		}
		l.mu.Lock()
		l.segments = append([]*segment(nil), l.segments[n:]...) // the old array would hold the marks
		l.first, l.begins = keep.first, c
		l.mu.Unlock()
		for _, s := range segments[:n] {
			l.litter = append(l.litter, s.path, filepath.Join(l.blocks, indexName(s.number)))
		}
	}
	return l.sweep()
}

// begin makes c the durable beginning of the log. pruneMu is held.
func (l *Log) begin(c beginning) error {
	path := filepath.Join(l.blocks, firstName)
	if err := replaceFile(l.opts.FS, path, c.encode(l.opts.ChainID)); err != nil {
		return fmt.Errorf("store: writing %s: %w; nothing was pruned", path, spaceError(l.opts.Dir, err))
	}
	// From here on either beginning may come back. A sync that failed must not be
	// tried again: it could succeed without the new name, and then files would go
	// that the old beginning needs.
	if err := l.opts.FS.SyncDir(l.blocks); err != nil {
		return l.fail(fmt.Errorf("syncing the name %s: %w", path, err))
	}
	return nil
}

// sweep removes files that are not part of the log any more and remembers those
// it could not remove. pruneMu is held, or nobody knows the log yet.
func (l *Log) sweep() error {
	var left []string
	var first error
	for _, path := range l.litter {
		if err := l.opts.FS.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			left = append(left, path)
			if first == nil {
				first = fmt.Errorf("store: removing %s, which the log does not need any more: %w", path, err)
			}
		}
	}
	l.litter = left
	return first
}
