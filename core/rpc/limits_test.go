package rpc_test

import (
	"math"
	"net"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
)

func subscribe(t *testing.T, nc net.Conn, mode byte) {
	t.Helper()
	send(t, nc, append(wire.AppendHeader(nil, wire.TypeSubscribe, 0, 1), mode))
}

// busyAnswer reads a hint and the acknowledgement that it belongs to.
func busyAnswer(t *testing.T, nc net.Conn, base uint64, count int) time.Duration {
	t.Helper()
	_, p := expect(t, nc, wire.TypeBusy)
	b, n, wait, err := wire.ParseBusy(p)
	if err != nil || b != base || n != count {
		t.Fatalf("hint about %d from %d, %v; want %d from %d", n, b, err, count, base)
	}
	flags, p := expect(t, nc, wire.TypeAck)
	ack, err := wire.ParseAck(p, flags)
	if s, uniform := ack.Uniform(); err != nil || !uniform || s != tx.StatusBusy || ack.Base != base || ack.Count != count {
		t.Fatalf("%+v, %v", ack, err)
	}
	return wait
}

// Who asks for hints gets them before the acknowledgement: the node's guess
// where the node or a byte limit refuses, one for each run of refusals.
func TestHints(t *testing.T) {
	f, _, addr := start(t, rpc.Config{Limits: rpc.Limits{MaxInFlight: 5 * tx.Size}})
	nc := connect(t, addr)
	if flags, _ := expect(t, nc, wire.TypeWelcome); flags != wire.FlagHints {
		t.Errorf("the welcome has the flags %#x", flags)
	}
	subscribe(t, nc, wire.SubscribeHints)
	send(t, nc, submission(0, 3))
	held := receive(t, f.held)
	send(t, nc, submission(3, 3))
	if wait := busyAnswer(t, nc, 3, 3); wait != f.RetryAfter() {
		t.Errorf("hint %v, the node says %v", wait, f.RetryAfter())
	}
	held.Sink.Acked(100, []tx.Status{tx.StatusBusy, tx.StatusOK, tx.StatusBusy, tx.StatusBusy})
	for _, want := range [][2]uint64{{100, 1}, {102, 2}} {
		_, p := expect(t, nc, wire.TypeBusy)
		if base, n, _, err := wire.ParseBusy(p); err != nil || base != want[0] || uint64(n) != want[1] {
			t.Errorf("hint about %d from %d, %v; want %v", n, base, err, want)
		}
	}
	expect(t, nc, wire.TypeAck)
	held.Sink.Acked(200, []tx.Status{tx.StatusOK})
	expect(t, nc, wire.TypeAck) // and no hint
	held.Done()
	subscribe(t, nc, 8)
	expect(t, nc, wire.TypeError)
}

// The rate is a client's, whatever connection it uses, and the hint is how long
// it takes until there is room.
func TestRatePerClient(t *testing.T) {
	f, s, addr := start(t, rpc.Config{Limits: rpc.Limits{TxPerSec: 1, TxBurst: 5}})
	a, b := connect(t, addr), connect(t, addr)
	for _, nc := range []net.Conn{a, b} {
		expect(t, nc, wire.TypeWelcome)
		subscribe(t, nc, wire.SubscribeHints)
	}
	send(t, a, submission(0, 3))
	receive(t, f.held).Done()
	send(t, b, submission(0, 5))
	if wait := busyAnswer(t, b, 0, 5); wait <= 0 || wait > 3*time.Second {
		t.Errorf("a wait of %v for 3 transactions at 1 per second", wait)
	}
	send(t, b, submission(5, 1))
	receive(t, f.held).Done()
	if st := s.Stats(); st.Busy != 5 {
		t.Errorf("%+v", st)
	}
}

// Bytes under way are a client's, too.
func TestInFlightPerClient(t *testing.T) {
	f, _, addr := start(t, rpc.Config{Limits: rpc.Limits{MaxPerClient: 5 * tx.Size}})
	a, b := connect(t, addr), connect(t, addr)
	expect(t, a, wire.TypeWelcome)
	expect(t, b, wire.TypeWelcome)
	subscribe(t, b, wire.SubscribeHints)
	send(t, a, submission(0, 3))
	held := receive(t, f.held)
	send(t, b, submission(0, 3))
	busyAnswer(t, b, 0, 3)
	held.Done()
	send(t, b, submission(3, 3))
	receive(t, f.held).Done()
}

