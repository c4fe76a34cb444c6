//go:build unix

package blake3x

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// guarded returns n bytes with a page that must not be touched right before
// them, if low, or right behind them. A kernel that reads or writes over the
// edge ends the test program with a fault.
func guarded(t *testing.T, n int, low bool) []byte {
	t.Helper()
	page := os.Getpagesize()
	body := max(1, (n+page-1)/page) * page
	all, err := unix.Mmap(-1, 0, page+body+page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Munmap(all); err != nil {
			t.Error(err)
		}
	})
	for _, edge := range [][]byte{all[:page], all[page+body:]} {
		if err := unix.Mprotect(edge, unix.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	if low {
		return all[page:][:n:n]
	}
	return all[page+body-n:][:n:n]
}
