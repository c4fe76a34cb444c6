package netlab

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// errNoReturn is what a function that left by runtime.Goexit (t.FailNow in a
// test, for example) is reported as.
var errNoReturn = errors.New("netlab: the function ended its goroutine instead of returning")

// inNamespace runs fn on an operating-system thread that is inside the network
// namespace ns, and waits for it. The namespace is a property of the thread,
// so the goroutine is locked to it; what fn starts on other goroutines runs
// outside.
func inNamespace(ns *os.File, fn func() error) error {
	result := make(chan error, 1)
	go func() {
		err := errNoReturn
		defer func() { result <- err }()
		runtime.LockOSThread()
		home, herr := os.Open("/proc/thread-self/ns/net")
		if herr != nil {
			runtime.UnlockOSThread()
			err = fmt.Errorf("netlab: cannot read this thread's network namespace: %w", herr)
			return
		}
		defer home.Close()
		if serr := setns(ns); serr != nil {
			runtime.UnlockOSThread()
			err = fmt.Errorf("netlab: cannot enter %s: %w", ns.Name(), serr)
			return
		}
		defer func() {
			// A thread that cannot be brought home stays locked: the runtime
			// then ends it with this goroutine instead of reusing it.
			if setns(home) == nil {
				runtime.UnlockOSThread()
			}
		}()
		err = fn()
	}()
	return <-result
}

// setns moves the calling thread. The file is held open meanwhile, also against
// a Close of the lab on another goroutine, whose descriptor could be reused.
func setns(ns *os.File) error {
	raw, err := ns.SyscallConn()
	if err != nil {
		return err
	}
	if cerr := raw.Control(func(fd uintptr) { err = unix.Setns(int(fd), unix.CLONE_NEWNET) }); cerr != nil {
		return cerr
	}
	return err
}

// keeper is one thread that lives as long as the lab. The kernel sends the
// parent-death signal when the *thread* that started a child ends, not the
// process, so children that carry one are started on this thread.
type keeper struct {
	work chan func()
	quit chan struct{}
	done chan struct{}
}

func startKeeper() *keeper {
	k := &keeper{work: make(chan func()), quit: make(chan struct{}), done: make(chan struct{})}
	go k.run()
	return k
}

func (k *keeper) run() {
	defer close(k.done)
	// Never unlocked: the thread ends with the goroutine, and whatever it
	// started and nobody stopped ends with it.
	runtime.LockOSThread()
	for {
		select {
		case f := <-k.work:
			f()
		case <-k.quit:
			return
		}
	}
}

// do runs fn on the keeper's thread and returns its error.
func (k *keeper) do(fn func() error) error {
	result := make(chan error, 1)
	select {
	case k.work <- func() { result <- fn() }:
		return <-result
	case <-k.done:
		return ErrClosed
	}
}

func (k *keeper) stop() {
	close(k.quit)
	<-k.done
}
