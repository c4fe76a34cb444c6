package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/store/faultfs"
)

const recordSize = 5000 // two pages on disk

// oneSegment returns the bytes of a segment with heights 1..n, each two pages,
// synced one by one or all at once, and with preallocated space behind them.
func oneSegment(t *testing.T, n uint64, oneByOne bool) []byte {
	t.Helper()
	fsys := faultfs.New()
	opts := memOptions(fsys)
	opts.SegmentBytes = 64 * store.PageBytes
	l := mustOpen(t, opts)
	for h := uint64(1); h <= n; h++ {
		if err := l.Append(h, payload(h, 0, recordSize)); err != nil {
			t.Fatal(err)
		}
		if oneByOne || h == n {
			if err := l.Sync(); err != nil {
				t.Fatal(err)
			}
		}
	}
	fsys.Kill()
	b := mustReadFile(t, fsys, segmentFile(1))
	if len(b) != 64*store.PageBytes {
		t.Fatalf("the segment has %d bytes: nothing was preallocated", len(b))
	}
	return b
}

// recordAt is the offset of a record in oneSegment.
func recordAt(height int) int { return store.PageBytes + (height-1)*2*store.PageBytes }

func TestTail(t *testing.T) {
	single, group := oneSegment(t, 5, true), oneSegment(t, 5, false)
	end := recordAt(6)
	garbage := bytes.Repeat([]byte{0xe7}, 700)
	flip := func(off int) func([]byte) []byte {
		return func(b []byte) []byte { b[off] ^= 0x10; return b }
	}
	zero := func(from, to int) func([]byte) []byte {
		return func(b []byte) []byte { clear(b[from:to]); return b }
	}
	cut := func(to int) func([]byte) []byte {
		return func(b []byte) []byte { return b[:to] }
	}
	for _, c := range []struct {
		name    string
		segment []byte
		damage  func([]byte) []byte
		head    uint64 // the height the log ends with
		corrupt int    // or the offset of the corruption
		found   bool   // and whether a repair is reported
		bytes   int64
		later   int
	}{
		{name: "preallocated zeros", segment: single, damage: cut(len(single)), head: 5},
		{name: "no preallocation", segment: single, damage: cut(end), head: 5},
		{name: "part of a page of zeros", segment: single, damage: cut(end + 100), head: 5},
		{name: "garbage after the last record", segment: single, damage: func(b []byte) []byte { return append(b[:end], garbage...) },
			head: 5, found: true, bytes: 700},
		{name: "garbage in preallocated space", segment: single, damage: flip(end + 9*store.PageBytes + 17),
			head: 5, found: true, bytes: 10 * store.PageBytes},
		{name: "last record cut short", segment: single, damage: cut(end - store.PageBytes - 3), head: 4, found: true, bytes: store.PageBytes - 3},
		{name: "last record's first page missing", segment: single, damage: zero(recordAt(5), recordAt(5)+store.PageBytes),
			head: 4, found: true, bytes: 2 * store.PageBytes},
		{name: "last record's second page missing", segment: single, damage: zero(recordAt(5)+store.PageBytes, end),
			head: 4, found: true, bytes: store.PageBytes},
		{name: "flip in the last payload", segment: single, damage: flip(end - store.PageBytes + 9), head: 4, found: true, bytes: 2 * store.PageBytes},
		{name: "flip in the last padding", segment: single, damage: flip(end - 1), head: 4, found: true, bytes: 2 * store.PageBytes},
		{name: "flip in a payload before", segment: single, damage: flip(recordAt(4) + 99), corrupt: recordAt(4)},
		{name: "flip in the first magic", segment: single, damage: flip(recordAt(1)), corrupt: recordAt(1)},
		{name: "a record before is zero", segment: single, damage: zero(recordAt(2), recordAt(3)), corrupt: recordAt(2)},
		{name: "two records before are zero", segment: single, damage: zero(recordAt(2), recordAt(4)), corrupt: recordAt(2)},
		// One sync for all: a crash during it may keep any of them.
		{name: "first of an unproven group missing", segment: group, damage: zero(recordAt(1), recordAt(2)),
			head: 0, found: true, bytes: 10 * store.PageBytes, later: 4},
		{name: "middle of an unproven group torn", segment: group, damage: flip(recordAt(3) + 4200),
			head: 2, found: true, bytes: 6 * store.PageBytes, later: 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			fsys := faultfs.New()
			opts := memOptions(fsys)
			image := c.damage(slices.Clone(c.segment))
			fsys.WriteFile(segmentFile(1), image)
			if c.corrupt > 0 {
				wantCorrupt(t, opts, 1, int64(c.corrupt), uint64((c.corrupt-store.PageBytes)/(2*store.PageBytes)+1))
				if !bytes.Equal(image, mustReadFile(t, fsys, segmentFile(1))) {
					t.Fatal("a corrupt segment was changed")
				}
				return
			}
			_, err := store.Verify(opts)
			var ce *store.CorruptError
			if c.found != (errors.As(err, &ce) && ce.Torn) {
				t.Errorf("Verify before the repair: %v", err)
			}
			l := mustOpen(t, opts)
			rep := l.Repair()
			if rep.Found != c.found || rep.Applied != c.found || rep.TruncatedBytes != c.bytes || rep.DiscardedRecords != c.later {
				t.Errorf("Repair() = %+v, want found %v, %d bytes, %d later records", rep, c.found, c.bytes, c.later)
			}
			if c.found && (rep.FromHeight != c.head+1 || rep.Offset != int64(recordAt(int(c.head)+1)) || rep.Segment != 1) {
				t.Errorf("Repair() = %+v, want the cut at height %d", rep, c.head+1)
			}
			mustCommit(t, l, c.head+1, c.head+3, recordSize)
			wantHeights(t, l, 1, c.head+3, recordSize)
			mustClose(t, l)
			l = mustOpen(t, opts)
			if l.Repair().Found {
				t.Errorf("a repaired log needs another repair: %v", l.Repair())
			}
			mustClose(t, l)
			if _, err := store.Verify(opts); err != nil {
				t.Error(err)
			}
		})
	}
}

