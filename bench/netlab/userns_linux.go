package netlab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const remedyPermission = "run as root, or allow unprivileged user namespaces " +
	"(user.max_user_namespaces above 0, kernel.unprivileged_userns_clone=1, " +
	"kernel.apparmor_restrict_unprivileged_userns=0, and no seccomp filter against them)"

// envUserNS marks a process that Reexec started, so that it never tries again.
const envUserNS = "WEIR_NETLAB_USERNS"

// Timeouts of the processes this file starts.
const (
	probeTimeout = 20 * time.Second
	// stopGrace is how long a re-executed program may take to write its
	// partial record after it was told to stop.
	stopGrace = 30 * time.Second
)

// neededCaps are what building and entering namespaces takes.
var neededCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN}

// Check tells whether Open can work in this process: nil when it has the
// capabilities; ErrNeedUserNamespace when it has not but Reexec would help,
// which was tried; ErrNotPermitted with the remedy otherwise; ErrNoHook when
// it could not be tried.
func Check() error {
	have, err := hasCaps()
	if err != nil {
		return fmt.Errorf("netlab: read this process's capabilities: %w", err)
	}
	if have {
		return nil
	}
	if os.Getenv(envUserNS) != "" {
		return fmt.Errorf("netlab: %w: no capabilities inside the user namespace either; %s", ErrNotPermitted, remedyPermission)
	}
	if !hookInstalled.Load() {
		return fmt.Errorf("netlab: %w", ErrNoHook)
	}
	if err := probeUserNamespace(); err != nil {
		return fmt.Errorf("netlab: %w as uid %d: %w; %s", ErrNotPermitted, os.Geteuid(), err, remedyPermission)
	}
	return fmt.Errorf("netlab: %w: uid %d lacks CAP_SYS_ADMIN and CAP_NET_ADMIN; "+
		"start the program again with netlab.Reexec, or run it as root", ErrNeedUserNamespace, os.Geteuid())
}

func hasCaps() (bool, error) {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&hdr, &data[0]); err != nil {
		return false, err
	}
	for _, c := range neededCaps {
		if data[c/32].Effective&(1<<(c%32)) == 0 {
			return false, nil
		}
	}
	return true, nil
}

// userNSAttr asks for a new user namespace in which this user is itself, not
// root, and keeps just the capabilities needed over what it creates there:
// code that asks "am I root?" still gets the true answer.
func userNSAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}},
		AmbientCaps: neededCaps,
		Pdeathsig:   syscall.SIGKILL,
	}
}

// probeUserNamespace creates a network namespace inside a user namespace, in a
// process that ends at once. Trying is the only reliable test: sysctls, LSMs,
// seccomp filters and container runtimes may each refuse.
func probeUserNamespace() error {
	ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, selfExe)
	cmd.Args = []string{argProbe}
	cmd.Env = []string{"GOMAXPROCS=1"}
	cmd.Stderr = &stderr
	cmd.SysProcAttr = userNSAttr()
	if err := runOnOwnThread(cmd); err != nil {
		if msg := strings.TrimSpace(stderr.String()); msg != "" {
			return fmt.Errorf("a user namespace was refused: %s", msg)
		}
		return fmt.Errorf("a user namespace was refused: %w", err)
	}
	return nil
}

// Reexec runs this program once more inside a user namespace of its own, with
// the same arguments (without the program's name), environment, folder and
// standard streams, waits for it and returns its exit code. There Open works.
// It is for a command that got ErrNeedUserNamespace from Check: call it before
// anything else was done, and exit with the code.
//
// When ctx ends, the inner program gets SIGTERM and 30 s to finish; when this
// process is killed, the inner one is killed with it.
func Reexec(ctx context.Context, args []string) (exitCode int, err error) {
	if !hookInstalled.Load() {
		return 0, fmt.Errorf("netlab: %w", ErrNoHook)
	}
	if os.Getenv(envUserNS) != "" {
		return 0, fmt.Errorf("netlab: %w: already started inside a user namespace; %s", ErrNotPermitted, remedyPermission)
	}
	cmd := exec.CommandContext(ctx, selfExe)
	cmd.Args = append([]string{os.Args[0]}, args...)
	cmd.Env = append(os.Environ(), envUserNS+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = userNSAttr()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopGrace
	err = runOnOwnThread(cmd)
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case errors.As(err, &exit) && exit.Exited():
		return exit.ExitCode(), nil
	case ctx.Err() != nil && cmd.ProcessState != nil && cmd.ProcessState.Exited():
		return cmd.ProcessState.ExitCode(), nil
	}
	return 0, openError("run inside a user namespace", err)
}

// runOnOwnThread runs a command whose child carries a parent-death signal on a
// thread that outlives it (see keeper).
func runOnOwnThread(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return cmd.Run()
}
