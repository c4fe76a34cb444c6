package faultfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"
	"time"

	"github.com/chainweir/weir/core/store"
)

// ErrCrashed is what files that were open during a crash return.
var ErrCrashed = errors.New("faultfs: the machine crashed while this file was open")

// change is something that happened to a file since its last sync.
type change struct {
	kind changeKind
	off  int64
	data []byte // of a write
	size int64  // of a truncation, or the least size of a growth
}

type changeKind int

const (
	write changeKind = iota
	truncation
	growth
)

// applyTo returns content after the change.
func (c change) applyTo(content []byte) []byte {
	switch c.kind {
	case truncation:
		if c.size < int64(len(content)) {
			return content[:c.size:c.size]
		}
		return extend(content, c.size)
	case growth:
		return extend(content, c.size)
	}
	content = extend(content, c.off+int64(len(c.data)))
	copy(content[c.off:], c.data)
	return content
}

// extend makes content at least size long, the new part zero.
func extend(content []byte, size int64) []byte {
	if n := size - int64(len(content)); n > 0 {
		return append(content, make([]byte, n)...)
	}
	return content
}

// handle is an open file.
type handle struct {
	fs       *FS
	name     string
	node     *inode
	writable bool
	direct   bool  // unbuffered
	gone     error // why it cannot be used: closed or crashed
}

var _ store.File = (*handle)(nil)

// begin locks the file system and checks that the handle can be used.
func (h *handle) begin(op string, forWriting bool) error {
	h.fs.mu.Lock()
	err := h.gone
	if err == nil && forWriting && !h.writable {
		err = fs.ErrPermission
	}
	if err != nil {
		h.fs.mu.Unlock()
		return pathError(op, h.name, err)
	}
	return nil
}

// ReadAt reads what processes see, synced or not.
func (h *handle) ReadAt(b []byte, off int64) (int, error) {
	if err := h.begin("read", false); err != nil {
		return 0, err
	}
	defer h.fs.mu.Unlock()
	if err := h.aligned("read", b, off); err != nil {
		return 0, err
	}
	if err := h.fs.fault(OpRead, h.name); err != nil {
		return 0, pathError("read", h.name, err)
	}
	if off < 0 {
		return 0, pathError("read", h.name, fmt.Errorf("negative offset %d: %w", off, fs.ErrInvalid))
	}
	n := 0
	if off < int64(len(h.node.now)) {
		n = copy(b, h.node.now[off:])
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt writes to the cache; only Sync takes it to the disk.
func (h *handle) WriteAt(b []byte, off int64) (int, error) {
	if err := h.begin("write", true); err != nil {
		return 0, err
	}
	defer h.fs.mu.Unlock()
	if err := h.aligned("write", b, off); err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, pathError("write", h.name, fmt.Errorf("negative offset %d: %w", off, fs.ErrInvalid))
	}
	var err error
	if ft := h.fs.match(OpWrite, h.name); ft != nil {
		err, b = ft.Err, b[:min(len(b), ft.ShortBytes)]
	}
	if more := off + int64(len(b)) - h.node.used; more > 0 && len(b) > 0 {
		if got := h.fs.grow(h.node, more); got < more {
			err, b = syscall.ENOSPC, b[:max(int64(len(b))-(more-got), 0)]
		}
	}
	if len(b) > 0 {
		h.node.do(change{kind: write, off: off, data: append([]byte(nil), b...)})
	}
	if err != nil {
		return len(b), pathError("write", h.name, err)
	}
	return len(b), nil
}

// Truncate changes the size in the cache; only Sync takes it to the disk.
func (h *handle) Truncate(size int64) error {
	if err := h.begin("truncate", true); err != nil {
		return err
	}
	defer h.fs.mu.Unlock()
	if err := h.fs.fault(OpTruncate, h.name); err != nil {
		return pathError("truncate", h.name, err)
	}
	if size < 0 {
		return pathError("truncate", h.name, fmt.Errorf("negative size %d: %w", size, fs.ErrInvalid))
	}
	h.fs.truncate(h.node, size)
	return nil
}

// truncate frees the space behind size; growing a file this way takes none.
func (f *FS) truncate(n *inode, size int64) {
	if size < n.used {
		f.grow(n, size-n.used)
	}
	n.do(change{kind: truncation, size: size})
}

// Preallocate takes the space at once and lets the file grow.
func (h *handle) Preallocate(off, n int64) error {
	if err := h.begin("preallocate", true); err != nil {
		return err
	}
	defer h.fs.mu.Unlock()
	if err := h.fs.fault(OpPreallocate, h.name); err != nil {
		return pathError("preallocate", h.name, err)
	}
	if off < 0 || n <= 0 {
		return pathError("preallocate", h.name, fmt.Errorf("offset %d, length %d: %w", off, n, fs.ErrInvalid))
	}
	if more := off + n - h.node.used; more > 0 {
		if got := h.fs.grow(h.node, more); got < more {
			h.fs.grow(h.node, -got)
			return pathError("preallocate", h.name, syscall.ENOSPC)
		}
	}
	h.node.do(change{kind: growth, size: off + n})
	return nil
}

// Sync takes the content to the disk.
func (h *handle) Sync() error {
	if err := h.begin("sync", false); err != nil {
		return err
	}
	defer h.fs.mu.Unlock()
	n := h.node
	if ft := h.fs.match(OpSync, h.name); ft != nil {
		if ft.KeepSeed != 0 {
			n.disk = survivors(n.disk, n.ops, newRand(ft.KeepSeed))
		}
		n.ops = nil // the pages are clean now, wherever they are
		return pathError("sync", h.name, ft.Err)
	}
	for _, c := range n.ops {
		n.disk = c.applyTo(n.disk)
	}
	n.ops = nil
	return nil
}

// DropCache shows what is on the disk, and what still waits to be written.
func (h *handle) DropCache() error {
	if err := h.begin("drop cache", false); err != nil {
		return err
	}
	defer h.fs.mu.Unlock()
	h.node.now = append([]byte(nil), h.node.disk...)
	for _, c := range h.node.ops {
		h.node.now = c.applyTo(h.node.now)
	}
	return nil
}

// Size is the size processes see.
func (h *handle) Size() (int64, error) {
	if err := h.begin("size", false); err != nil {
		return 0, err
	}
	defer h.fs.mu.Unlock()
	return int64(len(h.node.now)), nil
}

// Close closes the file without syncing it.
func (h *handle) Close() error {
	if err := h.begin("close", false); err != nil {
		return err
	}
	defer h.fs.mu.Unlock()
	h.gone = fs.ErrClosed
	delete(h.fs.open, h)
	return nil
}

func (n *inode) do(c change) {
	n.now = c.applyTo(n.now)
	n.ops = append(n.ops, c)
}

// info describes a file or directory.
type info struct {
	name string
	size int64
	dir  bool
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) IsDir() bool        { return i.dir }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) Sys() any           { return nil }

func (i info) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o755
	}
	return 0o644
}
