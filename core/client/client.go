// Package client is the Go client of a weir node: it submits transactions
// without waiting for answers, tells what became of each, and asks questions.
package client

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
)

// Errors of a connection.
var (
	ErrClosed   = errors.New("connection to the node is closed")
	ErrNotFound = errors.New("not found")
	ErrRefused  = errors.New("the node refused")
	ErrNotReady = errors.New("the node cannot answer that now")
	// ErrOtherChain: the node is not on the chain of Options.ChainID.
	ErrOtherChain = errors.New("the node is on another chain")
)

// Handler is told what happens to a connection's submissions. It is called from
// the connection's one reading goroutine, so it must be quick, and it must not
// keep the slices. Any function may be nil.
type Handler struct {
	// Ack is called for each run of transactions with the same status.
	Ack func(seq uint64, count int, status tx.Status)
	// Busy is called, before Ack says StatusBusy, for each run of transactions
	// that the node has no room for or that exceed the client's limits: trying
	// them again before retryAfter is over is in vain. Nodes older than this
	// hint do not give it.
	Busy func(seq uint64, count int, retryAfter time.Duration)
	// Commit is called for each run of transactions that stand in a durable block.
	Commit func(height, timeNS uint64, r wire.Range)
	// Reject is called for accepted transactions that failed in execution.
	Reject func(seq uint64, status tx.Status)
	// Block is called for every durable block, if Options.Headers is set.
	Block func(h tx.Header)
	// Closed is called once, when nothing more will come.
	Closed func(err error)
}

// Options say how to connect.
type Options struct {
	ChainID tx.ChainID // refuse any other chain; zero accepts any
	Headers bool       // subscribe to block headers
	Handler Handler
	// Dial opens the connection; nil means TCP from this process.
	Dial func(ctx context.Context, addr string) (net.Conn, error)
	// TLS is spoken over what Dial opens; nil: plain. Without a server name in it
	// the node's certificate must be for the host that is dialled. See TLS.
	TLS *tls.Config
	// Timeout bounds the handshake and every write; default 10 s.
	Timeout time.Duration
}

// Client is one connection to a node. Submit may be called from one goroutine,
// queries from any.
type Client struct {
	conn    net.Conn
	opts    Options
	welcome wire.Welcome

	wmu sync.Mutex // one frame at a time
	buf []byte

	mu      sync.Mutex
	pending map[uint32]chan reply
	nextID  uint32
	err     error

	done              chan struct{}
	bytesIn, bytesOut atomic.Uint64
}

type reply struct {
	code   uint8
	answer []byte
	err    error
}

// Dial connects, checks the chain and subscribes to the outcome of its own
// submissions. The caller must Close the client.
func Dial(ctx context.Context, addr string, opts Options) (*Client, error) {
	if opts.Timeout <= 0 {
		opts.Timeout = 10 * time.Second
	}
	if opts.Dial == nil {
		opts.Dial = func(ctx context.Context, addr string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", addr)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, opts.Timeout)
	defer cancel()
	conn, err := opts.Dial(ctx, addr)
	if err != nil {
		return nil, fmt.Errorf("cannot reach the node at %s: %w", addr, err)
	}
	if opts.TLS != nil {
		conn = tls.Client(conn, tlsFor(opts.TLS, addr))
	}
	c := &Client{conn: conn, opts: opts, pending: make(map[uint32]chan reply), done: make(chan struct{})}
	stop := context.AfterFunc(ctx, func() { conn.Close() }) // ends the handshake
	r := bufio.NewReaderSize(countReader{conn, &c.bytesIn}, 256<<10)
	if err := c.handshake(r); err != nil {
		stop()
		return nil, errors.Join(fmt.Errorf("handshake with %s: %w", addr, err), context.Cause(ctx), conn.Close())
	}
	if !stop() {
		return nil, fmt.Errorf("handshake with %s: %w", addr, context.Cause(ctx))
	}
	go c.readLoop(r)
	return c, nil
}

// tlsFor is cfg with a name that the node's certificate must be for.
func tlsFor(cfg *tls.Config, addr string) *tls.Config {
	cfg = cfg.Clone()
	if cfg.ServerName == "" {
		cfg.ServerName = addr
		if host, _, err := net.SplitHostPort(addr); err == nil {
			cfg.ServerName = host
		}
	}
	return cfg
}

func (c *Client) handshake(r *bufio.Reader) error {
	if err := c.conn.SetDeadline(time.Now().Add(c.opts.Timeout)); err != nil {
		return err
	}
	hello := wire.Hello{Version: wire.ProtocolVersion, ChainID: c.opts.ChainID}
	mode := byte(wire.SubscribeOwn)
	if c.opts.Headers {
		mode |= wire.SubscribeHeaders
	}
	b := hello.Append(nil)
	b = append(wire.AppendHeader(b, wire.TypeSubscribe, 0, 1), mode)
	if err := c.write(b); err != nil {
		return err
	}
	t, flags, p, err := wire.ReadFrame(r, nil, 64<<10)
	if err != nil {
		return fmt.Errorf("no answer: %w", err)
	}
	if t == wire.TypeError {
		return fmt.Errorf("%w: %s", ErrRefused, p)
	}
	if t != wire.TypeWelcome {
		return fmt.Errorf("%w: type %d instead of a welcome", wire.ErrFrame, t)
	}
	if c.welcome, err = wire.ParseWelcome(p); err != nil {
		return err
	}
	// A node that knows the chain refuses others by itself; one that lies does not.
	if want := c.opts.ChainID; want != (tx.ChainID{}) && c.welcome.ChainID != want {
		return fmt.Errorf("%w: %x, not %x", ErrOtherChain, c.welcome.ChainID, want)
	}
	if c.opts.Handler.Busy != nil && flags&wire.FlagHints != 0 {
		if err := c.write(append(wire.AppendHeader(nil, wire.TypeSubscribe, 0, 1), mode|wire.SubscribeHints)); err != nil {
			return err
		}
	}
	return c.conn.SetDeadline(time.Time{})
}

// Welcome is what the node said about itself and its limits.
func (c *Client) Welcome() wire.Welcome { return c.welcome }

// Bytes is how many payload bytes came in and went out on this connection.
func (c *Client) Bytes() (in, out uint64) { return c.bytesIn.Load(), c.bytesOut.Load() }

// RemoteAddr is the node's address.
func (c *Client) RemoteAddr() net.Addr { return c.conn.RemoteAddr() }

// Submit sends encoded transactions, back to back, numbered from seq. It
// returns when the socket has taken them, not when the node has; while the path
// to the node is full, it blocks.
func (c *Client) Submit(seq uint64, count int, txs []byte) error {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	c.buf = wire.AppendSubmitHeader(c.buf[:0], seq, count, len(txs))
	c.buf = append(c.buf, txs...)
	return c.write(c.buf)
}

// write sends b; the caller holds wmu or is alone.
func (c *Client) write(b []byte) error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(c.opts.Timeout)); err != nil {
		return err
	}
	n, err := c.conn.Write(b)
	c.bytesOut.Add(uint64(n))
	return err
}

