package store_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/store/faultfs"
)

func TestAppendReadReopen(t *testing.T) {
	for _, size := range []int{0, 1, store.PageBytes - store.RecordHeadBytes, store.PageBytes - store.RecordHeadBytes + 1, 3*store.PageBytes + 5, 40 << 10} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			opts := memOptions(faultfs.New())
			l := mustOpen(t, opts)
			mustCommit(t, l, 7, 30, size)
			wantHeights(t, l, 7, 30, size)
			mustClose(t, l)

			l = mustOpen(t, opts)
			if rep := l.Repair(); rep.Found {
				t.Fatalf("a cleanly closed log was repaired: %v", rep)
			}
			if next, ok := l.Next(); !ok || next != 31 {
				t.Fatalf("Next() = %d, %v; want 31", next, ok)
			}
			mustCommit(t, l, 31, 40, size)
			wantHeights(t, l, 7, 40, size)
			mustClose(t, l)
			rep, err := store.Verify(opts)
			if err != nil || rep.Records != 34 || rep.FirstHeight != 7 || rep.LastHeight != 40 {
				t.Fatalf("Verify = %+v, %v", rep, err)
			}
		})
	}
}

func TestRealDirectory(t *testing.T) {
	opts := store.Options{Dir: t.TempDir() + "/new/node", ChainID: chainA, SegmentBytes: 64 << 10}
	l := mustOpen(t, opts)
	mustCommit(t, l, 1, 50, 5000)
	wantHeights(t, l, 1, 50, 5000)
	mustClose(t, l)
	l = mustOpen(t, opts)
	wantHeights(t, l, 1, 50, 5000)
	mustClose(t, l)
	if _, err := store.Verify(opts); err != nil {
		t.Fatal(err)
	}
}

func TestPartsAreConcatenated(t *testing.T) {
	l := mustOpen(t, memOptions(faultfs.New()))
	defer mustClose(t, l)
	if err := l.Commit(1, []byte("head"), nil, []byte("-"), []byte("body")); err != nil {
		t.Fatal(err)
	}
	got, err := l.Read(1, nil)
	if err != nil || string(got) != "head-body" {
		t.Fatalf("Read = %q, %v", got, err)
	}
}

func TestReadersSeeOnlySyncedRecords(t *testing.T) {
	l := mustOpen(t, memOptions(faultfs.New()))
	defer mustClose(t, l)
	seen := func() (heights []uint64) {
		if err := l.Scan(0, func(h uint64, _ []byte) error { heights = append(heights, h); return nil }); err != nil {
			t.Fatal(err)
		}
		return heights
	}
	if err := l.Append(1, []byte("a")); err != nil {
		t.Fatal(err)
	}
	if h, ok := l.Head(); ok {
		t.Fatalf("Head() = %d before the first Sync", h)
	}
	if _, err := l.Read(1, nil); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("Read of an unsynced height: %v", err)
	}
	if got := seen(); len(got) != 0 {
		t.Fatalf("Scan shows unsynced heights %v", got)
	}
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(2, []byte("b")); err != nil {
		t.Fatal(err)
	}
	if got := seen(); !slices.Equal(got, []uint64{1}) {
		t.Fatalf("Scan shows %v, want [1]", got)
	}
	if _, err := l.Read(2, nil); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("Read of an unsynced height after a synced one: %v", err)
	}
	if next, ok := l.Next(); !ok || next != 3 {
		t.Fatalf("Next() = %d, %v; want 3", next, ok)
	}
}

func TestRefusals(t *testing.T) {
	opts := memOptions(faultfs.New())
	l := mustOpen(t, opts)
	wantError(t, l.Append(1, make([]byte, opts.MaxRecordBytes+1)), store.ErrTooLarge)
	wantError(t, l.Append(^uint64(0), nil), store.ErrHeight)
	if _, ok := l.Next(); ok {
		t.Fatal("a refused Append chose the first height")
	}
	mustCommit(t, l, 5, 6, 100)
	for _, h := range []uint64{0, 5, 6, 8} {
		wantError(t, l.Append(h, nil), store.ErrHeight)
	}
	for _, h := range []uint64{0, 4, 7, ^uint64(0)} {
		_, err := l.Read(h, nil)
		wantError(t, err, store.ErrNotFound)
	}
	mustCommit(t, l, 7, 7, 100) // refusals do not poison
	wantHeights(t, l, 5, 7, 100)
	mustClose(t, l)
	mustClose(t, l) // twice is fine
	wantError(t, l.Append(8, nil), store.ErrClosed)
	wantError(t, l.Sync(), store.ErrClosed)
	_, err := l.Read(5, nil)
	wantError(t, err, store.ErrClosed)

	for name, bad := range map[string]store.Options{
		"no dir":        {ChainID: chainA},
		"no chain":      {Dir: "/x"},
		"tiny segment":  {Dir: "/x", ChainID: chainA, SegmentBytes: store.PageBytes},
		"odd segment":   {Dir: "/x", ChainID: chainA, SegmentBytes: 3*store.PageBytes + 1},
		"huge record":   {Dir: "/x", ChainID: chainA, MaxRecordBytes: store.MaxPayloadBytes + 1},
		"negative size": {Dir: "/x", ChainID: chainA, MaxRecordBytes: -1},
	} {
		bad.FS = faultfs.New()
		if _, err := store.Open(bad); !errors.Is(err, store.ErrOptions) {
			t.Errorf("%s: %v, want ErrOptions", name, err)
		}
	}
}

