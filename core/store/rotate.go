package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// A segment is preallocated ahead of the tail in steps that grow with it: a
// small log stays small, a large one asks the file system rarely.
const (
	preallocMinBytes = 1 << 20
	preallocMaxBytes = 64 << 20
)

// reserve preallocates so that a sync rarely has to write the file's size.
func (l *Log) reserve(diskBytes int64) error {
	need := l.off + diskBytes
	if !l.prealloc || need <= l.allocated {
		return nil
	}
	step := min(max(l.allocated, preallocMinBytes), preallocMaxBytes)
	l.mu.Lock()
	if l.active.number > 1 && !(l.begins.restarted && l.active.number == l.begins.number) {
		step = preallocMaxBytes // this log has filled a segment: it is no small one
	}
	l.mu.Unlock()
	upTo := max(need, min(l.allocated+step, l.opts.SegmentBytes))
	err := l.active.f.Preallocate(l.allocated, upTo-l.allocated)
	if isNoSpace(err) && upTo > need {
		// The disk has no room for the reserve, but perhaps for this record.
		upTo = need
		err = l.active.f.Preallocate(l.allocated, upTo-l.allocated)
	}
	switch {
	case err == nil:
		l.allocated = upTo
	case errors.Is(err, errors.ErrUnsupported):
		l.prealloc = false
	default:
		return l.fail(fmt.Errorf("preallocating %s up to %d bytes: %w", l.active.path, upTo, err))
	}
	return nil
}

// rotate syncs and seals the active segment and creates the next one, whose
// first record will be height.
func (l *Log) rotate(height uint64) error {
	if err := l.Sync(); err != nil {
		return err
	}
	sealed, index := l.active, []byte(nil)
	if sealed != nil {
		index = encodeIndex(segmentHeader{number: sealed.number, firstHeight: sealed.first, nonce: l.nonce},
			height-sealed.first, l.off, l.prevCRC, sealed.marks)
	}
	if err := l.seal(); err != nil {
		return err
	}
	l.mu.Lock()
	number := max(l.begins.number, 1)
	if n := len(l.segments); n > 0 {
		number = l.segments[n-1].number + 1
	}
	l.mu.Unlock()
	head := segmentHeader{version: formatVersion, chainID: l.opts.ChainID, number: number, firstHeight: height,
		createdUnixNS: uint64(l.src.now().UnixNano()), nonce: l.src.nonce(), prevCRC: l.prevCRC}
	path := filepath.Join(l.blocks, segmentName(number))
	f, err := l.create(path, head)
	if err != nil {
		return l.fail(fmt.Errorf("creating segment %s: %w", path, err))
	}
	if err := l.startDirect(path); err != nil {
		_ = f.Close() // err says more
		return l.fail(err)
	}
	if index != nil { // nothing can change that segment now
		writeIndex(l.opts.FS, l.blocks, sealed.number, index)
	}
	l.off, l.allocated, l.nonce = PageBytes, PageBytes, head.nonce
	next := &segment{number: number, path: path, first: height, prevCRC: l.prevCRC, end: PageBytes, f: f, refs: 1}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.started {
		l.started, l.first, l.appendedNext, l.durableNext = true, height, height, height
	}
	l.segments = append(l.segments, next)
	l.active = next
	return nil
}

// create makes a segment file whose header and name are durable before it holds
// a record: recovery relies on that order.
func (l *Log) create(path string, head segmentHeader) (File, error) {
	f, err := l.opts.FS.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	page := make([]byte, PageBytes)
	head.encode(page)
	_, err = f.WriteAt(page, 0)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = l.opts.FS.SyncDir(l.blocks)
	}
	if err != nil {
		_ = f.Close() // err says more
		return nil, err
	}
	return f, nil
}

// seal ends the active segment, whose records are synced: it gives back the
// space that was preallocated and not used.
func (l *Log) seal() error {
	l.syncMu.Lock()
	defer l.syncMu.Unlock()
	active := l.active
	if active == nil {
		return nil
	}
	if l.allocated > l.off {
		err := active.f.Truncate(l.off)
		if err == nil {
			err = active.f.Sync()
		}
		if err != nil {
			return l.fail(fmt.Errorf("trimming %s to %d bytes: %w", active.path, l.off, err))
		}
	}
	l.mu.Lock()
	l.active = nil
	l.mu.Unlock()
	if err := errors.Join(l.stopDirect(), l.release(active)); err != nil {
		return l.fail(fmt.Errorf("closing %s: %w", active.path, err))
	}
	return nil
}
