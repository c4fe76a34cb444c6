package store

import (
	"io"
	"io/fs"
)

// OpenDirect is a flag for FS.OpenFile beside those of package os: transfers go
// past the page cache (O_DIRECT) and must begin on a page, in the file as in
// memory, and fill whole pages. A file system without that returns an error
// matching errors.ErrUnsupported or EINVAL, from OpenFile or the first transfer.
// Passing it on is all that a wrapper has to do.
const OpenDirect = 1 << 30

// FS is the part of a file system the log needs. OSFS is the real one; package
// faultfs has one that forgets what was not synced. Names are as in package os.
type FS interface {
	// OpenFile takes the os.O_ flags, and OpenDirect.
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	Mkdir(name string, perm fs.FileMode) error
	Rename(oldName, newName string) error
	Remove(name string) error
	// ReadDir returns the names in a directory, sorted.
	ReadDir(name string) ([]string, error)
	Stat(name string) (fs.FileInfo, error)
	// SyncDir makes the entries of a directory durable: without it a new file
	// may be gone after a crash however well its content was synced.
	SyncDir(name string) error
	// Lock takes the lock file name, shared between readers or exclusive for a
	// writer, without waiting. It fails with ErrInUse. The lock ends with Close
	// or with the process.
	Lock(name string, shared bool) (io.Closer, error)
}

// File is an open file of an FS. The log writes whole pages at multiples of
// PageBytes only. Its methods may be called from several goroutines.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	// Sync makes content and size durable (fdatasync where there is one). A
	// failed Sync says that some of it may never become durable.
	Sync() error
	Size() (int64, error)
	// Preallocate reserves disk space for [off, off+n) and lets the file reach
	// at least off+n, the new part reading as zeros. Existing bytes stay. It
	// returns an error matching errors.ErrUnsupported where that is impossible.
	Preallocate(off, n int64) error
	// DropCache forgets cached pages that are not waiting to be written, so
	// that the next reads show what the device has. It returns an error
	// matching errors.ErrUnsupported where that is impossible.
	DropCache() error
}
