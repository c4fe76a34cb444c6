package rpc

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
)

// conn is one client.
type conn struct {
	srv     *Server
	raw     net.Conn // the TCP connection; closing it never blocks
	nc      net.Conn // raw, or TLS over it
	out     outQueue
	mode    atomic.Uint32 // subscription bits
	session *Session      // once the client is known
	timed   bool          // a read deadline is set
	queries sync.WaitGroup
	asking  atomic.Int32 // queries under way
}

// maxQueries is how many queries of one connection run at a time.
const maxQueries = 4

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{srv: s, raw: nc, nc: nc}
	if s.cfg.TLS != nil {
		c.nc = tls.Server(nc, s.cfg.TLS)
	}
	c.out.init(s.cfg.MaxQueued, func() { nc.Close() }) // ends a write under way too
	return c
}

// serve runs the connection to its end.
func (c *conn) serve(ctx context.Context) {
	defer c.raw.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	state, err := c.handshake(ctx)
	if err != nil {
		c.srv.badTLS.Add(1)
		return
	}
	c.session = c.srv.cfg.Clients.Session(c.raw.RemoteAddr(), state)
	defer c.session.Close()
	var writer sync.WaitGroup
	writer.Go(c.writeLoop)
	// read always ends with an error: at best that the client went away.
	if err := c.read(ctx); !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
		if errors.Is(err, wire.ErrFrame) {
			c.srv.badFrames.Add(1)
		}
		c.out.put(func(b []byte) []byte {
			text := err.Error()
			return append(wire.AppendHeader(b, wire.TypeError, 0, len(text)), text...)
		})
	}
	cancel()
	c.queries.Wait()
	c.out.close()
	writer.Wait()
	c.nc.Close()
}

// handshake is that of TLS, if the server speaks it. It tells who the client is.
func (c *conn) handshake(ctx context.Context) (*tls.ConnectionState, error) {
	tc, ok := c.nc.(*tls.Conn)
	if !ok {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.srv.cfg.HelloTimeout)
	defer cancel()
	if err := tc.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	state := tc.ConnectionState()
	return &state, nil
}

// read handles frames until the client goes away or breaks the protocol.
func (c *conn) read(ctx context.Context) error {
	r := bufio.NewReaderSize(c.nc, 64<<10)
	if err := c.hello(r); err != nil {
		return err
	}
	var scratch []byte
	for {
		if c.timed { // a quiet client may be quiet for as long as it likes
			c.timed = false
			if err := c.nc.SetReadDeadline(time.Time{}); err != nil {
				return err
			}
		}
		var hdr [wire.HeaderSize]byte
		if _, err := io.ReadFull(r, hdr[:]); err != nil {
			return err
		}
		t, _, n, err := wire.ParseHeader(hdr[:], c.srv.cfg.MaxPayload)
		if err != nil {
			return err
		}
		c.srv.bytesIn.Add(uint64(wire.HeaderSize + n))
		// A frame that has begun must end: half a frame is not worth a buffer.
		if err := c.deadline(r, n); err != nil {
			return err
		}
		if t == wire.TypeSubmit {
			if err := c.submit(r, n); err != nil {
				return err
			}
			continue
		}
		if n > wire.MaxQueryBytes {
			return fmt.Errorf("%w: type %d with %d bytes", wire.ErrFrame, t, n)
		}
		scratch = append(scratch[:0], make([]byte, n)...)
		if _, err := io.ReadFull(r, scratch); err != nil {
			return err
		}
		switch t {
		case wire.TypeSubscribe:
			if n != 1 || scratch[0] > wire.SubscribeAll {
				return fmt.Errorf("%w: subscription %x", wire.ErrFrame, scratch)
			}
			c.mode.Store(uint32(scratch[0]))
		case wire.TypeQuery:
			if err := c.query(ctx, scratch); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%w: unexpected type %d from a client", wire.ErrFrame, t)
		}
	}
}

// deadline bounds the time for the n bytes of payload that follow, unless they
// are here already, which they nearly always are.
func (c *conn) deadline(r *bufio.Reader, n int) error {
	if r.Buffered() >= n {
		return nil
	}
	c.timed = true
	return c.nc.SetReadDeadline(time.Now().Add(c.srv.cfg.FrameTimeout))
}

// hello is the handshake; until it is done a client has cost one buffer.
func (c *conn) hello(r *bufio.Reader) error {
	if err := c.nc.SetReadDeadline(time.Now().Add(c.srv.cfg.HelloTimeout)); err != nil {
		return err
	}
	t, _, p, err := wire.ReadFrame(r, nil, 64)
	if err != nil {
		return err
	}
	if t != wire.TypeHello {
		return fmt.Errorf("%w: type %d instead of a hello", wire.ErrFrame, t)
	}
	h, err := wire.ParseHello(p)
	if err != nil {
		return err
	}
	w := c.srv.node.Welcome()
	w.Version = wire.ProtocolVersion
	w.LinkPort = c.srv.cfg.LinkPort
	w.MaxPayload = uint32(c.srv.cfg.MaxPayload)
	w.MaxTxs = uint32(c.srv.cfg.MaxSubmission)
	switch {
	case h.Version != wire.ProtocolVersion:
		return fmt.Errorf("protocol version %d is not spoken here, %d is", h.Version, wire.ProtocolVersion)
	case h.ChainID != [32]byte{} && h.ChainID != w.ChainID:
		return fmt.Errorf("this node is on chain %x, the client asked for %x", w.ChainID[:8], h.ChainID[:8])
	}
	c.out.put(w.Append)
	return c.nc.SetReadDeadline(time.Time{})
}