func TestLargerRecordsStayReadable(t *testing.T) {
	opts := memOptions(faultfs.New())
	l := mustOpen(t, opts)
	mustCommit(t, l, 1, 3, 50_000)
	mustClose(t, l)
	opts.MaxRecordBytes, opts.SegmentBytes = 100, 2*store.PageBytes
	l = mustOpen(t, opts)
	defer mustClose(t, l)
	if l.Repair().Found {
		t.Fatalf("a lower limit made old records look torn: %v", l.Repair())
	}
	wantHeights(t, l, 1, 3, 50_000)
}

func TestSegments(t *testing.T) {
	fsys := faultfs.New()
	opts := memOptions(fsys)
	l := mustOpen(t, opts)
	mustCommit(t, l, 1, 60, 5000) // two pages each, three to a segment
	names, err := fsys.ReadDir("/data/node/blocks")
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasSuffix(name, ".log") })
	if err != nil || len(names) != 20 {
		t.Fatalf("%d segments, %v; want 20", len(names), err)
	}
	wantHeights(t, l, 1, 60, 5000)
	if n := l.OpenSegments(); n != 1 {
		t.Fatalf("%d segment files are open after reading, want only the active one", n)
	}
	mustClose(t, l)
	l = mustOpen(t, opts)
	wantHeights(t, l, 1, 60, 5000)
	for from := uint64(0); from <= 62; from++ {
		want := min(60, 61-min(max(from, 1), 61))
		n := uint64(0)
		if err := l.Scan(from, func(h uint64, _ []byte) error { n++; return nil }); err != nil || n != want {
			t.Fatalf("Scan(%d) passed %d heights, %v; want %d", from, n, err, want)
		}
	}
	stop := errors.New("enough")
	if err := l.Scan(10, func(h uint64, _ []byte) error {
		if h == 20 {
			return stop
		}
		return nil
	}); !errors.Is(err, stop) {
		t.Fatalf("Scan returned %v, want the callback's error itself", err)
	}
	mustClose(t, l)
}

