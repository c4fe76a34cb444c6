package store

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"
)

// headPool holds header buffers: a local array would be allocated on every
// read, because it goes through an interface.
var headPool = sync.Pool{New: func() any { return new([recordHeadBytes]byte) }}

// Read returns the payload of a synced height. It uses buf if that is large
// enough and allocates otherwise. Errors: ErrNotFound, ErrClosed, a
// *CorruptError, or the file system's.
func (l *Log) Read(height uint64, buf []byte) ([]byte, error) {
	p, err := l.find(height)
	if err != nil {
		return nil, err
	}
	defer l.done(p.seg)
	head := headPool.Get().(*[recordHeadBytes]byte)
	defer headPool.Put(head)
	h, err := p.seek(height, head[:])
	if err != nil {
		return nil, err
	}
	return p.payload(h, head[:], buf)
}

// Scan calls fn with every record from height from, or from the first one if
// that is later, up to the head at the time of the call. The payload is valid
// until fn returns. Scan stops at fn's error and returns it as it is.
func (l *Log) Scan(from uint64, fn func(height uint64, payload []byte) error) error {
	first, _ := l.First()
	head, ok := l.Head()
	if !ok {
		return nil
	}
	var buf []byte
	for height := max(from, first); height <= head; {
		next, err := l.scanSegment(height, head, &buf, fn)
		if err != nil {
			return err
		}
		height = next
	}
	return nil
}

// scanSegment is Scan within the segment that holds from; it returns the height
// the next segment starts with.
func (l *Log) scanSegment(from, to uint64, buf *[]byte, fn func(uint64, []byte) error) (uint64, error) {
	p, err := l.find(from)
	if err != nil {
		return 0, err
	}
	defer l.done(p.seg)
	head := headPool.Get().(*[recordHeadBytes]byte)
	defer headPool.Put(head)
	for height := from; ; height++ {
		h, err := p.seek(height, head[:])
		if err != nil {
			return 0, err
		}
		payload, err := p.payload(h, head[:], *buf)
		if err != nil {
			return 0, err
		}
		*buf = payload[:0]
		if err := fn(height, payload); err != nil {
			return 0, err
		}
		p.height, p.offset = height+1, p.offset+h.diskBytes()
		if p.offset >= p.end || height == to {
			return height + 1, nil
		}
	}
}

// seek hops from p to the record of height and leaves its header in head.
func (p *place) seek(height uint64, head []byte) (recordHeader, error) {
	for {
		h, reason, err := p.header(head)
		if err != nil {
			return h, err
		}
		if reason == "" && h.height != p.height {
			reason = fmt.Sprintf("the record has height %d, height %d belongs there", h.height, p.height)
		}
		if reason != "" {
			return h, p.corrupt(reason)
		}
		if h.height == height {
			return h, nil
		}
		p.height, p.offset = p.height+1, p.offset+h.diskBytes()
	}
}

// header reads the record header at p.
func (p *place) header(head []byte) (h recordHeader, reason string, err error) {
	if p.offset+recordHeadBytes > p.end {
		return h, fmt.Sprintf("the segment ends at offset %d", p.end), nil
	}
	if err := p.readAt(head, p.offset); err != nil {
		return h, "", err
	}
	if h, reason = decodeRecordHeader(head); reason == "" && p.offset+h.diskBytes() > p.end {
		reason = fmt.Sprintf("the record of %d payload bytes reaches beyond the end of the records at %d", h.payloadBytes, p.end)
	}
	return h, reason, nil
}

// payload reads and checks the payload of the record at p.
func (p *place) payload(h recordHeader, head, buf []byte) ([]byte, error) {
	n := int(h.payloadBytes)
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if err := p.readAt(buf, p.offset+recordHeadBytes); err != nil {
		return nil, err
	}
	crc := crc32.Update(crc32.Checksum(head[recordCRCStart:], castagnoli), castagnoli, buf)
	if crc != h.crc {
		return nil, p.corrupt(fmt.Sprintf("the record's CRC is %08x, its bytes give %08x", h.crc, crc))
	}
	return buf, nil
}

func (p *place) readAt(b []byte, off int64) error {
	n, err := p.f.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return p.corrupt(fmt.Sprintf("the file ends at offset %d", off+int64(n)))
	}
	return fmt.Errorf("store: reading height %d from %s at offset %d: %w", p.height, p.seg.path, off, err)
}

func (p *place) corrupt(reason string) error {
	return &CorruptError{Path: p.seg.path, Segment: p.seg.number, Offset: p.offset, Height: p.height, Reason: reason}
}
