// Package rpc serves a node to clients over framed TCP (see package wire).
//
// Every connection has one goroutine that reads and one that writes. The
// reader never waits for the node: a full node answers StatusBusy, and questions
// beyond a limit ReplyBusy. The writer's queue is bounded: a client that does not
// read its answers is cut off.
package rpc

import (
	"context"
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

// Submission is a Submit frame on its way into the node. Buf is the memory that
// Txs alias; both are reused once Done has been called.
type Submission struct {
	Base      uint64
	Txs       []tx.View
	Malformed []int // indices in Txs that are not canonical transactions
	Sink      Sink
	Buf       []byte
	Node      any // the node's own part, kept with the buffer

	pool *sync.Pool
	conn *conn
}

// Done gives the submission back. The node calls it once.
func (s *Submission) Done() {
	s.conn.inFlight.Add(int64(-len(s.Buf)))
	s.conn, s.Sink = nil, nil
	clear(s.Txs)
	s.Txs, s.Malformed = s.Txs[:0], s.Malformed[:0]
	s.pool.Put(s)
}

// Node is what a server needs of a node.
type Node interface {
	// Submit takes a submission without blocking and calls Done in the end.
	Submit(s *Submission)
	// Query answers a question with a reply code and an answer or error text.
	Query(ctx context.Context, kind uint8, args []byte) (code uint8, answer []byte)
	// Welcome fills in what the node tells a new client.
	Welcome() wire.Welcome
}

// Config bounds what clients can cost.
type Config struct {
	MaxConns      int           // default 1024
	MaxPayload    int           // of a client's frame, default wire.MaxPayload
	MaxInFlight   int64         // bytes of submissions per connection not yet finished, default 32 MiB
	MaxQueued     int           // bytes of answers waiting per connection, default 8 MiB
	WriteTimeout  time.Duration // default 10 s
	HelloTimeout  time.Duration // default 5 s
	LinkPort      uint16        // told to clients; 0 for none
	QueryTimeout  time.Duration // default 5 s
	MaxSubmission int           // transactions per frame that the node takes
	MaxQueries    int           // answered at the same time, all clients together, default 8
	MaxPerHost    int           // connections from one address, default half of MaxConns
	FrameTimeout  time.Duration // for the rest of a frame that has begun, default 30 s
}

func (c *Config) setDefaults() {
	if c.MaxConns <= 0 {
		c.MaxConns = 1024
	}
	if c.MaxPayload <= 0 || c.MaxPayload > wire.MaxPayload {
		c.MaxPayload = wire.MaxPayload
	}
	if c.MaxInFlight <= 0 {
		c.MaxInFlight = 32 << 20
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
	if c.MaxQueries <= 0 {
		c.MaxQueries = 8
	}
	if c.MaxPerHost <= 0 {
		c.MaxPerHost = max(1, c.MaxConns/2)
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
	BytesIn   uint64 `json:"bytes_in"`
	BytesOut  uint64 `json:"bytes_out"`
}

// Server accepts clients on one listener.
type Server struct {
	node Node
	cfg  Config
	pool sync.Pool

	asking chan struct{} // one place per query under way

	mu    sync.Mutex
	conns map[*conn]struct{}
	hosts map[string]int // connections by the client's address
	wg    sync.WaitGroup

	accepted, refused, cutOff, badFrames, bytesIn, bytesOut atomic.Uint64
}

// New returns a server for a node.
func New(node Node, cfg Config) *Server {
	cfg.setDefaults()
	s := &Server{
		node: node, cfg: cfg, conns: make(map[*conn]struct{}), hosts: make(map[string]int),
		asking: make(chan struct{}, cfg.MaxQueries),
	}
	s.pool.New = func() any { return &Submission{pool: &s.pool} }
	return s
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
		c.nc.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
	return err
}

// add starts serving a connection, or refuses it when there are too many.
func (s *Server) add(ctx context.Context, nc net.Conn) {
	c := newConn(s, nc)
	s.mu.Lock()
	// One address cannot take every place: the others are still served.
	host := hostOf(nc)
	full := len(s.conns) >= s.cfg.MaxConns || s.hosts[host] >= s.cfg.MaxPerHost
	if !full {
		s.conns[c] = struct{}{}
		s.hosts[host]++
	}
	s.mu.Unlock()
	if full {
		s.refused.Add(1)
		nc.Close()
		return
	}
	s.accepted.Add(1)
	s.wg.Go(func() {
		c.serve(ctx)
		s.mu.Lock()
		delete(s.conns, c)
		if s.hosts[host]--; s.hosts[host] == 0 {
			delete(s.hosts, host)
		}
		s.mu.Unlock()
	})
}

// hostOf is the client's address without its port.
func hostOf(nc net.Conn) string {
	addr := nc.RemoteAddr().String()
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return addr
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
	return Stats{
		Conns: int64(n), Accepted: s.accepted.Load(), Refused: s.refused.Load(), CutOff: s.cutOff.Load(),
		BadFrames: s.badFrames.Load(), BytesIn: s.bytesIn.Load(), BytesOut: s.bytesOut.Load(),
	}
}
