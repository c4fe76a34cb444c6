package netlab_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/chainweir/weir/bench/netlab"
)

func TestLabConnects(t *testing.T) {
	lab := openLab(t, 50_000_000)
	if err := pingPong(t.Context(), lab); err != nil {
		t.Fatal(err)
	}
	// The host's own network must not reach in: 198.18.0.1 exists only inside.
	ifaces, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range ifaces {
		if strings.HasPrefix(a.String(), lab.NodeAddr().String()+"/") {
			t.Errorf("the lab's address %v is on a host interface", a)
		}
	}
}

// Every frame of a known exchange is counted once, on the right side, and
// nothing else crosses the link.
func TestShaperCountersAreExact(t *testing.T) {
	lab := openLab(t, 50_000_000)
	for _, side := range []netlab.Side{netlab.NodeSide, netlab.ClientSide} {
		if b, p, d, err := lab.ShaperCounters(side); err != nil || b+p+d != 0 {
			t.Fatalf("a new lab's %v side sent %d bytes, %d frames, %d drops, %v; want none", side, b, p, d, err)
		}
	}
	pc, err := lab.ListenPacket(t.Context(), netlab.NodeSide, "udp", lab.NodeAddr().String()+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	conn, err := lab.Dial(t.Context(), netlab.ClientSide, "udp", pc.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// Ten datagrams of 100 bytes fit the bucket and the queue.
	const datagrams, payload, headers = 10, 100, 14 + 20 + 8
	_ = pc.SetDeadline(time.Now().Add(testTimeout))
	buf := make([]byte, 2048)
	for i := range datagrams {
		if _, err := conn.Write(make([]byte, payload)); err != nil {
			t.Fatal(err)
		}
		if n, _, err := pc.ReadFrom(buf); err != nil || n != payload {
			t.Fatalf("datagram %d: %d bytes, %v", i, n, err)
		}
	}
	b, p, d, err := lab.ShaperCounters(netlab.ClientSide)
	if err != nil || b != datagrams*(payload+headers) || p != datagrams || d != 0 {
		t.Errorf("client side sent %d bytes, %d frames, %d drops, %v; want %d, %d, 0", b, p, d, err,
			datagrams*(payload+headers), datagrams)
	}
	if b, p, _, err := lab.ShaperCounters(netlab.NodeSide); err != nil || b+p != 0 {
		t.Errorf("node side sent %d bytes, %d frames, %v; want none", b, p, err)
	}
}

// A burst larger than bucket and queue together must lose the rest: that the
// shaper acts shows without a clock.
func TestShaperDrops(t *testing.T) {
	lab := openLab(t, netlab.MinRateBitsPerSec)
	pc, err := lab.ListenPacket(t.Context(), netlab.NodeSide, "udp", lab.NodeAddr().String()+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	conn, err := lab.Dial(t.Context(), netlab.ClientSide, "udp", pc.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(*net.UDPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	// Room in the socket, so that the shaper's queue and not the socket's
	// buffer is what fills.
	_ = raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 8<<20) })
	if err != nil {
		t.Fatal(err)
	}
	s := lab.Shaper()
	for sent := 0; sent < 4*int(s.LimitBytes+s.BurstBytes); sent += 1400 {
		if _, err := conn.Write(make([]byte, 1400)); err != nil && !errors.Is(err, unix.ENOBUFS) {
			t.Fatal(err)
		}
	}
	_, _, drops, err := lab.ShaperCounters(netlab.ClientSide)
	if err != nil || drops == 0 {
		t.Errorf("%d drops, %v; want some: nothing is shaped", drops, err)
	}
}

func TestDoRunsInside(t *testing.T) {
	lab := openLab(t, 10_000_000)
	home := threadNS(t)
	for _, side := range []netlab.Side{netlab.NodeSide, netlab.ClientSide} {
		var inside string
		err := lab.Do(side, func() (err error) {
			inside, err = os.Readlink("/proc/thread-self/ns/net")
			return err
		})
		if want := fmt.Sprintf("net:[%d]", lab.NSInode(side)); err != nil || inside != want {
			t.Errorf("Do(%v) ran in %s, %v; want %s", side, inside, err, want)
		}
		if p, err := os.Readlink(lab.NSPath(side)); err != nil || p != inside {
			t.Errorf("NSPath(%v) is %s, %v; want %s", side, p, err, inside)
		}
	}
	if got := threadNS(t); got != home {
		t.Errorf("this thread is in %s after Do, was in %s", got, home)
	}
	want := errors.New("own error")
	if err := lab.Do(netlab.NodeSide, func() error { return want }); !errors.Is(err, want) {
		t.Errorf("Do returned %v, want the function's own error", err)
	}
	if err := lab.Do(netlab.Side(7), func() error { return nil }); !errors.Is(err, netlab.ErrConfig) {
		t.Errorf("Do on a side that is none: %v, want ErrConfig", err)
	}
}

func threadNS(t *testing.T) string {
	t.Helper()
	s, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAddressesMustBeLiteral(t *testing.T) {
	lab := openLab(t, 10_000_000)
	for _, addr := range []string{"localhost:80", "198.18.0.1", "", "198.18.0.1:http", ":"} {
		if _, err := lab.Dial(t.Context(), netlab.ClientSide, "tcp", addr); !errors.Is(err, netlab.ErrAddress) {
			t.Errorf("Dial(%q) = %v, want ErrAddress", addr, err)
		}
		if _, err := lab.Listen(t.Context(), netlab.NodeSide, "tcp", addr); !errors.Is(err, netlab.ErrAddress) {
			t.Errorf("Listen(%q) = %v, want ErrAddress", addr, err)
		}
	}
	ln, err := lab.Listen(t.Context(), netlab.NodeSide, "tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
}

func TestCommandStreamsAndExit(t *testing.T) {
	lab := openLab(t, 10_000_000)
	cat := lab.Command(t.Context(), netlab.ClientSide, "cat", "-")
	cat.Stdin = strings.NewReader("through the namespace\n")
	if out, err := cat.Output(); err != nil || string(out) != "through the namespace\n" {
		t.Errorf("cat printed %q, %v", out, err)
	}
	fail := lab.Command(t.Context(), netlab.NodeSide, "sh", "-c", "exit 7")
	if err := fail.Run(); fail.ProcessState == nil || fail.ProcessState.ExitCode() != 7 {
		t.Errorf("exit 7 came back as %v", err)
	}
	if err := lab.Command(t.Context(), netlab.NodeSide, "no-such-program-anywhere").Run(); err == nil {
		t.Error("a program that does not exist ran")
	}
	garbage := filepath.Join(t.TempDir(), "garbage")
	if err := os.WriteFile(garbage, []byte("\x00not a program"), 0o755); err != nil {
		t.Fatal(err)
	}
	bad := lab.Command(t.Context(), netlab.NodeSide, garbage)
	if _, err := bad.Output(); bad.ProcessState == nil || bad.ProcessState.ExitCode() != 127 {
		t.Errorf("a file that is no program gave %v, want exit 127", err)
	}
}

// Close ends the commands of the lab, and everything that still wants it is
// told so.
func TestClose(t *testing.T) {
	lab := openLab(t, 10_000_000)
	nodeNS, clientNS := lab.NSInode(netlab.NodeSide), lab.NSInode(netlab.ClientSide)
	cmd := sleeper(context.Background(), lab)
	if err := lab.Start(cmd); err != nil {
		t.Fatal(err)
	}
	late := sleeper(t.Context(), lab)
	for range 2 {
		if err := lab.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the command ended by itself, want it killed")
	}
	awaitNSGone(t, nodeNS, clientNS)
	if err := lab.Do(netlab.NodeSide, func() error { return nil }); !errors.Is(err, netlab.ErrClosed) {
		t.Errorf("Do after Close: %v", err)
	}
	if err := lab.Start(late); !errors.Is(err, netlab.ErrClosed) {
		t.Errorf("Start after Close: %v", err)
	}
	if err := sleeper(t.Context(), lab).Run(); !errors.Is(err, netlab.ErrClosed) {
		t.Errorf("Command after Close: %v", err)
	}
	// A command made before Close and started after it finds no namespace.
	late.Stdin, late.Stdout = nil, io.Discard
	if err := late.Run(); late.ProcessState == nil || late.ProcessState.ExitCode() != 126 {
		t.Errorf("a command started after Close: %v, want exit 126", err)
	}
}

func TestOpenStopsWithContext(t *testing.T) {
	if err := netlab.Check(); err != nil {
		t.Skipf("network namespaces need root: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := netlab.Open(ctx, netlab.Config{RateBitsPerSec: 1_000_000}); !errors.Is(err, context.Canceled) {
		t.Errorf("Open with an ended context: %v", err)
	}
}
