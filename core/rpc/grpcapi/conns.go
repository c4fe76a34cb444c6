package grpcapi

import (
	"context"
	"net"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/rpc/grpcapi/weirv1"
)

// limitListener turns away connections for which there is no place.
type limitListener struct {
	net.Listener
	srv *Server
}

// Accept implements net.Listener.
func (l *limitListener) Accept() (net.Conn, error) {
	for {
		nc, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if !l.srv.cfg.Clients.Connect(nc.RemoteAddr()) {
			l.srv.refused.Add(1)
			nc.Close()
			continue
		}
		c := &conn{Conn: nc, srv: l.srv, turns: make(map[*rpc.Turn]struct{})}
		l.srv.mu.Lock()
		l.srv.conns[nc.RemoteAddr().String()] = c
		l.srv.mu.Unlock()
		return c, nil
	}
}

// conn is a connection, with the large answers that its client has yet to read.
type conn struct {
	net.Conn
	srv  *Server
	once sync.Once

	mu     sync.Mutex
	closed bool
	turns  map[*rpc.Turn]struct{}
}

// Close implements net.Conn. What the connection held is free then.
func (c *conn) Close() error {
	c.once.Do(func() {
		addr := c.RemoteAddr()
		c.srv.mu.Lock()
		if key := addr.String(); c.srv.conns[key] == c {
			delete(c.srv.conns, key)
		}
		c.srv.mu.Unlock()
		c.srv.cfg.Clients.Disconnect(addr)
		c.mu.Lock()
		turns := c.turns
		c.closed, c.turns = true, nil
		c.mu.Unlock()
		for t := range turns {
			t.Sent()
		}
	})
	return c.Conn.Close()
}

// hold remembers an answer that waits for the client; false: the client is gone.
func (c *conn) hold(t *rpc.Turn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.turns[t] = struct{}{}
	}
	return !c.closed
}

func (c *conn) sent(t *rpc.Turn) {
	c.mu.Lock()
	delete(c.turns, t)
	c.mu.Unlock()
	t.Sent()
}

// connOf finds the connection that a call came over.
func (s *Server) connOf(ctx context.Context) *conn {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns[p.Addr.String()]
}

// limitCall sees a call before anything of it is read. A message that has not come
// whole cannot be seen from here, and it may have MaxPayload bytes, so calls count
// as that much each: a client has as many at a time as fit into MaxPerClient. A
// question has a deadline, too: half of one does not hold a stream and a buffer
// for as long as its client likes.
func (s *Server) limitCall(ctx context.Context, info *tap.Info) (context.Context, error) {
	if s.connOf(ctx) == nil {
		return nil, status.Error(codes.Unavailable, "the connection is gone")
	}
	session, err := s.session(ctx)
	if err != nil {
		return nil, err
	}
	most := s.cfg.Clients.CallsPerClient(s.cfg.MaxPayload, maxStreams)
	if !session.Begin(most) {
		session.Close()
		return nil, status.Errorf(codes.ResourceExhausted, "this client has %d calls under way, which is all that it may; end some", most)
	}
	end := func() { session.End(); session.Close() }
	if info.FullMethodName == weirv1.Node_Submit_FullMethodName {
		context.AfterFunc(ctx, end)
		return ctx, nil
	}
	limited, cancel := context.WithTimeout(ctx, s.cfg.FrameTimeout+s.cfg.QueryTimeout)
	context.AfterFunc(ctx, func() { cancel(); end() })
	return limited, nil
}
