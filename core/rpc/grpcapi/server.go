// Package grpcapi serves a node to clients over gRPC (see the folder proto): a
// bidirectional stream for submissions and unary calls for questions.
//
// It is for programs in other languages, and a package of its own so that whoever
// builds on the node without it does not compile gRPC. Limits and back-pressure
// are those of package rpc: bounded queues everywhere, a full node answers busy
// with a hint, and a client that does not read its events is cut off.
package grpcapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/rpc/grpcapi/weirv1"
	"github.com/chainweir/weir/core/wire"
)

// Limits that gRPC has and the framed protocol has not.
const (
	maxStreams      = 16       // at the same time on one connection
	maxHeaderBytes  = 16 << 10 // of a call
	messageOverhead = 128      // what a SubmitRequest has beside its transactions
	idlePing        = 30 * time.Second
	pingTimeout     = 10 * time.Second
	maxIdle         = 5 * time.Minute // of a connection without a call; clients connect again by themselves
	streamWindow    = 256 << 10
	connWindow      = 1 << 20
)

// Server is the gRPC side of a node.
type Server struct {
	weirv1.UnimplementedNodeServer // for methods of later versions

	node rpc.Node
	cfg  rpc.Config
	pool rpc.Pool
	wg   sync.WaitGroup

	mu    sync.Mutex
	conns map[string]*conn // by remote address

	refused, cutOff, busy atomic.Uint64
}

// Stats are a server's counters since it started.
type Stats struct {
	Refused uint64 // connections over the limits
	CutOff  uint64 // streams or connections whose client did not read
	Busy    uint64 // transactions refused for a client's limits
}

// New returns a server for a node. Config means what it means for rpc.New; of its
// fields LinkPort has no effect here. With Config.Clients set
// to that of another server, clients have their limits over both.
func New(node rpc.Node, cfg rpc.Config) *Server {
	cfg.SetDefaults()
	return &Server{node: node, cfg: cfg, conns: make(map[string]*conn)}
}

// Serve answers clients until ctx ends, then ends every call and waits for them.
// It closes the listener.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	opts := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(s.cfg.MaxPayload + messageOverhead),
		grpc.MaxSendMsgSize(wire.MaxReply),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxHeaderListSize(maxHeaderBytes),
		grpc.ConnectionTimeout(s.cfg.HelloTimeout),
		// Windows that do not grow with the link: what a stream's client sends
		// ahead of being read stays bounded.
		grpc.StaticStreamWindowSize(streamWindow),
		grpc.StaticConnWindowSize(connWindow),
		grpc.InTapHandle(s.limitCall),
		grpc.ForceServerCodecV2(codec{encoding.GetCodecV2(proto.Name)}),
		// A connection that does not even answer pings is not worth its place.
		grpc.KeepaliveParams(keepalive.ServerParameters{
			Time: idlePing, Timeout: pingTimeout, MaxConnectionIdle: maxIdle,
		}),
		grpc.WaitForHandlers(true),
		grpc.UnaryInterceptor(s.question),
	}
	if s.cfg.TLS != nil {
		opts = append(opts, grpc.Creds(credentials.NewTLS(s.cfg.TLS)))
	}
	g := grpc.NewServer(opts...)
	weirv1.RegisterNodeServer(g, s)
	stop := context.AfterFunc(ctx, g.Stop)
	defer stop()
	err := g.Serve(&limitListener{Listener: ln, srv: s})
	g.Stop()
	s.wg.Wait()
	if errors.Is(err, grpc.ErrServerStopped) || ctx.Err() != nil {
		return nil
	}
	return err
}

// Stats reads the counters.
func (s *Server) Stats() Stats {
	return Stats{Refused: s.refused.Load(), CutOff: s.cutOff.Load(), Busy: s.busy.Load()}
}

// session begins the account of the client that makes a call.
func (s *Server) session(ctx context.Context) (*rpc.Session, error) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return nil, status.Error(codes.Internal, "a call without a peer")
	}
	var state *tls.ConnectionState
	if info, ok := p.AuthInfo.(credentials.TLSInfo); ok {
		state = &info.State
	}
	return s.cfg.Clients.Session(p.Addr, state), nil
}

// ask puts a question to the node and turns a refusal into a gRPC status.
func (s *Server) ask(ctx context.Context, kind uint8, args []byte) ([]byte, error) {
	code, answer, cost := s.node.Query(ctx, kind, args)
	if p, ok := ctx.Value(placeKey{}).(*place); ok {
		p.cost = cost
	}
	if code == wire.ReplyOK {
		return answer, nil
	}
	c, ok := replyCodes[code]
	if !ok {
		c = codes.Internal
	}
	return nil, status.Error(c, string(answer))
}

var replyCodes = map[uint8]codes.Code{
	wire.ReplyNotFound: codes.NotFound,
	wire.ReplyBad:      codes.InvalidArgument,
	wire.ReplyBusy:     codes.ResourceExhausted,
	wire.ReplyNotReady: codes.FailedPrecondition,
}

// broken says that the node's own answer cannot be read.
func broken(err error) error {
	return status.Error(codes.Internal, fmt.Sprintf("the node's answer cannot be read: %v", err))
}
