package store_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"runtime"
	"testing"

	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/store/faultfs"
)

// FuzzRecordHeader: the decoder accepts only what it can account for.
func FuzzRecordHeader(f *testing.F) {
	good := store.RecordImage(7, 1, 6, 99, []byte("payload"))
	f.Add(good[:store.RecordHeadBytes])
	f.Add(good[:store.RecordHeadBytes-1])
	f.Add([]byte(nil))
	huge := append([]byte(nil), good[:store.RecordHeadBytes]...)
	binary.LittleEndian.PutUint32(huge[8:], 1<<31)
	f.Add(huge)
	f.Fuzz(func(t *testing.T, b []byte) {
		_, height, nonce, diskBytes, reason := store.RecordFields(b)
		if reason != "" {
			return
		}
		if diskBytes < store.PageBytes || diskBytes%store.PageBytes != 0 || diskBytes > store.MaxPayloadBytes+store.PageBytes {
			t.Fatalf("accepted a record of %d bytes", diskBytes)
		}
		if height != binary.LittleEndian.Uint64(b[16:]) || nonce != binary.LittleEndian.Uint64(b[40:]) {
			t.Fatalf("height %d, nonce %d differ from the bytes", height, nonce)
		}
	})
}

// FuzzSegmentHeader: what decodes must agree with its bytes. Only the used part
// of the page is fuzzed; whole pages would make every input slow.
func FuzzSegmentHeader(f *testing.F) {
	f.Add(store.SegmentPage(1, chainA, 3, 70, 99)[:store.SegmentHeadBytes], false)
	f.Add(store.SegmentPage(2, chainA, 3, 70, 99)[:store.SegmentHeadBytes], false)
	f.Add(swappedMark(store.SegmentPage(1, chainA, 3, 70, 99))[:store.SegmentHeadBytes], true)
	f.Fuzz(func(t *testing.T, b []byte, short bool) {
		if !short {
			b = append(b, make([]byte, max(0, store.PageBytes-len(b)))...)
		}
		number, first, nonce, err := store.DecodeSegmentPage(b)
		if err != nil {
			return
		}
		if len(b) < store.PageBytes || number != binary.LittleEndian.Uint64(b[48:]) ||
			first != binary.LittleEndian.Uint64(b[56:]) || nonce != binary.LittleEndian.Uint64(b[72:]) {
			t.Fatal("the decoded header differs from the bytes")
		}
	})
}

// FuzzBeginning: the file that a pruned log has either leads to the segment it
// names or is refused.
func FuzzBeginning(f *testing.F) {
	fsys := faultfs.New()
	l, opts := threes(f, fsys, 5)
	if err := l.Prune(4); err != nil {
		f.Fatal(err)
	}
	mustClose(f, l)
	good, segment := mustReadFile(f, fsys, prunedFile), mustReadFile(f, fsys, segmentFile(2))
	f.Add(good, true)
	f.Add(good[:100], false)
	f.Fuzz(func(t *testing.T, b []byte, fix bool) {
		if fix && len(b) == len(good) {
			b = append(b[:len(b)-4:len(b)-4], 0, 0, 0, 0)
			binary.LittleEndian.PutUint32(b[len(b)-4:], crc32.Checksum(b[:len(b)-4], crc32.MakeTable(crc32.Castagnoli)))
		}
		fsys := faultfs.New()
		fsys.WriteFile(segmentFile(2), segment)
		fsys.WriteFile(prunedFile, b)
		opts.FS = fsys
		rep, err := store.Verify(opts)
		if err != nil && !errors.Is(err, store.ErrCorrupt) && !errors.Is(err, store.ErrForeign) {
			t.Fatal(err)
		}
		if err == nil && (rep.FirstHeight != 4 || rep.LastHeight != 5 || !bytes.Equal(b, good)) {
			t.Fatalf("accepted %x: %+v", b, rep)
		}
	})
}

// FuzzIndex: whatever an index says, the records are those of the segment.
func FuzzIndex(f *testing.F) {
	fsys := faultfs.New()
	l, opts := threes(f, fsys, 5)
	mustClose(f, l)
	good := mustReadFile(f, fsys, indexFile(1))
	one, two := mustReadFile(f, fsys, segmentFile(1)), mustReadFile(f, fsys, segmentFile(2))
	f.Add(good, uint16(56))
	f.Add(good[:40], uint16(0))
	f.Fuzz(func(t *testing.T, b []byte, off uint16) {
		if int(off) < len(b)-4 {
			b = store.FixIndexCRC(b, int(off))
		}
		fsys := faultfs.New()
		fsys.WriteFile(segmentFile(1), one)
		fsys.WriteFile(segmentFile(2), two)
		fsys.WriteFile(indexFile(1), b)
		opts.FS = fsys
		if _, err := store.Verify(opts); (err == nil) != bytes.Equal(b, good) {
			t.Fatalf("Verify of %x: %v", b, err)
		}
		l := mustOpen(t, opts)
		wantHeights(t, l, 1, 5, recordSize)
		mustClose(t, l)
	})
}