func TestIndexIsSparse(t *testing.T) {
	opts := memOptions(faultfs.New())
	opts.SegmentBytes = 4 << 20
	l := mustOpen(t, opts)
	for h := uint64(1); h <= 2000; h++ { // one page each: almost two segments
		if err := l.Append(h, payload(h, 0, 16)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	limit := 2000*store.PageBytes/store.MarkEveryBytes + 2
	if n := l.Marks(); n > limit {
		t.Fatalf("%d index entries for 8 MB of records, want at most %d", n, limit)
	}
	wantHeights(t, l, 1, 2000, 16)
	mustClose(t, l)
	l = mustOpen(t, opts)
	defer mustClose(t, l)
	if n := l.Marks(); n > limit {
		t.Fatalf("%d index entries after opening, want at most %d", n, limit)
	}
	wantHeights(t, l, 1, 2000, 16)
}

func TestLock(t *testing.T) {
	for name, fsys := range map[string]store.FS{"memory": faultfs.New(), "disk": store.OSFS{}} {
		t.Run(name, func(t *testing.T) {
			opts := store.Options{Dir: t.TempDir(), ChainID: chainA, FS: fsys}
			reading := opts
			reading.ReadOnly = true
			l := mustOpen(t, opts)
			mustCommit(t, l, 1, 2, 10)
			_, err := store.Open(opts)
			wantError(t, err, store.ErrInUse)
			if name == "disk" && !strings.Contains(err.Error(), fmt.Sprintf("process %d ", os.Getpid())) {
				t.Errorf("the message does not name process %d: %v", os.Getpid(), err)
			}
			if !strings.Contains(err.Error(), "data directory in use") || !strings.Contains(err.Error(), opts.Dir) {
				t.Errorf("the message does not name the directory: %v", err)
			}
			_, err = store.Open(reading)
			wantError(t, err, store.ErrInUse)
			_, err = store.Verify(opts)
			wantError(t, err, store.ErrInUse)
			mustClose(t, l)

			r1, r2 := mustOpen(t, reading), mustOpen(t, reading)
			wantHeights(t, r2, 1, 2, 10)
			_, err = store.Open(opts)
			wantError(t, err, store.ErrInUse)
			mustClose(t, r1)
			mustClose(t, r2)
			l = mustOpen(t, opts)
			mustClose(t, l)
		})
	}
}

func TestReadOnly(t *testing.T) {
	fsys := faultfs.New()
	opts := memOptions(fsys)
	reading := opts
	reading.ReadOnly = true
	if _, err := store.Open(reading); err == nil || !strings.Contains(err.Error(), "/data/node") {
		t.Fatalf("reading a directory that does not exist: %v", err)
	}
	l := mustOpen(t, opts)
	mustCommit(t, l, 1, 9, 5000)
	if err := l.Append(10, payload(10, 0, 5000)); err != nil {
		t.Fatal(err)
	}
	fsys.Kill()
	fsys.Corrupt(segmentFile(4), store.PageBytes+100, 1) // a torn tail
	before := mustReadFile(t, fsys, segmentFile(4))

	reading.ChainID = [32]byte{} // any chain
	r := mustOpen(t, reading)
	wantHeights(t, r, 1, 9, 5000)
	if rep := r.Repair(); !rep.Found || rep.Applied || rep.FromHeight != 10 || !strings.Contains(rep.String(), "opening the log for writing") {
		t.Fatalf("Repair() = %+v", rep)
	}
	if r.ChainID() != chainA {
		t.Fatalf("ChainID() = %x", r.ChainID())
	}
	wantError(t, r.Append(10, nil), store.ErrReadOnly)
	wantError(t, r.Sync(), store.ErrReadOnly)
	mustClose(t, r)
	if !slices.Equal(before, mustReadFile(t, fsys, segmentFile(4))) {
		t.Fatal("a log opened for reading changed a segment")
	}
}

func TestForeignFiles(t *testing.T) {
	fsys := faultfs.New()
	opts := memOptions(fsys)
	mine, others := chainA, [32]byte{0xbb}
	l := mustOpen(t, opts)
	mustCommit(t, l, 1, 2, 10)
	mustClose(t, l)
	good := mustReadFile(t, fsys, segmentFile(1))

	opts.ChainID = others
	_, err := store.Open(opts)
	wantError(t, err, store.ErrForeign)
	for _, word := range []string{fmt.Sprintf("%x", mine), fmt.Sprintf("%x", others), "use the data directory"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the message lacks %q: %v", word, err)
		}
	}
	opts.ChainID = mine

	for name, c := range map[string]struct {
		page  []byte
		words []string
	}{
		"version":    {store.SegmentPage(2, mine, 1, 1, 9), []string{"version 2", "version 1", "export"}},
		"endianness": {swappedMark(good[:store.PageBytes]), []string{"0x04030201", "0x01020304", "export"}},
	} {
		fsys.WriteFile(segmentFile(1), append(slices.Clone(c.page), good[store.PageBytes:]...))
		for _, open := range []func() error{
			func() error { _, err := store.Open(opts); return err },
			func() error { _, err := store.Verify(opts); return err },
		} {
			err := open()
			wantError(t, err, store.ErrForeign)
			for _, word := range c.words {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%s: the message lacks %q: %v", name, word, err)
				}
			}
		}
		if got := mustReadFile(t, fsys, segmentFile(1)); !slices.Equal(got[:store.PageBytes], c.page) {
			t.Errorf("%s: a foreign file was changed", name)
		}
	}
}

func swappedMark(page []byte) []byte {
	p := slices.Clone(page)
	slices.Reverse(p[12:16])
	return p
}

func TestStats(t *testing.T) {
	l := mustOpen(t, memOptions(faultfs.New()))
	defer mustClose(t, l)
	mustCommit(t, l, 1, 3, 10)
	if err := l.Append(4, make([]byte, store.PageBytes)); err != nil {
		t.Fatal(err)
	}
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := l.Sync(); err != nil { // nothing new: no system call
		t.Fatal(err)
	}
	s := l.Stats()
	if s.Records != 4 || s.Syncs != 4 || s.WrittenBytes != 5*store.PageBytes || s.BusyNS < s.LastSyncNS {
		t.Fatalf("Stats() = %+v", s)
	}
}
