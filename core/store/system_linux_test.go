package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/chainweir/weir/core/store"
)

const nobodyUID = 65534

// asNobody runs f with file permissions that apply to it, which they do not to
// root.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	runtime.LockOSThread() // the file system uid belongs to the thread
	defer runtime.UnlockOSThread()
	if err := unix.Setfsuid(nobodyUID); err != nil {
		t.Skipf("cannot give up root's file permissions on this kernel: %v", err)
	}
	defer func() {
		if err := unix.Setfsuid(0); err != nil {
			t.Fatalf("cannot take root's file permissions back: %v", err)
		}
	}()
	f()
}

// worldDir is a temporary directory that nobody can reach, too.
func worldDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestUnwritableDirectory(t *testing.T) {
	dir := worldDir(t)
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{dir, filepath.Join(dir, "node")} {
		var err error
		asNobody(t, func() { _, err = store.Open(store.Options{Dir: d, ChainID: chainA}) })
		if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), d) || !strings.Contains(err.Error(), "choose a directory") {
			t.Errorf("opening %s: %v", d, err)
		}
	}
}

func TestReadOnlyDirectory(t *testing.T) {
	dir := worldDir(t)
	opts := store.Options{Dir: dir, ChainID: chainA, SegmentBytes: 64 << 10}
	l := mustOpen(t, opts)
	mustCommit(t, l, 1, 20, 5000)
	mustClose(t, l)
	for _, d := range []string{filepath.Join(dir, "blocks"), dir} {
		if err := os.Chmod(d, 0o555); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(d, 0o755) })
	}
	for _, lockFile := range []string{"with", "without"} {
		t.Run(lockFile+" lock file", func(t *testing.T) {
			if lockFile == "without" {
				if os.Geteuid() != 0 {
					t.Skip("only root can remove a file from a read-only directory")
				}
				if err := os.Remove(filepath.Join(dir, "LOCK")); err != nil {
					t.Fatal(err)
				}
			}
			asNobody(t, func() {
				opts.ReadOnly = true
				l, err := store.Open(opts)
				if err != nil {
					t.Errorf("Open: %v", err)
					return
				}
				wantHeights(t, l, 1, 20, 5000)
				mustClose(t, l)
				if _, err := store.Verify(opts); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

var errNoMounts = errors.New("cannot mount")

// onTmpfs runs f on a small file system of its own that nobody else sees and
// that is gone with the thread it lives in.
func onTmpfs(t *testing.T, sizeBytes int, f func(dir string) error) error {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to mount a small file system that can be filled")
	}
	dir := t.TempDir()
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine, and its mounts with it
		result <- func() error {
			if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
				return fmt.Errorf("%w: unshare: %w", errNoMounts, err)
			}
			if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
				return fmt.Errorf("making mounts private: %w", err)
			}
			if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", sizeBytes)); err != nil {
				return fmt.Errorf("%w: mounting tmpfs: %w", errNoMounts, err)
			}
			defer func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }() // the thread takes it along anyway
			return f(dir)
		}()
	}()
	return <-result
}

func TestFullDisk(t *testing.T) {
	const diskBytes = 4 << 20
	err := onTmpfs(t, diskBytes, func(mount string) error {
		dir := filepath.Join(mount, "node")
		ballast := filepath.Join(mount, "ballast")
		if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o644); err != nil {
			return err
		}
		opts := store.Options{Dir: dir, ChainID: chainA, SegmentBytes: 1 << 20}
		l, err := store.Open(opts)
		if err != nil {
			return err
		}
		height := uint64(0)
		for err == nil {
			height++
			if height > 1000 {
				return errors.New("the disk never became full")
			}
			err = l.Commit(height, payload(height, 0, 20_000))
		}
		if !errors.Is(err, store.ErrNoSpace) || !errors.Is(err, store.ErrPoisoned) || !strings.Contains(err.Error(), dir) {
			return fmt.Errorf("a full disk is reported as: %w", err)
		}
		if used := height * 20_000; used < 2<<20 {
			return fmt.Errorf("only %d of %d bytes could be used", used, diskBytes)
		}
		if err := l.Close(); !errors.Is(err, store.ErrPoisoned) {
			return fmt.Errorf("Close: %w", err)
		}
		if err := os.Remove(ballast); err != nil {
			return err
		}
		if l, err = store.Open(opts); err != nil {
			return err
		}
		defer func() { _ = l.Close() }() // what counts is read below
		if head, ok := l.Head(); !ok || head != height-1 {
			return fmt.Errorf("after making room the log ends with %d, %v; synced was %d", head, ok, height-1)
		}
		if err := l.Commit(height, payload(height, 0, 20_000)); err != nil {
			return err
		}
		return l.Scan(0, func(h uint64, p []byte) error {
			if !bytes.Equal(p, payload(h, 0, 20_000)) {
				return fmt.Errorf("height %d has other bytes than were appended", h)
			}
			return nil
		})
	})
	if errors.Is(err, errNoMounts) && errors.Is(err, fs.ErrPermission) {
		t.Skipf("this root may not mount a small file system to fill: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestPreallocation looks at the file: the reserve is there while the log is
// open, and given back when it is closed.
func TestPreallocation(t *testing.T) {
	opts := store.Options{Dir: t.TempDir(), ChainID: chainA}
	name := filepath.Join(opts.Dir, "blocks", "seg-0000000001.log")
	probe, err := store.OSFS{}.OpenFile(filepath.Join(opts.Dir, "probe"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	err = probe.Preallocate(0, store.PageBytes)
	if closeErr := probe.Close(); closeErr != nil {
		t.Fatal(closeErr)
	}
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("the file system under the temporary directory has no fallocate")
	}
	l := mustOpen(t, opts)
	mustCommit(t, l, 1, 3, 100)
	size := func() int64 {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	if n := size(); n <= 4*store.PageBytes {
		t.Errorf("the open segment has %d bytes: nothing was preallocated", n)
	}
	mustClose(t, l)
	if n := size(); n != 4*store.PageBytes {
		t.Errorf("the closed segment has %d bytes, want %d", n, 4*store.PageBytes)
	}
}
