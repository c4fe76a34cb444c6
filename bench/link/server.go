package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Defaults and hard limits of a test, each direction.
const (
	// DefaultDuration is long enough for a steady window at 20 Mbit/s.
	DefaultDuration = time.Second
	// DefaultMaxDuration is the longest test a server grants unless told
	// otherwise.
	DefaultMaxDuration = 10 * time.Second
	// DefaultMaxBytes is 50 Gbit/s for two and a half seconds.
	DefaultMaxBytes = 16 << 30
	// MaxDuration is the longest that can be asked for or granted.
	MaxDuration = time.Minute
)

const (
	// helloTimeout is how long a client may take to say what it wants.
	helloTimeout = 5 * time.Second
	// maxPending bounds the connections that have not been answered yet, as
	// well as those being refused; more are closed without a word.
	maxPending = 16
	// acceptRetries and acceptPause bound how long a server lives with an
	// Accept that keeps failing (no file descriptors left, for example).
	acceptRetries = 100
	acceptPause   = 50 * time.Millisecond
)

// ServerConfig bounds what a server grants. Zero values mean the defaults.
type ServerConfig struct {
	// MaxDuration of one direction.
	MaxDuration time.Duration
	// MaxBytes of one direction.
	MaxBytes uint64
	// RateCapBitsPerSec of what the server sends and asks clients to send, in
	// bits of payload; 0: no cap.
	RateCapBitsPerSec uint64
	// Token that clients must prove to have; empty admits everybody. At most
	// 128 bytes.
	Token string
	// ListenPacket opens the socket for datagrams at an address, "udp4" or
	// "udp6"; nil means the net package's. A test in a network namespace needs
	// its own.
	ListenPacket func(ctx context.Context, network, addr string) (net.PacketConn, error)
	// Facts tells what the interface that has an address claims; nil means
	// FactsOf.
	Facts func(local netip.Addr) Facts
}

func (c ServerConfig) withDefaults() (ServerConfig, error) {
	if c.MaxDuration == 0 {
		c.MaxDuration = DefaultMaxDuration
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	if c.ListenPacket == nil {
		c.ListenPacket = listenPacket
	}
	if c.Facts == nil {
		c.Facts = FactsOf
	}
	return c, checkLimits(c.MaxDuration, c.MaxBytes, c.RateCapBitsPerSec, c.Token)
}

func listenPacket(ctx context.Context, network, addr string) (net.PacketConn, error) {
	var lc net.ListenConfig
	return lc.ListenPacket(ctx, network, addr)
}

// ErrConfig means: a limit or a token that cannot be used.
var ErrConfig = errors.New("bad link configuration")

// minDuration leaves room for a window of a few milliseconds.
const minDuration = 20 * time.Millisecond

// minRateBitsPerSec is the lowest cap: below it a single full frame takes more
// than a tenth of a second.
const minRateBitsPerSec = 100_000

func checkLimits(d time.Duration, maxBytes, rate uint64, token string) error {
	switch {
	case d < minDuration || d > MaxDuration:
		return fmt.Errorf("link: %w: duration %v is outside %v..%v", ErrConfig, d, minDuration, MaxDuration)
	case maxBytes < minChunkBytes:
		return fmt.Errorf("link: %w: byte limit %d is under %d", ErrConfig, maxBytes, minChunkBytes)
	case rate != 0 && rate < minRateBitsPerSec:
		return fmt.Errorf("link: %w: rate cap of %d bit/s is under %d", ErrConfig, rate, minRateBitsPerSec)
	case len(token) > MaxTokenBytes:
		return fmt.Errorf("link: %w: token of %d bytes, at most %d are allowed", ErrConfig, len(token), MaxTokenBytes)
	}
	return nil
}

// Serve answers link tests on ln until ctx ends, then closes ln, breaks off
// what is running, waits for it and returns nil. One test runs at a time; a
// client that comes meanwhile is refused with ErrBusy. Serve returns early
// with ErrConfig, or with the listener's error when it keeps failing.
func Serve(ctx context.Context, ln net.Listener, cfg ServerConfig) error {
	defer ln.Close()
	cfg, err := cfg.withDefaults()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	s := &server{cfg: cfg, pending: make(chan struct{}, maxPending)}
	defer s.wg.Wait()
	defer cancel()
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	defer stop()
	for failures := 0; ; {
		conn, err := ln.Accept()
		switch {
		case err == nil:
			failures = 0
			s.start(ctx, conn)
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed) || failures == acceptRetries:
			return fmt.Errorf("link: accept on %v: %w", ln.Addr(), err)
		default:
			failures++
			select {
			case <-ctx.Done():
			case <-time.After(acceptPause):
			}
		}
	}
}