// submit reads a Submit payload into a pooled buffer and hands it to the node.
func (c *conn) submit(r *bufio.Reader, n int) error {
	if !c.session.room(n) {
		return c.discard(r, n)
	}
	s := c.srv.pool.Get()
	s.resize(n)
	s.begin(c.session, c)
	if _, err := io.ReadFull(r, s.Buf); err != nil {
		s.Done()
		return err
	}
	base, count, txs, err := wire.ParseSubmit(s.Buf)
	if err != nil {
		s.Done()
		return err
	}
	retryAfter, ok, err := s.take(base, count, txs, c.srv.cfg.MaxSubmission)
	if err != nil {
		return err
	}
	if !ok {
		c.srv.busy.Add(uint64(count))
		c.acked(base, Busy(count), retryAfter)
		return nil
	}
	c.srv.node.Submit(s)
	return nil
}

// discard answers a submission of n bytes, for which the client has no room left,
// with busy and keeps none of it: its memory is not taken for bytes that are only
// announced.
func (c *conn) discard(r *bufio.Reader, n int) error {
	var head [wire.SubmitHeaderSize]byte
	if _, err := io.ReadFull(r, head[:min(n, len(head))]); err != nil {
		return err
	}
	base, count, _, err := wire.ParseSubmit(head[:min(n, len(head))])
	if err != nil {
		return err
	}
	if count > c.srv.cfg.MaxSubmission {
		return fmt.Errorf("%w: %d transactions in a frame, this chain takes %d", wire.ErrFrame, count, c.srv.cfg.MaxSubmission)
	}
	if _, err := io.CopyN(io.Discard, r, int64(n-len(head))); err != nil {
		return err
	}
	c.srv.busy.Add(uint64(count))
	c.acked(base, Busy(count), 0)
	return nil
}

// query answers in a goroutine of its own, because an answer may wait for the
// disk. What exceeds the limits is told so at once: the reader never waits.
func (c *conn) query(ctx context.Context, p []byte) error {
	id, kind, args, err := wire.ParseQuery(p)
	if err != nil {
		return err
	}
	if c.asking.Add(1) > maxQueries || !c.srv.takeQuery() {
		c.asking.Add(-1)
		c.out.put(func(b []byte) []byte {
			return wire.AppendReply(b, id, wire.ReplyBusy, []byte("the node is answering as many questions as it may; ask again"))
		})
		return nil
	}
	args = append([]byte(nil), args...)
	c.queries.Go(func() {
		defer c.asking.Add(-1)
		defer c.srv.freeQuery()
		qctx, cancel := context.WithTimeout(ctx, c.srv.cfg.QueryTimeout)
		defer cancel()
		code, answer := c.srv.node.Query(qctx, kind, args)
		c.out.put(func(b []byte) []byte { return wire.AppendReply(b, id, code, answer) })
	})
	return nil
}

func (s *Server) takeQuery() bool {
	select {
	case s.asking <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s *Server) freeQuery() { <-s.asking }

// Acked implements Sink.
func (c *conn) Acked(base uint64, status []tx.Status) { c.acked(base, status, 0) }

// acked answers a submission. Where it says busy, a client that asked for it is
// told first when to come again: the limit's answer, or the node's guess.
func (c *conn) acked(base uint64, status []tx.Status, retryAfter time.Duration) {
	hint := c.mode.Load()&wire.SubscribeHints != 0 && slices.Contains(status, tx.StatusBusy)
	if hint && retryAfter == 0 {
		retryAfter = c.srv.node.RetryAfter()
	}
	c.out.put(func(b []byte) []byte {
		if hint {
			EachBusy(status, func(from, count int) { b = wire.AppendBusy(b, base+uint64(from), count, retryAfter) })
		}
		return wire.AppendAck(b, base, status)
	})
}

// Committed implements Sink.
func (c *conn) Committed(height, timeNS uint64, ranges []wire.Range) {
	if c.mode.Load()&wire.SubscribeOwn != 0 {
		c.out.put(func(b []byte) []byte { return wire.AppendCommit(b, height, timeNS, ranges) })
	}
}

// Rejected implements Sink.
func (c *conn) Rejected(rs []wire.Rejection) {
	if c.mode.Load()&wire.SubscribeOwn != 0 {
		c.out.put(func(b []byte) []byte { return wire.AppendReject(b, rs) })
	}
}

// keepBuffer is how large a buffer a quiet connection may keep.
const keepBuffer = 256 << 10

// writeLoop sends what is queued, all of it in one write.
func (c *conn) writeLoop() {
	var buf []byte
	for {
		var ok bool
		if buf, ok = c.out.take(buf); !ok {
			if c.out.overflowed() {
				c.srv.cutOff.Add(1)
			}
			c.nc.Close()
			return
		}
		if err := c.nc.SetWriteDeadline(time.Now().Add(c.srv.cfg.WriteTimeout)); err != nil {
			c.out.close()
			continue
		}
		n, err := c.nc.Write(buf)
		c.srv.bytesOut.Add(uint64(n))
		if cap(buf) > keepBuffer {
			buf = nil // a burst's memory is not kept for the connection's life
		}
		if err != nil {
			c.out.abandon()
		}
	}
}
