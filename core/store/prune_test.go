package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/store/faultfs"
)

const prunedFile = "/data/node/blocks/pruned"

// threes is a log of heights 1..n, three to a segment.
func threes(t testing.TB, fsys store.FS, n uint64) (*store.Log, store.Options) {
	t.Helper()
	opts := memOptions(fsys)
	l := mustOpen(t, opts)
	mustCommit(t, l, 1, n, recordSize)
	return l, opts
}

// segmentsIn lists the segment and index files.
func segmentsIn(t testing.TB, fsys store.FS) (names []string) {
	t.Helper()
	all, err := fsys.ReadDir("/data/node/blocks")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(name string) bool { return !strings.HasPrefix(name, "seg-") })
}

func TestPrune(t *testing.T) {
	for below := uint64(0); below <= 14; below++ {
		t.Run(fmt.Sprint(below), func(t *testing.T) {
			fsys := faultfs.New()
			l, opts := threes(t, fsys, 11) // segments 1-3, 4-6, 7-9, 10-11
			if err := l.Prune(below); err != nil {
				t.Fatal(err)
			}
			first := uint64(1)
			for first+3 <= min(below, 10) {
				first += 3
			}
			wantHeights(t, l, first, 11, recordSize)
			if first > 1 {
				_, err := l.Read(first-1, nil)
				wantError(t, err, store.ErrNotFound)
			}
			if n := len(segmentsIn(t, fsys)); n != 2*int(4-(first-1)/3)-1 {
				t.Fatalf("%d segment and index files are left: %v", n, segmentsIn(t, fsys))
			}
			mustCommit(t, l, 12, 20, recordSize)
			mustClose(t, l)
			if rep, err := store.Verify(opts); err != nil || rep.FirstHeight != first || rep.LastHeight != 20 {
				t.Fatalf("Verify = %+v, %v", rep, err)
			}
			l = mustOpen(t, opts)
			wantHeights(t, l, first, 20, recordSize)
			if err := l.Prune(below + 3); err != nil {
				t.Fatal(err)
			}
			mustClose(t, l)
			wantError(t, l.Prune(1), store.ErrClosed)
			opts.ReadOnly = true
			l = mustOpen(t, opts)
			wantError(t, l.Prune(20), store.ErrReadOnly)
			mustClose(t, l)
		})
	}
}

// TestPruneKeepsTheHead: a new segment that holds nothing durable yet cannot be
// all that is left.
func TestPruneKeepsTheHead(t *testing.T) {
	l, opts := threes(t, faultfs.New(), 6)
	if err := l.Append(7, payload(7, 0, recordSize)); err != nil { // begins segment 3
		t.Fatal(err)
	}
	if err := l.Prune(100); err != nil {
		t.Fatal(err)
	}
	wantHeights(t, l, 4, 6, recordSize)
	mustClose(t, l)
	l = mustOpen(t, opts)
	wantHeights(t, l, 4, 7, recordSize)
	mustClose(t, l)
}

// stepFS calls a function before everything that changes the disk.
type stepFS struct {
	store.FS
	before func(what string)
}

func (s stepFS) OpenFile(name string, flag int, perm fs.FileMode) (store.File, error) {
	if flag&os.O_CREATE != 0 {
		s.before("create " + filepath.Base(name))
	}
	f, err := s.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return stepFile{f, s, filepath.Base(name)}, nil
}

func (s stepFS) Rename(from, to string) error {
	s.before("rename " + filepath.Base(from))
	return s.FS.Rename(from, to)
}

func (s stepFS) Remove(name string) error {
	s.before("remove " + filepath.Base(name))
	return s.FS.Remove(name)
}

func (s stepFS) SyncDir(name string) error {
	s.before("sync directory")
	return s.FS.SyncDir(name)
}

type stepFile struct {
	store.File
	fs   stepFS
	name string
}

func (f stepFile) WriteAt(b []byte, off int64) (int, error) {
	f.fs.before("write " + f.name)
	return f.File.WriteAt(b, off)
}

func (f stepFile) Sync() error {
	f.fs.before("sync " + f.name)
	return f.File.Sync()
}

