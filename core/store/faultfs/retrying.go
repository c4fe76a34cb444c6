package faultfs

import (
	"io/fs"

	"github.com/chainweir/weir/core/store"
)

// Retrying is a file system for programs that believe in trying again: a sync
// that fails is repeated, and what the second one says counts. The second one
// succeeds and has written nothing (see Fault). A test of what a failed sync
// leads to must fail on it.
type Retrying struct{ store.FS }

// OpenFile opens a file whose Sync tries twice.
func (r Retrying) OpenFile(name string, flag int, perm fs.FileMode) (store.File, error) {
	f, err := r.FS.OpenFile(name, flag, perm)
	if err != nil {
		return f, err
	}
	return retryingFile{f}, nil
}

type retryingFile struct{ store.File }

func (f retryingFile) Sync() error {
	if f.File.Sync() == nil {
		return nil
	}
	return f.File.Sync()
}