func wantCorrupt(t *testing.T, opts store.Options, segment uint64, offset int64, height uint64) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func() error
	}{
		{"Verify", func() error { _, err := store.Verify(opts); return err }},
		{"Open", func() error { _, err := store.Open(opts); return err }},
	} {
		err := c.run()
		wantError(t, err, store.ErrCorrupt)
		var ce *store.CorruptError
		if !errors.As(err, &ce) || ce.Segment != segment || ce.Offset != offset || ce.Height != height || ce.Torn {
			t.Errorf("%s: %v; want segment %d, offset %d, height %d", c.name, err, segment, offset, height)
		}
	}
}

func TestUnfinishedSegment(t *testing.T) {
	page := store.SegmentPage(1, chainA, 2, 3, 99)
	for name, image := range map[string][]byte{
		"empty":         {},
		"half a sector": page[:200],
		"half a page":   page[:2000],
		"zeros":         make([]byte, store.PageBytes),
		"preallocated":  make([]byte, 40*store.PageBytes),
		"wrong CRC":     append(slices.Clone(page[:70]), make([]byte, store.PageBytes-70)...),
	} {
		t.Run(name, func(t *testing.T) {
			fsys := faultfs.New()
			opts := memOptions(fsys)
			l := mustOpen(t, opts)
			mustCommit(t, l, 1, 2, recordSize)
			mustClose(t, l)
			fsys.WriteFile(segmentFile(2), image)
			_, err := store.Verify(opts)
			wantError(t, err, store.ErrCorrupt)

			l = mustOpen(t, opts)
			rep := l.Repair()
			if !rep.Found || !rep.Applied || !rep.RemovedSegment || rep.Segment != 2 || rep.FromHeight != 3 {
				t.Fatalf("Repair() = %+v", rep)
			}
			if _, err := fsys.Stat(segmentFile(2)); err == nil {
				t.Fatal("the unfinished segment is still there")
			}
			mustCommit(t, l, 3, 5, recordSize)
			wantHeights(t, l, 1, 5, recordSize)
			mustClose(t, l)
		})
	}
	t.Run("finished but empty", func(t *testing.T) {
		fsys := faultfs.New()
		opts := memOptions(fsys)
		fsys.WriteFile(segmentFile(1), store.SegmentPage(1, chainA, 1, 40, 99))
		l := mustOpen(t, opts)
		if next, ok := l.Next(); !ok || next != 40 || l.Repair().Found {
			t.Fatalf("Next() = %d, %v; %v", next, ok, l.Repair())
		}
		wantError(t, l.Append(1, nil), store.ErrHeight)
		mustCommit(t, l, 40, 41, 10)
		wantHeights(t, l, 40, 41, 10)
		mustClose(t, l)
	})
	t.Run("a header destroyed before records", func(t *testing.T) {
		fsys := faultfs.New()
		b := oneSegment(t, 2, true)
		b[16] ^= 1
		fsys.WriteFile(segmentFile(1), b)
		wantCorrupt(t, memOptions(fsys), 1, 0, 0)
	})
}

