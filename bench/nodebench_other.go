//go:build !linux

package bench

import (
	"errors"
	"os"
)

// rawFile writes whole buffers through the page cache.
type rawFile struct {
	f   *os.File
	buf []byte
	how string
}

// openRaw makes a file of the given size.
func openRaw(name string, size int64) (*rawFile, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Truncate(size); err != nil {
		f.Close()
		return nil, err
	}
	return &rawFile{f, make([]byte, durableBytes), "buffered"}, nil
}

func (r *rawFile) write(off int64) error {
	if _, err := r.f.WriteAt(r.buf, off); err != nil {
		return err
	}
	return r.f.Sync()
}

func (r *rawFile) close() { r.f.Close() }

// residentBytes is the process's resident memory, -1 when unknown.
func residentBytes() int64 { return -1 }

// forgetFiles is for dropping files from memory, which only Linux is asked to.
func forgetFiles(string) error { return errors.ErrUnsupported }
