package faultfs

import (
	"io/fs"

	"github.com/chainweir/weir/core/store"
)

// Lying is a file system whose syncs report success and do nothing, as if
// somebody had removed the call. A crash test that still passes on it would not
// notice that the sync is missing.
type Lying struct {
	store.FS
	Files bool // syncs of files do nothing
	Dirs  bool // syncs of directories do nothing
}

// OpenFile opens a file whose Sync may do nothing.
func (l Lying) OpenFile(name string, flag int, perm fs.FileMode) (store.File, error) {
	f, err := l.FS.OpenFile(name, flag, perm)
	if err != nil || !l.Files {
		return f, err
	}
	return lyingFile{f}, nil
}

// SyncDir may do nothing.
func (l Lying) SyncDir(name string) error {
	if l.Dirs {
		return nil
	}
	return l.FS.SyncDir(name)
}

type lyingFile struct{ store.File }

func (lyingFile) Sync() error { return nil }
