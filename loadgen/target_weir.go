package loadgen

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
)

// ErrWrongChain says that the node is on another chain than the transactions are
// signed for.
var ErrWrongChain = client.ErrOtherChain

const codeExpired = uint8(tx.StatusExpired)

// WeirTarget is a weir node, spoken to in its own protocol.
type WeirTarget struct {
	Addr  string
	Dial  func(ctx context.Context, addr string) (net.Conn, error) // nil: TCP
	Chain tx.ChainID                                               // zero: any
}

// Reason is the name of a status.
func (t *WeirTarget) Reason(code uint8) string { return tx.Status(code).String() }

// Open dials the node and checks its chain.
func (t *WeirTarget) Open(ctx context.Context, s Session) (Conn, error) {
	dial := t.Dial
	if dial == nil {
		var d net.Dialer
		dial = func(ctx context.Context, addr string) (net.Conn, error) { return d.DialContext(ctx, "tcp", addr) }
	}
	var stop func() bool
	ev := s.Events
	c, err := client.Dial(ctx, t.Addr, client.Options{
		ChainID: t.Chain, Timeout: s.WriteTimeout,
		Handler: client.Handler{
			Ack:    func(seq uint64, count int, st tx.Status) { ev.Ack(seq, count, uint8(st)) },
			Commit: func(_, _ uint64, r wire.Range) { ev.Commit(r.Seq, int(r.Count)) },
			Reject: func(seq uint64, st tx.Status) { ev.Reject(seq, uint8(st)) },
			Closed: ev.Closed,
		},
		Dial: func(dialCtx context.Context, addr string) (net.Conn, error) {
			nc, err := dial(dialCtx, addr)
			if err != nil {
				return nil, err
			}
			stop = context.AfterFunc(ctx, func() { nc.Close() }) // ends the handshake
			return s.Wrap(nc), nil
		},
	})
	if stop != nil && !stop() && err == nil {
		err = errors.Join(context.Cause(ctx), c.Close())
	}
	if errors.Is(err, ErrWrongChain) {
		err = fmt.Errorf("%w, which the transactions are signed for; use its own genesis", err)
	}
	if err != nil {
		return nil, err
	}
	return weirConn{c}, nil
}

// weirConn is a client with its limits.
type weirConn struct{ *client.Client }

// submitOverhead is generous: the node's limit may or may not include headers.
const submitOverhead = 64

// Limits are those that the node's welcome stated.
func (c weirConn) Limits() Limits {
	w := c.Welcome()
	l := Limits{Txs: int(w.MaxTxs)}
	if w.MaxPayload > 0 {
		l.Bytes = max(tx.Size, int(w.MaxPayload)-submitOverhead)
	}
	return l
}
