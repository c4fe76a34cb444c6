package rpc_test

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const deadline = 30 * time.Second

// fakeNode keeps submissions until the test lets them go and answers queries
// when it may.
type fakeNode struct {
	held    chan *rpc.Submission
	answer  chan struct{} // a query takes one value; closed: none waits
	mu      sync.Mutex
	running int // queries at the moment
	most    int
	asked   int // queries that are over
}

func (f *fakeNode) Submit(s *rpc.Submission) { f.held <- s }

func (f *fakeNode) MaxAnswer(kind uint8) int {
	if kind == largeKind {
		return largeBytes
	}
	return 100
}

// A question of this kind has an answer of largeBytes.
const (
	largeKind  = 200
	largeBytes = 1 << 20
	freeKind   = 201 // and one of this kind is answered at once
)

func (f *fakeNode) Query(ctx context.Context, kind uint8, args []byte) (uint8, []byte, int) {
	f.mu.Lock()
	f.running++
	f.most = max(f.most, f.running)
	f.mu.Unlock()
	if kind != freeKind {
		select {
		case <-f.answer:
		case <-ctx.Done():
		}
	}
	f.mu.Lock()
	f.running--
	f.asked++
	f.mu.Unlock()
	if kind == largeKind {
		return wire.ReplyOK, make([]byte, largeBytes), 1
	}
	if kind == freeKind {
		return wire.ReplyOK, args, 1
	}
	return kind, args, 1
}

func (f *fakeNode) RetryAfter() time.Duration { return 7 * time.Millisecond }

func (f *fakeNode) Welcome() wire.Welcome { return wire.Welcome{Accounts: 5, Height: 6} }

// start serves the node and returns the server and its address.
func start(t *testing.T, cfg rpc.Config) (*fakeNode, *rpc.Server, string) {
	t.Helper()
	f := &fakeNode{held: make(chan *rpc.Submission, 100), answer: make(chan struct{})}
	s := rpc.New(f, cfg)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if n := s.Stats().Conns; n != 0 {
			t.Errorf("%d connections are left", n)
		}
	})
	return f, s, ln.Addr().String()
}

// connect dials and says hello.
func connect(t *testing.T, addr string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	if err := nc.SetDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	send(t, nc, (&wire.Hello{Version: wire.ProtocolVersion}).Append(nil))
	return nc
}

func send(t *testing.T, nc net.Conn, b []byte) {
	t.Helper()
	if _, err := nc.Write(b); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, nc net.Conn, want wire.Type) (uint8, []byte) {
	t.Helper()
	typ, flags, p, err := wire.ReadFrame(nc, nil, 1<<20)
	if err != nil || typ != want {
		t.Fatalf("type %d, %v; want type %d", typ, err, want)
	}
	return flags, p
}

func submission(base uint64, n int) []byte {
	b := wire.AppendSubmitHeader(nil, base, n, n*tx.Size)
	for i := range n {
		f := tx.Fields{Kind: tx.KindTransfer, Nonce: uint64(i)}
		b = f.AppendUnsigned(b)
	}
	return b
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

// More than MaxInFlight of one connection is refused as busy; what another one
// has under way does not count.
func TestInFlight(t *testing.T) {
	f, _, addr := start(t, rpc.Config{Limits: rpc.Limits{MaxInFlight: 5 * tx.Size}, LinkPort: 77, MaxSubmission: 10})
	a, b := connect(t, addr), connect(t, addr)
	_, p := expect(t, a, wire.TypeWelcome)
	w, err := wire.ParseWelcome(p)
	if err != nil || w.LinkPort != 77 || w.MaxTxs != 10 || w.MaxPayload != wire.MaxPayload || w.Accounts != 5 || w.Height != 6 {
		t.Errorf("welcome %+v, %v", w, err)
	}
	expect(t, b, wire.TypeWelcome)
	send(t, a, submission(0, 3))
	first := receive(t, f.held)
	send(t, a, submission(3, 3))
	flags, p := expect(t, a, wire.TypeAck)
	ack, err := wire.ParseAck(p, flags)
	if s, uniform := ack.Uniform(); err != nil || ack.Base != 3 || ack.Count != 3 || s != tx.StatusBusy || !uniform {
		t.Errorf("%+v, %v", ack, err)
	}
	send(t, b, submission(0, 3))
	receive(t, f.held).Done()
	first.Sink.Acked(first.Base, []tx.Status{tx.StatusOK, tx.StatusOK, tx.StatusBusy})
	flags, p = expect(t, a, wire.TypeAck)
	if ack, err = wire.ParseAck(p, flags); err != nil || ack.Base != 0 || ack.Status(2) != tx.StatusBusy || ack.Status(1) != tx.StatusOK {
		t.Errorf("%+v, %v", ack, err)
	}
	first.Done()
	bad := submission(6, 3)
	bad[wire.HeaderSize+wire.SubmitHeaderSize+tx.Size] = 9 // the second transaction's version
	send(t, a, bad)
	s := receive(t, f.held)
	if s.Base != 6 || len(s.Txs) != 3 || !slices.Equal(s.Malformed, []int{1}) || s.Txs[2].Nonce() != 2 {
		t.Errorf("base %d, %d transactions, malformed %v", s.Base, len(s.Txs), s.Malformed)
	}
	s.Done()
	send(t, a, submission(9, 1))
	if s = receive(t, f.held); len(s.Malformed) != 0 || len(s.Txs) != 1 {
		t.Errorf("a reused submission has %d transactions, malformed %v", len(s.Txs), s.Malformed)
	}
	s.Done()
}

// turnedAway fails the test if one more connection is served.
func turnedAway(t *testing.T, addr string) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 1)); err == nil {
		t.Error("one connection too many was served")
	}
}

