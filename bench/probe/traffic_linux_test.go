package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const trafficTimeout = 30 * time.Second

// cubic keeps congestion control from sending segments twice on loopback, as
// rate-based ones do: the payload on the wire is then what was written.
func cubic(_, _ string, c syscall.RawConn) error {
	var err error
	return errors.Join(c.Control(func(fd uintptr) {
		err = unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, "cubic")
		if errors.Is(err, unix.EPERM) {
			err = nil // ordinary users may be kept to the default
		}
	}), err)
}

func listen(t *testing.T, addr string) (net.Listener, netip.AddrPort) {
	t.Helper()
	lc := net.ListenConfig{Control: cubic}
	lc.SetMultipathTCP(false)
	ln, err := lc.Listen(context.Background(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln, ln.Addr().(*net.TCPAddr).AddrPort()
}

// conversation is one connection with both of its ends.
type conversation struct{ client, server net.Conn }

func connect(t *testing.T, ln net.Listener) conversation {
	t.Helper()
	c, err := tryConnect(ln)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}

func tryConnect(ln net.Listener) (conversation, error) {
	d := net.Dialer{Control: cubic, Timeout: trafficTimeout}
	d.SetMultipathTCP(false)
	client, err := d.Dial("tcp", ln.Addr().String())
	if err != nil {
		return conversation{}, err
	}
	server, err := ln.Accept()
	if err != nil {
		client.Close()
		return conversation{}, err
	}
	deadline := time.Now().Add(trafficTimeout)
	return conversation{client, server}, errors.Join(client.SetDeadline(deadline), server.SetDeadline(deadline))
}

func (c conversation) close() {
	c.client.Close()
	c.server.Close()
}

// shut closes one end, waits for the other to see it, and closes that.
func (c conversation) shut(serverFirst bool) error {
	first, second := c.client, c.server
	if serverFirst {
		first, second = second, first
	}
	err := first.Close()
	n, readErr := io.Copy(io.Discard, second) // until the end of the stream
	if n != 0 {
		err = errors.Join(err, fmt.Errorf("%d bytes too many", n))
	}
	return errors.Join(err, readErr, second.Close())
}

// exchange moves bytes in (client to server) and then out, to the end.
func (c conversation) exchange(in, out int64) error {
	for _, d := range []struct {
		from, to net.Conn
		n        int64
	}{{c.client, c.server, in}, {c.server, c.client, out}} {
		sent := make(chan error, 1)
		go func() {
			_, err := io.CopyN(d.from, zeros{}, d.n)
			sent <- err
		}()
		got, err := io.CopyN(io.Discard, d.to, d.n)
		if err = errors.Join(err, <-sent); err != nil {
			return fmt.Errorf("%d of %d bytes arrived: %w", got, d.n, err)
		}
	}
	return nil
}

// resent are the payload bytes each end had to send twice so far: normally
// none on loopback, but a processor that was taken away looks like a loss.
func (c conversation) resent(t *testing.T) (in, out uint64) {
	t.Helper()
	return tcpInfoOf(t, c.client).Bytes_retrans, tcpInfoOf(t, c.server).Bytes_retrans
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// tcpInfoOf is the kernel's own count of a socket's segments and bytes.
func tcpInfoOf(t *testing.T, c net.Conn) *unix.TCPInfo {
	t.Helper()
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var info *unix.TCPInfo
	var infoErr error
	err = raw.Control(func(fd uintptr) {
		info, infoErr = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	})
	if err = errors.Join(err, infoErr); err != nil {
		t.Fatal(err)
	}
	return info
}

// eventually reads snapshots until ok accepts one; acknowledgements and the
// ends of connections reach the counters a moment after the bytes arrived.
func eventually(t *testing.T, src Source, ok func(Counters) error) Counters {
	t.Helper()
	deadline := time.Now().Add(trafficTimeout)
	for {
		c, err := src.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		wrong := ok(c)
		if wrong == nil {
			return c
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v: %v\nin  %+v\nout %+v", trafficTimeout, wrong, c.In, c.Out)
		}
		<-time.After(time.Millisecond) // a pause between two looks; the deadline decides
	}
}

func payload(c Counters, in, out uint64) error {
	if c.In.PayloadBytes != Known(in) || c.Out.PayloadBytes != Known(out) {
		return fmt.Errorf("payload in %v, out %v; want %d, %d", c.In.PayloadBytes, c.Out.PayloadBytes, in, out)
	}
	return nil
}

func open(t *testing.T, target Target) (Source, Report) {
	t.Helper()
	src, rep, err := Open(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := src.Close(); err != nil {
			t.Error(err)
		}
	})
	return src, rep
}

func serverTarget(ap netip.AddrPort, force string) Target {
	return Target{Port: ap.Port(), Addr: ap.Addr(), PerspectiveServer: true, Force: force}
}
