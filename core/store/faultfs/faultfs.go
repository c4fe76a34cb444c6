// Package faultfs is a file system in memory that behaves like a disk on a bad
// day. Writes, truncations, new names, renames and removals count only once
// they are synced; Crash throws an arbitrary part of the rest away, and Inject
// and SetFreeBytes make operations fail. It is for tests: of the block log, and
// of a whole node running in the test's process on top of it.
//
// What a crash keeps is decided by its seed alone: the same operations in the
// same order and the same seed leave the same bytes. Within a file, each write
// since the last sync is kept, dropped, or torn into sectors of 512 bytes, and
// the pieces reach the disk in any order; the file may have grown to its new
// length without the bytes; a truncation may or may not have happened. Sectors
// are atomic: each holds the old or the new bytes. Names are kept or dropped
// one by one, independently of the content.
//
// It is kinder than some disks: what was synced is never lost, and a sector
// that is not being written never changes. Use Corrupt for that.
package faultfs

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"sync"
	"syscall"

	"github.com/chainweir/weir/core/store"
)

// SectorBytes is the unit that a crash keeps or drops as a whole.
const SectorBytes = 512

// FS is a file system in memory. The root and the current directory exist; both
// are durable. It is safe for use by several goroutines.
type FS struct {
	mu       sync.Mutex
	now      tree    // what processes see
	disk     tree    // what a crash leaves at least
	pending  []entry // changes of names since the last SyncDir
	locks    map[string]*lockState
	open     map[*handle]bool
	faults   []*Fault
	calls    map[Op]int
	free     int64 // bytes that files may still grow by; negative: no limit
	noDirect bool  // no unbuffered files
}

// tree maps clean names to what they name.
type tree map[string]*inode

// inode is a directory or a file.
type inode struct {
	dir  bool
	now  []byte   // a file as processes see it
	disk []byte   // a file as synced
	ops  []change // what happened since the last sync
	used int64    // bytes counted against FS.free
}

// entry is a change of names; with from it is a rename, without node a removal.
type entry struct {
	name string
	node *inode
	from string
}

var _ store.FS = (*FS)(nil)

// New returns an empty file system.
func New() *FS {
	f := &FS{free: -1, calls: map[Op]int{}}
	f.mount(tree{"/": {dir: true}, ".": {dir: true}})
	return f
}

// mount starts from what is on the disk, like a reboot: whatever was open or
// locked is gone.
func (f *FS) mount(disk tree) {
	f.disk, f.now, f.pending = disk, tree{}, nil
	f.locks, f.open = map[string]*lockState{}, map[*handle]bool{}
	for name, n := range disk {
		f.now[name] = n
	}
}

// OpenFile opens or creates a file.
func (f *FS) OpenFile(name string, flag int, _ fs.FileMode) (store.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name = filepath.Clean(name)
	if err := f.fault(OpOpen, name); err != nil {
		return nil, pathError("open", name, err)
	}
	n := f.now[name]
	switch {
	case f.noDirect && flag&store.OpenDirect != 0:
		return nil, pathError("open", name, syscall.EINVAL)
	case n != nil && n.dir:
		return nil, pathError("open", name, fmt.Errorf("is a directory: %w", fs.ErrInvalid))
	case n != nil && flag&os.O_CREATE != 0 && flag&os.O_EXCL != 0:
		return nil, pathError("open", name, fs.ErrExist)
	case n == nil && flag&os.O_CREATE == 0:
		return nil, pathError("open", name, fs.ErrNotExist)
	case n == nil:
		if err := f.parentExists(name); err != nil {
			return nil, pathError("open", name, err)
		}
		n = &inode{}
		f.link(entry{name: name, node: n})
	}
	h := &handle{fs: f, name: name, node: n, writable: flag&(os.O_WRONLY|os.O_RDWR) != 0,
		direct: flag&store.OpenDirect != 0}
	f.open[h] = true
	if flag&os.O_TRUNC != 0 && h.writable {
		f.truncate(n, 0)
	}
	return h, nil
}