// Close ends the connection and waits for the reading goroutine.
func (c *Client) Close() error {
	err := c.conn.Close()
	<-c.done
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// readLoop delivers what the node sends until the connection ends.
func (c *Client) readLoop(r *bufio.Reader) {
	defer close(c.done)
	err := c.read(r)
	c.mu.Lock()
	c.err = fmt.Errorf("%w: %w", ErrClosed, err)
	for id, ch := range c.pending {
		ch <- reply{err: c.err}
		delete(c.pending, id)
	}
	c.mu.Unlock()
	if c.opts.Handler.Closed != nil {
		c.opts.Handler.Closed(err)
	}
	c.conn.Close()
}

func (c *Client) read(r *bufio.Reader) error {
	var (
		buf    []byte
		ranges []wire.Range
		h      = &c.opts.Handler
	)
	for {
		t, flags, p, err := wire.ReadFrame(r, buf, wire.MaxReply)
		if err != nil {
			return err
		}
		buf = p
		switch t {
		case wire.TypeAck:
			a, err := wire.ParseAck(p, flags)
			if err != nil {
				return err
			}
			h.ack(&a)
		case wire.TypeBusy:
			base, count, retryAfter, err := wire.ParseBusy(p)
			if err != nil {
				return err
			}
			if h.Busy != nil {
				h.Busy(base, count, retryAfter)
			}
		case wire.TypeCommit:
			var height, timeNS uint64
			if height, timeNS, ranges, err = wire.ParseCommit(p, ranges); err != nil {
				return err
			}
			for _, rg := range ranges {
				if h.Commit != nil {
					h.Commit(height, timeNS, rg)
				}
			}
		case wire.TypeReject:
			rs, err := wire.ParseReject(p)
			if err != nil {
				return err
			}
			for _, rj := range rs {
				if h.Reject != nil {
					h.Reject(rj.Seq, rj.Status)
				}
			}
		case wire.TypeBlock:
			hd, err := tx.ParseHeader(p)
			if err != nil {
				return err
			}
			if h.Block != nil {
				h.Block(hd)
			}
		case wire.TypeReply:
			if err := c.deliver(p); err != nil {
				return err
			}
		case wire.TypeError:
			return fmt.Errorf("%w: %s", ErrRefused, p)
		default:
			return fmt.Errorf("%w: unknown type %d", wire.ErrFrame, t)
		}
	}
}

// ack passes an acknowledgement on in runs of equal statuses.
func (h *Handler) ack(a *wire.Ack) {
	if h.Ack == nil {
		return
	}
	if s, ok := a.Uniform(); ok {
		h.Ack(a.Base, a.Count, s)
		return
	}
	for i := 0; i < a.Count; {
		j, s := i+1, a.Status(i)
		for j < a.Count && a.Status(j) == s {
			j++
		}
		h.Ack(a.Base+uint64(i), j-i, s)
		i = j
	}
}

// countReader counts what the connection delivered.
type countReader struct {
	net.Conn
	n *atomic.Uint64
}

func (r countReader) Read(b []byte) (int, error) {
	n, err := r.Conn.Read(b)
	r.n.Add(uint64(n))
	return n, err
}
