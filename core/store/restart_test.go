package store_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/store/faultfs"
)

var testAnchor = [32]byte{1, 2, 3, 31: 4}

// checkRestarted checks what is left of a log that held the heights 1 to old and
// was restarted with 100: one of the two, whole.
func checkRestarted(fsys *faultfs.FS, old uint64) (restarted bool, err error) {
	opts := memOptions(fsys)
	// The segment that was being created may have no header yet: Torn, as ever.
	var torn *store.CorruptError
	if _, err := store.Verify(opts); err != nil && (!errors.As(err, &torn) || !torn.Torn) {
		return false, fmt.Errorf("Verify: %w", err)
	}
	l, err := store.Open(opts)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	next, anchor, ok := l.Anchor()
	head, some := l.Head()
	if !ok {
		if head != old {
			return false, fmt.Errorf("not restarted, and the head is %d", head)
		}
		return false, nil
	}
	if n, _ := l.Next(); anchor != testAnchor || next != 100 || n < 100 || n > 103 || some != (n > 100) {
		return true, fmt.Errorf("restarted with %d, the next is %d, anchor %x", next, n, anchor)
	}
	if _, err := l.Read(1, nil); !errors.Is(err, store.ErrNotFound) {
		return true, fmt.Errorf("height 1: %w", err)
	}
	n, _ := l.Next()
	return true, errors.Join(l.Append(n, payload(n, 0, 100)), l.Sync())
}

// TestPowerLossWhileRestarting cuts the power before every step of Restart and
// of the first blocks after it.
func TestPowerLossWhileRestarting(t *testing.T) {
	const images = 25
	disk := faultfs.New()
	var seen [2]int
	watch := false
	look := func(what string) {
		for seed := uint64(0); watch && seed < images; seed++ {
			restarted, err := checkRestarted(disk.CrashImage(seed), 14)
			if err != nil {
				t.Fatalf("before %s, seed %d: %v", what, seed, err)
			}
			if restarted {
				seen[1]++
			} else {
				seen[0]++
			}
		}
	}
	l, _ := threes(t, stepFS{disk, look}, 14)
	watch = true
	if err := l.Restart(100, testAnchor); err != nil {
		t.Fatal(err)
	}
	watch = false
	if restarted, err := checkRestarted(disk.CrashImage(1), 14); !restarted || err != nil {
		t.Fatalf("after Restart: %v, %v", restarted, err)
	}
	watch = true
	if err := l.Append(15, payload(15, 0, recordSize)); !errors.Is(err, store.ErrHeight) {
		t.Fatalf("height 15 after a restart with 100: %v", err)
	}
	mustCommit(t, l, 100, 102, recordSize)
	watch = false
	mustClose(t, l)
	if seen[0] == 0 || seen[1] == 0 {
		t.Errorf("%v disks were old and new", seen)
	}
}

// A restarted log can be restarted, pruned and opened again; what its file says
// is held to its checksum.
func TestRestartAgain(t *testing.T) {
	disk := faultfs.New()
	l, opts := threes(t, disk, 4)
	for _, next := range []uint64{7, 7, 50} {
		if err := l.Restart(next, testAnchor); err != nil {
			t.Fatal(err)
		}
		mustClose(t, l)
		l = mustOpen(t, opts)
		if n, _ := l.Next(); n != next {
			t.Fatalf("restarted with %d, the next is %d", next, n)
		}
	}
	mustCommit(t, l, 50, 59, recordSize)
	if err := l.Prune(56); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := l.Anchor(); ok {
		t.Error("a log that was pruned since has an anchor")
	}
	mustClose(t, l)
	l = mustOpen(t, opts)
	if first, _ := l.First(); first <= 50 || first > 56 {
		t.Errorf("it begins with %d", first)
	}
	if err := l.Restart(0, testAnchor); !errors.Is(err, store.ErrHeight) {
		t.Errorf("restarted with 0: %v", err)
	}
	if err := l.Restart(9, testAnchor); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	for off := range int64(128) {
		image := disk.CrashImage(0)
		if !image.Corrupt("/data/node/blocks/pruned", off, 4) {
			t.Fatal("there is no file that says where the log begins")
		}
		if l, err := store.Open(memOptions(image)); err == nil {
			t.Errorf("byte %d flipped, opened all the same", off)
			mustClose(t, l)
		}
	}
}
