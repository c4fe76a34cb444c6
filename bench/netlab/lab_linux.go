package netlab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// holderReadyTimeout bounds the wait for a holder's first line. Starting a
// process takes milliseconds; a loaded machine may take seconds.
const holderReadyTimeout = 20 * time.Second

// Lab is a running pair of namespaces joined by a shaped link. Its methods may
// be called from many goroutines. Close it.
type Lab struct {
	cfg    Config
	keeper *keeper
	ends   [sideCount]end

	mu       sync.Mutex
	closed   bool
	children []*os.Process // started with Start

	closeOnce sync.Once
	closeErr  error
}

// end is one namespace and the process that holds it.
type end struct {
	holder *exec.Cmd
	stdin  *os.File // closing it ends the holder
	ns     *os.File // keeps the namespace while the lab is open
	inode  uint64
	drop   *dropper // nil: nothing is lost
}

// Open builds a lab. It needs root (CAP_SYS_ADMIN and CAP_NET_ADMIN), or a
// user namespace that this process was started in by Reexec; Check tells which
// applies. It fails with ErrConfig, ErrNoHook, ErrNeedUserNamespace,
// ErrNotPermitted or ErrKernelFeature, and leaves nothing behind when it does.
func Open(ctx context.Context, cfg Config) (*Lab, error) {
	cfg, err := cfg.validate()
	if err != nil {
		return nil, err
	}
	if !hookInstalled.Load() {
		return nil, fmt.Errorf("netlab: %w", ErrNoHook)
	}
	if err := Check(); err != nil {
		return nil, err
	}
	l := &Lab{cfg: cfg, keeper: startKeeper()}
	if err := l.build(ctx); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Lab) build(ctx context.Context) error {
	for side := range sideCount {
		if err := l.startHolder(ctx, side); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("netlab: building the lab was stopped: %w", err)
	}
	if err := l.buildLink(ctx); err != nil {
		return err
	}
	if l.cfg.LossFraction > 0 || l.cfg.Partitionable {
		return l.addLoss()
	}
	return nil
}

// startHolder starts the process that holds one side's namespace and waits
// until it reports that it is inside.
func (l *Lab) startHolder(ctx context.Context, side Side) error {
	owner, err := ownerMark()
	if err != nil {
		return err
	}
	stdinR, stdinW, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("netlab: pipe to the holder: %w", err)
	}
	defer stdinR.Close()
	stdoutR, stdoutW, err := os.Pipe()
	if err != nil {
		stdinW.Close()
		return fmt.Errorf("netlab: pipe from the holder: %w", err)
	}
	defer stdoutR.Close()
	cmd := &exec.Cmd{
		Path:   selfExe,
		Args:   []string{argHolder, l.cfg.Name, side.String(), owner},
		Env:    []string{"GOMAXPROCS=1"},
		Dir:    "/",
		Stdin:  stdinR,
		Stdout: stdoutW,
		SysProcAttr: &syscall.SysProcAttr{
			Cloneflags: syscall.CLONE_NEWNET,
			Pdeathsig:  syscall.SIGKILL,
			Setpgid:    true,
		},
	}
	err = l.keeper.do(cmd.Start)
	stdoutW.Close()
	if err != nil {
		stdinW.Close()
		return openError("start the "+side.String()+" side's holder in a new network namespace", err)
	}
	// From here on Close owns the process and the pipe.
	l.ends[side] = end{holder: cmd, stdin: stdinW}
	return l.awaitHolder(ctx, side, stdoutR)
}

// awaitHolder compares the namespace the holder says it is in with the one the
// kernel shows for it, so that a mix-up is found here and not in a result.
func (l *Lab) awaitHolder(ctx context.Context, side Side, stdout *os.File) error {
	if err := stdout.SetReadDeadline(time.Now().Add(holderReadyTimeout)); err != nil {
		return fmt.Errorf("netlab: deadline on the holder's pipe: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = stdout.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	line, err := bufio.NewReaderSize(stdout, 64).ReadString('\n')
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("netlab: the %s side's holder did not start: %w", side, err)
	}
	said, err := strconv.ParseUint(strings.TrimSpace(line), 10, 64)
	if err != nil {
		return fmt.Errorf("netlab: the %s side's holder answered %q, not a namespace number", side, line)
	}
	e := &l.ends[side]
	if e.ns, err = os.Open(l.NSPath(side)); err != nil {
		return fmt.Errorf("netlab: open the %s namespace: %w", side, err)
	}
	if e.inode, err = nsInode(e.ns); err != nil {
		return fmt.Errorf("netlab: %w", err)
	}
	own, err := nsInodeOf("/proc/self/ns/net")
	if err != nil {
		return fmt.Errorf("netlab: %w", err)
	}
	if e.inode != said || e.inode == own {
		return fmt.Errorf("netlab: the %s side's holder is in namespace %d, says %d, and this process is in %d",
			side, e.inode, said, own)
	}
	return nil
}

// NSPath is the file that stands for one side's network namespace,
// /proc/PID/ns/net of its holder. It is valid until Close.
func (l *Lab) NSPath(side Side) string {
	if !side.valid() {
		return ""
	}
	return fmt.Sprintf("/proc/%d/ns/net", l.ends[side].holder.Process.Pid)
}

// NSInode is the number of one side's network namespace, as lsns shows it and
// as eBPF programs see it.
func (l *Lab) NSInode(side Side) uint64 {
	if !side.valid() {
		return 0
	}
	return l.ends[side].inode
}

// Close stops what Start started, ends the holders and waits for them; with
// the last process and socket inside, the kernel removes the namespaces and
// the link. Connections made by Dial and Listen are the caller's to close.
func (l *Lab) Close() error {
	l.closeOnce.Do(func() { l.closeErr = l.close() })
	return l.closeErr
}

func (l *Lab) close() error {
	l.mu.Lock()
	l.closed = true
	children := l.children
	l.children = nil
	l.mu.Unlock()
	var errs []error
	for _, p := range children {
		// Processes that their owner already waited for report ErrProcessDone.
		if err := p.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			errs = append(errs, fmt.Errorf("netlab: stop process %d: %w", p.Pid, err))
		}
	}
	for side := range sideCount {
		e := &l.ends[side]
		if e.drop != nil {
			errs = append(errs, e.drop.close())
		}
		if e.stdin != nil {
			e.stdin.Close()
		}
		if e.ns != nil {
			e.ns.Close()
		}
		if e.holder == nil {
			continue
		}
		if err := e.holder.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			errs = append(errs, fmt.Errorf("netlab: end the %s side's holder: %w", side, err))
			continue
		}
		_ = e.holder.Wait() // "signal: killed" is the expected end
	}
	l.keeper.stop()
	return errors.Join(errs...)
}

// side checks an argument and that the lab is open.
func (l *Lab) side(s Side) (*end, error) {
	if !s.valid() {
		return nil, fmt.Errorf("netlab: %w: %v is not a side; use NodeSide or ClientSide", ErrConfig, s)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, fmt.Errorf("netlab: %w", ErrClosed)
	}
	return &l.ends[s], nil
}
