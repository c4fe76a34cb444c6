package link

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	// proveTimeout bounds the exchange of nonces.
	proveTimeout = 3 * time.Second
	// probeEvery is how often a client that hears nothing asks again, and
	// maxNonces how often the server answers: each answer is smaller than the
	// question, and goes to the address of the TCP connection only.
	probeEvery = 50 * time.Millisecond
	maxNonces  = 16
	// quietTimeout is how long a receiver waits for the next datagram once the
	// sender is done; drainTimeout bounds all of that waiting.
	quietTimeout = 250 * time.Millisecond
	drainTimeout = 3 * time.Second
)

// session is a test with datagrams, after both sides agreed on it: the control
// connection, the socket, and the one address that datagrams may go to.
type session struct {
	hello
	c    *boundedConn
	pc   *net.UDPConn
	peer netip.AddrPort
	tag  uint64
	// rate caps the sender, bits of payload per second; 0: no cap.
	rate uint64
}

// network is "udp4" or "udp6": sockets for both show IPv4 addresses in IPv6
// clothes.
func network(a netip.Addr) string {
	if a.Is4() {
		return "udp4"
	}
	return "udp6"
}

func openUDP(ctx context.Context, listen func(context.Context, string, string) (net.PacketConn, error), local netip.Addr, zone string, port uint16) (*net.UDPConn, error) {
	host := local.WithZone(zone).String()
	pc, err := listen(ctx, network(local), net.JoinHostPort(host, strconv.Itoa(int(port))))
	if err != nil {
		return nil, err
	}
	u, ok := pc.(*net.UDPConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("link: %w: datagrams need a UDP socket, not a %T", ErrConfig, pc), pc.Close())
	}
	return u, nil
}

// tcpEnds are the addresses of a connection; zones are those of link-local
// IPv6 addresses.
func tcpEnds(c net.Conn) (local, remote netip.AddrPort, ok bool) {
	l, lok := c.LocalAddr().(*net.TCPAddr)
	r, rok := c.RemoteAddr().(*net.TCPAddr)
	if !lok || !rok {
		return local, remote, false
	}
	local, remote = l.AddrPort(), r.AddrPort()
	return netip.AddrPortFrom(local.Addr().Unmap(), local.Port()), netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port()), true
}

func sameAddr(a, b netip.Addr) bool { return a.Unmap().WithZone("") == b.Unmap().WithZone("") }

// serveDatagrams opens a socket for one test, lets the client prove where it
// receives, and runs the test.
func (s *server) serveDatagrams(ctx context.Context, c *boundedConn, h hello, yes accepted, release func()) error {
	local, remote, ok := tcpEnds(c.Conn)
	if !ok {
		return fmt.Errorf("%w: the connection is not TCP", ErrNoUDP)
	}
	// The port of the listener is the one that a firewall lets through.
	pc, err := openUDP(ctx, s.cfg.ListenPacket, local.Addr(), local.Addr().Zone(), local.Port())
	if err != nil {
		return fmt.Errorf("%w: the server cannot open a socket: %w", ErrNoUDP, err)
	}
	hangUp := func() { _ = pc.Close() }
	defer hangUp()
	stop := context.AfterFunc(ctx, hangUp)
	defer stop()
	u := &session{hello: h, c: c, pc: pc, rate: yes.rateBitsPerSec}
	var tag [8]byte
	_, _ = rand.Read(tag[:]) // never fails
	u.tag = binary.LittleEndian.Uint64(tag[:])
	yes.tag, yes.port = u.tag, pc.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	if err := writeFrame(c, kindAccept, yes.marshal()); err != nil {
		return err
	}
	if err := u.awaitProof(remote.Addr()); err != nil {
		return err
	}
	if err := writeFrame(c, kindReady, nil); err != nil {
		return err
	}
	switch {
	case h.test == testPing:
		return u.answerPings()
	case h.dir == dirIn:
		got, err := u.receive()
		if err != nil {
			return err
		}
		release()
		hangUp() // or the next test finds the port taken
		return writeFrame(c, kindReport, marshalReport(got.datagrams, got.marks))
	}
	sent, err := u.send()
	if err != nil {
		return err
	}
	release()
	hangUp()
	return writeFrame(c, kindSent, sent.marshal())
}

