package probe

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// errNetNS: the namespace could not be entered.
var errNetNS = errors.New("cannot work in the network namespace")

// inNetNS runs fn inside the network namespace behind path, or right here when
// path is empty. A namespace belongs to a thread, so fn must not rely on
// goroutines it starts; sockets and attachments made by fn stay valid outside.
func inNetNS(path string, fn func() error) error {
	if path == "" {
		return fn()
	}
	ns, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("probe: %w: %w", errNetNS, err)
	}
	defer ns.Close()
	result := make(chan error, 1)
	go func() {
		err := fmt.Errorf("probe: work in namespace %s ended without a result", path)
		defer func() { result <- err }()
		runtime.LockOSThread()
		home, openErr := os.Open("/proc/thread-self/ns/net")
		if openErr != nil {
			runtime.UnlockOSThread()
			err = fmt.Errorf("probe: %w: this thread's own: %w", errNetNS, openErr)
			return
		}
		defer home.Close()
		if setErr := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); setErr != nil {
			runtime.UnlockOSThread()
			err = fmt.Errorf("probe: %w %s: %w; entering needs CAP_SYS_ADMIN", errNetNS, path, setErr)
			return
		}
		defer func() {
			// A thread that cannot go home stays locked, and the runtime ends
			// it with this goroutine instead of handing it to others.
			if unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
				runtime.UnlockOSThread()
			}
		}()
		err = fn()
	}()
	return <-result
}
