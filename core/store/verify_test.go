package store_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/store/faultfs"
)

// smallLog is two segments with preallocated space at the end.
func smallLog(t *testing.T) (*faultfs.FS, store.Options, []string) {
	t.Helper()
	fsys := faultfs.New()
	opts := memOptions(fsys)
	opts.SegmentBytes = 4 * store.PageBytes
	l := mustOpen(t, opts)
	mustCommit(t, l, 1, 1, recordSize)
	mustCommit(t, l, 2, 3, 10)
	fsys.Kill()
	return fsys, opts, []string{segmentFile(1), segmentFile(2)}
}

// TestEveryFlippedByteIsFound flips one bit of each byte in turn.
func TestEveryFlippedByteIsFound(t *testing.T) {
	fsys, opts, files := smallLog(t)
	if rep, err := store.Verify(opts); err != nil || rep.Records != 3 || rep.Segments != 2 {
		t.Fatalf("Verify of an intact log = %+v, %v", rep, err)
	}
	for i, name := range files {
		for off := int64(0); ; off++ {
			mask := byte(1) << (off % 8)
			if !fsys.Corrupt(name, off, mask) {
				if off < 4*store.PageBytes {
					t.Fatalf("%s has only %d bytes", name, off)
				}
				break
			}
			_, err := store.Verify(opts)
			var ce *store.CorruptError
			switch {
			case err == nil:
				t.Fatalf("%s: flipping bit %08b at offset %d went unnoticed", name, mask, off)
			case !errors.As(err, &ce):
				t.Fatalf("offset %d: %v is not a CorruptError", off, err)
			case ce.Segment != uint64(i+1) || ce.Path != name || ce.Offset > off || ce.Reason == "":
				t.Fatalf("%s: the flip at offset %d was reported as %v", name, off, err)
			}
			fsys.Corrupt(name, off, mask)
		}
	}
	if _, err := store.Verify(opts); err != nil {
		t.Fatal(err)
	}
}

// TestEveryFlippedByteIsNamed flips each byte of a pruned log of three segments
// in turn, in the segments, their indexes and the file that says where the log
// begins. Verify must name the file, and within a segment the record: by its
// offset and its height.
func TestEveryFlippedByteIsNamed(t *testing.T) {
	fsys := faultfs.New()
	opts := memOptions(fsys)
	opts.SegmentBytes = 4 * store.PageBytes
	l := mustOpen(t, opts)
	mustCommit(t, l, 1, 1, 3*store.PageBytes-store.RecordHeadBytes) // each segment but the last is full
	mustCommit(t, l, 2, 5, 300)
	mustCommit(t, l, 6, 6, recordSize)
	mustCommit(t, l, 7, 7, 10)
	mustCommit(t, l, 8, 9, 10)
	if err := l.Prune(2); err != nil {
		t.Fatal(err)
	}
	fsys.Kill() // the last segment keeps its preallocated space
	const page = store.PageBytes
	type record struct {
		from   int64
		height uint64
	}
	checked := 0
	for _, c := range []struct {
		name    string
		segment uint64
		records []record // in the order of offsets; the first entry is the header
	}{
		{prunedFile, 0, []record{{0, 0}}},
		{segmentFile(2), 2, []record{{0, 2}, {page, 2}, {2 * page, 3}, {3 * page, 4}}},
		{indexFile(2), 2, []record{{0, 2}}},
		{segmentFile(3), 3, []record{{0, 5}, {page, 5}, {2 * page, 6}}},
		{indexFile(3), 3, []record{{0, 5}}},
		{segmentFile(4), 4, []record{{0, 7}, {page, 7}, {2 * page, 8}, {3 * page, 9}}},
	} {
		at := 0
		for off := int64(0); fsys.Corrupt(c.name, off, 1<<(off%8)); off++ {
			if at+1 < len(c.records) && off == c.records[at+1].from {
				at++
			}
			want := c.records[at]
			_, err := store.Verify(opts)
			var ce *store.CorruptError
			switch {
			case !errors.As(err, &ce):
				t.Fatalf("%s: the flip at offset %d gives: %v", c.name, off, err)
			case ce.Path != c.name || ce.Segment != c.segment || ce.Offset > off || ce.Height != want.height,
				at > 0 && ce.Offset != want.from:
				t.Fatalf("%s: the flip at offset %d, in the record of height %d at %d, is reported as %v", c.name, off, want.height, want.from, err)
			}
			fsys.Corrupt(c.name, off, 1<<(off%8))
			checked++
		}
		if at != len(c.records)-1 {
			t.Fatalf("%s ends before its last record", c.name)
		}
	}
	if rep, err := store.Verify(opts); err != nil || rep.Records != 8 || rep.FirstHeight != 2 {
		t.Fatalf("the restored log: %+v, %v", rep, err)
	}
	t.Logf("%d bytes", checked)
}

// TestFlippedByteIsNeverServed opens the log with each byte flipped. Whatever
// happens, no payload may differ from what was appended, and nothing may be
// missing without a word.
func TestFlippedByteIsNeverServed(t *testing.T) {
	clean, opts, files := smallLog(t)
	want := map[uint64][]byte{1: payload(1, 0, recordSize), 2: payload(2, 0, 10), 3: payload(3, 0, 10)}
	for _, name := range files {
		size := int64(len(mustReadFile(t, clean, name)))
		for off := int64(0); off < size; off += 3 {
			fsys := clean.CrashImage(0)
			opts.FS = fsys
			fsys.Corrupt(name, off, byte(1)<<(off%8))
			l, err := store.Open(opts)
			if err != nil {
				if !errors.Is(err, store.ErrCorrupt) {
					t.Fatalf("offset %d: Open: %v", off, err)
				}
				continue
			}
			seen := 0
			err = l.Scan(0, func(h uint64, p []byte) error {
				if !bytes.Equal(p, want[h]) {
					t.Fatalf("%s: with offset %d flipped, height %d has other bytes", name, off, h)
				}
				seen++
				return nil
			})
			if err != nil && !errors.Is(err, store.ErrCorrupt) {
				t.Fatalf("offset %d: Scan: %v", off, err)
			}
			if err == nil && seen < len(want) && !l.Repair().Found {
				t.Fatalf("%s: with offset %d flipped, %d of %d heights are gone without a report", name, off, len(want)-seen, len(want))
			}
			mustClose(t, l)
		}
	}
}

func TestVerifyOfNothing(t *testing.T) {
	opts := memOptions(faultfs.New())
	if _, err := store.Verify(opts); err == nil {
		t.Fatal("verifying a directory that does not exist succeeded")
	}
	mustClose(t, mustOpen(t, opts))
	if rep, err := store.Verify(opts); err != nil || rep.Records != 0 {
		t.Fatalf("Verify of an empty log = %+v, %v", rep, err)
	}
}
