package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
)

// OSFS is the operating system's file system.
type OSFS struct{}

var _ FS = OSFS{}

// OpenFile opens a file.
func (OSFS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	if flag&OpenDirect != 0 {
		if directFlag == 0 {
			return nil, fmt.Errorf("opening %s: no O_DIRECT on %s: %w", name, runtime.GOOS, errors.ErrUnsupported)
		}
		flag = flag&^OpenDirect | directFlag
	}
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return &osFile{f}, nil
}

// Mkdir makes one directory.
func (OSFS) Mkdir(name string, perm fs.FileMode) error { return os.Mkdir(name, perm) }

// Rename renames a file.
func (OSFS) Rename(oldName, newName string) error { return os.Rename(oldName, newName) }

// Remove removes a file.
func (OSFS) Remove(name string) error { return os.Remove(name) }

// Stat describes a file.
func (OSFS) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }

// ReadDir lists a directory.
func (OSFS) ReadDir(name string) ([]string, error) {
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

// osFile adds to *os.File what differs between systems: Sync, Preallocate and
// DropCache are in osfs_linux.go and osfs_other.go.
type osFile struct{ *os.File }

func (f *osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
