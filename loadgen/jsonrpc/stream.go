package jsonrpc

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// Errors of streams.
var (
	// ErrRefused says that the server does not speak what was asked for.
	ErrRefused = errors.New("the server refused the connection")
	// ErrTooLong says that a message exceeds the limit.
	ErrTooLong = errors.New("the message is too long")
)

// maxMessage bounds one message that comes in: a block with all its results.
const maxMessage = 256 << 20

// closeWait is what a server that does not read gets for the closing frame.
const closeWait = 100 * time.Millisecond

// Endpoint is where a server listens, and how it is spoken to.
type Endpoint struct {
	Addr string // host:port
	Path string // such as /websocket; empty: /
	// WebSocket frames the messages; otherwise they are pipelined HTTP/1.1
	// requests, which a server answers in order.
	WebSocket bool
	Dial      func(ctx context.Context, addr string) (net.Conn, error) // nil: TCP
}

// Stream carries messages both ways on one connection. One goroutine may write
// and one may read; Close and Bytes may be called by any.
type Stream struct {
	nc    *countedConn
	ws    *websocket.Conn // nil: HTTP
	br    *bufio.Reader   // HTTP
	head  []byte          // of every HTTP request, up to the length
	out   []byte          // framed messages that wait for Flush
	in    []byte          // the message that was read last
	mask  *rand.ChaCha8
	close func() error
}

// Open connects. Wrap, which may be nil, gets the socket before anything else.
func Open(ctx context.Context, e Endpoint, wrap func(net.Conn) net.Conn) (*Stream, error) {
	dial := e.Dial
	if dial == nil {
		var d net.Dialer
		dial = func(ctx context.Context, addr string) (net.Conn, error) { return d.DialContext(ctx, "tcp", addr) }
	}
	if e.Path == "" {
		e.Path = "/"
	}
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], rand.Uint64()) // masks keep proxies from being fooled; nothing is secret
	s := &Stream{mask: rand.NewChaCha8(seed)}
	connect := func(ctx context.Context) error {
		nc, err := dial(ctx, e.Addr)
		if err != nil {
			return err
		}
		if wrap != nil {
			nc = wrap(nc)
		}
		s.nc = &countedConn{Conn: nc}
		return nil
	}
	if !e.WebSocket {
		if err := connect(ctx); err != nil {
			return nil, err
		}
		s.head = []byte("POST " + e.Path + " HTTP/1.1\r\nHost: " + e.Addr + "\r\nContent-Type: application/json\r\nContent-Length: ")
		s.br = bufio.NewReaderSize(s.nc, 64<<10)
		s.close = sync.OnceValue(s.nc.Close)
		return s, nil
	}
	d := websocket.Dialer{
		HandshakeTimeout: 10 * time.Second, ReadBufferSize: 64 << 10, WriteBufferSize: 4 << 10,
		NetDialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			if err := connect(ctx); err != nil {
				return nil, err
			}
			return s.nc, nil
		},
	}
	ws, resp, err := d.DialContext(ctx, "ws://"+e.Addr+e.Path, nil)
	if resp != nil && resp.Body != nil {
		_ = resp.Body.Close() // the library has read what there is
	}
	if err != nil {
		if resp != nil {
			err = fmt.Errorf("%w: ws://%s%s answers %s, not as a WebSocket", ErrRefused, e.Addr, e.Path, resp.Status)
		}
		return nil, err
	}
	ws.SetReadLimit(maxMessage)
	s.ws = ws
	s.close = sync.OnceValue(func() error {
		// Best effort: the connection ends either way.
		_ = ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(closeWait))
		return s.nc.Close()
	})
	return s, nil
}

// Queue frames one message. It is sent by Flush.
func (s *Stream) Queue(body []byte) {
	if s.ws == nil {
		s.out = append(s.out, s.head...)
		s.out = strconv.AppendInt(s.out, int64(len(body)), 10)
		s.out = append(s.out, "\r\n\r\n"...)
		s.out = append(s.out, body...)
		return
	}
	s.out = appendFrame(s.out, body, uint32(s.mask.Uint64()))
}

// Flush writes what was queued, all in one write, so that a frame of the
// library's own (an answer to a ping) cannot come to lie inside one of ours.
func (s *Stream) Flush(timeout time.Duration) error {
	if len(s.out) == 0 {
		return nil
	}
	if timeout > 0 {
		if err := s.nc.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
			return err
		}
	}
	_, err := s.nc.Write(s.out)
	s.out = s.out[:0]
	return err
}

// appendFrame appends a final text frame of a client: RFC 6455, section 5.2.
func appendFrame(dst, body []byte, mask uint32) []byte {
	const finText, masked = 0x81, 0x80
	switch n := len(body); {
	case n < 126:
		dst = append(dst, finText, masked|byte(n))
	case n < 1<<16:
		dst = append(dst, finText, masked|126)
		dst = binary.BigEndian.AppendUint16(dst, uint16(n))
	default:
		dst = append(dst, finText, masked|127)
		dst = binary.BigEndian.AppendUint64(dst, uint64(n))
	}
	dst = binary.LittleEndian.AppendUint32(dst, mask)
	at := len(dst)
	dst = append(dst, body...)
	xorMask(dst[at:], mask)
	return dst
}

// xorMask masks eight bytes at a time.
func xorMask(b []byte, mask uint32) {
	wide := uint64(mask)<<32 | uint64(mask)
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^wide)
		b = b[8:]
	}
	for i := range b {
		b[i] ^= byte(mask >> (8 * (i & 3)))
	}
}

// Read waits for the next message, which is valid until the next Read.
func (s *Stream) Read() ([]byte, error) {
	if s.ws != nil {
		_, r, err := s.ws.NextReader()
		if err != nil {
			return nil, err
		}
		return s.fill(r)
	}
	resp, err := http.ReadResponse(s.br, nil)
	if err != nil {
		return nil, err
	}
	body, err := s.fill(io.LimitReader(resp.Body, maxMessage+1))
	err = errors.Join(err, resp.Body.Close())
	switch {
	case err != nil:
		return nil, err
	case len(body) > maxMessage:
		return nil, fmt.Errorf("%w: over %d bytes", ErrTooLong, maxMessage)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%w: HTTP %s: %s", ErrRefused, resp.Status, short(body))
	case resp.Close:
		return body, nil // the next Read fails
	}
	return body, nil
}

// fill reads r to its end into the stream's buffer.
func (s *Stream) fill(r io.Reader) ([]byte, error) {
	b := s.in[:0]
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		s.in = b
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// Bytes is what came in and went out so far, as the socket saw it.
func (s *Stream) Bytes() (in, out uint64) { return s.nc.in.Load(), s.nc.out.Load() }

// Close ends the connection, and reads and writes that still wait with it.
func (s *Stream) Close() error { return s.close() }

// countedConn counts the payload of a connection.
type countedConn struct {
	net.Conn
	in, out atomic.Uint64
}

func (c *countedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.in.Add(uint64(n))
	return n, err
}

func (c *countedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.out.Add(uint64(n))
	return n, err
}

// short is the beginning of a text for an error message.
func short(b []byte) string {
	const most = 200
	if len(b) > most {
		return fmt.Sprintf("%q…", b[:most])
	}
	return fmt.Sprintf("%q", b)
}
