package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// rawFile writes whole buffers past the page cache, where the file system can.
type rawFile struct {
	f   *os.File
	buf []byte // page-aligned
	how string
}

// openRaw makes a file with size bytes allocated and not written.
func openRaw(name string, size int64) (*rawFile, error) {
	r := &rawFile{how: "O_DIRECT"}
	var err error
	r.f, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL|unix.O_DIRECT, 0o600)
	if errors.Is(err, unix.EINVAL) { // tmpfs and others
		r.how = "buffered"
		r.f, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	}
	if err != nil {
		return nil, err
	}
	if err = unix.Fallocate(int(r.f.Fd()), 0, 0, size); err == nil {
		r.buf, err = unix.Mmap(-1, 0, durableBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	}
	if err != nil {
		r.f.Close()
		return nil, fmt.Errorf("preparing %s for the raw writes: %w", name, err)
	}
	return r, nil
}

func (r *rawFile) write(off int64) error {
	if _, err := r.f.WriteAt(r.buf, off); err != nil {
		return err
	}
	return unix.Fdatasync(int(r.f.Fd()))
}

func (r *rawFile) close() {
	_ = unix.Munmap(r.buf) // the process ends soon, and nothing refers to it
	r.f.Close()
}

// residentBytes is the process's resident memory, -1 when unknown.
func residentBytes() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return -1
	}
	fields := bytes.Fields(b)
	if len(fields) < 2 {
		return -1
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return -1
	}
	return pages * int64(os.Getpagesize())
}

// forgetFiles has the kernel drop what it keeps of a directory's files in
// memory, so that they are read from the disk.
func forgetFiles(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		err = unix.Fsync(int(f.Fd())) // pages not yet written stay
		return errors.Join(err, unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED), f.Close())
	})
}
