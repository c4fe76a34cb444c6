//go:build !linux

package probe

import (
	"fmt"
	"runtime"
)

// openSockDiag refuses: only Linux lets one process read the counters of
// another's sockets.
func openSockDiag(Target) (Source, Report, error) {
	return nil, Report{}, Refusal{
		Step:   "list TCP sockets",
		Reason: fmt.Sprintf("%s has no sock_diag: other processes' socket counters cannot be read", runtime.GOOS),
		Remedy: "run the node on Linux, or count in the application",
		Lost:   sockDiagLost,
		err:    ErrNotSupported,
	}
}