type server struct {
	cfg  ServerConfig
	busy atomic.Bool // a test has the link to itself
	// socketBusy: a test with datagrams has the socket.
	socketBusy atomic.Bool
	pending    chan struct{} // one place per connection being handled
	wg         sync.WaitGroup
}

func (s *server) start(ctx context.Context, conn net.Conn) {
	select {
	case s.pending <- struct{}{}:
	default:
		conn.Close()
		return
	}
	s.wg.Go(func() {
		defer func() { <-s.pending }()
		defer conn.Close()
		stop := context.AfterFunc(ctx, func() { conn.Close() })
		defer stop()
		if err := s.handle(ctx, conn); err != nil {
			refuse(conn, err)
		}
	})
}

// handle answers one client; the error is told to it before closing.
func (s *server) handle(ctx context.Context, conn net.Conn) error {
	if err := conn.SetDeadline(time.Now().Add(helloTimeout)); err != nil {
		return err
	}
	asked, err := challenge(conn, s.cfg.Token)
	if err != nil {
		return err
	}
	h := asked.hello
	if err := s.admit(&h); err != nil {
		return err
	}
	if h.test == testFacts {
		return s.serveFacts(conn, asked)
	}
	release, ok := s.take(h.test)
	if !ok {
		return fmt.Errorf("%w on this server; try again when it is over", ErrBusy)
	}
	defer release()
	c := newBoundedConn(conn, h.duration+graceTimeout)
	yes := accepted{mac: asked.mac, rateBitsPerSec: h.rateBitsPerSec}
	if h.test.datagrams() {
		return s.serveDatagrams(ctx, c, h, yes, release)
	}
	before := countSegments(conn)
	if err := writeFrame(c, kindAccept, yes.marshal()); err != nil {
		return err
	}
	if h.dir == dirIn {
		return serveIn(c, h, release)
	}
	return serveOut(c, h, before, release)
}

// take claims what a test needs for itself: the link, the datagram socket, or
// both. Round trips are measured while a bulk test runs, so a ping takes the
// socket only and a bulk test the link only.
func (s *server) take(kind testKind) (release func(), ok bool) {
	link, socket := kind != testPing, kind.datagrams()
	if link && !s.busy.CompareAndSwap(false, true) {
		return nil, false
	}
	if socket && !s.socketBusy.CompareAndSwap(false, true) {
		if link {
			s.busy.Store(false)
		}
		return nil, false
	}
	return sync.OnceFunc(func() {
		if link {
			s.busy.Store(false)
		}
		if socket {
			s.socketBusy.Store(false)
		}
	}), true
}

// admit holds what a client with the right token asks for against the limits,
// and lowers the rate to the server's own cap.
func (s *server) admit(h *hello) error {
	if h.duration > s.cfg.MaxDuration {
		return fmt.Errorf("%w: %v asked, at most %v allowed", ErrTooLarge, h.duration, s.cfg.MaxDuration)
	}
	if h.maxBytes > s.cfg.MaxBytes {
		return fmt.Errorf("%w: %d bytes asked, at most %d allowed", ErrTooLarge, h.maxBytes, s.cfg.MaxBytes)
	}
	if limit := s.cfg.RateCapBitsPerSec; limit != 0 && (h.rateBitsPerSec == 0 || h.rateBitsPerSec > limit) {
		h.rateBitsPerSec = limit
	}
	return nil
}

// serveFacts tells what the interface that the client came in by claims.
func (s *server) serveFacts(conn net.Conn, asked challenged) error {
	if err := writeFrame(conn, kindAccept, accepted{mac: asked.mac}.marshal()); err != nil {
		return err
	}
	return writeFrame(conn, kindFacts, s.cfg.Facts(addrOf(conn.LocalAddr())).marshal())
}

// serveIn receives, and reports.
func serveIn(c *boundedConn, h hello, release func()) error {
	total, marks, err := receiveBulk(c, h.duration, h.maxBytes)
	if err != nil {
		return err
	}
	release()
	return writeFrame(c, kindReport, marshalReport(total, marks))
}

// serveOut sends, hears how much came, and tells how it was cut into segments.
func serveOut(c *boundedConn, h hello, before segmentCount, release func()) error {
	sent, err := sendBulk(c, h.duration, h.maxBytes, h.rateBitsPerSec)
	if err != nil {
		return err
	}
	body, err := readFrame(c, kindReport)
	if err != nil {
		return err
	}
	if total, _, err := parseReport(body); err != nil {
		return err
	} else if total != sent {
		return fmt.Errorf("%w: %d bytes sent, the client counts %d", ErrProtocol, sent, total)
	}
	release()
	return writeFrame(c, kindDone, countSegments(c.Conn).since(before).marshal())
}