// checkPruned checks what a power loss left of a log that was being pruned:
// its old or its new beginning, and everything up to the head.
func checkPruned(fsys *faultfs.FS, firsts []uint64, last uint64) error {
	opts := memOptions(fsys)
	if _, err := store.Verify(opts); err != nil {
		return fmt.Errorf("Verify: %w", err)
	}
	l, err := store.Open(opts)
	if err != nil {
		return err
	}
	first, _ := l.First()
	if head, _ := l.Head(); head != last || !slices.Contains(firsts, first) {
		return errors.Join(fmt.Errorf("the log holds %d to %d, want one of %v to %d", first, head, firsts, last), l.Close())
	}
	next := first
	err = l.Scan(0, func(h uint64, p []byte) error {
		if h != next || !bytes.Equal(p, payload(h, 0, recordSize)) {
			return fmt.Errorf("height %d where %d was due, or other bytes", h, next)
		}
		next++
		return nil
	})
	return errors.Join(err, l.Close())
}

// TestPowerLossWhilePruning cuts the power before every step of Prune, of the
// Open that cleans up after it, and of the appending that goes on, and looks at
// many of the disks that may be left.
func TestPowerLossWhilePruning(t *testing.T) {
	const images = 40
	disk := faultfs.New()
	steps, firsts, last := 0, []uint64{1}, uint64(0)
	watch := false
	look := func(what string) {
		if !watch {
			return
		}
		steps++
		for seed := range uint64(images) {
			if err := checkPruned(disk.CrashImage(seed), firsts, last); err != nil {
				t.Fatalf("step %d, before %s, seed %d: %v", steps, what, seed, err)
			}
		}
	}
	l, opts := threes(t, stepFS{disk, look}, 14)
	last, watch = 14, true
	for _, below := range []uint64{5, 11, 13} {
		first, _ := l.First()
		firsts = []uint64{first, (below-1)/3*3 + 1}
		if err := l.Prune(below); err != nil {
			t.Fatal(err)
		}
		firsts = firsts[1:] // what Prune returned for is certain
		look("the end")
	}
	if steps < 3*5 {
		t.Fatalf("only %d steps: the wrapper misses some", steps)
	}
	// The crash that brings everything back that may come back, and a second one
	// while that is cleaned up.
	for seed := range uint64(images) {
		image := disk.CrashImage(seed)
		at := 0
		opts.FS = stepFS{image, func(what string) {
			at++
			if err := checkPruned(image.CrashImage(seed+1), firsts, last); err != nil {
				t.Fatalf("seed %d, while opening, step %d before %s: %v", seed, at, what, err)
			}
		}}
		mustClose(t, mustOpen(t, opts))
	}
	watch = false
	mustClose(t, l)
}