// Whatever a client sends, and however often it comes back: in any time it gets
// no more than the bucket and what flows into it, plus one frame beyond the
// bucket's size; and when it waits as told, it gets what it asked for.
func TestRateHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1, 0)
		rate := rapid.Float64Range(0.5, 1e6).Draw(t, "rate")
		burst := rapid.IntRange(1, 1000).Draw(t, "burst")
		clients := rpc.NewClients(rpc.Limits{TxPerSec: rate, TxBurst: burst})
		rpc.SetClock(clients, func() time.Time { return now })
		addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}
		se := clients.Session(addr, nil)
		begun, taken, largest := now, 0, 0
		size := max(burst, int(rate))
		for range rapid.IntRange(1, 50).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "wait")))
			if rapid.Bool().Draw(t, "reconnect") {
				se.Close()
				se = clients.Session(addr, nil)
			}
			n := rapid.IntRange(1, 2000).Draw(t, "n")
			wait, ok := rpc.Admit(se, n)
			if !ok {
				if wait <= 0 {
					t.Fatalf("refused without a hint")
				}
				now = now.Add(wait + time.Microsecond)
				if _, ok = rpc.Admit(se, n); !ok {
					t.Fatalf("refused after the wait of %v", wait)
				}
			}
			taken, largest = taken+n, max(largest, n)
			allowed := float64(size) + rate*now.Sub(begun).Seconds() + math.Max(0, float64(largest-size))
			if float64(taken) > allowed+1e-3*allowed+1 {
				t.Fatalf("%d transactions in %v at %g per second and a bucket of %d", taken, now.Sub(begun), rate, size)
			}
		}
		se.Close()
	})
}

// Clients that are gone are forgotten, however many come.
func TestClientsAreForgotten(t *testing.T) {
	now := time.Unix(1, 0)
	clients := rpc.NewClients(rpc.Limits{TxPerSec: 1, TxBurst: 1, MaxConns: 8})
	rpc.SetClock(clients, func() time.Time { return now })
	for i := range 10_000 {
		se := clients.Session(&net.TCPAddr{IP: net.IPv4(10, byte(i>>16), byte(i>>8), byte(i))}, nil)
		if _, ok := rpc.Admit(se, 1); !ok {
			t.Fatal("a new client was refused")
		}
		se.Close()
		now = now.Add(time.Microsecond)
	}
	if n := rpc.Known(clients); n > 16*8 {
		t.Errorf("%d absent clients are remembered", n)
	}
	now = now.Add(time.Minute)
	last := clients.Session(&net.TCPAddr{IP: net.IPv4(10, 255, 0, 0)}, nil)
	if _, ok := rpc.Admit(last, 1); !ok {
		t.Fatal("a new client was refused")
	}
	last.Close()
	if n := rpc.Known(clients); n != 1 {
		t.Errorf("%d absent clients are remembered, the buckets of all but one have filled", n)
	}
}

// Frames that are announced and not sent take no memory beyond the client's
// limit: the next one is answered with busy as soon as it is whole, and not kept.
func TestHalfFramesCountAsInFlight(t *testing.T) {
	f, _, addr := start(t, rpc.Config{Limits: rpc.Limits{MaxPerClient: 5 * tx.Size}})
	half, other := connect(t, addr), connect(t, addr)
	expect(t, half, wire.TypeWelcome)
	expect(t, other, wire.TypeWelcome)
	subscribe(t, other, wire.SubscribeHints)
	frame := submission(0, 4)
	send(t, half, frame[:len(frame)-1])
	// The half frame is in flight once the other connection is refused for it.
	told := make(chan wire.Type, 1)
	go func() {
		typ, _, _, _ := wire.ReadFrame(other, nil, 1<<20) // zero after an error
		told <- typ
	}()
	for refused := false; !refused; {
		send(t, other, submission(0, 4))
		select {
		case s := <-f.held: // the half frame has not been seen yet
			s.Done()
		case typ := <-told:
			if refused = true; typ != wire.TypeBusy {
				t.Fatalf("told type %d", typ)
			}
		case <-time.After(deadline):
			t.Fatal("neither taken nor refused")
		}
	}
	send(t, half, frame[len(frame)-1:])
	receive(t, f.held).Done()
}

// Coming back at once is no way to a clean name; coming from another address of
// the same network is none either.
func TestClientsKeepTheirNumber(t *testing.T) {
	now := time.Unix(1, 0)
	clients := rpc.NewClients(rpc.Limits{})
	rpc.SetClock(clients, func() time.Time { return now })
	number := func(ip string) uint64 {
		se := clients.Session(&net.TCPAddr{IP: net.ParseIP(ip), Port: 9}, nil)
		defer se.Close()
		return rpc.Number(se)
	}
	first := number("2001:db8::1")
	for _, ip := range []string{"2001:db8::1", "2001:db8::ffff:2"} {
		if n := number(ip); n != first {
			t.Errorf("%s is client %d, the network was %d", ip, n, first)
		}
	}
	if a, b := number("192.0.2.1"), number("::ffff:192.0.2.1"); a != b || a == first {
		t.Errorf("one IPv4 address is client %d and %d; the other network is %d", a, b, first)
	}
	if n := number("2001:db8:0:1::1"); n == first {
		t.Error("two networks are one client")
	}
	if a, b := number("127.0.0.1"), number("127.0.0.1"); a == b {
		t.Error("two programs of this machine are one client")
	}
}
