package netlab

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// The roles in which this binary starts itself again, recognised by argv[0]:
// unlike a variable in the environment, it is not inherited by children, and
// it shows in a process list.
const (
	argHolder = "weir-netlab-holder" // name side ownerPID ownerStart
	argExec   = "weir-netlab-exec"   // nsPath nsInode executable argv...
	argProbe  = "weir-netlab-probe"  // can a namespace be created here?
)

// selfExe stays valid when the binary is replaced or its folder is not
// readable by the user it runs as.
const selfExe = "/proc/self/exe"

// Exit codes of the exec role, as shells use them.
const (
	exitCannotEnter = 126
	exitCannotExec  = 127
)

var hookInstalled atomic.Bool

// MaybeRunHolder must be the first call in main, and in TestMain of a package
// whose tests open labs. In a process that netlab started to hold a namespace
// or to enter one, it does that and never returns; in any other process it
// returns at once.
func MaybeRunHolder() {
	hookInstalled.Store(true)
	if len(os.Args) == 0 {
		return
	}
	switch os.Args[0] {
	case argHolder:
		os.Exit(runHolder(os.Stdin, os.Stdout))
	case argExec:
		os.Exit(runExec(os.Args[1:]))
	case argProbe:
		os.Exit(runProbe())
	}
}

// runHolder keeps its network namespace alive until the owner closes the pipe
// on stdin or dies, which closes it too. SIGKILL at the parent's death is the
// first guard and the pipe the second.
func runHolder(stdin io.Reader, stdout io.Writer) int {
	// The owner decides when the lab ends: a Ctrl-C or a service stop that
	// reaches the whole group must not take the link away under its shutdown.
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	inode, err := nsInodeOf("/proc/self/ns/net")
	if err != nil {
		return 1
	}
	if _, err := fmt.Fprintf(stdout, "%d\n", inode); err != nil {
		return 1
	}
	_, _ = io.Copy(io.Discard, stdin)
	return 0
}

// runExec enters a network namespace and becomes another program. The thread
// that enters is the thread that executes, so the program starts inside.
func runExec(args []string) int {
	if len(args) < 4 {
		fmt.Fprintf(os.Stderr, "%s: got %d arguments, want at least 4\n", argExec, len(args))
		return exitCannotEnter
	}
	nsPath, exe, argv := args[0], args[2], args[3:]
	want, err := strconv.ParseUint(args[1], 10, 64)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: bad namespace inode %q\n", argExec, args[1])
		return exitCannotEnter
	}
	runtime.LockOSThread()
	if err := enterPath(nsPath, want); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", argExec, err)
		return exitCannotEnter
	}
	err = syscall.Exec(exe, argv, os.Environ())
	fmt.Fprintf(os.Stderr, "%s: cannot execute %s: %v\n", argExec, exe, err)
	return exitCannotExec
}

// enterPath moves the calling thread into the network namespace at path, if it
// still is the one with the expected inode: a process id can be reused.
func enterPath(path string, want uint64) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("the lab is gone: %w", err)
	}
	defer f.Close()
	got, err := nsInode(f)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("the lab is gone: %s is namespace %d, not %d", path, got, want)
	}
	if err := setns(f); err != nil {
		return fmt.Errorf("cannot enter %s: %w", path, err)
	}
	return nil
}

// runProbe tells by its exit code whether a network namespace can be created.
func runProbe() int {
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func nsInodeOf(path string) (uint64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return nsInode(f)
}

func nsInode(f *os.File) (uint64, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return 0, fmt.Errorf("fstat %s: %w", f.Name(), err)
	}
	return st.Ino, nil
}