// TestPruneFails fails each call of each operation within Prune in turn.
func TestPruneFails(t *testing.T) {
	for _, op := range []faultfs.Op{faultfs.OpOpen, faultfs.OpWrite, faultfs.OpSync, faultfs.OpSyncDir, faultfs.OpRemove} {
		t.Run(op.String(), func(t *testing.T) {
			for skip := 0; ; skip++ {
				disk := faultfs.New()
				l, opts := threes(t, disk, 11)
				before := disk.Calls(op)
				disk.Inject(faultfs.Fault{Op: op, Err: syscall.EIO, Skip: skip, ShortBytes: 60})
				err := l.Prune(8)
				if hit := disk.Calls(op)-before > skip; !hit {
					if skip == 0 {
						t.Fatalf("Prune never calls %s", op)
					}
					disk.ClearFaults()
					mustClose(t, l)
					return
				} else if !errors.Is(err, syscall.EIO) {
					t.Fatalf("call %d failed, Prune said: %v", skip, err)
				}
				disk.ClearFaults()
				first, _ := l.First()
				if op == faultfs.OpRemove != (first == 7) {
					t.Fatalf("call %d failed, First() = %d", skip, first)
				}
				wantHeights(t, l, first, 11, recordSize)
				for seed := range uint64(10) {
					if err := checkPruned(disk.CrashImage(seed), []uint64{first, 7}, 11); err != nil {
						t.Fatalf("call %d failed, then the power, seed %d: %v", skip, seed, err)
					}
				}
				if op == faultfs.OpSyncDir { // not to be tried again
					wantError(t, l.Prune(8), store.ErrPoisoned)
					wantError(t, l.Close(), store.ErrPoisoned)
					continue
				}
				if err := l.Prune(8); err != nil {
					t.Fatalf("the second attempt: %v", err)
				}
				if names := segmentsIn(t, disk); len(names) != 3 {
					t.Fatalf("after the second attempt there are %v", names)
				}
				mustClose(t, l)
				opts.FS = disk
				if _, err := store.Verify(opts); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestHolesInAPrunedLog: that the first segments may be missing excuses no other.
func TestHolesInAPrunedLog(t *testing.T) {
	pruned := func() (*faultfs.FS, store.Options) {
		fsys := faultfs.New()
		l, opts := threes(t, fsys, 14)
		if err := l.Prune(7); err != nil { // segments 3, 4, 5 stay
			t.Fatal(err)
		}
		mustClose(t, l)
		return fsys, opts
	}
	remove := func(t *testing.T, fsys *faultfs.FS, names ...string) {
		for _, name := range names {
			if err := fsys.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Run("the first", func(t *testing.T) {
		fsys, opts := pruned()
		remove(t, fsys, segmentFile(3))
		wantCorrupt(t, opts, 3, 0, 0)
	})
	t.Run("one in the middle", func(t *testing.T) {
		fsys, opts := pruned()
		remove(t, fsys, segmentFile(4))
		wantCorrupt(t, opts, 4, 0, 0)
	})
	t.Run("all", func(t *testing.T) {
		fsys, opts := pruned()
		remove(t, fsys, segmentFile(3), segmentFile(4), segmentFile(5))
		wantCorrupt(t, opts, 3, 0, 7)
	})
	t.Run("the file that tells", func(t *testing.T) {
		fsys, opts := pruned()
		remove(t, fsys, prunedFile)
		wantCorrupt(t, opts, 1, 0, 0)
	})
	t.Run("only the header of the first is left", func(t *testing.T) {
		fsys, opts := pruned()
		remove(t, fsys, segmentFile(4), segmentFile(5))
		fsys.WriteFile(segmentFile(3), nil)
		wantCorrupt(t, opts, 3, 0, 7)
	})
	t.Run("another log's first", func(t *testing.T) {
		fsys, opts := pruned()
		fsys.WriteFile(segmentFile(3), store.SegmentPage(1, chainA, 3, 7, 99)) // follows no record
		remove(t, fsys, segmentFile(4), segmentFile(5))
		wantCorrupt(t, opts, 3, 56, 7)
	})
	t.Run("another chain's file", func(t *testing.T) {
		_, opts := pruned()
		opts.ChainID = [32]byte{0xbb}
		_, err := store.Open(opts)
		wantError(t, err, store.ErrForeign)
		if !strings.Contains(err.Error(), "pruned") {
			t.Errorf("the message does not name the file: %v", err)
		}
	})
	t.Run("any byte of the file", func(t *testing.T) {
		fsys, opts := pruned()
		for off := int64(0); fsys.Corrupt(prunedFile, off, 1<<(off%8)); off++ {
			for _, run := range []func() error{
				func() error { _, err := store.Verify(opts); return err },
				func() error { _, err := store.Open(opts); return err },
			} {
				var ce *store.CorruptError
				if err := run(); !errors.As(err, &ce) || ce.Path != prunedFile {
					t.Fatalf("the flip at offset %d is reported as %v", off, err)
				}
			}
			fsys.Corrupt(prunedFile, off, 1<<(off%8))
		}
	})
}

// TestPruneBesideEverything: readers see a consistent log while its beginning
// moves and its end grows.
func TestPruneBesideEverything(t *testing.T) {
	l, opts := threes(t, faultfs.New(), 3)
	const last = 900
	var done atomic.Bool
	var group errgroup.Group
	group.Go(func() error {
		defer done.Store(true)
		for h := uint64(4); h <= last; h++ {
			if err := l.Commit(h, payload(h, 0, recordSize)); err != nil {
				return err
			}
		}
		return nil
	})
	group.Go(func() error {
		for !done.Load() {
			head, _ := l.Head()
			if err := l.Prune(head - min(head, 20)); err != nil {
				return err
			}
		}
		return nil
	})
	for range 2 {
		group.Go(func() error {
			for !done.Load() {
				next := uint64(0)
				err := l.Scan(0, func(h uint64, p []byte) error {
					if next != 0 && h != next || !bytes.Equal(p, payload(h, 0, recordSize)) {
						return fmt.Errorf("height %d where %d was due, or other bytes", h, next)
					}
					next = h + 1
					return nil
				})
				if err != nil && !errors.Is(err, store.ErrNotFound) { // overtaken
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if first, _ := l.First(); first < 4 {
		t.Fatalf("First() = %d: nothing was pruned", first)
	}
	mustClose(t, l)
	if rep, err := store.Verify(opts); err != nil || rep.LastHeight != last {
		t.Fatalf("%+v, %v", rep, err)
	}
}
