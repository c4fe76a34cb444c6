package store

import (
	"fmt"
	"path/filepath"
)

// Restart drops every record and lets the log go on with height next: for a
// node that took over what another one has, and keeps its own state of it. The
// anchor is kept beside the height, for the caller to recognise that state by;
// Anchor returns it.
//
// A crash leaves the log as it was or empty and waiting for next: the new
// beginning is on disk before the first file goes. It is the only thing that
// makes a log without a record right that does not begin at the start. Errors
// are those of Prune. Readers of dropped records finish undisturbed.
func (l *Log) Restart(next uint64, anchor [32]byte) error {
	if next == 0 || next == heightMax {
		return fmt.Errorf("%w: a log cannot restart with %d", ErrHeight, next)
	}
	l.appendMu.Lock()
	defer l.appendMu.Unlock()
	l.pruneMu.Lock()
	defer l.pruneMu.Unlock()
	// What was appended is synced, although it goes: until the new beginning is
	// on disk, it is the log.
	if err := l.Sync(); err != nil {
		return err
	}
	if err := l.seal(); err != nil {
		return err
	}
	l.mu.Lock()
	c := beginning{number: max(l.begins.number, 1), firstHeight: next, restarted: true, anchor: anchor}
	dropped := l.segments
	if n := len(dropped); n > 0 {
		c.number = dropped[n-1].number + 1
	}
	l.mu.Unlock()
	if err := l.begin(c); err != nil {
		return err
	}
	l.prevCRC = 0
	l.mu.Lock()
	l.begins, l.segments = c, nil
	l.started, l.first, l.appendedNext, l.durableNext = true, next, next, next
	l.mu.Unlock()
	for _, s := range dropped {
		l.litter = append(l.litter, s.path, filepath.Join(l.blocks, indexName(s.number)))
	}
	return l.sweep()
}

// Anchor returns what Restart was given, with the height that the log was to go
// on with. ok is false for a log that was never restarted, or pruned since.
func (l *Log) Anchor() (next uint64, anchor [32]byte, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.begins.firstHeight, l.begins.anchor, l.begins.restarted
}
