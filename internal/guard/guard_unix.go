//go:build unix

package guard

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// New makes slots for buffers of up to size bytes. They hold zeros.
func New(slots, size int) (*Pages, error) {
	page := os.Getpagesize()
	p := &Pages{page: page, slot: max(1, (size+page-1)/page) * page}
	all, err := unix.Mmap(-1, 0, slots*(page+p.slot)+page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("guard pages: %w", err)
	}
	p.all = all
	for i := range slots + 1 {
		if err := unix.Mprotect(all[i*(page+p.slot):][:page], unix.PROT_NONE); err != nil {
			return nil, errors.Join(fmt.Errorf("guard pages: %w", err), p.Free())
		}
	}
	return p, nil
}

// Free gives the memory back. Nothing of it may be used afterwards.
func (p *Pages) Free() error { return unix.Munmap(p.all) }
