package store_test

import (
	"bytes"
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/store/faultfs"
)

func indexFile(number int) string { return strings.TrimSuffix(segmentFile(number), ".log") + ".idx" }

// indexedLog has two full segments of many marks and a third, all closed.
func indexedLog(t testing.TB, fsys store.FS) (store.Options, uint64) {
	t.Helper()
	opts := memOptions(fsys)
	opts.SegmentBytes = 3 << 20
	l := mustOpen(t, opts)
	const last = 300
	for h := uint64(1); h <= last; h++ {
		if err := l.Append(h, payload(h, 0, 25_000)); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, l)
	return opts, last
}

// TestIndexSparesTheWalk counts reads: with an index a sealed segment costs a
// few, however many records it has, and without one the index is made again.
func TestIndexSparesTheWalk(t *testing.T) {
	fsys := faultfs.New()
	opts, last := indexedLog(t, fsys)
	reads := func() int {
		before := fsys.Calls(faultfs.OpRead)
		l := mustOpen(t, opts)
		n := fsys.Calls(faultfs.OpRead) - before
		wantHeights(t, l, 1, last, 25_000)
		mustClose(t, l)
		return n
	}
	indexed := reads()
	want := mustReadFile(t, fsys, indexFile(1))
	for name, damage := range map[string]func(){
		"missing":        func() { _ = fsys.Remove(indexFile(1)) },
		"empty":          func() { fsys.WriteFile(indexFile(1), nil) },
		"cut":            func() { fsys.WriteFile(indexFile(1), want[:len(want)-5]) },
		"too long":       func() { fsys.WriteFile(indexFile(1), append(bytes.Clone(want), 0)) },
		"another's":      func() { fsys.WriteFile(indexFile(1), mustReadFile(t, fsys, indexFile(2))) },
		"flipped":        func() { fsys.Corrupt(indexFile(1), 49, 1) },
		"wrong last CRC": func() { fsys.WriteFile(indexFile(1), store.FixIndexCRC(want, 56)) },
		"wrong entry":    func() { fsys.WriteFile(indexFile(1), store.FixIndexCRC(want, 64+24+8+2)) },
		"wrong first":    func() { fsys.WriteFile(indexFile(1), store.FixIndexCRC(want, 64)) },
	} {
		damage()
		if rep, err := store.Verify(opts); name != "missing" == (err == nil) {
			t.Errorf("%s: Verify = %+v, %v", name, rep, err)
		}
		if n := reads(); n <= indexed {
			t.Errorf("%s: %d reads, with the index %d", name, n, indexed)
		}
		if !bytes.Equal(mustReadFile(t, fsys, indexFile(1)), want) {
			t.Errorf("%s: the index was not made again as it was", name)
		}
		if n := reads(); n != indexed {
			t.Errorf("%s: %d reads afterwards, before it were %d", name, n, indexed)
		}
	}
	if _, err := store.Verify(opts); err != nil {
		t.Fatal(err)
	}
}

// TestIndexIsNoCondition: a log works where no index can be written.
func TestIndexIsNoCondition(t *testing.T) {
	for _, op := range []faultfs.Op{faultfs.OpOpen, faultfs.OpWrite, faultfs.OpSync} {
		fsys := faultfs.New()
		fsys.Inject(faultfs.Fault{Op: op, Err: syscall.EIO, Path: ".idx", Times: -1, ShortBytes: 10})
		l, opts := threes(t, fsys, 11)
		mustClose(t, l)
		l = mustOpen(t, opts)
		wantHeights(t, l, 1, 11, recordSize)
		if err := l.Prune(9); err != nil {
			t.Fatal(err)
		}
		mustClose(t, l)
		for _, name := range segmentsIn(t, fsys) {
			if strings.Contains(name, "idx") {
				t.Errorf("%s failed and left %s", op, name)
			}
		}
		fsys.ClearFaults()
		if _, err := store.Verify(opts); err != nil {
			t.Fatal(err)
		}
	}
}

// TestIndexDoesNotHideDamage: what opening without an index would notice in the
// record headers behind the last entry is still noticed.
func TestIndexDoesNotHideDamage(t *testing.T) {
	fsys := faultfs.New()
	opts, _ := indexedLog(t, fsys)
	b := mustReadFile(t, fsys, segmentFile(1))
	last := len(b) - 7*store.PageBytes // its last record
	_, height, _, _, reason := store.RecordFields(b[last:])
	if reason != "" {
		t.Fatal(reason)
	}
	fsys.Corrupt(segmentFile(1), int64(last)+10, 1) // in the length
	wantCorrupt(t, opts, 1, int64(last), height)
}

// TestTailIsReadFromTheEnd: opening reads the end of the last segment in full,
// and only the headers before it; Verify reads everything.
func TestTailIsReadFromTheEnd(t *testing.T) {
	const records, size = 50, 1 << 20
	build := func(group int) (*faultfs.FS, store.Options, int64) {
		fsys := faultfs.New()
		opts := store.Options{Dir: "/data/node", ChainID: chainA, FS: fsys, MaxRecordBytes: size, SegmentBytes: 64 << 20}
		l := mustOpen(t, opts)
		p := make([]byte, size-store.RecordHeadBytes)
		for h := 1; h <= records; h++ {
			if err := l.Append(uint64(h), p); err != nil {
				t.Fatal(err)
			}
			if h%group == 0 {
				if err := l.Sync(); err != nil {
					t.Fatal(err)
				}
			}
		}
		fsys.Kill()
		return fsys, opts, size
	}
	at := func(height int) int64 { return store.PageBytes + int64(height-1)*size + 777 }
	t.Run("synced one by one", func(t *testing.T) {
		fsys, opts, _ := build(1)
		fsys.Corrupt(segmentFile(1), at(3), 1) // far from the end, and durable
		l := mustOpen(t, opts)
		if l.Repair().Found {
			t.Errorf("Repair() = %+v", l.Repair())
		}
		_, err := l.Read(3, nil)
		var ce *store.CorruptError
		if !errors.As(err, &ce) || ce.Height != 3 {
			t.Errorf("Read: %v", err)
		}
		mustClose(t, l)
		if _, err := store.Verify(opts); !errors.As(err, &ce) || ce.Height != 3 || ce.Torn {
			t.Errorf("Verify: %v", err)
		}
		fsys.Corrupt(segmentFile(1), at(3), 1)
		fsys.Corrupt(segmentFile(1), at(40), 1) // durable, near the end
		wantCorrupt(t, opts, 1, at(40)-777, 40)
	})
	t.Run("one sync for all", func(t *testing.T) {
		fsys, opts, _ := build(records)
		fsys.Corrupt(segmentFile(1), at(3), 1) // nothing says that it was durable
		l := mustOpen(t, opts)
		if rep := l.Repair(); !rep.Applied || rep.FromHeight != 3 || rep.DiscardedRecords != records-3 {
			t.Errorf("Repair() = %+v", rep)
		}
		mustClose(t, l)
	})
}
