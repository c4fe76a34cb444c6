//go:build !linux

package state

// adviseHuge does nothing: large pages are the kernel's own decision here.
func adviseHuge([]byte) {}
