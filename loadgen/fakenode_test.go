package loadgen

import (
	"bufio"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
)

// fakeNode speaks the client protocol and does with submissions as it is told.
type fakeNode struct {
	ln       net.Listener
	welcome  wire.Welcome
	onSubmit func(c *fakeConn, base uint64, count int) // one at a time per connection
	frames   atomic.Int64

	mu    sync.Mutex
	conns []net.Conn
	wg    sync.WaitGroup
}

type fakeConn struct {
	net.Conn
	node  *fakeNode
	reply []byte // written after onSubmit
}

func startFake(t testing.TB, onSubmit func(c *fakeConn, base uint64, count int)) *fakeNode {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveFake(t, ln, onSubmit)
}

// serveFake is startFake on a listener that is there.
func serveFake(t testing.TB, ln net.Listener, onSubmit func(c *fakeConn, base uint64, count int)) *fakeNode {
	n := &fakeNode{ln: ln, onSubmit: onSubmit, welcome: wire.Welcome{
		Version: wire.ProtocolVersion, MaxPayload: wire.MaxPayload, MaxTxs: 4096, ChainID: testChain,
	}}
	n.wg.Go(n.accept)
	t.Cleanup(n.stop)
	return n
}

func (n *fakeNode) addr() string { return n.ln.Addr().String() }

func (n *fakeNode) stop() {
	n.ln.Close()
	n.mu.Lock()
	for _, c := range n.conns {
		c.Close()
	}
	n.mu.Unlock()
	n.wg.Wait()
}

func (n *fakeNode) accept() {
	for {
		c, err := n.ln.Accept()
		if err != nil {
			return
		}
		n.mu.Lock()
		n.conns = append(n.conns, c)
		n.mu.Unlock()
		n.wg.Go(func() {
			defer c.Close()
			(&fakeConn{Conn: c, node: n}).serve()
		})
	}
}

func (c *fakeConn) serve() {
	r := bufio.NewReaderSize(c, 64<<10)
	var buf []byte
	for {
		t, _, p, err := wire.ReadFrame(r, buf, wire.MaxPayload)
		if err != nil {
			return
		}
		buf = p
		c.reply = c.reply[:0]
		switch t {
		case wire.TypeHello:
			c.reply = c.node.welcome.Append(c.reply)
		case wire.TypeSubmit:
			base, count, txs, err := wire.ParseSubmit(p)
			if err != nil || len(txs) != count*tx.Size {
				return
			}
			c.node.onSubmit(c, base, count)
			c.node.frames.Add(1)
		}
		if _, err := c.Write(c.reply); err != nil {
			return
		}
	}
}

func (c *fakeConn) ack(base uint64, count int, s tx.Status) {
	status := make([]tx.Status, count)
	for i := range status {
		status[i] = s
	}
	c.reply = wire.AppendAck(c.reply, base, status)
}

func (c *fakeConn) commit(base uint64, count int) {
	c.reply = wire.AppendCommit(c.reply, 1, 1, []wire.Range{{Seq: base, Count: uint32(count)}})
}

func (c *fakeConn) reject(base uint64, count int, s tx.Status) {
	var rs []wire.Rejection
	for i := range count {
		rs = append(rs, wire.Rejection{Seq: base + uint64(i), Status: s})
	}
	c.reply = wire.AppendReject(c.reply, rs)
}

// What a fake node can do with a frame.
var behaviours = map[string]func(c *fakeConn, base uint64, n int){
	"commit":     func(c *fakeConn, base uint64, n int) { c.ack(base, n, tx.StatusOK); c.commit(base, n) },
	"early":      func(c *fakeConn, base uint64, n int) { c.commit(base, n); c.ack(base, n, tx.StatusOK) },
	"acceptOnly": func(c *fakeConn, base uint64, n int) { c.ack(base, n, tx.StatusOK) },
	"ignore":     func(*fakeConn, uint64, int) {},
	"busy":       func(c *fakeConn, base uint64, n int) { c.ack(base, n, tx.StatusBusy) },
	"expired":    func(c *fakeConn, base uint64, n int) { c.ack(base, n, tx.StatusExpired) },
	"poor": func(c *fakeConn, base uint64, n int) {
		c.ack(base, n, tx.StatusOK)
		c.reject(base, n, tx.StatusInsufficient)
	},
	"expiredLater": func(c *fakeConn, base uint64, n int) {
		c.ack(base, n, tx.StatusOK)
		c.reject(base, n, tx.StatusExpired)
	},
	"mixed": func(c *fakeConn, base uint64, n int) {
		status := make([]tx.Status, n)
		for i := range status {
			status[i] = tx.Status(i % 3 * int(tx.StatusNonceUsed)) // ok, nonce used, unknown number 8
		}
		c.reply = wire.AppendAck(c.reply, base, status)
		for i := 0; i < n; i += 3 {
			c.commit(base+uint64(i), 1)
		}
	},

	"commitTwice": func(c *fakeConn, base uint64, n int) {
		c.ack(base, n, tx.StatusOK)
		c.commit(base, n)
		c.commit(base, 1)
	},
	"ackTwice": func(c *fakeConn, base uint64, n int) { c.ack(base, n, tx.StatusOK); c.ack(base, n, tx.StatusOK) },
	"rejectTwice": func(c *fakeConn, base uint64, n int) {
		c.reject(base, n, tx.StatusOverflow)
		c.reject(base, 1, tx.StatusOverflow)
	},
	"both":        func(c *fakeConn, base uint64, n int) { c.commit(base, n); c.reject(base, n, tx.StatusOverflow) },
	"bothAcked":   func(c *fakeConn, base uint64, n int) { c.commit(base, n); c.ack(base, n, tx.StatusBusy) },
	"rejectOK":    func(c *fakeConn, base uint64, n int) { c.reject(base, n, tx.StatusOK) },
	"strayAck":    func(c *fakeConn, base uint64, n int) { c.ack(1<<62, n, tx.StatusOK) },
	"strayCommit": func(c *fakeConn, base uint64, n int) { c.commit(base, 1<<30) },
	"strayReject": func(c *fakeConn, base uint64, n int) { c.reject(1<<40, 2, tx.StatusBusy) },
	"garbage": func(c *fakeConn, base uint64, n int) {
		c.reply = append(c.reply, "HTTP/1.1 400 Bad Request\r\n\r\n"...)
	},
	"close": func(c *fakeConn, base uint64, n int) { c.Close() },
}

// sound are the behaviours of a node that does not contradict itself.
var sound = map[string]bool{
	"commit": true, "early": true, "acceptOnly": true, "ignore": true, "busy": true, "expired": true,
	"poor": true, "expiredLater": true, "mixed": true,
}
