package store

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"path/filepath"
)

// PageBytes is the alignment of everything in the log: the segment header fills
// one page, and every record starts on a page.
const PageBytes = 4096

const (
	formatVersion = 1

	segmentMagic     = "WEIRLOG1"
	endianMark       = 0x01020304
	endianMarkOther  = 0x04030201 // the mark as a big-endian writer leaves it
	segmentHeadBytes = 128        // used part of the first page
	segmentCRCOffset = 124

	recordMagic     = 0x43455257 // "WREC" in little-endian byte order
	recordHeadBytes = 64
	recordCRCStart  = 8 // the record CRC covers everything from here to the payload's end

	// maxPayloadBytes bounds what a decoder believes. It belongs to the format
	// and not to the options: a lower limit in a later run must not turn old
	// records into damaged ones.
	maxPayloadBytes = 1 << 30

	// heightMax is no record's height, so that "the next height" always exists.
	heightMax = math.MaxUint64
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// segmentHeader is the first page of a segment file.
type segmentHeader struct {
	version       uint32
	chainID       [32]byte
	number        uint64
	firstHeight   uint64
	createdUnixNS uint64
	nonce         uint64
	prevCRC       uint32
}

// encode fills page, which must be PageBytes long.
func (h *segmentHeader) encode(page []byte) {
	clear(page)
	le := binary.LittleEndian
	copy(page, segmentMagic)
	le.PutUint32(page[8:], h.version)
	le.PutUint32(page[12:], endianMark)
	copy(page[16:48], h.chainID[:])
	le.PutUint64(page[48:], h.number)
	le.PutUint64(page[56:], h.firstHeight)
	le.PutUint64(page[64:], h.createdUnixNS)
	le.PutUint64(page[72:], h.nonce)
	le.PutUint32(page[80:], h.prevCRC)
	le.PutUint32(page[segmentCRCOffset:], crc32.Checksum(page[:segmentCRCOffset], castagnoli))
}

// decodeSegmentHeader reads the first page of a segment. An error that matches
// ErrForeign means an intact header this program must not touch; any other
// error means that this is no valid header.
func decodeSegmentHeader(page []byte) (segmentHeader, error) {
	var h segmentHeader
	if len(page) < PageBytes {
		return h, fmt.Errorf("the segment header has %d bytes of %d", len(page), PageBytes)
	}
	le := binary.LittleEndian
	if string(page[:8]) != segmentMagic {
		return h, fmt.Errorf("the segment magic is %q, not %q", page[:8], segmentMagic)
	}
	if le.Uint32(page[12:]) == endianMarkOther {
		return h, fmt.Errorf("%w: endianness mark 0x%08x, this program reads 0x%08x: "+
			"it was written in big-endian byte order; export it there and import it here",
			ErrForeign, uint32(endianMarkOther), uint32(endianMark))
	}
	if got, want := le.Uint32(page[segmentCRCOffset:]), crc32.Checksum(page[:segmentCRCOffset], castagnoli); got != want {
		return h, fmt.Errorf("the segment header's CRC is %08x, its bytes give %08x", got, want)
	}
	if mark := le.Uint32(page[12:]); mark != endianMark {
		return h, fmt.Errorf("%w: endianness mark 0x%08x, this program reads 0x%08x", ErrForeign, mark, uint32(endianMark))
	}
	h.version = le.Uint32(page[8:])
	if h.version != formatVersion {
		return h, fmt.Errorf("%w: format version %d, this program reads version %d: "+
			"use the program that wrote it to export the log, and import it here", ErrForeign, h.version, formatVersion)
	}
	if !isZero(page[84:segmentCRCOffset]) || !isZero(page[segmentHeadBytes:PageBytes]) {
		return h, fmt.Errorf("reserved bytes of the segment header are not zero")
	}
	copy(h.chainID[:], page[16:48])
	h.number = le.Uint64(page[48:])
	h.firstHeight = le.Uint64(page[56:])
	h.createdUnixNS = le.Uint64(page[64:])
	h.nonce = le.Uint64(page[72:])
	h.prevCRC = le.Uint32(page[80:])
	return h, nil
}

// recordHeader is the 64 bytes before a payload.
type recordHeader struct {
	crc          uint32
	payloadBytes uint32
	height       uint64
	prevCRC      uint32
	durableBelow uint64
	nonce        uint64
}

// put fills in the header at the start of rec, all but the CRC.
func (h *recordHeader) put(rec []byte) {
	clear(rec[:recordHeadBytes])
	le := binary.LittleEndian
	le.PutUint32(rec, recordMagic)
	le.PutUint32(rec[8:], h.payloadBytes)
	le.PutUint64(rec[16:], h.height)
	le.PutUint32(rec[24:], h.prevCRC)
	le.PutUint64(rec[32:], h.durableBelow)
	le.PutUint64(rec[40:], h.nonce)
}

// putCRC completes what put began. crc is that of everything from
// recordCRCStart to the payload's end.
func (h *recordHeader) putCRC(rec []byte, crc uint32) {
	h.crc = crc
	binary.LittleEndian.PutUint32(rec[4:], crc)
}

// decodeRecordHeader reads a record header and checks what can be checked
// without the payload. The reason is empty when the header is well formed.
func decodeRecordHeader(b []byte) (h recordHeader, reason string) {
	if len(b) < recordHeadBytes {
		return h, fmt.Sprintf("the record header is cut off after %d of %d bytes", len(b), recordHeadBytes)
	}
	le := binary.LittleEndian
	if magic := le.Uint32(b); magic != recordMagic {
		return h, fmt.Sprintf("the record magic is %08x, not %08x", magic, uint32(recordMagic))
	}
	h.crc = le.Uint32(b[4:])
	h.payloadBytes = le.Uint32(b[8:])
	h.height = le.Uint64(b[16:])
	h.prevCRC = le.Uint32(b[24:])
	h.durableBelow = le.Uint64(b[32:])
	h.nonce = le.Uint64(b[40:])
	switch {
	case h.payloadBytes > maxPayloadBytes:
		return h, fmt.Sprintf("the record claims %d payload bytes, the format allows %d", h.payloadBytes, maxPayloadBytes)
	case le.Uint32(b[12:]) != 0:
		return h, fmt.Sprintf("the record has unknown flags %08x", le.Uint32(b[12:]))
	case le.Uint32(b[28:]) != 0 || !isZero(b[48:recordHeadBytes]):
		return h, "reserved bytes of the record header are not zero"
	case h.height == heightMax:
		return h, fmt.Sprintf("the record has height %d, which no record can have", uint64(heightMax))
	case h.durableBelow > h.height:
		return h, fmt.Sprintf("the record of height %d says that everything below %d was durable before it", h.height, h.durableBelow)
	}
	return h, ""
}

// diskBytes is what the record occupies in the file, padding included.
func (h *recordHeader) diskBytes() int64 { return recordDiskBytes(int64(h.payloadBytes)) }

func recordDiskBytes(payloadBytes int64) int64 {
	return (recordHeadBytes + payloadBytes + PageBytes - 1) &^ (PageBytes - 1)
}

func segmentName(number uint64) string { return fmt.Sprintf("seg-%010d.log", number) }

// segmentNumber is the inverse of segmentName; ok is false for every other name.
func segmentNumber(name string) (number uint64, ok bool) {
	if _, err := fmt.Sscanf(name, "seg-%d.log", &number); err != nil {
		return 0, false
	}
	return number, number > 0 && segmentName(number) == name
}

const indexSuffix = ".idx"

func indexName(number uint64) string { return fmt.Sprintf("seg-%010d", number) + indexSuffix }

// indexNumber is the inverse of indexName.
func indexNumber(name string) (number uint64, ok bool) {
	if _, err := fmt.Sscanf(name, "seg-%d.idx", &number); err != nil {
		return 0, false
	}
	return number, number > 0 && indexName(number) == name
}

func blocksDir(dir string) string { return filepath.Join(dir, "blocks") }

// isZero reports whether b holds only zero bytes.
func isZero(b []byte) bool {
	for len(b) >= 8 {
		if binary.LittleEndian.Uint64(b) != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
