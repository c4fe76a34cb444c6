package grpcapi_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/rpc/grpcapi"
	"github.com/chainweir/weir/core/rpc/grpcapi/weirv1"
	"github.com/chainweir/weir/core/rpc/tlstest"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const deadline = 30 * time.Second

// fakeNode keeps submissions until the test lets them go.
type fakeNode struct {
	held   chan *rpc.Submission
	answer chan struct{} // a question takes one value; closed: none waits
	asked  chan struct{} // gets a value for every question, while there is room
}

func (f *fakeNode) Submit(s *rpc.Submission) { f.held <- s }

func (f *fakeNode) MaxAnswer(uint8) int { return wire.MaxAnswer }

func (f *fakeNode) Query(ctx context.Context, kind uint8, _ []byte) (uint8, []byte, int) {
	select {
	case f.asked <- struct{}{}:
	default:
	}
	select {
	case <-f.answer:
	case <-ctx.Done():
	}
	switch kind {
	case wire.QueryHealth:
		return wire.ReplyOK, []byte("not a health"), 1
	case wire.QueryProof:
		return wire.ReplyNotFound, []byte("nothing there"), 1
	case wire.QueryTxHash:
		return wire.ReplyNotReady, []byte("not yet"), 1
	case wire.QueryBlock:
		return wire.ReplyInternal, []byte("disk"), 1
	}
	return wire.ReplyBad, []byte("bad"), 1
}

func (f *fakeNode) RetryAfter() time.Duration { return 7 * time.Millisecond }

func (f *fakeNode) Welcome() wire.Welcome { return wire.Welcome{ChainID: [32]byte{1, 2, 3}} }

// serve runs a server until the test ends.
func serve(t *testing.T, node rpc.Node, cfg rpc.Config) (*grpcapi.Server, string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpcapi.New(node, cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s, ln.Addr().String()
}

func fake(t *testing.T, cfg rpc.Config) (*fakeNode, *grpcapi.Server, string) {
	t.Helper()
	f := &fakeNode{held: make(chan *rpc.Submission, 100), answer: make(chan struct{}), asked: make(chan struct{}, 1)}
	s, addr := serve(t, f, cfg)
	return f, s, addr
}

// dial makes a client; its calls end with the test.
func dial(t *testing.T, addr string, secure *tls.Config) (context.Context, weirv1.NodeClient) {
	t.Helper()
	creds := insecure.NewCredentials()
	if secure != nil {
		creds = credentials.NewTLS(secure)
	}
	cc, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(creds))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	t.Cleanup(func() {
		cancel()
		if err := cc.Close(); err != nil {
			t.Error(err)
		}
	})
	return ctx, weirv1.NewNodeClient(cc)
}

type call = grpc.BidiStreamingClient[weirv1.SubmitRequest, weirv1.Event]

