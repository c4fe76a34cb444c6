package store

import (
	"encoding/binary"
	"hash/crc32"
	"time"
)

// What the tests, which live outside because they use faultfs, need from inside.

const (
	RecordHeadBytes  = recordHeadBytes
	SegmentHeadBytes = segmentHeadBytes
	MaxPayloadBytes  = maxPayloadBytes
	MarkEveryBytes   = markEveryBytes
)

// OpenFixed is Open with the time and the nonces of new segments given.
func OpenFixed(opts Options, now time.Time, nonce uint64) (*Log, error) {
	return open(opts, sources{now: func() time.Time { return now }, nonce: func() uint64 { return nonce }})
}

// RecordImage is a padded record as it stands in a segment.
func RecordImage(height uint64, prevCRC uint32, durableBelow, nonce uint64, payload []byte) []byte {
	b := make([]byte, recordDiskBytes(int64(len(payload))))
	n := recordHeadBytes + copy(b[recordHeadBytes:], payload)
	h := recordHeader{payloadBytes: uint32(len(payload)), height: height, prevCRC: prevCRC, durableBelow: durableBelow, nonce: nonce}
	h.put(b)
	h.putCRC(b, crc32.Checksum(b[recordCRCStart:n], castagnoli))
	return b
}

// RecordFields decodes a record header.
func RecordFields(b []byte) (crc uint32, height, nonce uint64, diskBytes int64, reason string) {
	h, reason := decodeRecordHeader(b)
	return h.crc, h.height, h.nonce, h.diskBytes(), reason
}

// SegmentPage is the first page of a segment.
func SegmentPage(version uint32, chainID [32]byte, number, firstHeight, nonce uint64) []byte {
	b := make([]byte, PageBytes)
	(&segmentHeader{version: version, chainID: chainID, number: number, firstHeight: firstHeight, nonce: nonce}).encode(b)
	return b
}

// DecodeSegmentPage decodes the first page of a segment.
func DecodeSegmentPage(b []byte) (number, firstHeight, nonce uint64, err error) {
	h, err := decodeSegmentHeader(b)
	return h.number, h.firstHeight, h.nonce, err
}

// Marks is the size of the sparse index.
func (l *Log) Marks() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.segments {
		n += len(s.marks)
	}
	return n
}

// OpenSegments is the number of segment files the log holds open.
func (l *Log) OpenSegments() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.segments {
		if s.f != nil {
			n++
		}
	}
	return n
}

// FixCRC gives the segment header or record at the start of b the CRC its bytes
// have, if its length fits.
func FixCRC(b []byte) {
	le := binary.LittleEndian
	switch {
	case len(b) >= PageBytes && string(b[:8]) == segmentMagic:
		le.PutUint32(b[segmentCRCOffset:], crc32.Checksum(b[:segmentCRCOffset], castagnoli))
	case len(b) >= recordHeadBytes && int64(le.Uint32(b[8:])) <= int64(len(b)-recordHeadBytes):
		end := recordHeadBytes + int(le.Uint32(b[8:]))
		le.PutUint32(b[4:], crc32.Checksum(b[recordCRCStart:end], castagnoli))
	}
}

// FixIndexCRC is the index b with the byte at off changed and a CRC that fits.
func FixIndexCRC(b []byte, off int) []byte {
	b = append([]byte(nil), b...)
	b[off] ^= 1
	n := len(b) - 4
	binary.LittleEndian.PutUint32(b[n:], crc32.Checksum(b[:n], castagnoli))
	return b
}