// awaitProof answers probes from one host with a nonce until one of them comes
// back over TCP: whoever sends it receives what goes to the address that the
// nonce was sent to. Only then may data go there.
func (u *session) awaitProof(host netip.Addr) error {
	var nonce [nonceLen]byte
	_, _ = rand.Read(nonce[:]) // never fails
	if err := errors.Join(u.pc.SetReadDeadline(time.Now().Add(proveTimeout)), u.c.SetDeadline(time.Now().Add(proveTimeout))); err != nil {
		return err
	}
	answered := make(chan netip.AddrPort, 1)
	go func() { answered <- u.answerProbes(host, nonce) }()
	body, err := readFrame(u.c.Conn, kindEcho)
	_ = u.pc.SetReadDeadline(time.Unix(1, 0))
	u.peer = <-answered
	if err != nil {
		return fmt.Errorf("%w to the client's port: no nonce came back: %w", ErrNoUDP, err)
	}
	if !equalMAC(body, nonce[:]) || !u.peer.IsValid() {
		return protocolErrorf("the nonce that came back is not the one that was sent")
	}
	u.c.rearm()
	return u.pc.SetReadDeadline(time.Time{})
}

// answerProbes returns the address that nonces went to: that of the first
// probe from the host. All others get nothing.
func (u *session) answerProbes(host netip.Addr, nonce [nonceLen]byte) (peer netip.AddrPort) {
	buf := make([]byte, 2048)
	for sent := 0; sent < maxNonces; {
		n, from, err := u.pc.ReadFromUDPAddrPort(buf)
		if err != nil {
			return peer
		}
		kind, _, ok := parseDatagram(buf[:n], u.tag)
		if !ok || kind != datagramProbe || n < probeBytes || !sameAddr(from.Addr(), host) || peer.IsValid() && from != peer {
			continue
		}
		peer = from
		b := make([]byte, minDatagramBytes, nonceBytes)
		putDatagram(b, u.tag, datagramNonce, 0)
		if _, err := u.pc.WriteToUDPAddrPort(append(b, nonce[:]...), peer); err != nil {
			return peer
		}
		sent++
	}
	return peer
}

// openSession is the client's half of a test with datagrams.
func openSession(ctx context.Context, cfg Config, h hello) (u *session, err error) {
	conn, err := cfg.Dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(ctx.Err(), err)
			conn.Close()
		}
	}()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	c := newBoundedConn(conn, h.duration+graceTimeout)
	yes, err := greet(c, h, cfg.Token)
	if err != nil {
		return nil, explain(c, err)
	}
	local, remote, ok := tcpEnds(conn)
	if !ok || yes.port == 0 {
		return nil, fmt.Errorf("%w: the server offers no port for them", ErrNoUDP)
	}
	pc, err := openUDP(ctx, cfg.ListenPacket, local.Addr(), local.Addr().Zone(), 0)
	if err != nil {
		return nil, fmt.Errorf("%w: cannot open a socket: %w", ErrNoUDP, err)
	}
	u = &session{
		hello: h, c: c, pc: pc, tag: yes.tag, rate: yes.rateBitsPerSec,
		peer: netip.AddrPortFrom(remote.Addr(), yes.port),
	}
	if err := u.prove(ctx); err != nil {
		_ = pc.Close()
		return nil, explain(c, err)
	}
	return u, nil
}

// hangUp closes the session's sockets; there is nobody left to tell of an error.
func (u *session) hangUp() {
	_ = u.pc.Close()
	_ = u.c.Conn.Close()
}