func open(ctx context.Context, t *testing.T, c weirv1.NodeClient) call {
	t.Helper()
	st, err := c.Submit(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func send(t *testing.T, st call, r *weirv1.SubmitRequest) {
	t.Helper()
	if err := st.Send(r); err != nil {
		t.Fatal(err)
	}
}

func next(t *testing.T, st call) *weirv1.Event {
	t.Helper()
	e, err := st.Recv()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(deadline):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

func submission(base uint64, n int) *weirv1.SubmitRequest {
	var b []byte
	for i := range n {
		b = (&tx.Fields{Kind: tx.KindTransfer, Nonce: uint64(i)}).AppendUnsigned(b)
	}
	return &weirv1.SubmitRequest{Base: base, Count: uint32(n), Transactions: b}
}

// Events come in the order in which the node tells them; the call ends by itself
// when the client has nothing more to submit and every transaction has had its
// last event.
func TestStream(t *testing.T) {
	f, _, addr := fake(t, rpc.Config{})
	ctx, c := dial(t, addr, nil)
	st := open(ctx, t, c)
	req := submission(10, 5)
	req.ChainId = append([]byte{1, 2, 3}, make([]byte, 29)...)
	req.Transactions[tx.Size] = 9 // the second transaction's version
	send(t, st, req)
	s := receive(t, f.held)
	if s.Base != 10 || len(s.Txs) != 5 || len(s.Malformed) != 1 || s.Malformed[0] != 1 || s.Txs[4].Nonce() != 4 {
		t.Errorf("%d transactions from %d, malformed %v", len(s.Txs), s.Base, s.Malformed)
	}
	if err := st.CloseSend(); err != nil {
		t.Fatal(err)
	}
	s.Sink.Acked(10, []tx.Status{0, tx.StatusMalformed, 0, 0, tx.StatusBusy})
	s.Sink.Committed(3, 99, []wire.Range{{Seq: 10, Count: 1, Index: 7}, {Seq: 12, Count: 1, Index: 8}})
	s.Sink.Rejected([]wire.Rejection{{Seq: 13, Status: tx.StatusInsufficient}})
	s.Done()
	if b := next(t, st).GetBusy(); b.GetBase() != 14 || b.GetCount() != 1 || b.GetRetryAfterUs() != 7000 {
		t.Errorf("%v", b)
	}
	if a := next(t, st).GetAck(); a.GetBase() != 10 || a.GetCount() != 5 || len(a.GetStatuses()) != 5 || a.GetStatuses()[4] != weirv1.Status_STATUS_BUSY {
		t.Errorf("%v", a)
	}
	m := next(t, st).GetCommit()
	if m.GetHeight() != 3 || m.GetTimeNs() != 99 || len(m.GetRanges()) != 2 || m.GetRanges()[1].GetSeq() != 12 || m.GetRanges()[1].GetIndex() != 8 {
		t.Errorf("%v", m)
	}
	if r := next(t, st).GetReject().GetRejections(); len(r) != 1 || r[0].GetSeq() != 13 || r[0].GetStatus() != weirv1.Status_STATUS_INSUFFICIENT_FUNDS {
		t.Errorf("%v", r)
	}
	if e, err := st.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last event: %v, %v", e, err)
	}
}

// Every status has a name of its own on this side, too.
func TestStatusesMatch(t *testing.T) {
	if n := len(weirv1.Status_name); n != tx.NumStatus {
		t.Errorf("%d statuses, the chain has %d", n, tx.NumStatus)
	}
	for s := range tx.NumStatus {
		name := strings.TrimPrefix(tx.Status(s).String(), "exec:")
		if got := strings.ToLower(strings.TrimPrefix(weirv1.Status_name[int32(s)], "STATUS_")); got != name {
			t.Errorf("status %d is %q here, %q on the chain", s, got, name)
		}
	}
}

// Nonsense ends the call with a reason and costs no more than the message.
func TestHostileSubmissions(t *testing.T) {
	_, _, addr := fake(t, rpc.Config{MaxPayload: 64 << 10, MaxSubmission: 50})
	ctx, c := dial(t, addr, nil)
	with := func(change func(*weirv1.SubmitRequest)) *weirv1.SubmitRequest {
		r := submission(0, 5)
		change(r)
		return r
	}
	for name, cs := range map[string]struct {
		req  *weirv1.SubmitRequest
		code codes.Code
	}{
		"nothing":          {&weirv1.SubmitRequest{}, codes.InvalidArgument},
		"count too small":  {with(func(r *weirv1.SubmitRequest) { r.Count = 4 }), codes.InvalidArgument},
		"count too large":  {with(func(r *weirv1.SubmitRequest) { r.Count = 6 }), codes.InvalidArgument},
		"count gigantic":   {with(func(r *weirv1.SubmitRequest) { r.Count = 1<<32 - 1 }), codes.InvalidArgument},
		"more than taken":  {submission(0, 51), codes.InvalidArgument},
		"base too large":   {submission(1<<63+1, 1), codes.InvalidArgument},
		"another chain":    {with(func(r *weirv1.SubmitRequest) { r.ChainId = make([]byte, 32) }), codes.FailedPrecondition},
		"half a chain":     {with(func(r *weirv1.SubmitRequest) { r.ChainId = []byte{1} }), codes.FailedPrecondition},
		"oversize message": {with(func(r *weirv1.SubmitRequest) { r.Transactions = make([]byte, 65<<10) }), codes.ResourceExhausted},
		"tail too long":    {with(func(r *weirv1.SubmitRequest) { r.Transactions[2] = 1 }), codes.InvalidArgument},
	} {
		st := open(ctx, t, c)
		if err := st.Send(cs.req); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if e, err := st.Recv(); status.Code(err) != cs.code {
			t.Errorf("%s: %v, %v; want %v", name, e, err, cs.code)
		}
	}
}

// A client that does not read its events is cut off; the node is not held up.
func TestSlowReader(t *testing.T) {
	f, s, addr := fake(t, rpc.Config{MaxQueued: 64 << 10, WriteTimeout: deadline})
	ctx, c := dial(t, addr, nil)
	st := open(ctx, t, c)
	send(t, st, submission(0, 1))
	sub := receive(t, f.held)
	ranges := make([]wire.Range, 100)
	for i := 0; s.Stats().CutOff == 0; i++ {
		if i > 1<<20 {
			t.Fatal("a client that does not read was not cut off")
		}
		sub.Sink.Committed(1, 2, ranges)
	}
	sub.Sink.Committed(1, 2, ranges) // goes nowhere
	sub.Done()
	for {
		if _, err := st.Recv(); err != nil {
			if status.Code(err) != codes.ResourceExhausted {
				t.Errorf("%v", err)
			}
			return
		}
	}
}

// One event that is not taken for WriteTimeout is enough.
func TestStuckReader(t *testing.T) {
	f, s, addr := fake(t, rpc.Config{WriteTimeout: 10 * time.Millisecond})
	ctx, c := dial(t, addr, nil)
	st := open(ctx, t, c)
	send(t, st, submission(0, 1))
	sub := receive(t, f.held)
	for range 30 { // some 100 KB each: more than flow control lets through, less than MaxQueued
		sub.Sink.Committed(1, 2, make([]wire.Range, 50_000))
	}
	sub.Done()
	end := time.Now().Add(deadline)
	for s.Stats().CutOff == 0 {
		if time.Now().After(end) {
			t.Fatal("a client that takes nothing was not cut off")
		}
		_, _ = c.GetKey(ctx, &weirv1.GetKeyRequest{}) // waits for the server
	}
}

// A client's rate holds over both protocols.
func TestRateOverBothProtocols(t *testing.T) {
	clients := rpc.NewClients(rpc.Limits{TxPerSec: 1e-3, TxBurst: 5})
	f, s, addr := fake(t, rpc.Config{Clients: clients})
	framed := rpc.New(f, rpc.Config{Clients: clients})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = framed.Serve(ctx, ln) }) // a failure shows in the dial
	t.Cleanup(func() { cancel(); wg.Wait() })
	fc, err := client.Dial(ctx, ln.Addr().String(), client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer fc.Close()
	if err := fc.Submit(0, 4, submission(0, 4).GetTransactions()); err != nil {
		t.Fatal(err)
	}
	receive(t, f.held).Done()
	gctx, c := dial(t, addr, nil)
	st := open(gctx, t, c)
	send(t, st, submission(7, 4))
	if b := next(t, st).GetBusy(); b.GetBase() != 7 || b.GetCount() != 4 || b.GetRetryAfterUs() < 1e9 {
		t.Errorf("%v", b)
	}
	if a := next(t, st).GetAck(); len(a.GetStatuses()) != 1 || a.GetStatuses()[0] != weirv1.Status_STATUS_BUSY || a.GetCount() != 4 {
		t.Errorf("%v", a)
	}
	if got := s.Stats().Busy; got != 4 {
		t.Errorf("%d transactions were counted as refused", got)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	f, s, addr := fake(t, rpc.Config{Limits: rpc.Limits{MaxConns: 1, MaxPerHost: 1}})
	close(f.answer)
	ctx, c := dial(t, addr, nil)
	if _, err := c.Head(ctx, &weirv1.HeadRequest{}); status.Code(err) != codes.InvalidArgument { // the fake's answer
		t.Fatal(err)
	}
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(nc, make([]byte, 1)); err == nil {
		t.Error("one connection too many was served")
	}
	if got := s.Stats().Refused; got != 1 {
		t.Errorf("%d connections were refused", got)
	}
}

// What the node answers to questions becomes a status; too many at once are
// refused.
func TestQuestions(t *testing.T) {
	f, _, addr := fake(t, rpc.Config{Limits: rpc.Limits{MaxAsked: 1}})
	ctx, c := dial(t, addr, nil)
	first := make(chan error, 1)
	go func() {
		_, err := c.GetBlock(ctx, &weirv1.GetBlockRequest{})
		first <- err
	}()
	receive(t, f.asked)
	if _, err := c.GetProof(ctx, &weirv1.GetProofRequest{}); status.Code(err) != codes.ResourceExhausted {
		t.Error(err)
	}
	close(f.answer)
	if err := receive(t, first); status.Code(err) != codes.Internal || !strings.Contains(err.Error(), "disk") {
		t.Error(err)
	}
	hash := &weirv1.GetTransactionRequest_Hash{Hash: make([]byte, 32)}
	for name, cs := range map[string]struct {
		ask  func() error
		code codes.Code
	}{
		"unreadable": {func() error { _, err := c.Health(ctx, &weirv1.HealthRequest{}); return err }, codes.Internal},
		"not found":  {func() error { _, err := c.GetProof(ctx, &weirv1.GetProofRequest{}); return err }, codes.NotFound},
		"bad":        {func() error { _, err := c.GetAccount(ctx, &weirv1.GetAccountRequest{}); return err }, codes.InvalidArgument},
		"short key":  {func() error { _, err := c.GetKey(ctx, &weirv1.GetKeyRequest{Key: []byte{1}}); return err }, codes.InvalidArgument},
		"no key":     {func() error { _, err := c.GetTransaction(ctx, &weirv1.GetTransactionRequest{}); return err }, codes.InvalidArgument},
		"not ready":  {func() error { _, err := c.GetTransaction(ctx, &weirv1.GetTransactionRequest{Key: hash}); return err }, codes.FailedPrecondition},
	} {
		if err := cs.ask(); status.Code(err) != cs.code {
			t.Errorf("%s: %v, want %v", name, err, cs.code)
		}
	}
}

func TestMutualTLS(t *testing.T) {
	ca, other := tlstest.New(t, "ca"), tlstest.New(t, "other")
	node, good, bad := ca.Issue(t, "node", time.Hour), ca.Issue(t, "good", time.Hour), other.Issue(t, "bad", time.Hour)
	cfg, err := rpc.ServerTLS(node.Cert, node.Key, ca.File)
	if err != nil {
		t.Fatal(err)
	}
	f, _, addr := fake(t, rpc.Config{TLS: cfg})
	close(f.answer)
	for _, c := range []struct {
		name string
		who  tlstest.Pair
		ca   string
		want codes.Code
	}{
		{"good", good, ca.File, codes.InvalidArgument}, // the fake's answer
		{"no certificate", tlstest.Pair{}, ca.File, codes.Unavailable},
		{"foreign certificate", bad, ca.File, codes.Unavailable},
		{"wrong authority", good, other.File, codes.Unavailable},
	} {
		secure, err := client.TLS(c.ca, c.who.Cert, c.who.Key, "127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cl := dial(t, addr, secure)
		if _, err := cl.Head(ctx, &weirv1.HeadRequest{}); status.Code(err) != c.want {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}
