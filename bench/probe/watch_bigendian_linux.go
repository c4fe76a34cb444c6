//go:build linux && !(386 || amd64 || arm || arm64 || loong64 || mips64le || mipsle || ppc64le || riscv64)

package probe

import (
	"fmt"
	"runtime"
)

// The programs are compiled for little-endian machines.
func bigEndian(h hook) (part, PartReport, error) {
	return nil, PartReport{}, h.refuse("load the program", fmt.Errorf("%w: built for little-endian, this is %s", ErrNotSupported, runtime.GOARCH), readPrivileges())
}

func openTracedSockets(*targets) (part, PartReport, error)   { return bigEndian(hookTracing) }
func openCallbackSockets(*targets) (part, PartReport, error) { return bigEndian(hookSockops) }
func openDeviceWire(*targets) (part, PartReport, error)      { return bigEndian(hookTCX) }
func openGroupWire(*targets) (part, PartReport, error)       { return bigEndian(hookGroup) }
func openRTT(*targets) (part, PartReport, error)             { return bigEndian(hookSockops) }
func openQdisc(*targets) (part, PartReport, error)           { return bigEndian(hookQdisc) }
func openSoftirq(*targets) (part, PartReport, error)         { return bigEndian(hookSoftirq) }
func openSched(*targets) (part, PartReport, error)           { return bigEndian(hookSched) }
