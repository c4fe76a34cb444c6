package faultfs

import (
	"fmt"
	"reflect"
	"syscall"

	"github.com/chainweir/weir/core/store"
)

// SetDirect says whether files can be opened with store.OpenDirect, which they
// can at first; without it OpenFile refuses with EINVAL, as Linux does.
func (f *FS) SetDirect(supported bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.noDirect = !supported
}

// aligned refuses what the kernel refuses of an unbuffered file: a transfer that
// does not begin on a page, in the file and in memory, or is not whole pages.
// Apart from that such a write is like any other here: it may be lost or torn
// until Sync, and a reader sees it at once.
func (h *handle) aligned(op string, b []byte, off int64) error {
	if !h.direct {
		return nil
	}
	address := uint64(reflect.ValueOf(b).Pointer())
	if off%store.PageBytes == 0 && len(b)%store.PageBytes == 0 && address%store.PageBytes == 0 {
		return nil
	}
	return pathError(op, h.name, fmt.Errorf("offset %d, length %d, address %#x of an unbuffered file: %w", off, len(b), address, syscall.EINVAL))
}
