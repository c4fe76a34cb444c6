package grpcapi_test

import (
	"context"
	"io"
	"net"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/rpc/grpcapi"
	"github.com/chainweir/weir/core/rpc/grpcapi/weirv1"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
)

// blockBytes is more than sockets hold.
const blockBytes = 24 << 20

// blockNode answers with large blocks.
type blockNode struct {
	fakeNode
	begun chan struct{} // a value for each question
}

func (b *blockNode) Query(context.Context, uint8, []byte) (uint8, []byte, int) {
	b.begun <- struct{}{}
	h := tx.Header{Height: 1, BodyBytes: blockBytes}
	return wire.ReplyOK, append(h.Append(nil), make([]byte, blockBytes)...), 1
}

func (b *blockNode) MaxAnswer(uint8) int { return tx.HeaderSize + blockBytes }

// stuck is a connection that is not read from before it is told to.
type stuck struct {
	net.Conn
	stop <-chan struct{} // closed: reads wait for go
	goOn <-chan struct{}
}

func (s *stuck) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	select {
	case <-s.stop:
		<-s.goOn
	default:
	}
	return n, err
}

func dialStuck(t *testing.T, addr string, stop, goOn chan struct{}) (context.Context, weirv1.NodeClient) {
	t.Helper()
	cc, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(wire.MaxReply)),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
			var d net.Dialer
			nc, err := d.DialContext(ctx, "tcp", addr)
			return &stuck{nc, stop, goOn}, err
		}))
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

func soon(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); !is(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

// A block that its client does not read counts until it is read, and keeps the
// client's next one from being made.
func TestUnreadBlocksAreBounded(t *testing.T) {
	clients := rpc.NewClients(rpc.Limits{})
	n := &blockNode{begun: make(chan struct{}, 10)}
	_, addr := serve(t, n, rpc.Config{Clients: clients, QueryTimeout: deadline, WriteTimeout: deadline})
	stop, goOn := make(chan struct{}), make(chan struct{})
	ctx, c := dialStuck(t, addr, stop, goOn)
	if _, err := c.GetBlock(ctx, &weirv1.GetBlockRequest{}); err != nil { // connects
		t.Fatal(err)
	}
	receive(t, n.begun)
	soon(t, "a block that was read is still held", func() bool { _, held := clients.Unread(); return held == 0 })
	close(stop)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if b, err := c.GetBlock(ctx, &weirv1.GetBlockRequest{}); err != nil || len(b.GetBody()) != blockBytes {
				t.Errorf("%d bytes, %v", len(b.GetBody()), err)
			}
		})
	}
	receive(t, n.begun)
	if _, held := clients.Unread(); held < blockBytes || held > blockBytes+tx.HeaderSize {
		t.Errorf("%d bytes are held", held)
	}
	if len(n.begun) != 0 {
		t.Error("another block was made for a client that does not read")
	}
	close(goOn)
	wg.Wait()
	soon(t, "blocks that were read are still held", func() bool { _, held := clients.Unread(); return held == 0 })
}

// A call that ends in the moment in which it gets its turn gives back the room
// for its answer. What it kept would be missing for good, and after a few of them
// nobody could ask for a block.
func TestEndedQuestionsHoldNothing(t *testing.T) {
	clients := rpc.NewClients(rpc.Limits{})
	s := grpcapi.New(&blockNode{}, rpc.Config{Clients: clients})
	ctx, cancel := context.WithCancel(peer.NewContext(context.Background(), &peer.Peer{Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}}))
	cancel()
	for range 1000 {
		_, err := s.Question(ctx, &weirv1.GetBlockRequest{}, func(context.Context, any) (any, error) { return nil, context.Canceled })
		if err == nil {
			t.Fatal("a call that has ended is answered")
		}
	}
	soon(t, "questions that nobody waits for hold room", func() bool { _, held := clients.Unread(); return held == 0 })
}

// A client that does not read a block in time loses its connection.
func TestUnreadBlockIsCutOff(t *testing.T) {
	clients := rpc.NewClients(rpc.Limits{})
	n := &blockNode{begun: make(chan struct{}, 10)}
	s, addr := serve(t, n, rpc.Config{Clients: clients, WriteTimeout: time.Millisecond})
	stop, goOn := make(chan struct{}), make(chan struct{})
	close(stop)
	ctx, c := dialStuck(t, addr, stop, goOn)
	failed := make(chan error, 1)
	go func() {
		_, err := c.GetBlock(ctx, &weirv1.GetBlockRequest{}, grpc.WaitForReady(true))
		failed <- err
	}()
	go func() { // the connection has to be set up first
		goOn <- struct{}{}
		<-n.begun
	}()
	soon(t, "it was not cut off", func() bool { return s.Stats().CutOff > 0 })
	close(goOn)
	if err := receive(t, failed); status.Code(err) != codes.Unavailable {
		t.Errorf("%v", err)
	}
	soon(t, "the block is still held", func() bool { _, held := clients.Unread(); return held == 0 })
}