// prove asks for the server's nonce and tells it over TCP.
func (u *session) prove(ctx context.Context) error {
	probe := make([]byte, probeBytes)
	buf := make([]byte, 2048)
	for end := time.Now().Add(proveTimeout); time.Now().Before(end); {
		if err := ctx.Err(); err != nil {
			return err
		}
		putDatagram(probe, u.tag, datagramProbe, 0)
		if _, err := u.pc.WriteToUDPAddrPort(probe, u.peer); err != nil {
			return fmt.Errorf("%w: %w", ErrNoUDP, err)
		}
		if err := u.pc.SetReadDeadline(time.Now().Add(probeEvery)); err != nil {
			return err
		}
		n, from, err := u.pc.ReadFromUDPAddrPort(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNoUDP, err)
		}
		if kind, _, ok := parseDatagram(buf[:n], u.tag); !ok || kind != datagramNonce || n != nonceBytes || !u.from(from) {
			continue
		}
		if err := writeFrame(u.c, kindEcho, buf[minDatagramBytes:n]); err != nil {
			return err
		}
		if _, err := readFrame(u.c, kindReady); err != nil {
			return err
		}
		return u.pc.SetReadDeadline(time.Time{})
	}
	return fmt.Errorf("%w from UDP port %d of the server within %v: does a firewall on the way stop them?", ErrNoUDP, u.peer.Port(), proveTimeout)
}

// from tells whether a datagram came from the other side of this test.
func (u *session) from(a netip.AddrPort) bool {
	return a.Port() == u.peer.Port() && sameAddr(a.Addr(), u.peer.Addr())
}

// answerPings sends back what comes, until the client closes the connection or
// its time is up: one datagram for each, of the same length, to where it is
// known to want them.
func (u *session) answerPings() error {
	end := time.Now().Add(u.duration + pongTimeout)
	if err := errors.Join(u.pc.SetReadDeadline(end), u.c.Conn.SetReadDeadline(end)); err != nil {
		return err
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		var b [1]byte
		_, _ = u.c.Conn.Read(b[:]) // any answer means that the client is done
		_ = u.pc.SetReadDeadline(time.Unix(1, 0))
	}()
	defer func() { <-gone }()
	defer u.c.Conn.SetReadDeadline(time.Unix(1, 0)) //nolint:errcheck // a closed connection has no reader either
	buf := make([]byte, maxDatagramBytes+1)
	for bytes := uint64(0); bytes < u.maxBytes; {
		n, from, err := u.pc.ReadFromUDPAddrPort(buf)
		if err != nil {
			return nil // the client closed, or its time is up
		}
		kind, seq, ok := parseDatagram(buf[:n], u.tag)
		if !ok || kind != datagramPing || n != int(u.datagramBytes) || from != u.peer {
			continue
		}
		putDatagram(buf, u.tag, datagramPong, seq)
		if _, err := u.pc.WriteToUDPAddrPort(buf[:n], u.peer); err != nil {
			return fmt.Errorf("link: answering a ping: %w", err)
		}
		bytes += uint64(n)
	}
	return fmt.Errorf("%w: more than %d bytes of pings", ErrTooLarge, u.maxBytes)
}

// awaitSent reads the sender's count beside the datagrams, and gives the
// receiver a deadline once it is there.
type awaitSent struct {
	done  chan struct{}
	ended atomic.Bool
	sent  sentCount
	err   error
}

func (u *session) awaitSent() *awaitSent {
	a := &awaitSent{done: make(chan struct{})}
	go func() {
		defer close(a.done)
		body, err := readFrame(u.c.Conn, kindSent)
		if err == nil {
			a.sent, err = parseSentCount(body)
		}
		a.err = err
		a.ended.Store(true)
		wait := quietTimeout
		if err != nil {
			wait = 0
		}
		_ = u.pc.SetReadDeadline(time.Now().Add(wait))
	}()
	return a
}
