package core_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/store"
)

// TestFullDisk runs a node on a small real file system. It is mounted in a
// child with its own mounts, so that nobody else sees it and it goes with the
// child.
func TestFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to mount a small file system that can be filled")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), fullDirEnv+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || strings.Contains(string(out), errNoMount.Error()) {
		t.Skipf("this root may not mount a file system: %v, %s", err, out)
	}
	if err != nil || !strings.Contains(string(out), "full disk survived") {
		t.Fatalf("%v\n%s", err, out)
	}
}

var errNoMount = errors.New("cannot mount a tmpfs")

// fullDiskChild fills a tmpfs with blocks, then makes it larger and starts again.
func fullDiskChild(mount string) error {
	if err := unix.Mount("tmpfs", mount, "tmpfs", 0, "size=2m"); err != nil {
		return fmt.Errorf("%w: %w", errNoMount, err)
	}
	gen, w := kindChain(crashAccounts)
	dir := filepath.Join(mount, "node")
	n, err := core.Open(core.Config{Dir: dir, Genesis: gen, BlockInterval: 100 * time.Microsecond})
	if err != nil {
		return err
	}
	l := startLoad(n, w)
	select {
	case <-n.Done():
	case <-time.After(deadline):
		return errors.New("the disk did not fill up")
	}
	l.stop()
	stopped := n.Close()
	if !errors.Is(stopped, store.ErrNoSpace) || !errors.Is(stopped, syscall.ENOSPC) || !strings.Contains(stopped.Error(), dir) {
		return fmt.Errorf("the node stopped with %w", stopped)
	}
	if err := unix.Mount("tmpfs", mount, "tmpfs", unix.MS_REMOUNT, "size=64m"); err != nil {
		return err
	}
	if n, err = core.Open(core.Config{Dir: dir}); err != nil {
		return err
	}
	committed := l.r.committed()
	if err := l.lost(n, committed); err != nil || len(committed) == 0 || len(l.r.wrong) > 0 {
		return fmt.Errorf("of %d: %w, %v", len(committed), err, l.r.wrong)
	}
	r := newRecorder()
	<-feed(n, r, 0, w.round(crashAccounts, 1))
	if len(r.committed()) != crashAccounts {
		return errors.New("the node does not go on after there is room again")
	}
	if err := n.Close(); err != nil {
		return err
	}
	fmt.Printf("full disk survived: %v\n", stopped)
	return nil
}
