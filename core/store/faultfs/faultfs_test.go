package faultfs_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/store/faultfs"
)

func create(t testing.TB, fsys store.FS, name string) store.File {
	t.Helper()
	f, err := fsys.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func write(t testing.TB, f store.File, off int64, b []byte) {
	t.Helper()
	if n, err := f.WriteAt(b, off); n != len(b) || err != nil {
		t.Fatalf("WriteAt = %d, %v", n, err)
	}
}

func fill(c byte, n int) []byte { return bytes.Repeat([]byte{c}, n) }

// A file of the real kind and one of ours must agree on everything a process
// can see without a crash.
func TestBehavesLikeTheOS(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		mem := faultfs.New()
		mem.WriteFile(filepath.Join(dir, "x"), nil) // makes the directories
		must(t, mem.Remove(filepath.Join(dir, "x")))
		both := []store.FS{store.OSFS{}, mem}
		name := func(label string) string {
			return filepath.Join(dir, rapid.SampledFrom([]string{"a", "b", "d", "d/c"}).Draw(rt, label))
		}
		for range rapid.IntRange(1, 15).Draw(rt, "steps") {
			op := rapid.IntRange(0, 6).Draw(rt, "op")
			a, b := name("name"), name("other name")
			off := int64(rapid.IntRange(0, 3000).Draw(rt, "offset"))
			data := rapid.SliceOfN(rapid.Byte(), 1, 600).Draw(rt, "data")
			var got [2]string
			for i, fsys := range both {
				got[i] = act(fsys, op, a, b, off, data)
			}
			if got[0] != got[1] {
				rt.Fatalf("operation %d: the OS says %q, faultfs %q", op, got[0], got[1])
			}
		}
	})
}

// act does one thing and describes what could be seen of it.
func act(fsys store.FS, op int, a, b string, off int64, data []byte) string {
	outcome := func(err error) string {
		switch {
		case err == nil:
			return "ok"
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
			return "not there"
		case errors.Is(err, fs.ErrExist): // ENOTEMPTY, too
			return "exists"
		}
		return "refused"
	}
	switch op {
	case 0:
		return outcome(fsys.Mkdir(a, 0o755))
	case 1:
		return outcome(fsys.Remove(a))
	case 2:
		for _, name := range []string{a, b} {
			if info, err := fsys.Stat(name); err == nil && info.IsDir() {
				return "directories are not renamed"
			}
		}
		return outcome(fsys.Rename(a, b))
	case 3:
		names, err := fsys.ReadDir(filepath.Dir(a))
		return outcome(err) + " " + filepath.Join(names...)
	case 4:
		info, err := fsys.Stat(a)
		if err != nil || info.IsDir() {
			return outcome(err)
		}
		return "file " + string(rune('0'+info.Size()%10)) + info.Name()
	}
	flag := os.O_RDWR
	if op == 5 {
		flag |= os.O_CREATE
	}
	f, err := fsys.OpenFile(a, flag, 0o644)
	if err != nil {
		return outcome(err)
	}
	defer func() { _ = f.Close() }()
	if op == 5 {
		_, err = f.WriteAt(data, off)
	} else {
		err = f.Truncate(off)
	}
	all := make([]byte, 5000)
	n, readErr := f.ReadAt(all, 0)
	size, _ := f.Size()
	if !errors.Is(readErr, io.EOF) || int64(n) != size {
		return "bad read"
	}
	return outcome(err) + string(all[:n])
}

func TestSyncedSurvives(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		fsys := faultfs.New()
		must(t, fsys.Mkdir("/d", 0o755), fsys.SyncDir("/"))
		f := create(t, fsys, "/d/f")
		must(t, fsys.SyncDir("/d"))
		var synced []byte
		var since [][]byte // states the file went through after the last sync
		now := []byte{}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			switch rapid.IntRange(0, 3).Draw(rt, "op") {
			case 0:
				must(t, f.Sync())
				synced, since = slices.Clone(now), nil
			case 1:
				size := rapid.IntRange(0, 4000).Draw(rt, "size")
				must(t, f.Truncate(int64(size)))
				now = append(slices.Clone(now[:min(size, len(now))]), make([]byte, max(size-len(now), 0))...)
				since = append(since, now)
			default:
				off, data := rapid.IntRange(0, 3000).Draw(rt, "off"), rapid.SliceOfN(rapid.Byte(), 1, 1500).Draw(rt, "data")
				write(t, f, int64(off), data)
				now = append(slices.Clone(now), make([]byte, max(off+len(data)-len(now), 0))...)
				copy(now[off:], data)
				since = append(since, now)
			}
		}
		fsys.Crash(rapid.Uint64().Draw(rt, "seed"))
		got, err := fsys.ReadFile("/d/f")
		if err != nil {
			rt.Fatalf("a synced name is gone: %v", err)
		}
		if len(since) == 0 && !bytes.Equal(got, synced) {
			rt.Fatal("synced content changed")
		}
		// A byte is what it was when synced, or what some later write made it,
		// or zero where the file was cut or grew.
		for i, c := range got {
			ok := c == 0 || i < len(synced) && synced[i] == c
			for _, s := range since {
				ok = ok || i < len(s) && s[i] == c
			}
			if !ok {
				rt.Fatalf("byte %d is %d, which nobody ever wrote there", i, c)
			}
		}
	})
}

