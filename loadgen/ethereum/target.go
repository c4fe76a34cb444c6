package ethereum

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/chainweir/weir/loadgen"
	"github.com/chainweir/weir/loadgen/jsonrpc"
)

// maxBatch is how many requests go into one batch. Servers bound it (1000 in
// go-ethereum); a tenth keeps answers from coming in lumps.
const maxBatch = 100

// Target is an Ethereum node. Make one with New, then Prepare it.
type Target struct {
	addr string
	o    Options
	ask  jsonrpc.Client

	codes jsonrpc.Codes
	chain Chain
	keys  []*Key   // of the sending accounts
	first []uint64 // the nonce of each one's first transaction
	src   *jsonrpc.Packed

	mu  sync.Mutex
	hub *jsonrpc.Hub
}

// Options of a target.
type Options struct {
	// WebSocket sends and listens by WebSocket; otherwise requests are pipelined
	// over HTTP/1.1 and the chain's head is asked for every HeadPoll.
	WebSocket bool
	HeadPoll  time.Duration // default 20 ms
	Key       *Key          // pays for the sending accounts; nil: an account that the node has unlocked
	Accounts  int           // that send, default 256
	Dial      func(ctx context.Context, addr string) (net.Conn, error)
}

// New returns the node whose JSON-RPC listens on addr (host:port).
func New(addr string, o Options) *Target {
	if o.Accounts == 0 {
		o.Accounts = 256
	}
	if o.HeadPoll == 0 {
		o.HeadPoll = 20 * time.Millisecond
	}
	t := &Target{addr: addr, o: o}
	t.ask.Endpoint = t.endpoint()
	return t
}

func (t *Target) endpoint() jsonrpc.Endpoint {
	return jsonrpc.Endpoint{Addr: t.addr, WebSocket: t.o.WebSocket, Dial: t.o.Dial}
}

// Reason is what the node said.
func (t *Target) Reason(code uint8) string { return t.codes.Name(code) }

// Source holds the transactions of the accounts that Prepare made.
func (t *Target) Source() *jsonrpc.Packed { return t.src }

// Close ends the connection for questions.
func (t *Target) Close() error { return t.ask.Close() }

// conn is one open connection.
type conn struct {
	t     *Target
	s     *jsonrpc.Stream
	m     *jsonrpc.Member
	limit time.Duration
	body  []byte
	keys  []uint64
	wg    sync.WaitGroup
	stop  func() error // of the watcher of heads, on the first connection of a run
	heads *jsonrpc.Stream
}

// Open is part of loadgen.Target. The first connection of a run watches the
// heads for all of them.
func (t *Target) Open(ctx context.Context, s loadgen.Session) (loadgen.Conn, error) {
	c := &conn{t: t, limit: s.WriteTimeout, stop: func() error { return nil }}
	var err error
	if c.s, err = jsonrpc.Open(ctx, t.endpoint(), s.Wrap); err != nil {
		return nil, fmt.Errorf("Ethereum node at %s: %w", t.addr, err)
	}
	t.mu.Lock()
	if s.Conn == 0 {
		t.hub = jsonrpc.NewHub()
	}
	hub := t.hub
	t.mu.Unlock()
	if s.Conn == 0 {
		if err := c.watch(ctx, hub); err != nil {
			return nil, errors.Join(err, c.s.Close())
		}
	}
	c.m = hub.Join(s.Events)
	c.wg.Go(func() { c.m.Answers(c.s, c.answer) })
	return c, nil
}

// Limits are part of loadgen.Conn.
func (c *conn) Limits() loadgen.Limits { return loadgen.Limits{Txs: maxBatch, Bytes: 1 << 20} }

// Submit is part of loadgen.Conn: one batch, whose ids are the sequence numbers.
func (c *conn) Submit(seq uint64, count int, txs []byte) error {
	c.keys = c.keys[:0]
	b := append(c.body[:0], '[')
	id := seq
	jsonrpc.Each(txs, func(tx []byte, key uint64) {
		if len(c.keys) > 0 {
			b = append(b, ',')
		}
		c.keys = append(c.keys, key)
		b = append(jsonrpc.AppendCall(b, id, "eth_sendRawTransaction"), `["0x`...)
		b = hex.AppendEncode(b, tx)
		b = append(b, `"]}`...)
		id++
	})
	c.body = append(b, ']')
	if len(c.keys) != count {
		return fmt.Errorf("%d transactions in a piece of %d", len(c.keys), count)
	}
	c.m.Sending(seq, c.keys)
	c.s.Queue(c.body)
	return c.s.Flush(c.limit)
}

// Bytes is part of loadgen.Conn.
func (c *conn) Bytes() (in, out uint64) {
	in, out = c.s.Bytes()
	if c.heads != nil {
		i, o := c.heads.Bytes()
		in, out = in+i, out+o
	}
	return in, out
}

// Close is part of loadgen.Conn.
func (c *conn) Close() error {
	c.m.Leave()
	err := errors.Join(c.stop(), c.s.Close())
	c.wg.Wait()
	return err
}

// answer passes on what a batch of answers says.
func (c *conn) answer(b []byte) error {
	if first, n, ok := allTaken(b); ok {
		c.m.Ack(first, n, loadgen.CodeOK)
		return nil
	}
	ms, err := jsonrpc.Messages(b)
	if err != nil {
		return err
	}
	for i := range ms {
		m := &ms[i]
		id, ok := m.Number()
		switch {
		case !ok && m.Error != nil:
			return fmt.Errorf("the node refused a whole batch: %w", m.Error)
		case !ok:
			return fmt.Errorf("an answer has the id %q", m.ID)
		case m.Error != nil:
			c.m.Ack(id, 1, c.t.codes.Code("rpc", m.Error.Words()))
		default:
			c.m.Ack(id, 1, loadgen.CodeOK)
		}
	}
	return nil
}

// allTaken reads a batch in which every answer is a hash, with ids that follow
// each other, written without blanks: what go-ethereum answers when all is
// well. Anything else is for the general reader.
func allTaken(b []byte) (first uint64, n int, ok bool) {
	b = bytes.TrimSpace(b)
	if len(b) < 2 || b[0] != '[' || b[len(b)-1] != ']' {
		return 0, 0, false
	}
	b = b[1 : len(b)-1]
	const result = len(`"0x`) + 64 + len(`"}`)
	for {
		id, rest, cut := jsonrpc.CutResponse(b)
		if !cut || len(rest) < result || string(rest[:3]) != `"0x` || string(rest[result-2:result]) != `"}` {
			return 0, 0, false
		}
		if n == 0 {
			first = id
		}
		if id != first+uint64(n) {
			return 0, 0, false
		}
		n++
		if rest = rest[result:]; len(rest) == 0 {
			return first, n, true
		}
		if rest[0] != ',' {
			return 0, 0, false
		}
		b = rest[1:]
	}
}
