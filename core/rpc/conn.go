package rpc

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/pprof"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
)

// Labels for the profiler, as core.LabelStage says: of goroutines that read what
// clients send, and of those that write to them.
var (
	receiving = pprof.WithLabels(context.Background(), pprof.Labels("weir_stage", "receive"))
	sending   = pprof.WithLabels(context.Background(), pprof.Labels("weir_stage", "send"))
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
}

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
	pprof.SetGoroutineLabels(receiving)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	state, err := c.handshake(ctx)
	if err != nil {
		c.srv.badTLS.Add(1)
		return
	}
	c.session = c.srv.cfg.Clients.Session(c.raw.RemoteAddr(), state)
	defer c.session.Close()
	c.out.session = c.session
	var writer sync.WaitGroup
	writer.Go(func() {
		pprof.SetGoroutineLabels(sending)
		c.writeLoop()
	})
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
	c.srv.cfg.Clients.questions.withdraw(c.session)
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

// Buffers for reading: of a connection that has not submitted anything, of which
// there may be thousands, and of one that has.
const (
	quietBuffer  = 4 << 10
	submitBuffer = 64 << 10
)

// read handles frames until the client goes away or breaks the protocol.
func (c *conn) read(ctx context.Context) error {
	r := bufio.NewReaderSize(c.nc, quietBuffer)
	if err := c.hello(r); err != nil {
		return err
	}
	submitted := false
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
			if !submitted { // worth a buffer that takes several frames at a time
				submitted = true
				rest, _ := r.Peek(r.Buffered()) // is there
				r = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(rest), c.nc), submitBuffer)
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
	s := c.srv.pool.Get()
	if !s.begin(c.session, c, n) {
		s.pool.Put(s)
		return c.discard(r, n)
	}
	if err := s.read(r, n); err != nil {
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

// query queues a question. What exceeds the limits is told so at once: the reader
// never waits.
func (c *conn) query(ctx context.Context, p []byte) error {
	id, kind, args, err := wire.ParseQuery(p)
	if err != nil {
		return err
	}
	args = bytes.Clone(args)
	c.queries.Add(1)
	wait, ok := c.session.Ask(c.srv.node.MaxAnswer(kind), func(t *Turn) {
		defer c.queries.Done()
		c.answer(ctx, t, id, kind, args)
	}, c.queries.Done)
	if !ok {
		c.queries.Done()
		c.notNow(id, wait)
	}
	return nil
}

// answer has the turn of a question.
func (c *conn) answer(ctx context.Context, t *Turn, id uint32, kind uint8, args []byte) {
	left := c.srv.cfg.QueryTimeout - c.srv.cfg.Clients.now().Sub(t.Asked())
	if left <= 0 {
		t.Sent()
		c.notNow(id, c.srv.node.RetryAfter())
		return
	}
	ctx, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	code, answer, cost := c.srv.node.Query(ctx, kind, args)
	t.Answered(len(answer), cost)
	c.out.putAnswer(t, id, code, answer)
}

// notNow says that there are too many questions.
func (c *conn) notNow(id uint32, retryAfter time.Duration) {
	c.out.put(func(b []byte) []byte { return wire.AppendReplyBusy(b, id, retryAfter, TooManyQuestions) })
}

// TooManyQuestions is what a client is told that asks beyond its limits.
const TooManyQuestions = "too many questions at once; ask again later"

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

// writeChunk is how much a client has WriteTimeout to take: who reads at all can
// have a large answer, and who does not is soon found out.
const writeChunk = 1 << 20

// writeLoop sends what is queued until nothing more will come.
func (c *conn) writeLoop() {
	var parts []part
	for {
		var ok bool
		if parts, ok = c.out.take(parts); !ok {
			break
		}
		var err error
		for i := range parts {
			p := &parts[i]
			if err == nil {
				err = c.write(p.frames)
			}
			if err == nil {
				err = c.write(p.answer)
			}
			c.out.wrote(len(p.frames))
			p.sent()
			p.answer, p.turn = nil, nil
			if cap(p.frames) > keepBuffer {
				p.frames = nil // a burst's memory is not kept for the connection's life
			}
		}
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				c.srv.cutOff.Add(1)
			}
			break
		}
	}
	if c.out.overflowed() {
		c.srv.cutOff.Add(1)
	}
	c.out.abandon()
	c.nc.Close()
}

// write sends b, which may be empty.
func (c *conn) write(b []byte) error {
	for len(b) > 0 {
		n := min(len(b), writeChunk)
		if err := c.nc.SetWriteDeadline(time.Now().Add(c.srv.cfg.WriteTimeout)); err != nil {
			return err
		}
		sent, err := c.nc.Write(b[:n])
		c.srv.bytesOut.Add(uint64(sent))
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