// Every kind of loss must actually happen for some seed, or the crash tests
// built on this are weaker than they look.
func TestCrashLosesEachWay(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(300) {
		fsys := faultfs.New()
		fsys.WriteFile("/d/f", fill('o', 4*faultfs.SectorBytes))
		f := create(t, fsys, "/d/f")
		g := create(t, fsys, "/d/new")
		must(t, g.Sync(), fsys.Rename("/d/f", "/d/renamed"))
		write(t, f, 0, fill('A', 2*faultfs.SectorBytes))
		write(t, f, 2*faultfs.SectorBytes, fill('B', 2*faultfs.SectorBytes))
		write(t, f, 4*faultfs.SectorBytes, fill('C', faultfs.SectorBytes))
		fsys.Crash(seed)
		_, errNew := fsys.Stat("/d/new")
		seen["new name lost"] = seen["new name lost"] || errNew != nil
		seen["new name kept"] = seen["new name kept"] || errNew == nil
		b, err := fsys.ReadFile("/d/renamed")
		if err != nil {
			seen["rename lost"] = true
			if b, err = fsys.ReadFile("/d/f"); err != nil {
				t.Fatalf("seed %d: a rename lost both names", seed)
			}
		}
		has := func(c byte, n int) bool { return bytes.Count(b, []byte{c}) == n*faultfs.SectorBytes }
		for what, is := range map[string]bool{
			"all lost":                has('o', 4) && len(b) == 4*faultfs.SectorBytes,
			"all kept":                has('A', 2) && has('B', 2) && has('C', 1),
			"later kept, earlier not": has('A', 0) && has('B', 2),
			"earlier kept, later not": has('A', 2) && has('B', 0),
			"torn":                    has('A', 1),
			"length without bytes":    len(b) == 5*faultfs.SectorBytes && has('C', 0),
		} {
			seen[what] = seen[what] || is
		}
	}
	for _, what := range []string{"new name lost", "new name kept", "rename lost", "all lost", "all kept",
		"later kept, earlier not", "earlier kept, later not", "torn", "length without bytes"} {
		if !seen[what] {
			t.Errorf("in 300 crashes never: %s", what)
		}
	}
}

func TestSameSeedSameCrash(t *testing.T) {
	build := func() *faultfs.FS {
		fsys := faultfs.New()
		for _, name := range []string{"/a", "/b", "/c"} {
			f := create(t, fsys, name)
			for i := range 10 {
				write(t, f, int64(i*700), fill(byte(i+1), 900))
			}
		}
		must(t, fsys.SyncDir("/"))
		return fsys
	}
	differ := false
	for seed := range uint64(20) {
		image := build().CrashImage(seed)
		other := build()
		other.Crash(seed)
		for _, name := range []string{"/a", "/b", "/c"} {
			x, errX := image.ReadFile(name)
			y, errY := other.ReadFile(name)
			if errX != nil || errY != nil || !bytes.Equal(x, y) {
				t.Fatalf("seed %d: %s differs between two runs: %v %v", seed, name, errX, errY)
			}
			z, _ := build().CrashImage(seed + 1).ReadFile(name)
			differ = differ || !bytes.Equal(x, z)
		}
	}
	if !differ {
		t.Fatal("the seed changes nothing")
	}
}

func TestCrashImageLeavesTheOriginalAlone(t *testing.T) {
	fsys := faultfs.New()
	f := create(t, fsys, "/f")
	write(t, f, 0, fill('x', 1000))
	must(t, fsys.SyncDir("/"))
	image := fsys.CrashImage(3)
	g, err := image.OpenFile("/f", os.O_RDWR, 0)
	must(t, err)
	write(t, g, 0, fill('y', 1000))
	must(t, g.Sync())
	write(t, f, 1000, fill('x', 24))
	if b, _ := fsys.ReadFile("/f"); !bytes.Equal(b, fill('x', 1024)) {
		t.Fatal("the image and the original share bytes")
	}
	must(t, f.Sync(), f.Close())
}

