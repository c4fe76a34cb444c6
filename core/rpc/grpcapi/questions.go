package grpcapi

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/rpc/grpcapi/weirv1"
	"github.com/chainweir/weir/core/wire"
)

// pushback is the trailer by which a server tells when to try again; the retry
// policies of gRPC clients know it.
const pushback = "grpc-retry-pushback-ms"

type placeKey struct{}

// place is a question's while it is answered.
type place struct {
	turn *rpc.Turn
	cost int
}

// question gives a unary call its turn among all questions and bounds how long
// it takes.
func (s *Server) question(ctx context.Context, req any, _ *grpc.UnaryServerInfo, answer grpc.UnaryHandler) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.QueryTimeout)
	defer cancel()
	session, err := s.session(ctx)
	if err != nil {
		return nil, err
	}
	defer session.Close() // withdraws a question that still waits
	most := rpc.SmallAnswerBytes
	if _, ok := req.(*weirv1.GetBlockRequest); ok {
		most = s.node.MaxAnswer(wire.QueryBlock)
	}
	granted, over := make(chan *rpc.Turn), make(chan struct{})
	defer close(over)
	wait, ok := session.Ask(most, func(t *rpc.Turn) {
		select {
		case granted <- t:
			<-over
		case <-over: // the call ended first; nobody else knows of this turn
			t.Sent()
		}
	}, nil)
	if !ok {
		return nil, s.tooMany(ctx, wait)
	}
	p := new(place)
	select {
	case p.turn = <-granted:
	case <-ctx.Done():
		return nil, s.tooMany(ctx, s.node.RetryAfter())
	}
	resp, err := answer(context.WithValue(ctx, placeKey{}, p), req)
	block, ok := resp.(*weirv1.BlockResponse)
	if err != nil || !ok {
		p.turn.Answered(0, p.cost)
		return resp, err
	}
	n := len(block.GetHeader()) + len(block.GetBody())
	p.turn.Answered(n, p.cost)
	return s.heldBy(ctx, block, n, p.turn), nil
}

// tooMany refuses a question.
func (s *Server) tooMany(ctx context.Context, wait time.Duration) error {
	ms := max(1, (wait+time.Millisecond-1)/time.Millisecond)
	if err := grpc.SetTrailer(ctx, metadata.Pairs(pushback, strconv.FormatInt(int64(ms), 10))); err != nil {
		return err
	}
	return status.Errorf(codes.ResourceExhausted, "%s, in %d ms", rpc.TooManyQuestions, ms)
}

// held is a block on its way to a client.
type held struct {
	block *weirv1.BlockResponse
	sent  func()
}

// heldBy lets the block's memory count until the client has read it. Who takes
// longer than a client of the framed protocol may is cut off.
func (s *Server) heldBy(ctx context.Context, b *weirv1.BlockResponse, n int, t *rpc.Turn) any {
	c := s.connOf(ctx)
	if c == nil || !c.hold(t) {
		t.Sent()
		return b
	}
	late := time.AfterFunc(s.cfg.WriteTimeout*time.Duration(1+n>>20), func() {
		s.cutOff.Add(1)
		_ = c.Close() // what it held is free, whatever the end of it says
	})
	return &held{block: b, sent: func() {
		late.Stop()
		c.sent(t)
	}}
}

// codec is that of Protocol Buffers, which tells when a block has been sent.
type codec struct{ encoding.CodecV2 }

// Marshal implements encoding.CodecV2.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	h, ok := v.(*held)
	if !ok {
		return c.CodecV2.Marshal(v)
	}
	data, err := c.CodecV2.Marshal(h.block)
	if err != nil {
		h.sent()
		return nil, fmt.Errorf("block: %w", err)
	}
	all := data.MaterializeToBuffer(mem.DefaultBufferPool())
	data.Free()
	b := all.ReadOnlyData()
	if mem.IsBelowBufferPoolingThreshold(cap(b)) {
		h.sent() // too small to be told about, and to matter
		return mem.BufferSlice{all}, nil
	}
	return mem.BufferSlice{mem.NewBuffer(&b, sentPool(func() { all.Free(); h.sent() }))}, nil
}

// sentPool is told when a buffer is free.
type sentPool func()

// Get implements mem.BufferPool.
func (sentPool) Get(n int) *[]byte {
	b := make([]byte, n)
	return &b
}

// Put implements mem.BufferPool.
func (sent sentPool) Put(*[]byte) { sent() }
