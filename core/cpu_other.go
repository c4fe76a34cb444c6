//go:build !unix

package core

// processCPU is not known on this system.
func processCPU() (userNS, sysNS int64) { return 0, 0 }
