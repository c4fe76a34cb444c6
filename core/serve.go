package core

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"

	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
)

// Serve answers clients on the listener until ctx ends, which closes the
// listener and every connection. The node goes on running.
func (n *Node) Serve(ctx context.Context, ln net.Listener, cfg rpc.Config) error {
	if n.cfg.Unsigned {
		return ErrUnsigned
	}
	cfg.MaxSubmission = n.MaxTxs()
	srv := rpc.New(rpcNode{n}, cfg)
	n.OnBlock(srv.Broadcast)
	return srv.Serve(ctx, ln)
}

// rpcNode is the node as the server sees it.
type rpcNode struct{ *Node }

// Submit turns a client's submission into a batch. The batch is kept with the
// submission's buffer, so that both are reused together.
func (n rpcNode) Submit(s *rpc.Submission) {
	b, ok := s.Node.(*Batch)
	if !ok {
		b = &Batch{Done: func(*Batch) { s.Done() }}
		s.Node = b
	}
	b.Base, b.Txs, b.Sink, b.Malformed = s.Base, s.Txs, s.Sink, s.Malformed
	if n.cfg.Unsigned { // no protocol reaches a node that checks nothing
		b.prepare()
		b.refuse(tx.StatusNotAllowed)
		return
	}
	n.Node.Submit(b)
}

// Welcome implements rpc.Node.
func (n rpcNode) Welcome() wire.Welcome {
	head, _ := n.Head()
	return wire.Welcome{Accounts: uint32(n.keys.Len()), ChainID: n.chain, Height: head.Height}
}

// Query implements rpc.Node.
func (n rpcNode) Query(ctx context.Context, kind uint8, args []byte) (uint8, []byte) {
	answer, err := n.answer(ctx, kind, args)
	switch {
	case err == nil:
		return wire.ReplyOK, answer
	case errors.Is(err, ErrNotFound):
		return wire.ReplyNotFound, []byte(err.Error())
	case errors.Is(err, wire.ErrFrame):
		return wire.ReplyBad, []byte(err.Error())
	}
	return wire.ReplyInternal, []byte(err.Error())
}

func (n rpcNode) answer(ctx context.Context, kind uint8, args []byte) ([]byte, error) {
	switch {
	case kind == wire.QueryHead && len(args) == 0:
		h, hash := n.Head()
		return append(h.Append(nil), hash[:]...), nil
	case kind == wire.QueryGenesis && len(args) == 0:
		return n.gen.JSON(), nil
	case kind == wire.QueryStats && len(args) == 0:
		return json.Marshal(n.Stats())
	case kind == wire.QueryAccount && len(args) == 4:
		a, err := n.Account(ctx, binary.LittleEndian.Uint32(args))
		if err != nil {
			return nil, err
		}
		b := append(a.Header.Append(nil), a.Record[:]...)
		b = binary.LittleEndian.AppendUint64(b, a.Proof.Count)
		return wire.AppendPath(b, a.Proof.Path), nil
	case kind == wire.QueryProof && len(args) == 12:
		t, err := n.Transaction(ctx, binary.LittleEndian.Uint64(args), binary.LittleEndian.Uint32(args[8:]))
		if err != nil {
			return nil, err
		}
		b := append(t.Header.Append(nil), t.Tx...)
		return wire.AppendPath(b, t.Path), nil
	}
	return nil, fmt.Errorf("%w: query kind %d does not take %d bytes of arguments", wire.ErrFrame, kind, len(args))
}

var _ rpc.Node = rpcNode{}