// Mkdir makes one directory.
func (f *FS) Mkdir(name string, _ fs.FileMode) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	name = filepath.Clean(name)
	if f.now[name] != nil {
		return pathError("mkdir", name, fs.ErrExist)
	}
	if err := f.parentExists(name); err != nil {
		return pathError("mkdir", name, err)
	}
	f.link(entry{name: name, node: &inode{dir: true}})
	return nil
}

// Rename renames a file, replacing another file of the new name. Directories
// cannot be renamed here.
func (f *FS) Rename(oldName, newName string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	oldName, newName = filepath.Clean(oldName), filepath.Clean(newName)
	n, target := f.now[oldName], f.now[newName]
	switch {
	case n == nil:
		return pathError("rename", oldName, fs.ErrNotExist)
	case n.dir || target != nil && target.dir:
		return pathError("rename", oldName, fmt.Errorf("directories are not renamed here: %w", fs.ErrInvalid))
	}
	if err := f.parentExists(newName); err != nil {
		return pathError("rename", newName, err)
	}
	if err := f.fault(OpRename, newName); err != nil {
		return pathError("rename", newName, err)
	}
	if oldName != newName {
		f.link(entry{name: newName, node: n, from: oldName})
	}
	return nil
}

// Remove removes a file or an empty directory.
func (f *FS) Remove(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	name = filepath.Clean(name)
	n := f.now[name]
	if n == nil {
		return pathError("remove", name, fs.ErrNotExist)
	}
	if err := f.fault(OpRemove, name); err != nil {
		return pathError("remove", name, err)
	}
	if n.dir && len(f.children(name)) > 0 {
		return pathError("remove", name, syscall.ENOTEMPTY)
	}
	f.grow(n, -n.used)
	f.link(entry{name: name})
	return nil
}

// ReadDir lists a directory.
func (f *FS) ReadDir(name string) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name = filepath.Clean(name)
	if n := f.now[name]; n == nil || !n.dir {
		return nil, pathError("readdir", name, fs.ErrNotExist)
	}
	return f.children(name), nil
}

// Stat describes a file or directory.
func (f *FS) Stat(name string) (fs.FileInfo, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name = filepath.Clean(name)
	n := f.now[name]
	if n == nil {
		return nil, pathError("stat", name, fs.ErrNotExist)
	}
	return info{name: filepath.Base(name), size: int64(len(n.now)), dir: n.dir}, nil
}

// SyncDir makes the names in a directory durable.
func (f *FS) SyncDir(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	name = filepath.Clean(name)
	if n := f.now[name]; n == nil || !n.dir {
		return pathError("syncdir", name, fs.ErrNotExist)
	}
	if err := f.fault(OpSyncDir, name); err != nil {
		return pathError("syncdir", name, err)
	}
	rest := f.pending[:0]
	for _, e := range f.pending {
		if e.touches(name) {
			f.disk.apply(e)
		} else {
			rest = append(rest, e)
		}
	}
	f.pending = rest
	return nil
}

// link changes a name for processes and remembers it for the next SyncDir.
func (f *FS) link(e entry) {
	f.now.apply(e)
	f.pending = append(f.pending, e)
}

func (t tree) apply(e entry) {
	if e.from != "" {
		delete(t, e.from)
	}
	if e.node == nil {
		delete(t, e.name)
		return
	}
	t[e.name] = e.node
}

func (e entry) touches(dir string) bool {
	return filepath.Dir(e.name) == dir || e.from != "" && filepath.Dir(e.from) == dir
}

// children returns the names in a directory, sorted.
func (f *FS) children(dir string) []string {
	var names []string
	for name := range f.now {
		if name != dir && filepath.Dir(name) == dir {
			names = append(names, filepath.Base(name))
		}
	}
	sort.Strings(names)
	return names
}

func (f *FS) parentExists(name string) error {
	if n := f.now[filepath.Dir(name)]; n == nil || !n.dir {
		return fmt.Errorf("no directory %s: %w", filepath.Dir(name), fs.ErrNotExist)
	}
	return nil
}

func pathError(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: name, Err: err}
}