// A question too many is told when to come again, in the trailer that retry
// policies know.
func TestPushback(t *testing.T) {
	f, _, addr := fake(t, rpc.Config{Limits: rpc.Limits{MaxAsked: 1}})
	ctx, c := dial(t, addr, nil)
	first := make(chan error, 1)
	go func() {
		_, err := c.GetProof(ctx, &weirv1.GetProofRequest{})
		first <- err
	}()
	receive(t, f.asked)
	var trailer metadata.MD
	_, err := c.GetProof(ctx, &weirv1.GetProofRequest{}, grpc.Trailer(&trailer))
	if status.Code(err) != codes.ResourceExhausted {
		t.Fatal(err)
	}
	hint := trailer.Get("grpc-retry-pushback-ms")
	if len(hint) != 1 {
		t.Fatalf("trailer %v", trailer)
	}
	if ms, err := strconv.Atoi(hint[0]); err != nil || ms < 1 || ms > 1000 {
		t.Errorf("hint %q, %v", hint, err)
	}
	close(f.answer)
	if err := receive(t, first); status.Code(err) != codes.NotFound {
		t.Error(err)
	}
}

// Questions of a client that floods over gRPC keep no other client's waiting.
func TestFloodOverGRPC(t *testing.T) {
	f, _, addr := fake(t, rpc.Config{QueryTimeout: deadline})
	ctx, flood := dial(t, addr, nil)
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() { _, _ = flood.GetProof(ctx, &weirv1.GetProofRequest{}) }) // refused or given up
	}
	for range 4 {
		receive(t, f.asked)
	}
	gctx, good := dial(t, addr, nil)
	answered := make(chan error, 1)
	go func() {
		_, err := good.GetBlock(gctx, &weirv1.GetBlockRequest{})
		answered <- err
	}()
	receive(t, f.asked) // it has its turn while the flood's are stuck
	cancel()
	wg.Wait()
	close(f.answer)
	if err := receive(t, answered); status.Code(err) != codes.Internal {
		t.Error(err)
	}
}

// Calls are bounded per client, over its connections.
func TestCallsPerClient(t *testing.T) {
	f, _, addr := fake(t, rpc.Config{Limits: rpc.Limits{MaxPerClient: 1}}) // as many as on one connection
	ctx, c := dial(t, addr, nil)
	var open16 []call
	for i := range 16 {
		st := open(ctx, t, c)
		send(t, st, submission(uint64(i), 1))
		sub := receive(t, f.held)
		sub.Sink.Acked(uint64(i), []tx.Status{tx.StatusExpired}) // its last event
		sub.Done()
		open16 = append(open16, st)
	}
	octx, other := dial(t, addr, nil)
	if _, err := other.Head(octx, &weirv1.HeadRequest{}); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("the 17th call: %v", err)
	}
	close(f.answer)
	cctx, cancel := context.WithCancel(octx)
	defer cancel()
	ended, err := other.Submit(cctx)
	if err == nil {
		_, err = ended.Recv()
	}
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("the 17th stream: %v", err)
	}
	if err := open16[0].CloseSend(); err != nil {
		t.Fatal(err)
	}
	soon(t, "no call has become free", func() bool {
		_, err := other.Head(octx, &weirv1.HeadRequest{})
		return status.Code(err) == codes.InvalidArgument // the fake's answer
	})
}

// A question of which only the beginning comes is given up after a while.
func TestHalfQuestion(t *testing.T) {
	_, _, addr := fake(t, rpc.Config{FrameTimeout: time.Millisecond, QueryTimeout: time.Millisecond})
	cc, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer cc.Close()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	st, err := cc.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, weirv1.Node_Head_FullMethodName)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.RecvMsg(new(weirv1.HeadResponse)); err == nil || ctx.Err() != nil || status.Code(err) == codes.OK {
		t.Errorf("%v", err)
	}
}

// Whoever connects and does not speak HTTP/2 is sent away after HelloTimeout.
func TestSilentClient(t *testing.T) {
	_, _, addr := fake(t, rpc.Config{HelloTimeout: time.Millisecond})
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, nc); err != nil {
		t.Errorf("not sent away: %v", err)
	}
}
