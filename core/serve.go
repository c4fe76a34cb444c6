package core

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync/atomic"

	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/state"
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
	srv := rpc.New(n.Service(), cfg)
	n.OnBlock(srv.Broadcast)
	return srv.Serve(ctx, ln)
}

// Service is the node as a server of any protocol sees it.
func (n *Node) Service() rpc.Node { return rpcNode{n} }

// rpcNode is the node as servers see it.
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
	b.ClientID = s.ClientID()
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

// costUnit is how many bytes read from the log cost a client as much as a simple
// question: hashing so much takes about as long as answering one.
const costUnit = 16 << 10

// Query implements rpc.Node.
func (n rpcNode) Query(ctx context.Context, kind uint8, args []byte) (code uint8, answer []byte, cost int) {
	var read atomic.Int64
	answer, err := n.answer(context.WithValue(ctx, readBytesKey{}, &read), kind, args)
	cost = 1 + int(read.Load()/costUnit)
	if err == nil && len(answer) > wire.MaxAnswer {
		err = fmt.Errorf("%w: it has %d bytes, a reply carries at most %d; read it from the node's data directory",
			errTooLarge, len(answer), wire.MaxAnswer)
	}
	if err == nil {
		return wire.ReplyOK, answer, cost
	}
	code = wire.ReplyInternal
	switch {
	case errors.Is(err, ErrNotFound):
		code = wire.ReplyNotFound
	case errors.Is(err, ErrNoIndex), errors.Is(err, ErrNotIndexed), errors.Is(err, errTooLarge):
		code = wire.ReplyNotReady
	case errors.Is(err, wire.ErrFrame):
		code = wire.ReplyBad
	}
	return code, []byte(err.Error()), cost
}

var errTooLarge = errors.New("the answer is too large to be sent")

// MaxAnswer implements rpc.Node.
func (n rpcNode) MaxAnswer(kind uint8) int {
	switch kind {
	case wire.QueryGenesis:
		if size := len(n.genesisFile()); size <= wire.MaxAnswer {
			return size
		}
	case wire.QueryBlock:
		return tx.HeaderSize + int(n.gen.Rules.MaxBlockBytes)
	}
	return rpc.SmallAnswerBytes
}

// genesisFile is the genesis as JSON, made once: it may have megabytes, and
// anybody may ask for it.
func (n *Node) genesisFile() []byte {
	n.genesisOnce.Do(func() { n.genesisJSON = n.gen.JSON() })
	return n.genesisJSON
}

func (n rpcNode) answer(ctx context.Context, kind uint8, args []byte) ([]byte, error) {
	want, known := queryArgs[kind]
	if !known || len(args) != want {
		return nil, fmt.Errorf("%w: query kind %d does not take %d bytes of arguments", wire.ErrFrame, kind, len(args))
	}
	u32, u64 := binary.LittleEndian.Uint32, binary.LittleEndian.Uint64
	switch kind {
	case wire.QueryHead:
		h, hash := n.Head()
		return append(h.Append(nil), hash[:]...), nil
	case wire.QueryGenesis:
		return n.genesisFile(), nil
	case wire.QueryStats:
		return json.Marshal(n.Stats())
	case wire.QueryHealth:
		h := n.Health()
		return h.Append(nil), nil
	case wire.QueryAccount:
		a, err := n.Account(ctx, u32(args))
		return encodeRecord(a.Header, a.Record[:], a.Proof, err)
	case wire.QueryItem:
		return encodeAnswer(n.Item(ctx, u32(args)))
	case wire.QueryKey:
		return encodeKey(n.Key(ctx, u32(args), [32]byte(args[4:])))
	case wire.QueryBlock:
		h, body, err := n.readBlock(ctx, u64(args))
		if err != nil {
			return nil, err
		}
		return append(h.Append(make([]byte, 0, tx.HeaderSize+len(body))), body...), nil
	case wire.QueryProof:
		a, err := n.Transaction(ctx, u64(args), u32(args[8:]))
		if err != nil {
			return nil, err
		}
		return a.Append(nil), nil
	case wire.QueryTxNonce:
		return encodePlaced(n.TxByNonce(ctx, u32(args), u64(args[4:])))
	default: // QueryTxHash, the last of queryArgs
		return encodePlaced(n.TxByHash(ctx, tx.ID(args)))
	}
}

// queryArgs is the length of each query kind's arguments.
var queryArgs = map[uint8]int{
	wire.QueryHead: 0, wire.QueryGenesis: 0, wire.QueryStats: 0, wire.QueryHealth: 0,
	wire.QueryAccount: 4, wire.QueryItem: 4, wire.QueryKey: 36, wire.QueryBlock: 8, wire.QueryProof: 12,
	wire.QueryTxNonce: 12, wire.QueryTxHash: 32,
}

func encodePlaced(a TxAnswer, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return a.AppendPlaced(nil), nil
}

func encodeRecord(h tx.Header, record []byte, p state.Proof, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	a := wire.RecordAnswer{Header: h, Record: record, Proof: wireProof(p)}
	return a.Append(nil), nil
}

func encodeAnswer(a RecordAnswer, err error) ([]byte, error) {
	return encodeRecord(a.Header, a.Record, a.Proof, err)
}

func encodeKey(a KeyAnswer, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	w := wire.KeyAnswer{
		RecordAnswer: wire.RecordAnswer{Header: a.Header, Record: a.Record, Proof: wireProof(a.Proof)},
		HasValue:     a.HasValue, Value: a.Value,
	}
	return w.Append(nil), nil
}

// wireProof is a proof in the form that clients get.
func wireProof(p state.Proof) wire.Proof {
	return wire.Proof{Tree: uint8(p.Tree), Slot: p.Slot, Summary: wire.Summary(p.Summary), Path: p.Path}
}

var _ rpc.Node = rpcNode{}
