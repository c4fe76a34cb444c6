//go:build !linux

package store

import "reflect"

// allocatePages returns n zero bytes that begin on a page. The heap is enough
// here: its objects do not move.
func allocatePages(n int) (b []byte, free func() error, err error) {
	b = make([]byte, n+PageBytes)
	skip := -int(reflect.ValueOf(b).Pointer()) & (PageBytes - 1)
	return b[skip : skip+n], nil, nil
}
