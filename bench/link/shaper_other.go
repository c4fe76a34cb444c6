//go:build !linux

package link

import "fmt"

// Shapers reports ErrNotSupported: they are read by Linux's netlink.
func Shapers(iface string) ([]Shaper, error) {
	return nil, fmt.Errorf("link: shapers of %s: %w", iface, ErrNotSupported)
}