func TestTooManyConnections(t *testing.T) {
	_, s, addr := start(t, rpc.Config{Limits: rpc.Limits{MaxConns: 2, MaxPerHost: 2}})
	a, b := connect(t, addr), connect(t, addr)
	expect(t, a, wire.TypeWelcome)
	expect(t, b, wire.TypeWelcome)
	turnedAway(t, addr)
	if st := s.Stats(); st.Refused != 1 || st.Accepted != 2 || st.Conns != 2 {
		t.Errorf("%+v", st)
	}
}

// One address cannot take every place.
func TestTooManyFromOneHost(t *testing.T) {
	_, s, addr := start(t, rpc.Config{Limits: rpc.Limits{MaxConns: 4}})
	a, b := connect(t, addr), connect(t, addr)
	expect(t, a, wire.TypeWelcome)
	expect(t, b, wire.TypeWelcome)
	turnedAway(t, addr)
	if st := s.Stats(); st.Refused != 1 || st.Accepted != 2 {
		t.Errorf("%+v", st)
	}
}

// Half a frame is not waited for longer than FrameTimeout; a whole one before it
// and silence between frames are fine.
func TestHalfFrame(t *testing.T) {
	f, _, addr := start(t, rpc.Config{FrameTimeout: 20 * time.Millisecond})
	nc := connect(t, addr)
	expect(t, nc, wire.TypeWelcome)
	whole := submission(0, 3)
	send(t, nc, whole)
	receive(t, f.held).Done()
	send(t, nc, whole[:len(whole)/2])
	expect(t, nc, wire.TypeError)
	if _, err := nc.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("after the error frame: %v", err)
	}
}

// Whoever connects and says nothing is sent away after HelloTimeout.
func TestSilentClient(t *testing.T) {
	_, _, addr := start(t, rpc.Config{HelloTimeout: time.Millisecond})
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	expect(t, nc, wire.TypeError)
	if _, err := nc.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("after the error frame: %v", err)
	}
}

// Headers go to those who asked for them, and a reader that does not read is
// cut off without holding up the broadcast.
func TestBroadcast(t *testing.T) {
	f, s, addr := start(t, rpc.Config{MaxQueued: 64 << 10})
	reader, slow, other := connect(t, addr), connect(t, addr), connect(t, addr)
	subscribe := append(wire.AppendHeader(nil, wire.TypeSubscribe, 0, 1), wire.SubscribeHeaders)
	close(f.answer)
	for _, nc := range []net.Conn{reader, slow, other} {
		expect(t, nc, wire.TypeWelcome)
		if nc != other {
			send(t, nc, subscribe)
		}
		send(t, nc, wire.AppendQuery(nil, 1, 0, nil)) // its answer says that the subscription is in force
		expect(t, nc, wire.TypeReply)
	}
	for height := uint64(1); s.Stats().CutOff == 0; height++ {
		if height > 1<<20 {
			t.Fatal("a client that does not read was not cut off")
		}
		s.Broadcast(&tx.Header{Height: height})
		_, p := expect(t, reader, wire.TypeBlock)
		if h, err := tx.ParseHeader(p); err != nil || h.Height != height {
			t.Fatalf("header %d came instead of %d: %v", h.Height, height, err)
		}
	}
	send(t, other, wire.AppendQuery(nil, 2, 0, nil)) // nothing but the answer comes
	expect(t, other, wire.TypeReply)
}
