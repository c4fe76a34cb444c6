package merkle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
)

func TestReadDir(t *testing.T) {
	big := strings.Repeat("weir", dirReadBytes)
	files := map[string]string{"b": "", "a/z": "1", "a-b": "2", "a/b/c": big, ".hidden": "3", "ä": "4"}
	order := []string{".hidden", "a-b", "a/b/c", "a/z", "b", "ä"} // '-' comes before '/'
	dir := t.TempDir()
	for path, text := range files {
		full := filepath.Join(dir, filepath.FromSlash(path))
		if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o700), os.WriteFile(full, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, workers := range []int{1, 4} {
		var read atomic.Int64
		entries, err := ReadDir(context.Background(), Dir{
			FS: os.DirFS(dir), Name: dir, Workers: workers, Progress: func(n int) { read.Add(int64(n)) },
		})
		if err != nil || len(entries) != len(order) || read.Load() != int64(len(big)+4) {
			t.Fatalf("%d entries, %d bytes, %v", len(entries), read.Load(), err)
		}
		leaves := FileLeaves(entries)
		for i, path := range order {
			digest := sha256.Sum256([]byte(files[path]))
			if want := path + "\x00" + string(digest[:]); string(leaves[i]) != want {
				t.Errorf("leaf %d is %q; want %q", i, leaves[i], want)
			}
			if e, err := ParseFileLeaf(leaves[i]); err != nil || e != entries[i] {
				t.Errorf("leaf %d is read as %+v, %v", i, e, err)
			}
			if at, ok := FindFile(entries, path); !ok || at != uint64(i) {
				t.Errorf("%s is found at %d, %v", path, at, ok)
			}
		}
	}
	if _, ok := FindFile(nil, "a"); ok {
		t.Error("found a file among none")
	}
	if _, ok := FindFile([]FileEntry{{Path: "a"}, {Path: "c"}}, "b"); ok {
		t.Error("found a file that is not there")
	}
}

func TestReadDirRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		files fstest.MapFS
		want  string
	}{
		"link":     {fstest.MapFS{"sub/l": {Mode: fs.ModeSymlink, Data: []byte("x")}}, "sub/l is a symbolic link"},
		"pipe":     {fstest.MapFS{"p": {Mode: fs.ModeNamedPipe}}, "p is a named pipe"},
		"socket":   {fstest.MapFS{"s": {Mode: fs.ModeSocket}}, "s is a socket"},
		"device":   {fstest.MapFS{"d": {Mode: fs.ModeDevice}}, "d is a device"},
		"anything": {fstest.MapFS{"i": {Mode: fs.ModeIrregular}}, "i is not a regular file"},
	} {
		tc.files["file"] = &fstest.MapFile{}
		entries, err := ReadDir(context.Background(), Dir{FS: tc.files, Name: "top"})
		if !errors.Is(err, ErrLeafFile) || !strings.Contains(err.Error(), "top: "+tc.want) || entries != nil {
			t.Errorf("%s: %v; want %q", name, err, tc.want)
		}
	}
	for name, top := range map[string]string{"missing": filepath.Join(t.TempDir(), "none"), "a file": os.Args[0]} {
		if _, err := ReadDir(context.Background(), Dir{FS: os.DirFS(top), Name: top}); !errors.Is(err, ErrLeafFile) || !strings.Contains(err.Error(), top) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := ReadDir(ctx, Dir{FS: fstest.MapFS{"a": {}}}); !errors.Is(err, context.Canceled) || errors.Is(err, ErrLeafFile) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestReadDirNames(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux is sure to take names that are not UTF-8")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "\xff"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := ReadDir(context.Background(), Dir{FS: os.DirFS(dir), Name: dir})
	if !errors.Is(err, ErrLeafFile) || !strings.Contains(err.Error(), `"\xff" is not UTF-8`) {
		t.Errorf("got %v", err)
	}
}

// lyingFS says another size than its files have, as one that is written to.
type lyingFS struct{ fs.FS }

func (l lyingFS) Open(name string) (fs.File, error) {
	f, err := l.FS.Open(name)
	if info, statErr := fs.Stat(l.FS, name); statErr == nil && info.Mode().IsRegular() {
		return lyingFile{f}, err
	}
	return f, err
}

type lyingFile struct{ fs.File }

func (l lyingFile) Stat() (fs.FileInfo, error) {
	info, err := l.File.Stat()
	return lyingInfo{info}, err
}

type lyingInfo struct{ fs.FileInfo }

func (l lyingInfo) Size() int64 { return l.FileInfo.Size() + 1 }

func TestReadDirChanged(t *testing.T) {
	_, err := ReadDir(context.Background(), Dir{FS: lyingFS{fstest.MapFS{"a": {Data: []byte("x")}}}, Name: "top"})
	if !errors.Is(err, ErrLeafFile) || !strings.Contains(err.Error(), "a changed while it was read") {
		t.Errorf("got %v", err)
	}
}

// What is accepted is exactly what Leaf returns.
func FuzzParseFileLeaf(f *testing.F) {
	digest := strings.Repeat("d", HashSize)
	for _, path := range []string{"a/b", "", ".", "../x", "/x", "a//b", "a\x00b", "\xff"} {
		f.Add([]byte(path + "\x00" + digest))
	}
	f.Add([]byte(digest))
	f.Fuzz(func(t *testing.T, leaf []byte) {
		e, err := ParseFileLeaf(leaf)
		if err != nil {
			if !errors.Is(err, ErrFileLeaf) {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		if !bytes.Equal(e.Leaf(), leaf) || !fs.ValidPath(e.Path) || e.Path == "." || strings.Contains(e.Path, "\x00") {
			t.Fatalf("%q was read as %+v", leaf, e)
		}
	})
}

func TestParseFileLeafRefuses(t *testing.T) {
	digest := strings.Repeat("d", HashSize)
	for _, leaf := range []string{
		"", digest, "\x00" + digest, "a" + digest, "ax" + digest, ".\x00" + digest, "/a\x00" + digest,
		"a/../b\x00" + digest, "a\x00b\x00" + digest, "\xff\x00" + digest, "a\x00" + digest + "x",
	} {
		if e, err := ParseFileLeaf([]byte(leaf)); !errors.Is(err, ErrFileLeaf) {
			t.Errorf("%q was read as %+v, %v", leaf, e, err)
		}
	}
}