func TestDamagedSealedSegments(t *testing.T) {
	build := func(t *testing.T) (*faultfs.FS, store.Options) {
		fsys := faultfs.New()
		opts := memOptions(fsys)
		l := mustOpen(t, opts)
		mustCommit(t, l, 1, 9, recordSize) // three segments of three
		mustClose(t, l)
		return fsys, opts
	}
	t.Run("missing in the middle", func(t *testing.T) {
		fsys, opts := build(t)
		if err := fsys.Remove(segmentFile(2)); err != nil {
			t.Fatal(err)
		}
		wantCorrupt(t, opts, 2, 0, 0)
	})
	t.Run("cut at a record", func(t *testing.T) {
		fsys, opts := build(t)
		fsys.WriteFile(segmentFile(2), mustReadFile(t, fsys, segmentFile(2))[:recordAt(3)])
		wantCorrupt(t, opts, 2, int64(recordAt(3)), 6)
	})
	t.Run("cut in a record", func(t *testing.T) {
		fsys, opts := build(t)
		fsys.WriteFile(segmentFile(2), mustReadFile(t, fsys, segmentFile(2))[:recordAt(3)+store.PageBytes])
		wantCorrupt(t, opts, 2, int64(recordAt(3)), 6)
	})
	t.Run("flip in the length of its last record", func(t *testing.T) {
		fsys, opts := build(t)
		fsys.Corrupt(segmentFile(1), int64(recordAt(3))+10, 1)
		wantCorrupt(t, opts, 1, int64(recordAt(3)), 3)
	})
	t.Run("segments exchanged", func(t *testing.T) {
		fsys, opts := build(t)
		a, b := mustReadFile(t, fsys, segmentFile(1)), mustReadFile(t, fsys, segmentFile(2))
		fsys.WriteFile(segmentFile(1), b)
		fsys.WriteFile(segmentFile(2), a)
		wantCorrupt(t, opts, 1, 48, 0)
	})
	t.Run("a flip in a payload is found by reading it", func(t *testing.T) {
		fsys, opts := build(t)
		fsys.Corrupt(segmentFile(1), int64(recordAt(2))+500, 1)
		l := mustOpen(t, opts)
		defer mustClose(t, l)
		_, err := l.Read(2, nil)
		scanErr := l.Scan(0, func(uint64, []byte) error { return nil })
		for _, err := range []error{err, scanErr} {
			var ce *store.CorruptError
			if !errors.As(err, &ce) || ce.Segment != 1 || ce.Offset != int64(recordAt(2)) || ce.Height != 2 {
				t.Fatalf("got %v", err)
			}
		}
		if _, err := l.Read(3, nil); err != nil {
			t.Fatalf("the damage reaches another record: %v", err)
		}
	})
	t.Run("a torn tail before an unfinished segment", func(t *testing.T) {
		fsys, opts := build(t)
		fsys.Corrupt(segmentFile(3), int64(recordAt(3))+500, 1) // synced before segment 4 was begun
		fsys.WriteFile(segmentFile(4), nil)
		wantCorrupt(t, opts, 3, int64(recordAt(3)), 9)
	})
}

