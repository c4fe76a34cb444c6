// Package rpc serves a node to clients over framed TCP (see package wire).
//
// Every client has limits (see Limits): what goes beyond is answered with
// StatusBusy and, for those who ask for it, with how long to wait.
//
// Every connection has one goroutine that reads and one that writes. The
// reader never waits for the node: a full node answers StatusBusy. Questions wait
// for their turn, which goes round the clients; those beyond a limit are answered
// with ReplyBusy and when to ask again. The writer's queue is bounded, for each
// client and for all together: a client that does not read is cut off.
package rpc

import (
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

// Sink receives what becomes of a client's submissions. The node calls it from
// its own goroutines; a Sink must not block and must not keep the slices.
type Sink interface {
	// Acked tells the status of each transaction of a submission once its
	// signature is checked and it waits for a block (or does not).
	Acked(base uint64, status []tx.Status)
	// Committed tells which transactions stand in a durable block.
	Committed(height, timeNS uint64, ranges []wire.Range)
	// Rejected tells which accepted transactions failed in execution.
	Rejected(rs []wire.Rejection)
}

// Node is what a server needs of a node.
type Node interface {
	// Submit takes a submission without blocking and calls Done in the end.
	Submit(s *Submission)
	// Query answers a question with a reply code and an answer or error text, and
	// tells what that cost as a number of simple questions.
	Query(ctx context.Context, kind uint8, args []byte) (code uint8, answer []byte, cost int)
	// MaxAnswer is how many bytes the answer to a kind of question may have.
	MaxAnswer(kind uint8) int
	// Welcome fills in what the node tells a new client.
	Welcome() wire.Welcome
	// RetryAfter is how long a client does well to wait after a StatusBusy: an
	// estimate, greater than zero. It does not block.
	RetryAfter() time.Duration
}

// Config bounds what clients can cost.
type Config struct {
	Limits                      // per client; of no effect with Clients
	Clients       *Clients      // shared with another server; nil: the server's own
	TLS           *tls.Config   // nil: plain TCP; see ServerTLS
	MaxPayload    int           // of a client's frame, default wire.MaxPayload
	MaxQueued     int           // bytes of frames waiting per connection, default 8 MiB
	WriteTimeout  time.Duration // for each mebibyte that a client reads, default 10 s
	HelloTimeout  time.Duration // for the TLS handshake and again for the hello, default 5 s
	LinkPort      uint16        // told to clients; 0 for none
	QueryTimeout  time.Duration // default 5 s
	MaxSubmission int           // transactions per frame that the node takes
	FrameTimeout  time.Duration // for the rest of a frame that has begun, default 30 s
}

// SetDefaults fills in what is not set.
func (c *Config) SetDefaults() {
	if c.Clients == nil {
		c.Clients = NewClients(c.Limits)
	}
	if c.MaxPayload <= 0 || c.MaxPayload > wire.MaxPayload {
		c.MaxPayload = wire.MaxPayload
	}
	if c.MaxQueued <= 0 {
		c.MaxQueued = 8 << 20
	}
	if c.WriteTimeout <= 0 {
		c.WriteTimeout = 10 * time.Second
	}
	if c.HelloTimeout <= 0 {
		c.HelloTimeout = 5 * time.Second
	}
	if c.QueryTimeout <= 0 {
		c.QueryTimeout = 5 * time.Second
	}
	if c.FrameTimeout <= 0 {
		c.FrameTimeout = 30 * time.Second
	}
	if c.MaxSubmission <= 0 || c.MaxSubmission > wire.MaxTxs {
		c.MaxSubmission = wire.MaxTxs
	}
}

// Stats are a server's counters since it started.
type Stats struct {
	Conns     int64  `json:"conns"`
	Accepted  uint64 `json:"accepted"`
	Refused   uint64 `json:"refused"`    // over MaxConns or MaxPerHost
	CutOff    uint64 `json:"cut_off"`    // slow readers
	BadFrames uint64 `json:"bad_frames"` // connections ended for a malformed frame
	BadTLS    uint64 `json:"bad_tls"`    // failed TLS handshakes
	Busy      uint64 `json:"busy"`       // transactions refused for a client's limits
	BytesIn   uint64 `json:"bytes_in"`
	BytesOut  uint64 `json:"bytes_out"`

	// Bytes that wait for clients to read them, over all servers with the same
	// Clients: of frames, and of large answers or the room for them.
	UnreadFrames  int64 `json:"unread_frames"`
	UnreadAnswers int64 `json:"unread_answers"`
}

// Server accepts clients on one listener.
type Server struct {
	node Node
	cfg  Config
	pool Pool

	mu    sync.Mutex
	conns map[*conn]struct{}
	wg    sync.WaitGroup

	accepted, refused, cutOff, badFrames, badTLS, busy, bytesIn, bytesOut atomic.Uint64
}

// New returns a server for a node.
func New(node Node, cfg Config) *Server {
	cfg.SetDefaults()
	return &Server{node: node, cfg: cfg, conns: make(map[*conn]struct{})}
}

// Serve accepts clients until ctx ends, then closes every connection and waits
// for their goroutines. It closes the listener.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	defer stop()
	var err error
	for backoff := time.Duration(0); ; {
		nc, aerr := ln.Accept()
		if aerr == nil {
			backoff = 0
			s.add(ctx, nc)
			continue
		}
		if ctx.Err() != nil {
			break
		}
		if errors.Is(aerr, net.ErrClosed) {
			err = fmt.Errorf("listener closed: %w", aerr)
			break
		}
		// Too many open files and the like: others keep being served.
		backoff = min(max(2*backoff, 5*time.Millisecond), time.Second)
		select {
		case <-time.After(backoff):
		case <-ctx.Done():
		}
	}
	ln.Close()
	s.mu.Lock()
	for c := range s.conns {
		c.raw.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
	return err
}

// add starts serving a connection, or refuses it when there are too many.
func (s *Server) add(ctx context.Context, nc net.Conn) {
	addr := nc.RemoteAddr()
	if !s.cfg.Clients.Connect(addr) {
		s.refused.Add(1)
		nc.Close()
		return
	}
	c := newConn(s, nc)
	s.mu.Lock()
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	s.accepted.Add(1)
	s.wg.Go(func() {
		c.serve(ctx)
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
		s.cfg.Clients.Disconnect(addr)
	})
}

// Broadcast sends a block header to every client that asked for headers.
func (s *Server) Broadcast(h *tx.Header) {
	var buf [wire.HeaderSize + tx.HeaderSize]byte
	frame := h.Append(wire.AppendHeader(buf[:0], wire.TypeBlock, 0, tx.HeaderSize))
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if c.mode.Load()&wire.SubscribeHeaders != 0 {
			c.out.put(func(b []byte) []byte { return append(b, frame...) })
		}
	}
}

// Stats reads the counters.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	n := len(s.conns)
	s.mu.Unlock()
	frames, answers := s.cfg.Clients.Unread()
	return Stats{
		UnreadFrames: frames, UnreadAnswers: answers,
		Conns: int64(n), Accepted: s.accepted.Load(), Refused: s.refused.Load(), CutOff: s.cutOff.Load(),
		BadFrames: s.badFrames.Load(), BadTLS: s.badTLS.Load(), Busy: s.busy.Load(), BytesIn: s.bytesIn.Load(), BytesOut: s.bytesOut.Load(),
	}
}
