package store

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// Windows of a pageReader: one page to hop from header to header, a large one
// to read everything.
const (
	hopWindowBytes  = PageBytes
	scanWindowBytes = 512 << 10
)

// pageReader reads a segment through one window of fixed size, so that no
// length found in a file decides how much memory is used.
type pageReader struct {
	f    File
	path string
	size int64
	buf  []byte
	off  int64 // file offset of buf[0]
	n    int   // valid bytes in buf
}

func newPageReader(f File, path string, windowBytes int) (*pageReader, error) {
	size, err := f.Size()
	if err != nil {
		return nil, fmt.Errorf("store: size of %s: %w", path, err)
	}
	windowBytes = int(min(int64(windowBytes), max(size, PageBytes)))
	return &pageReader{f: f, path: path, size: size, buf: make([]byte, windowBytes)}, nil
}

// at returns the n bytes at off, fewer at the end of the file. n must not
// exceed the window. The slice is valid until the next call.
func (r *pageReader) at(off int64, n int) ([]byte, error) {
	if rest := r.size - off; int64(n) > rest {
		n = int(max(rest, 0))
	}
	if off < r.off || off+int64(n) > r.off+int64(r.n) {
		want := int(min(int64(len(r.buf)), r.size-off))
		got, err := r.f.ReadAt(r.buf[:want], off)
		if got < want {
			r.n = 0
			if err == nil || errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			// An unreadable sector is not a torn write: the data may well be
			// there on the next try, so this must never lead to a cut.
			return nil, fmt.Errorf("store: reading %d bytes of %s at offset %d: %w; check the disk, the log was not changed", want, r.path, off, err)
		}
		r.off, r.n = off, want
	}
	i := int(off - r.off)
	return r.buf[i : i+n], nil
}

// checkBody verifies CRC and padding of the record h whose header is at off and
// whose extent lies within the file. The reason is empty when it is intact.
func (r *pageReader) checkBody(off int64, h recordHeader) (reason string, err error) {
	pos := off + recordCRCStart
	end := off + recordHeadBytes + int64(h.payloadBytes)
	crc := uint32(0)
	for pos < end {
		b, err := r.at(pos, int(min(end-pos, int64(len(r.buf)))))
		if err != nil {
			return "", err
		}
		crc = crc32.Update(crc, castagnoli, b)
		pos += int64(len(b))
	}
	if crc != h.crc {
		return fmt.Sprintf("the record's CRC is %08x, its bytes give %08x", h.crc, crc), nil
	}
	pad, err := r.at(end, int(off+h.diskBytes()-end))
	if err != nil {
		return "", err
	}
	if !isZero(pad) {
		return "the padding after the record is not zero", nil
	}
	return "", nil
}

// nonZero returns the offsets of the first and the last page in [from, size)
// that hold a byte other than zero; both are -1 when there is none.
func (r *pageReader) nonZero(from int64) (first, last int64, err error) {
	first, last = -1, -1
	for pos := from; pos < r.size; {
		b, err := r.at(pos, PageBytes-int(pos%PageBytes))
		if err != nil {
			return 0, 0, err
		}
		if !isZero(b) {
			if first < 0 {
				first = pos
			}
			last = pos
		}
		pos += int64(len(b))
	}
	return first, last, nil
}
