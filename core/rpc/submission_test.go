package rpc_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
)

// A frame takes memory as its bytes come, not as they are announced.
func TestHalfFrameMemory(t *testing.T) {
	for _, c := range []struct{ sent, most int }{{0, 16 << 10}, {1, 16 << 10}, {16 << 10, 64 << 10}, {100_000, 400_000}, {wire.MaxPayload, wire.MaxPayload}} {
		got, err := rpc.ReadHalf(io.LimitReader(rand.NewChaCha8([32]byte{}), int64(c.sent)), wire.MaxPayload)
		if whole := c.sent == wire.MaxPayload; whole != (err == nil) {
			t.Errorf("%d bytes: %v", c.sent, err)
		}
		if got > c.most {
			t.Errorf("%d bytes of a frame take %d, want at most %d", c.sent, got, c.most)
		}
	}
}

// A client that goes away in the middle of a frame leaves nothing counted as in
// flight, however much had come: it would be held against everybody for good.
func TestHalfFrameInFlight(t *testing.T) {
	clients := rpc.NewClients(rpc.Limits{})
	_, s, p := startPipes(t, rpc.Config{Clients: clients})
	for i, sent := range []int{0, 1, 100, 16 << 10, 100_000, 500_000} {
		nc := p.dial(t, byte(7+i))
		send(t, nc, submission(0, 5000)[:wire.HeaderSize+sent])
		soon(t, "the frame is not counted", func() bool { return rpc.InFlight(clients) > 0 })
		nc.Close()
		soon(t, "the connection does not end", func() bool { return s.Stats().Conns == 0 })
		if n := rpc.InFlight(clients); n != 0 {
			t.Fatalf("%d bytes are in flight after a frame of which %d came", n, sent)
		}
	}
}

// However the bytes come, the submission has them.
func TestSubmissionsArrive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 200_000).Draw(t, "n")
		want := make([]byte, n)
		_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(want) // never fails
		r := io.Reader(bytes.NewReader(want))
		if rapid.Bool().Draw(t, "halves") {
			r = iotest.HalfReader(r)
		}
		if got, err := rpc.ReadBack(r, n); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if _, err := rpc.ReadBack(bytes.NewReader(want[1:]), n); err == nil {
			t.Fatalf("one of %d bytes is missing: %v", n, err)
		}
	})
}

// What the largest frame needed is not kept for the next, small one.
func TestLargeBuffersAreNotKept(t *testing.T) {
	clients := rpc.NewClients(rpc.Limits{})
	se := clients.Session(&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}, nil)
	defer se.Close()
	var pool rpc.Pool
	for _, c := range []struct{ txs, most int }{{100, 1 << 20}, {wire.MaxTxs, 1 << 20}} {
		txs := submission(0, c.txs)[wire.HeaderSize+wire.SubmitHeaderSize:]
		s := pool.Get()
		if _, ok, err := s.Fill(se, nil, 0, c.txs, txs, wire.MaxTxs); !ok || err != nil {
			t.Fatal(ok, err)
		}
		s.Done()
		if got := cap(s.Buf); got > c.most {
			t.Errorf("after %d transactions a buffer of %d bytes is kept", c.txs, got)
		}
	}
	if n := rpc.InFlight(clients); n != 0 {
		t.Errorf("%d bytes are in flight after all is done", n)
	}
}

// One submission may always be in flight, however large, by either protocol; a
// second one then is told busy.
func TestOneLargeSubmission(t *testing.T) {
	clients := rpc.NewClients(rpc.Limits{MaxInFlight: 3 * tx.Size, MaxPerClient: 2 * tx.Size})
	f, _, p := startPipes(t, rpc.Config{Clients: clients})
	nc := p.dial(t, 7)
	send(t, nc, submission(0, 50))
	first := receive(t, f.held)
	send(t, nc, submission(50, 1))
	flags, ack := expect(t, nc, wire.TypeAck)
	if a, err := wire.ParseAck(ack, flags); err != nil || a.Base != 50 || a.Status(0) != tx.StatusBusy {
		t.Errorf("%+v, %v", a, err)
	}
	first.Done()
	send(t, nc, submission(51, 50))
	receive(t, f.held).Done()
	se := clients.Session(&net.TCPAddr{IP: net.IPv4(192, 0, 2, 8)}, nil)
	defer se.Close()
	s := new(rpc.Pool).Get()
	txs := submission(0, 50)[wire.HeaderSize+wire.SubmitHeaderSize:]
	if wait, ok, err := s.Fill(se, nil, 0, 50, txs, 50); !ok || err != nil {
		t.Errorf("%v, %v, %v", wait, ok, err)
	}
	s.Done()
}

// All clients together have a bound, too, and it takes nobody's own part.
func TestInFlightOfAll(t *testing.T) {
	clients := rpc.NewClients(rpc.Limits{MaxConns: 10, MaxAllFlight: 100 * tx.Size})
	f, _, p := startPipes(t, rpc.Config{Clients: clients})
	flood, good := p.dial(t, 66), p.dial(t, 7)
	send(t, flood, submission(0, 99))
	held := receive(t, f.held)
	send(t, good, submission(0, 5))
	receive(t, f.held).Done()
	send(t, good, submission(5, 20))
	flags, ack := expect(t, good, wire.TypeAck)
	if a, err := wire.ParseAck(ack, flags); err != nil || a.Base != 5 || a.Status(0) != tx.StatusBusy {
		t.Errorf("%+v, %v", a, err)
	}
	held.Done()
	send(t, good, submission(25, 20))
	receive(t, f.held).Done()
}