// damage applies edits of four bytes each to a copy of the golden segment:
// what to do, where (two bytes), and a value. Besides damage it can repair a
// checksum, so that the fuzzer gets past it.
func damage(segment, edits []byte) []byte {
	b := append([]byte(nil), segment...)
	for ; len(edits) >= 4 && len(b) > 0; edits = edits[4:] {
		off := int(binary.LittleEndian.Uint16(edits[1:])) % len(b)
		page, value := off&^(store.PageBytes-1), edits[3]
		switch edits[0] % 7 {
		case 0:
			b[off] = value
		case 1:
			b[off] ^= value
		case 2: // the header fields are close together
			b[page+int(value)%min(store.SegmentHeadBytes, len(b)-page)] ^= byte(off)
		case 3:
			clear(b[page:min(page+store.PageBytes, len(b))])
		case 4:
			copy(b[page:], segment[int(value)*store.PageBytes%len(segment):])
		case 5:
			b = b[:off]
		case 6:
			store.FixCRC(b[page:])
		}
	}
	return b
}

// FuzzOpen: Open of damaged segment files either refuses, or leaves a log that
// verifies, reads and takes new records.
func FuzzOpen(f *testing.F) {
	golden, err := os.ReadFile(goldenSegment)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{}, []byte{}, false)
	f.Add([]byte{5, 0, 0x20, 0}, []byte{2, 1, 0, 48}, true)       // cut, and a second segment
	f.Add([]byte{5, 0x80, 0x1b, 0}, []byte("garbage"), false)     // cut in a record
	f.Add([]byte{4, 0, 0x10, 2, 6, 0, 0x10, 0}, []byte{}, false)  // records exchanged
	f.Add([]byte{2, 1, 0x20, 16, 6, 0, 0x20, 0}, []byte{}, false) // another height, with a good CRC
	f.Add([]byte{2, 0xff, 0x10, 11, 6, 0, 0x10, 0}, []byte{}, false)
	f.Fuzz(func(t *testing.T, one, two []byte, both bool) {
		if len(one)+len(two) > 400 {
			return // a hundred edits are enough
		}
		fsys := faultfs.New()
		opts := memOptions(fsys)
		fsys.WriteFile(segmentFile(1), damage(golden, one))
		if both {
			fsys.WriteFile(segmentFile(2), damage(golden, two))
		} else if len(two) > 0 {
			fsys.WriteFile(segmentFile(1), append(damage(golden, one), two...)) // garbage at the end
		}
		l, err := store.Open(opts)
		if err != nil {
			if !errors.Is(err, store.ErrCorrupt) && !errors.Is(err, store.ErrForeign) {
				t.Fatalf("Open: %v", err)
			}
			if _, err := store.Verify(opts); err == nil {
				t.Fatal("Verify likes what Open refuses")
			}
			return
		}
		next, ok := l.Next()
		if !ok {
			next = 1
		}
		if err := l.Commit(next, []byte("more")); err != nil && !errors.Is(err, store.ErrHeight) {
			t.Fatalf("Commit: %v", err)
		}
		scanErr := l.Scan(0, func(uint64, []byte) error { return nil })
		if scanErr != nil && !errors.Is(scanErr, store.ErrCorrupt) {
			t.Fatalf("Scan: %v", scanErr)
		}
		mustClose(t, l)
		if _, err := store.Verify(opts); err == nil && scanErr != nil || err != nil && scanErr == nil && !both {
			t.Fatalf("Scan says %v, Verify says %v", scanErr, err)
		}
	})
}

// TestHostileLengths: a length in a file must not decide how much memory or
// time is used.
func TestHostileLengths(t *testing.T) {
	fsys := faultfs.New()
	opts := memOptions(fsys)
	b := store.SegmentPage(1, chainA, 1, 1, 99)
	const pages = 1000
	for i := range pages { // in every page a header that claims the rest of the file
		page := store.RecordImage(uint64(i+2), 0, 0, 99, nil)
		binary.LittleEndian.PutUint32(page[8:], uint32((pages-i)*store.PageBytes-store.RecordHeadBytes))
		b = append(b, page...)
	}
	binary.LittleEndian.PutUint32(b[store.PageBytes+8:], store.MaxPayloadBytes)
	fsys.WriteFile(segmentFile(1), b)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := store.Verify(opts)
	runtime.ReadMemStats(&after)
	wantError(t, err, store.ErrCorrupt)
	if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
		t.Errorf("verifying a hostile file of %d bytes allocated %d", len(b), used)
	}
	if reads := fsys.Calls(faultfs.OpRead); reads > 20*pages {
		t.Errorf("verifying a hostile file of %d pages took %d reads", pages, reads)
	}
	_, err = store.Open(opts)
	wantError(t, err, store.ErrCorrupt)
}