// TestRecordImageInPayload puts a perfect record into a payload, where a crash
// may leave it behind a hole: without the nonce it would pass for the proof of
// a loss that never was, and keep the node from starting.
func TestRecordImageInPayload(t *testing.T) {
	for _, c := range []struct {
		name  string
		nonce uint64 // in the image
		torn  bool
	}{{"nonce guessed wrong", 1234, true}, {"nonce known", 77, false}} {
		t.Run(c.name, func(t *testing.T) {
			fsys := faultfs.New()
			opts := memOptions(fsys)
			l, err := store.OpenFixed(opts, fixedTime, 77)
			if err != nil {
				t.Fatal(err)
			}
			mustCommit(t, l, 1, 1, recordSize)
			image := store.RecordImage(1000, 5, 1000, c.nonce, []byte("forged"))
			body := append(make([]byte, store.PageBytes-store.RecordHeadBytes), image...)
			if err := l.Commit(2, body); err != nil {
				t.Fatal(err)
			}
			fsys.Kill()
			b := mustReadFile(t, fsys, segmentFile(1))
			clear(b[recordAt(2) : recordAt(2)+store.PageBytes])
			fsys.WriteFile(segmentFile(1), b)
			l, err = store.Open(opts)
			if !c.torn {
				wantError(t, err, store.ErrCorrupt)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if rep := l.Repair(); !rep.Found || rep.FromHeight != 2 {
				t.Fatalf("Repair() = %+v", rep)
			}
			mustClose(t, l)
		})
	}
}

// TestMisplacedRecord: an intact record that does not belong where it is, is
// nothing a crash leaves behind.
func TestMisplacedRecord(t *testing.T) {
	fsys := faultfs.New()
	b := oneSegment(t, 3, true)
	copy(b[recordAt(3):recordAt(4)], b[recordAt(1):recordAt(2)])
	fsys.WriteFile(segmentFile(1), b)
	wantCorrupt(t, memOptions(fsys), 1, int64(recordAt(3)), 3)
}

// TestForkedHistory: parts of two logs that agree in everything but the content
// do not fit together.
func TestForkedHistory(t *testing.T) {
	build := func(generation uint64) (*faultfs.FS, store.Options) {
		fsys := faultfs.New()
		opts := memOptions(fsys)
		l, err := store.OpenFixed(opts, fixedTime, 77)
		if err != nil {
			t.Fatal(err)
		}
		for h := uint64(1); h <= 6; h++ { // two segments of three
			if err := l.Commit(h, payload(h, generation, recordSize)); err != nil {
				t.Fatal(err)
			}
		}
		mustClose(t, l)
		return fsys, opts
	}
	theirs, _ := build(1)
	t.Run("segment", func(t *testing.T) {
		mine, opts := build(0)
		mine.WriteFile(segmentFile(2), mustReadFile(t, theirs, segmentFile(2)))
		wantCorrupt(t, opts, 2, 80, 4)
	})
	for _, segment := range []int{1, 2} {
		t.Run(fmt.Sprintf("record in segment %d", segment), func(t *testing.T) {
			mine, opts := build(0)
			b := mustReadFile(t, mine, segmentFile(segment))
			copy(b[recordAt(2):recordAt(3)], mustReadFile(t, theirs, segmentFile(segment))[recordAt(2):])
			mine.WriteFile(segmentFile(segment), b)
			wantCorrupt(t, opts, uint64(segment), int64(recordAt(2)), uint64(segment*3-1))
		})
	}
}

// TestFailedSyncIsNotBelievedLater: after a failed fdatasync Linux calls the
// pages clean. A restarted process finds them in the cache, its own sync
// succeeds, and the next crash takes them.
func TestFailedSyncIsNotBelievedLater(t *testing.T) {
	fsys := faultfs.New()
	opts := memOptions(fsys)
	l := mustOpen(t, opts)
	mustCommit(t, l, 1, 2, recordSize)
	if err := l.Append(3, payload(3, 0, recordSize)); err != nil {
		t.Fatal(err)
	}
	fsys.Inject(faultfs.Fault{Op: faultfs.OpSync, Err: syscall.EIO})
	err := l.Sync()
	wantError(t, err, store.ErrPoisoned)
	wantError(t, err, syscall.EIO)
	wantError(t, l.Sync(), store.ErrPoisoned)
	wantError(t, l.Append(4, nil), store.ErrPoisoned)
	wantHeights(t, l, 1, 2, recordSize) // reading goes on
	wantError(t, l.Close(), store.ErrPoisoned)

	l = mustOpen(t, opts)
	head, _ := l.Head()
	next, _ := l.Next()
	for h := next; h < next+2; h++ {
		if err := l.Commit(h, payload(h, 0, recordSize)); err != nil {
			t.Fatal(err)
		}
	}
	fsys.Crash(1)
	l = mustOpen(t, opts)
	wantHeights(t, l, 1, next+1, recordSize)
	mustClose(t, l)
	if head != 2 {
		t.Fatalf("after a failed sync the log came back with height %d, which never reached the disk", head)
	}
}

func TestNoSpace(t *testing.T) {
	fsys := faultfs.New()
	opts := memOptions(fsys)
	l := mustOpen(t, opts)
	mustCommit(t, l, 1, 1, recordSize)
	fsys.SetFreeBytes(20 * store.PageBytes)
	var err error
	next := uint64(2)
	for ; err == nil && next < 100; next++ {
		err = l.Commit(next, payload(next, 0, recordSize))
	}
	wantError(t, err, store.ErrNoSpace)
	wantError(t, err, store.ErrPoisoned)
	wantError(t, err, syscall.ENOSPC)
	if !strings.Contains(err.Error(), opts.Dir) || !strings.Contains(err.Error(), "free some space") {
		t.Errorf("the message lacks the directory or the remedy: %v", err)
	}
	if next < 9 {
		t.Errorf("20 free pages took only %d records of two pages", next-2)
	}
	wantHeights(t, l, 1, next-2, recordSize)
	wantError(t, l.Close(), store.ErrPoisoned)

	fsys.SetFreeBytes(-1)
	l = mustOpen(t, opts)
	mustCommit(t, l, next-1, next+5, recordSize)
	wantHeights(t, l, 1, next+5, recordSize)
	mustClose(t, l)
}
