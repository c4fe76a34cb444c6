package faultfs

import (
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/chainweir/weir/core/store"
)

// Lock is a lock within this file system: it excludes other Locks of it, and a
// crash releases it.
func (f *FS) Lock(name string, shared bool) (io.Closer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name = filepath.Clean(name)
	if f.now[name] == nil {
		if shared {
			return nil, pathError("lock", name, fs.ErrNotExist)
		}
		if err := f.parentExists(name); err != nil {
			return nil, pathError("lock", name, err)
		}
		f.link(entry{name: name, node: &inode{}})
	}
	s := f.locks[name]
	if s == nil {
		s = &lockState{}
		f.locks[name] = s
	}
	if s.writer || s.readers > 0 && !shared {
		return nil, fmt.Errorf("%w: this process has it open (lock file %s)", store.ErrInUse, name)
	}
	if shared {
		s.readers++
	} else {
		s.writer = true
	}
	return &heldLock{fs: f, state: s, shared: shared}, nil
}

type lockState struct {
	writer  bool
	readers int
}

type heldLock struct {
	fs     *FS
	state  *lockState
	shared bool
	closed bool
}

// Close releases the lock. After a crash it releases a lock that no longer
// counts.
func (l *heldLock) Close() error {
	l.fs.mu.Lock()
	defer l.fs.mu.Unlock()
	if l.closed {
		return fs.ErrClosed
	}
	l.closed = true
	if l.shared {
		l.state.readers--
	} else {
		l.state.writer = false
	}
	return nil
}
