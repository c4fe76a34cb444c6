//go:build unix

package hashtest

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// fences is a row of slots for buffers, each between two pages that must not
// be touched: a kernel that reads or writes over the edge faults.
//
//	fence | slot 0 | fence | slot 1 | fence | … | fence
type fences struct {
	all  []byte
	page int
	slot int // bytes, whole pages
}

// newFences makes slots for buffers of up to size bytes, filled with noise.
func newFences(slots, size int) (*fences, error) {
	page := os.Getpagesize()
	f := &fences{page: page, slot: max(1, (size+page-1)/page) * page}
	all, err := unix.Mmap(-1, 0, slots*(page+f.slot)+page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("guard pages: %w", err)
	}
	f.all = all
	for i := range slots + 1 {
		at := i * (page + f.slot)
		if i < slots {
			copy(all[at+page:], random(uint64(i), f.slot))
		}
		if err := unix.Mprotect(all[at:][:page], unix.PROT_NONE); err != nil {
			return nil, errors.Join(fmt.Errorf("guard pages: %w", err), f.free())
		}
	}
	return f, nil
}

// place returns n bytes of a slot: its first, or its last. The capacity of the
// latter runs on into the fence, so that growing the slice in place faults too.
func (f *fences) place(slot, n int, low bool) []byte {
	start := slot*(f.page+f.slot) + f.page
	if low {
		return f.all[start:][:n:n]
	}
	return f.all[start+f.slot-n:][: n : n+f.page]
}

// free gives the memory back. Nothing of it may be used afterwards.
func (f *fences) free() error { return unix.Munmap(f.all) }
