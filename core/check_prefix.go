package core

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/chainweir/weir/core/store"
)

// beforeDamage shows a data directory as if its log ended where the damage
// begins. A damaged log cannot be opened, yet a block before the damage may be
// wrong as well, and Check promises the first wrong one.
func beforeDamage(d *store.CorruptError) store.FS {
	return prefixFS{FS: store.OSFS{}, path: filepath.Clean(d.Path), size: d.Offset}
}

// prefixFS cuts the file path to size bytes and hides the files after it, whose
// names sort behind it. It is for reading.
type prefixFS struct {
	store.FS
	path string
	size int64
}

// OpenFile opens a file, the damaged one with its new end.
func (p prefixFS) OpenFile(name string, flag int, perm fs.FileMode) (store.File, error) {
	f, err := p.FS.OpenFile(name, flag, perm)
	if err != nil || filepath.Clean(name) != p.path {
		return f, err
	}
	return prefixFile{f, p.size}, nil
}

// ReadDir lists a directory without the files after the damaged one.
func (p prefixFS) ReadDir(name string) ([]string, error) {
	names, err := p.FS.ReadDir(name)
	if filepath.Clean(name) == filepath.Dir(p.path) {
		names = slices.DeleteFunc(names, func(n string) bool { return n > filepath.Base(p.path) })
	}
	return names, err
}

type prefixFile struct {
	store.File
	size int64
}

// Size is the shortened size.
func (f prefixFile) Size() (int64, error) {
	n, err := f.File.Size()
	return min(n, f.size), err
}

// ReadAt ends at the shortened size.
func (f prefixFile) ReadAt(b []byte, off int64) (int, error) {
	if off >= f.size {
		return 0, io.EOF
	}
	if int64(len(b)) <= f.size-off {
		return f.File.ReadAt(b, off)
	}
	n, err := f.File.ReadAt(b[:f.size-off], off)
	return n, errors.Join(err, io.EOF)
}
