package store

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// allocatePages returns n zero bytes that begin on a page. They are mapped and
// not taken from the heap: Go promises no alignment, and the kernel may back a
// mapping with large pages.
func allocatePages(n int) (b []byte, free func() error, err error) {
	b, err = unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, nil, fmt.Errorf("mapping a buffer of %d bytes: %w", n, err)
	}
	if n >= hugePageBytes {
		// A wish: kernels without large pages refuse it, and nothing depends on it.
		_ = unix.Madvise(b, unix.MADV_HUGEPAGE)
	}
	return b, func() error { return unix.Munmap(b) }, nil
}