func TestCrashAndKillEndProcesses(t *testing.T) {
	fsys := faultfs.New()
	for _, end := range []func(){func() { fsys.Crash(0) }, fsys.Kill} {
		f := create(t, fsys, "/f")
		lock, err := fsys.Lock("/LOCK", false)
		must(t, err)
		if _, err := fsys.Lock("/LOCK", true); !errors.Is(err, store.ErrInUse) {
			t.Fatalf("a second lock: %v", err)
		}
		end()
		_, readErr := f.ReadAt(make([]byte, 1), 0)
		_, writeErr := f.WriteAt([]byte{1}, 0)
		for _, err := range []error{readErr, writeErr, f.Sync(), f.Truncate(0), f.Close()} {
			if !errors.Is(err, faultfs.ErrCrashed) {
				t.Fatalf("a file that was open during the end: %v", err)
			}
		}
		again, err := fsys.Lock("/LOCK", false)
		must(t, err)
		must(t, lock.Close()) // the dead process's lock must not free the new one
		if _, err := fsys.Lock("/LOCK", false); !errors.Is(err, store.ErrInUse) {
			t.Fatalf("a lock was freed by a dead process: %v", err)
		}
		must(t, again.Close())
	}
}

func TestInjectedFaults(t *testing.T) {
	fsys := faultfs.New()
	f := create(t, fsys, "/f")
	must(t, fsys.SyncDir("/"))
	fsys.Inject(faultfs.Fault{Op: faultfs.OpWrite, Err: syscall.EIO, Skip: 1, ShortBytes: 3})
	write(t, f, 0, []byte("abcd"))
	if n, err := f.WriteAt([]byte("efgh"), 4); n != 3 || !errors.Is(err, syscall.EIO) {
		t.Fatalf("short write = %d, %v", n, err)
	}
	if b, _ := fsys.ReadFile("/f"); string(b) != "abcdefg" {
		t.Fatalf("after a short write the file holds %q", b)
	}
	write(t, f, 7, []byte("h")) // once only

	fsys.Inject(faultfs.Fault{Op: faultfs.OpSync, Err: syscall.EIO, Path: "nothing has this name", Times: -1})
	must(t, f.Sync())
	fsys.Inject(faultfs.Fault{Op: faultfs.OpSync, Err: syscall.EIO, Path: "/f"})
	write(t, f, 8, []byte("ij"))
	if err := f.Sync(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("Sync: %v", err)
	}
	must(t, f.Sync()) // succeeds, and does not write what the failed one dropped
	if b, _ := fsys.ReadFile("/f"); string(b) != "abcdefghij" {
		t.Fatalf("the cache holds %q", b)
	}
	must(t, f.DropCache())
	if b, _ := fsys.ReadFile("/f"); string(b) != "abcdefgh" {
		t.Fatalf("behind the cache there is %q", b)
	}
	fsys.Inject(faultfs.Fault{Op: faultfs.OpRead, Err: syscall.EIO, Times: -1})
	for range 3 {
		if _, err := f.ReadAt(make([]byte, 1), 0); !errors.Is(err, syscall.EIO) {
			t.Fatalf("ReadAt: %v", err)
		}
	}
	fsys.ClearFaults()
	if _, err := f.ReadAt(make([]byte, 1), 0); err != nil {
		t.Fatal(err)
	}
	if n := fsys.Calls(faultfs.OpRead); n != 4 {
		t.Fatalf("%d reads were counted, want 4", n)
	}
	must(t, f.Close())
	if err := f.Close(); !errors.Is(err, fs.ErrClosed) {
		t.Fatalf("second Close: %v", err)
	}
}

func TestFreeBytes(t *testing.T) {
	fsys := faultfs.New()
	f := create(t, fsys, "/f")
	fsys.SetFreeBytes(100)
	write(t, f, 0, fill('x', 90))
	if n, err := f.WriteAt(fill('y', 30), 80); n != 20 || !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("a write over the limit = %d, %v; want 20 bytes", n, err)
	}
	if n, err := f.WriteAt(fill('z', 5), 100); n != 0 || !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("a write beyond the limit = %d, %v", n, err)
	}
	write(t, f, 0, fill('z', 100)) // within what it has
	must(t, f.Truncate(40))
	if err := f.Preallocate(40, 61); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("Preallocate: %v", err)
	}
	must(t, f.Preallocate(40, 60))
	if b, _ := fsys.ReadFile("/f"); !bytes.Equal(b, append(fill('z', 40), make([]byte, 60)...)) {
		t.Fatalf("after Preallocate the file holds %q", b)
	}
	g := create(t, fsys, "/g")
	if n, err := g.WriteAt([]byte("x"), 0); n != 0 || !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("another file = %d, %v", n, err)
	}
	must(t, fsys.Remove("/f"))
	write(t, g, 0, fill('g', 100))
}

func TestLying(t *testing.T) {
	for seed := range uint64(50) {
		fsys := faultfs.New()
		liar := faultfs.Lying{FS: fsys, Files: true}
		f := create(t, liar, "/f")
		write(t, f, 0, fill('x', 100))
		must(t, f.Sync(), liar.SyncDir("/"))
		fsys.Crash(seed)
		b, err := fsys.ReadFile("/f")
		if err != nil {
			t.Fatalf("seed %d: the directory was synced: %v", seed, err)
		}
		if len(b) < 100 || b[0] != 'x' {
			return // lost, as it must be for some seed
		}
	}
	t.Fatal("a file whose sync does nothing survived 50 crashes")
}
