//go:build !(linux && (386 || amd64 || arm || arm64 || loong64 || mips64le || mipsle || ppc64le || riscv64))

package probe

import (
	"fmt"
	"runtime"
)

// openEBPF refuses: the program is compiled for little-endian Linux only.
func openEBPF(Target) (Source, Report, error) {
	return nil, Report{}, Refusal{
		Step:   "load the program",
		Reason: fmt.Sprintf("the eBPF program is built for little-endian Linux, this is %s/%s", runtime.GOOS, runtime.GOARCH),
		Remedy: "measure from a little-endian Linux machine for exact frames",
		Lost:   ebpfLost,
		err:    ErrNotSupported,
	}
}
