package store

import (
	"fmt"
	"hash/crc32"
	"time"
)

// Append writes the record of height without syncing it; its payload is the
// concatenation of parts, which are not kept. Heights must follow each other;
// the first one is free. ErrHeight, ErrTooLarge, ErrReadOnly and ErrClosed leave
// the log as it was; after any other error it is poisoned.
//
// When a segment is full, Append first syncs everything appended so far.
func (l *Log) Append(height uint64, parts ...[]byte) error {
	l.appendMu.Lock()
	defer l.appendMu.Unlock()
	payloadBytes := 0
	for _, p := range parts {
		payloadBytes += len(p)
	}
	if err := l.admit(height, payloadBytes); err != nil {
		return err
	}
	diskBytes := recordDiskBytes(int64(payloadBytes))
	if l.active == nil || l.off > PageBytes && l.off+diskBytes > l.opts.SegmentBytes {
		if err := l.rotate(height); err != nil {
			return err
		}
	}
	if err := l.reserve(diskBytes); err != nil {
		return err
	}
	if err := l.buf.atLeast(int(diskBytes), int(recordDiskBytes(int64(l.opts.MaxRecordBytes)))); err != nil {
		return l.fail(err)
	}
	crc := l.encode(height, payloadBytes, parts)
	begin := time.Now()
	_, err := l.writer().WriteAt(l.buf.b[:diskBytes], l.off)
	l.stats.busyNS.Add(int64(time.Since(begin)))
	if err != nil {
		return l.fail(fmt.Errorf("writing %d bytes at offset %d of %s: %w", diskBytes, l.off, l.active.path, err))
	}
	l.stats.bytes.Add(uint64(diskBytes))
	l.stats.records.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.active.marks = addMark(l.active.marks, mark{height: height, offset: l.off, prevCRC: l.prevCRC})
	l.off += diskBytes
	l.active.end = l.off
	l.prevCRC = crc
	l.appendedNext = height + 1
	return nil
}

// Sync makes everything appended before the call durable and lets readers see
// it. If it fails, what was appended since the last successful Sync may or may
// not be there after the log is opened again.
func (l *Log) Sync() error {
	l.syncMu.Lock()
	defer l.syncMu.Unlock()
	l.mu.Lock()
	err, target, pending, active := l.usable(), l.appendedNext, l.appendedNext != l.durableNext, l.active
	l.mu.Unlock()
	if err != nil || !pending {
		return err
	}
	begin := time.Now()
	err = active.f.Sync()
	took := time.Since(begin)
	l.stats.busyNS.Add(int64(took))
	if err != nil {
		return l.fail(fmt.Errorf("syncing %s: %w", active.path, err))
	}
	l.stats.syncs.Add(1)
	l.stats.lastSyncNS.Store(int64(took))
	l.mu.Lock()
	l.durableNext = target
	l.mu.Unlock()
	return nil
}

// Commit is Append and Sync.
func (l *Log) Commit(height uint64, parts ...[]byte) error {
	if err := l.Append(height, parts...); err != nil {
		return err
	}
	return l.Sync()
}

// usable says why the log cannot be written. l.mu is held.
func (l *Log) usable() error {
	switch {
	case l.closed:
		return ErrClosed
	case l.opts.ReadOnly:
		return ErrReadOnly
	case l.poison != nil:
		return l.poison
	}
	return nil
}

// admit checks a record before anything is written.
func (l *Log) admit(height uint64, payloadBytes int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	switch {
	case payloadBytes > l.opts.MaxRecordBytes:
		return fmt.Errorf("%w: height %d has %d bytes, the limit is %d; make smaller blocks or raise MaxRecordBytes",
			ErrTooLarge, height, payloadBytes, l.opts.MaxRecordBytes)
	case l.started && height != l.appendedNext:
		return fmt.Errorf("%w: got %d, the next one is %d", ErrHeight, height, l.appendedNext)
	case height == heightMax:
		return fmt.Errorf("%w: %d is reserved", ErrHeight, height)
	}
	return nil
}

// fail poisons the log. The pages of a failed write or sync may be dropped by
// the kernel and reported as clean by the next sync, so nothing may follow.
func (l *Log) fail(cause error) error {
	err := fmt.Errorf("%w: %w; close it and open it again to recover", ErrPoisoned, spaceError(l.opts.Dir, cause))
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.poison == nil {
		l.poison = err
	}
	return err
}

// encodeStepBytes is copied and summed at a time: the checksum then finds the
// bytes in the first-level cache.
const encodeStepBytes = 16 << 10

// encode puts the padded record into l.buf, which is large enough, and returns
// its CRC. The copy lets one write carry the whole record, which unbuffered
// files require.
func (l *Log) encode(height uint64, payloadBytes int, parts [][]byte) uint32 {
	l.mu.Lock()
	durableBelow := l.durableNext
	l.mu.Unlock()
	b := l.buf.b[:recordDiskBytes(int64(payloadBytes))]
	h := recordHeader{payloadBytes: uint32(payloadBytes), height: height, prevCRC: l.prevCRC, durableBelow: durableBelow, nonce: l.nonce}
	h.put(b)
	crc := crc32.Checksum(b[recordCRCStart:recordHeadBytes], castagnoli)
	n := recordHeadBytes
	for _, p := range parts {
		for len(p) > 0 {
			step := copy(b[n:], p[:min(len(p), encodeStepBytes)])
			crc = crc32.Update(crc, castagnoli, b[n:n+step])
			n, p = n+step, p[step:]
		}
	}
	clear(b[n:])
	h.putCRC(b, crc)
	return crc
}
