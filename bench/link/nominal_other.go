//go:build !linux

package link

import "fmt"

// Nominal reports ErrNotSupported: what an interface claims is read from
// Linux's sysfs. Measuring works without it.
func Nominal(iface string) (NominalLink, error) {
	return NominalLink{Iface: iface}, fmt.Errorf("link: nominal speed of %s: %w", iface, ErrNotSupported)
}
