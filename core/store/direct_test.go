package store_test

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/store/faultfs"
)

func TestDirectOption(t *testing.T) {
	for _, c := range []struct {
		option    store.Direct
		supported bool
		direct    bool
		words     string // of the reason or the error
	}{
		{store.DirectAuto, true, true, ""},
		{store.DirectOn, true, true, ""},
		{store.DirectOff, true, false, "Options.Direct is off"},
		{store.DirectAuto, false, false, "unbuffered writes are refused: "},
		{store.DirectOn, false, false, "use auto or off"},
		{store.DirectOff, false, false, "Options.Direct is off"},
	} {
		for _, existing := range []bool{false, true} {
			fsys := faultfs.New()
			opts := memOptions(fsys)
			want := uint64(1)
			if existing {
				l, _ := threes(t, fsys, 4)
				mustClose(t, l)
				want = 5
			}
			fsys.SetDirect(c.supported)
			opts.Direct = c.option
			l, err := store.Open(opts)
			if c.option == store.DirectOn && !c.supported {
				wantError(t, err, store.ErrOptions)
				if !strings.Contains(err.Error(), c.words) {
					t.Errorf("the message lacks %q: %v", c.words, err)
				}
				if _, err := fsys.Stat("/data/node/blocks/direct.probe"); err == nil {
					t.Error("a scratch file was left")
				}
				continue
			}
			if err != nil {
				t.Fatalf("%+v: %v", c, err)
			}
			for range 2 { // and after new segments
				if s := l.Stats(); s.Direct != c.direct || !strings.HasPrefix(s.DirectReason, c.words) || (s.DirectReason == "") != c.direct {
					t.Errorf("%+v: Stats() = %+v", c, s)
				}
				mustCommit(t, l, want, want+4, recordSize)
				want += 5
			}
			wantHeights(t, l, 1, want-1, recordSize)
			mustClose(t, l)
			if _, err := store.Verify(opts); err != nil {
				t.Error(err)
			}
		}
	}
	bad := memOptions(faultfs.New())
	bad.Direct = store.DirectOff + 1
	_, err := store.Open(bad)
	wantError(t, err, store.ErrOptions)
}

// TestDirectLostOnTheWay: a file system may refuse in the middle of a life, for
// instance after files were moved and linked elsewhere.
func TestDirectLostOnTheWay(t *testing.T) {
	for _, option := range []store.Direct{store.DirectAuto, store.DirectOn} {
		fsys := faultfs.New()
		opts := memOptions(fsys)
		opts.Direct = option
		l := mustOpen(t, opts)
		mustCommit(t, l, 1, 3, recordSize)
		fsys.SetDirect(false)
		err := l.Commit(4, payload(4, 0, recordSize)) // begins a segment
		if option == store.DirectOn {
			wantError(t, err, store.ErrPoisoned)
			wantError(t, err, store.ErrOptions)
			wantError(t, l.Close(), store.ErrPoisoned)
			opts.Direct = store.DirectAuto
			l = mustOpen(t, opts)
			wantHeights(t, l, 1, 3, recordSize)
			mustClose(t, l)
			continue
		}
		if err != nil || l.Stats().Direct {
			t.Fatalf("%v, %+v", err, l.Stats())
		}
		wantHeights(t, l, 1, 4, recordSize)
		mustClose(t, l)
	}
}

// TestDirectFailuresAreNotRefusals: an error that says nothing about O_DIRECT
// must not end in buffered writes.
func TestDirectFailuresAreNotRefusals(t *testing.T) {
	fsys := faultfs.New()
	fsys.Inject(faultfs.Fault{Op: faultfs.OpWrite, Err: syscall.EIO, Path: "direct.probe"})
	_, err := store.Open(memOptions(fsys))
	wantError(t, err, syscall.EIO)
	l, opts := threes(t, fsys, 4)
	mustClose(t, l)
	names, err := fsys.ReadDir("/data/node/blocks")
	if err != nil || strings.Contains(strings.Join(names, " "), "probe") {
		t.Fatalf("left over: %v, %v", names, err)
	}
	fsys.Inject(faultfs.Fault{Op: faultfs.OpOpen, Err: syscall.EMFILE, Path: "seg-0000000002.log", Skip: 2})
	_, err = store.Open(opts)
	wantError(t, err, syscall.EMFILE)
	l = mustOpen(t, opts)
	wantHeights(t, l, 1, 4, recordSize)
	mustClose(t, l)
}

// TestModesAlternate writes one real segment in turn past the page cache and
// through it, with all of it in the cache each time: nothing stale is read.
func TestModesAlternate(t *testing.T) {
	opts := store.Options{Dir: t.TempDir(), ChainID: chainA}
	next := uint64(1)
	for round := range 8 {
		opts.Direct = store.DirectOff
		if round%2 == 1 {
			opts.Direct = store.DirectAuto
		}
		l := mustOpen(t, opts)
		for range 5 {
			mustCommit(t, l, next, next, recordSize)
			next++
			wantHeights(t, l, 1, next-1, recordSize)
			// What read-ahead may have cached of the preallocated space.
			if _, err := os.ReadFile(opts.Dir + "/blocks/seg-0000000001.log"); err != nil {
				t.Fatal(err)
			}
		}
		mustClose(t, l)
		if _, err := store.Verify(opts); err != nil {
			t.Fatal(err)
		}
	}
}

func TestParseDirect(t *testing.T) {
	for _, d := range []store.Direct{store.DirectAuto, store.DirectOn, store.DirectOff} {
		if got, err := store.ParseDirect(d.String()); err != nil || got != d {
			t.Errorf("ParseDirect(%q) = %v, %v", d.String(), got, err)
		}
	}
	_, err := store.ParseDirect("yes")
	wantError(t, err, store.ErrOptions)
}
