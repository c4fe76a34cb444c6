package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path/filepath"
)

// The sparse index of a sealed segment is kept in a file beside it, so that
// opening a log need not walk through every record header. It is written once
// the next segment is durable, when nothing can change the segment any more. It
// can always be made again from the segment: Open does so when it is missing or
// does not fit, and only Verify complains.
//
//	 0  magic "WEIRIDX1"          40  records               u64
//	 8  format version      u32   48  end of the records    u64
//	12  mark 0x01020304     u32   56  CRC of the last one   u32
//	16  segment number      u64   60  entries               u32
//	24  nonce               u64   64  entries: height u64, offset u64,
//	32  first height        u64       CRC before it u32, zero u32
//	                                  CRC-32C of all before u32
const (
	indexMagic     = "WEIRIDX1"
	indexHeadBytes = 64
	indexMarkBytes = 24
)

// encodeIndex is the index of a segment that was walked to its end.
func encodeIndex(head segmentHeader, count uint64, end int64, lastCRC uint32, marks []mark) []byte {
	b := make([]byte, indexHeadBytes, indexHeadBytes+len(marks)*indexMarkBytes+4)
	le := binary.LittleEndian
	copy(b, indexMagic)
	le.PutUint32(b[8:], formatVersion)
	le.PutUint32(b[12:], endianMark)
	le.PutUint64(b[16:], head.number)
	le.PutUint64(b[24:], head.nonce)
	le.PutUint64(b[32:], head.firstHeight)
	le.PutUint64(b[40:], count)
	le.PutUint64(b[48:], uint64(end))
	le.PutUint32(b[56:], lastCRC)
	le.PutUint32(b[60:], uint32(len(marks)))
	for _, m := range marks {
		b = le.AppendUint64(b, m.height)
		b = le.AppendUint64(b, uint64(m.offset))
		b = le.AppendUint64(b, uint64(m.prevCRC))
	}
	return le.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// sealed is what an index says about its segment.
type sealed struct {
	count   uint64
	end     int64
	lastCRC uint32
	marks   []mark
}

// decodeIndex is the inverse of encodeIndex. ok is false if b is not the index
// of the segment with this header and size.
func decodeIndex(b []byte, head segmentHeader, size int64) (s sealed, ok bool) {
	le := binary.LittleEndian
	if len(b) < indexHeadBytes+4 {
		return s, false
	}
	body := b[:len(b)-4]
	if le.Uint32(b[len(body):]) != crc32.Checksum(body, castagnoli) || string(b[:8]) != indexMagic ||
		le.Uint32(b[8:]) != formatVersion || le.Uint32(b[12:]) != endianMark {
		return s, false
	}
	entries := body[indexHeadBytes:]
	s = sealed{count: le.Uint64(b[40:]), end: size, lastCRC: le.Uint32(b[56:])}
	if le.Uint64(b[16:]) != head.number || le.Uint64(b[24:]) != head.nonce || le.Uint64(b[32:]) != head.firstHeight ||
		le.Uint64(b[48:]) != uint64(size) || s.count > uint64(size)/PageBytes ||
		len(entries) == 0 || uint64(len(entries)) != uint64(le.Uint32(b[60:]))*indexMarkBytes {
		return s, false
	}
	s.marks = make([]mark, 0, len(entries)/indexMarkBytes)
	last := mark{height: head.firstHeight, offset: PageBytes}
	for ; len(entries) > 0; entries = entries[indexMarkBytes:] {
		m := mark{height: le.Uint64(entries), offset: int64(le.Uint64(entries[8:])), prevCRC: le.Uint32(entries[16:])}
		// The first entry is the first record, the others come in order.
		if len(s.marks) == 0 && (m.height != last.height || m.offset != last.offset) ||
			len(s.marks) > 0 && (m.height <= last.height || m.offset < last.offset+markEveryBytes) ||
			m.height-head.firstHeight >= s.count || m.offset >= size {
			return s, false
		}
		s.marks = append(s.marks, m)
		last = m
	}
	return s, true
}

// indexMaxBytes bounds the index of a segment of this size.
func indexMaxBytes(segmentBytes int64) int {
	return indexHeadBytes + int(segmentBytes/markEveryBytes+1)*indexMarkBytes + 4
}

// walkIndexed takes the index in place of a walk and only looks at the headers
// behind its last entry. ok is false, and w as it was, if there is no index or
// if it does not lead to the end it promises.
func (ld *loader) walkIndexed(w *walk) (ok bool, err error) {
	b, err := readSmall(ld.fs, filepath.Join(ld.blocks, indexName(w.head.number)), indexMaxBytes(w.r.size))
	if err != nil {
		return false, nil //nolint:nilerr // without an index there is the segment
	}
	s, ok := decodeIndex(b, w.head, w.r.size)
	if !ok {
		return false, nil
	}
	start := *w
	w.marks = s.marks
	w.resume(len(s.marks) - 1)
	if err := w.run(); err != nil {
		return false, err
	}
	if w.bad == "" && w.off == s.end && w.count == s.count && w.want.prevCRC == s.lastCRC {
		return true, nil
	}
	*w = start
	return false, nil
}

// foundIndex is the index that a segment should have, as its bytes say.
type foundIndex struct {
	number, first uint64
	want          []byte
}

// noteIndex remembers the index of a segment that was read in full.
func (ld *loader) noteIndex(w *walk) {
	ld.indexes = append(ld.indexes, foundIndex{w.head.number, w.head.firstHeight,
		encodeIndex(w.head, w.count, w.off, w.want.prevCRC, w.marks)})
}

// checkIndexes compares the index files with the segments, which turned out to
// be intact. Any of them may be missing.
func (ld *loader) checkIndexes() error {
	for _, x := range ld.indexes {
		path := filepath.Join(ld.blocks, indexName(x.number))
		got, err := readSmall(ld.fs, path, len(x.want))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return fmt.Errorf("store: reading %s: %w", path, err)
		case bytes.Equal(got, x.want):
			continue
		}
		at := 0
		for at < min(len(got), len(x.want)) && got[at] == x.want[at] {
			at++
		}
		return ld.corrupt(path, x.number, int64(at), x.first, "the index differs from its segment, which is intact")
	}
	return nil
}

// writeIndex is best effort: nothing is lost without an index but time.
func writeIndex(fsys FS, blocks string, number uint64, b []byte) {
	_ = replaceFile(fsys, filepath.Join(blocks, indexName(number)), b)
}
