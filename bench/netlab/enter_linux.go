package netlab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// Do runs fn on a thread inside one side's namespace and waits for it. What fn
// creates there (sockets, netlink handles, processes) stays there after it
// returns; goroutines that fn starts run outside.
func (l *Lab) Do(side Side, fn func() error) error {
	e, err := l.side(side)
	if err != nil {
		return err
	}
	return inNamespace(e.ns, fn)
}

// Dial connects from one side, for example to NodeAddr() from ClientSide. addr
// is a literal IP address and port: a host name would be resolved by the
// caller's network and is refused with ErrAddress. network is as for net.Dial.
func (l *Lab) Dial(ctx context.Context, side Side, network, addr string) (net.Conn, error) {
	if err := checkAddr(addr); err != nil {
		return nil, err
	}
	var conn net.Conn
	err := l.Do(side, func() error {
		d := net.Dialer{Control: onThisThread()}
		d.SetMultipathTCP(false)
		var derr error
		conn, derr = d.DialContext(ctx, network, addr)
		return derr
	})
	return conn, err
}

// Listen listens on one side; addr is a literal IP address and port ("" as the
// address means every address of that namespace). Multipath TCP is off: its
// sockets report no TCP_INFO of the kind the measurements read.
func (l *Lab) Listen(ctx context.Context, side Side, network, addr string) (net.Listener, error) {
	if err := checkListenAddr(addr); err != nil {
		return nil, err
	}
	var ln net.Listener
	err := l.Do(side, func() error {
		lc := net.ListenConfig{Control: onThisThread()}
		lc.SetMultipathTCP(false)
		var lerr error
		ln, lerr = lc.Listen(ctx, network, addr)
		return lerr
	})
	return ln, err
}

// ListenPacket is Listen for datagrams.
func (l *Lab) ListenPacket(ctx context.Context, side Side, network, addr string) (net.PacketConn, error) {
	if err := checkListenAddr(addr); err != nil {
		return nil, err
	}
	var pc net.PacketConn
	err := l.Do(side, func() error {
		lc := net.ListenConfig{Control: onThisThread()}
		var lerr error
		pc, lerr = lc.ListenPacket(ctx, network, addr)
		return lerr
	})
	return pc, err
}

// onThisThread refuses a socket that was created on another thread, and so in
// another namespace: the net package does not promise where it creates them.
func onThisThread() func(string, string, syscall.RawConn) error {
	tid := unix.Gettid()
	return func(_, _ string, _ syscall.RawConn) error {
		if got := unix.Gettid(); got != tid {
			return fmt.Errorf("netlab: the socket was made on thread %d, not on %d, which is inside the lab", got, tid)
		}
		return nil
	}
}

func checkAddr(addr string) error {
	if _, err := netip.ParseAddrPort(addr); err != nil {
		return fmt.Errorf("netlab: %w: %q is not a literal IP address and port such as 198.18.0.1:9000: %w",
			ErrAddress, addr, err)
	}
	return nil
}

func checkListenAddr(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err == nil && host == "" && port != "" {
		return nil
	}
	if err != nil {
		return errors.Join(fmt.Errorf("netlab: %w: %q", ErrAddress, addr), err)
	}
	return checkAddr(addr)
}
