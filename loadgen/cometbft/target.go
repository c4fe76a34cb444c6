package cometbft

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/chainweir/weir/loadgen"
	"github.com/chainweir/weir/loadgen/jsonrpc"
)

// ErrSubscription says that commits can no longer be seen.
var ErrSubscription = errors.New("the node ended the subscription to its blocks")

// Target is a CometBFT node. Make one with New.
type Target struct {
	addr  string
	async bool
	dial  func(ctx context.Context, addr string) (net.Conn, error)
	codes jsonrpc.Codes
	ask   jsonrpc.Client

	mu  sync.Mutex
	hub *jsonrpc.Hub // of the run under way
}

// Options of a target.
type Options struct {
	// Async sends by broadcast_tx_async: the answer then only says that the node
	// has read the transaction, and one that CheckTx refuses is lost.
	Async bool
	Dial  func(ctx context.Context, addr string) (net.Conn, error) // nil: TCP
}

// New returns the node whose RPC listens on addr (host:port).
func New(addr string, o Options) *Target {
	t := &Target{addr: addr, async: o.Async, dial: o.Dial}
	t.ask.Endpoint = jsonrpc.Endpoint{Addr: addr, Dial: o.Dial}
	return t
}

// Reason is what the node said, with the code of CheckTx or of execution.
func (t *Target) Reason(code uint8) string { return t.codes.Name(code) }

// Close ends the connection for questions.
func (t *Target) Close() error { return t.ask.Close() }

func (t *Target) endpoint() jsonrpc.Endpoint {
	return jsonrpc.Endpoint{Addr: t.addr, Path: "/websocket", WebSocket: true, Dial: t.dial}
}

// conn is one open connection. The first of a run has the subscription, on a
// socket of its own: a queue of answers must not hold up blocks.
type conn struct {
	t      *Target
	s      *jsonrpc.Stream
	m      *jsonrpc.Member
	blocks *jsonrpc.Stream // nil: not the first
	limit  time.Duration
	call   []byte
	keys   []uint64
	wg     sync.WaitGroup
}

// Open is part of loadgen.Target.
func (t *Target) Open(ctx context.Context, s loadgen.Session) (loadgen.Conn, error) {
	c := &conn{t: t, limit: s.WriteTimeout}
	var err error
	if c.s, err = jsonrpc.Open(ctx, t.endpoint(), s.Wrap); err != nil {
		return nil, fmt.Errorf("CometBFT at %s: %w", t.addr, err)
	}
	t.mu.Lock()
	if s.Conn == 0 {
		t.hub = jsonrpc.NewHub()
	}
	hub := t.hub
	t.mu.Unlock()
	if s.Conn == 0 {
		if c.blocks, err = jsonrpc.Subscribe(ctx, t.endpoint(), "subscribe", `{"query":"tm.event='NewBlock'"}`); err != nil {
			return nil, errors.Join(err, c.s.Close())
		}
	}
	c.m = hub.Join(s.Events)
	c.wg.Go(func() { c.m.Answers(c.s, c.answer) })
	if c.blocks != nil {
		c.wg.Go(func() { hub.Fail(t.watch(hub, c.blocks)) })
	}
	return c, nil
}

// Limits are what keeps a frame small: one transaction is one message.
func (c *conn) Limits() loadgen.Limits { return loadgen.Limits{Txs: 256, Bytes: 1 << 20} }

// Submit is part of loadgen.Conn. The id of a request is the sequence number.
func (c *conn) Submit(seq uint64, count int, txs []byte) error {
	method := "broadcast_tx_sync"
	if c.t.async {
		method = "broadcast_tx_async"
	}
	c.keys = c.keys[:0]
	id := seq
	jsonrpc.Each(txs, func(tx []byte, key uint64) {
		c.keys = append(c.keys, key)
		b := append(jsonrpc.AppendCall(c.call[:0], id, method), `{"tx":"`...)
		b = base64.StdEncoding.AppendEncode(b, tx)
		c.call = append(b, `"}}`...)
		c.s.Queue(c.call)
		id++
	})
	if len(c.keys) != count {
		return fmt.Errorf("%d transactions in a piece of %d", len(c.keys), count)
	}
	c.m.Sending(seq, c.keys)
	return c.s.Flush(c.limit)
}

// Bytes is part of loadgen.Conn. Blocks count too: they are part of the load.
func (c *conn) Bytes() (in, out uint64) {
	in, out = c.s.Bytes()
	if c.blocks != nil {
		i, o := c.blocks.Bytes()
		in, out = in+i, out+o
	}
	return in, out
}

// Close is part of loadgen.Conn.
func (c *conn) Close() error {
	c.m.Leave()
	err := c.s.Close()
	if c.blocks != nil {
		err = errors.Join(err, c.blocks.Close())
	}
	c.wg.Wait()
	return err
}

var codeZero = []byte(`{"code":0,`)

func (c *conn) answer(b []byte) error {
	if id, rest, ok := jsonrpc.CutResponse(b); ok && bytes.HasPrefix(rest, codeZero) {
		c.m.Ack(id, 1, loadgen.CodeOK)
		return nil
	}
	ms, err := jsonrpc.Messages(b)
	if err != nil {
		return err
	}
	for i := range ms {
		if err := c.slowAnswer(&ms[i]); err != nil {
			return err
		}
	}
	return nil
}

// slowAnswer is an answer that is not a plain yes.
func (c *conn) slowAnswer(m *jsonrpc.Message) error {
	id, ok := m.Number()
	switch {
	case !ok && m.Error != nil:
		return fmt.Errorf("an answer to no question: %w", m.Error)
	case !ok:
		return fmt.Errorf("an answer has the id %q", m.ID)
	case m.Error != nil:
		c.m.Ack(id, 1, c.t.codes.Code("rpc", m.Error.Words()))
		return nil //nolint:nilerr // the transaction was refused, the connection is sound
	}
	var r struct {
		Code      uint32 `json:"code"`
		Log       string `json:"log"`
		Codespace string `json:"codespace"`
	}
	if err := json.Unmarshal(m.Result, &r); err != nil {
		return fmt.Errorf("cannot read the answer to transaction %d: %w", id, err)
	}
	code := loadgen.CodeOK
	if r.Code != 0 {
		code = c.t.codes.Code(refusal("checktx", r.Codespace, r.Code), r.Log)
	}
	c.m.Ack(id, 1, code)
	return nil
}
