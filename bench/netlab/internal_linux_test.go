package netlab

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

func TestParseOwner(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		wantPID := rapid.IntRange(1, 1<<22).Draw(t, "pid")
		wantStart := rapid.Uint64().Draw(t, "start")
		wantName := rapid.StringMatching(`[a-z:.-]{0,10}`).Draw(t, "name")
		mark := strings.Join([]string{strconv.Itoa(wantPID), strconv.FormatUint(wantStart, 10), wantName}, ":")
		pid, start, name, ok := parseOwner(mark)
		if !ok || pid != wantPID || start != wantStart || name != wantName {
			t.Fatalf("parseOwner(%q) = %d, %d, %q, %v", mark, pid, start, name, ok)
		}
	})
	for _, s := range []string{"", ":", "1", "1:", ":1", "0:1", "-1:1", "x:1", "1:x", "99999999999:1"} {
		if _, _, _, ok := parseOwner(s); ok {
			t.Errorf("parseOwner(%q) accepted it", s)
		}
	}
}

// An owner is gone when its number is free or belongs to a later process.
func TestOwnerGone(t *testing.T) {
	mark, err := ownerMark()
	if err != nil {
		t.Fatal(err)
	}
	pid, start, _, ok := parseOwner(mark)
	if !ok || pid != os.Getpid() {
		t.Fatalf("ownerMark() = %q", mark)
	}
	if ownerGone(pid, start) {
		t.Error("this process counts as gone")
	}
	if !ownerGone(pid, start-1) {
		t.Error("an earlier process with this number counts as alive")
	}
	// A process that was waited for has no number any more.
	cmd := exec.Command(selfExe, "-test.run=^$")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if !ownerGone(cmd.Process.Pid, start) {
		t.Error("a process that ended counts as alive")
	}
}

func TestOpenNeedsHook(t *testing.T) {
	hookInstalled.Store(false)
	defer hookInstalled.Store(true)
	if _, err := Open(context.Background(), Config{RateBitsPerSec: 1_000_000}); !errors.Is(err, ErrNoHook) {
		t.Errorf("Open = %v, want ErrNoHook: without the hook it would start this program for ever", err)
	}
	if _, err := Reexec(context.Background(), nil); !errors.Is(err, ErrNoHook) {
		t.Errorf("Reexec = %v, want ErrNoHook", err)
	}
}

// The holder lives until its stdin ends and tells its namespace first.
func TestHolder(t *testing.T) {
	defer signal.Reset() // the holder ignores the signals that end a program
	want, err := nsInodeOf("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if code := runHolder(strings.NewReader(""), &out); code != 0 || out.String() != strconv.FormatUint(want, 10)+"\n" {
		t.Errorf("runHolder = %d, said %q, want %d", code, out.String(), want)
	}
	r, w := io.Pipe()
	_ = r.Close()
	if code := runHolder(strings.NewReader(""), w); code != 1 {
		t.Errorf("runHolder without an owner to tell = %d, want 1", code)
	}
}

// A function that ends its goroutine is an error, not a hang.
func TestInNamespaceGoexit(t *testing.T) {
	if have, err := hasCaps(); err != nil || !have {
		t.Skipf("entering a namespace needs CAP_SYS_ADMIN (%v)", err)
	}
	home, err := os.Open("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	err = inNamespace(home, func() error { runtime.Goexit(); return nil })
	if !errors.Is(err, errNoReturn) {
		t.Errorf("inNamespace = %v, want errNoReturn", err)
	}
}

// What the kernel says is translated to what the user can do.
func TestOpenErrorRemedies(t *testing.T) {
	for _, c := range []struct {
		err    error
		want   error
		remedy string
	}{
		{unix.EPERM, ErrNotPermitted, "run as root"},
		{unix.EACCES, ErrNotPermitted, "run as root"},
		{unix.EOPNOTSUPP, ErrKernelFeature, "modprobe"},
		{unix.ENOENT, ErrKernelFeature, "modprobe"},
		{unix.ENOSPC, unix.ENOSPC, "max_net_namespaces"},
		{unix.EBUSY, unix.EBUSY, "cannot try"},
	} {
		got := openError("try", c.err)
		if !errors.Is(got, c.want) || !errors.Is(got, c.err) || !strings.Contains(got.Error(), c.remedy) {
			t.Errorf("openError(%v) = %v, want %v and %q in it", c.err, got, c.want, c.remedy)
		}
	}
}
