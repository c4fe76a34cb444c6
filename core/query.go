package core

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
	"github.com/chainweir/weir/hash"
	"github.com/chainweir/weir/merkle"
)

// ErrNotFound says that a query names something the chain does not have.
var ErrNotFound = errors.New("not found")

// Head is the last durable block. At height 0 the header carries only the
// genesis time and state root.
func (n *Node) Head() (tx.Header, tx.Hash) { return n.durable.get() }

// AccountAnswer is an account with the evidence for it: the header of the block
// whose state root the proof leads to.
type AccountAnswer struct {
	Header tx.Header
	Record [state.RecordSize]byte
	Proof  state.Proof
}

// Account returns an account as of the last executed block, once that block is
// durable: no answer can be taken back by a crash.
func (n *Node) Account(ctx context.Context, slot uint32) (AccountAnswer, error) {
	var a AccountAnswer
	r, err := n.record(ctx, func() ([]byte, state.Proof, error) {
		rec, err := n.st.Record(slot)
		if err != nil {
			return nil, state.Proof{}, err
		}
		p, err := n.st.Proof(slot)
		return rec, p, err
	})
	if err == nil {
		a.Header, a.Proof = r.Header, r.Proof
		copy(a.Record[:], r.Record)
	}
	return a, err
}

// RecordAnswer is a record of any tree with the evidence for it, as AccountAnswer.
type RecordAnswer struct {
	Header tx.Header
	Record []byte
	Proof  state.Proof
}

// Item returns an item or a collection by its slot; see Account.
func (n *Node) Item(ctx context.Context, slot uint32) (RecordAnswer, error) {
	return n.record(ctx, func() ([]byte, state.Proof, error) {
		rec, err := n.st.ItemRecord(slot)
		if err != nil {
			return nil, state.Proof{}, err
		}
		p, err := n.st.ItemProof(slot)
		return rec, p, err
	})
}

// KeyAnswer is a stored key's record, and its value if the block that it came in
// is still in the log. The record has the value's hash.
type KeyAnswer struct {
	RecordAnswer
	HasValue bool
	Value    []byte
}

// Key returns what an account stored under a key; see Account.
func (n *Node) Key(ctx context.Context, owner uint32, key [32]byte) (KeyAnswer, error) {
	r, err := n.record(ctx, func() ([]byte, state.Proof, error) {
		slot, ok := n.st.FindKey(owner, key)
		if !ok {
			return nil, state.Proof{}, fmt.Errorf("account %d has stored nothing under %x", owner, key[:])
		}
		rec, err := n.st.KeyRecord(slot)
		if err != nil {
			return nil, state.Proof{}, err
		}
		p, err := n.st.KeyProof(slot)
		return rec, p, err
	})
	a := KeyAnswer{RecordAnswer: r}
	if err != nil {
		return a, err
	}
	kv := state.DecodeKey(r.Record)
	_, body, err := n.readBlock(ctx, kv.Height)
	if errors.Is(err, ErrNotFound) || errors.Is(err, store.ErrNotFound) {
		return a, nil // pruned
	}
	if err != nil {
		return a, err
	}
	for len(body) > 0 {
		size, err := tx.Length(body)
		if err != nil {
			return a, fmt.Errorf("%w: block %d: %w", ErrBadChain, kv.Height, err)
		}
		v := tx.View(body[:size])
		body = body[size:]
		if v.Kind() == tx.KindPut && v.From() == owner && bytes.Equal(v.Subject(), key[:]) && hash.SHA256(v.Tail()) == kv.ValueHash {
			a.HasValue, a.Value = true, v.Tail()
		}
	}
	if !a.HasValue {
		return a, fmt.Errorf("%w: block %d has not put the value that the ledger says it has", ErrBadChain, kv.Height)
	}
	return a, nil
}

// record reads a record and its proof under the ledger's lock, copies the record
// and waits until the block that it belongs to is durable.
func (n *Node) record(ctx context.Context, read func() ([]byte, state.Proof, error)) (RecordAnswer, error) {
	var a RecordAnswer
	n.mu.RLock()
	height := n.stHeight
	rec, p, err := read()
	a.Record, a.Proof = bytes.Clone(rec), p
	n.mu.RUnlock()
	if err != nil {
		return a, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	if height == 0 {
		a.Header = n.genesisTip.header
		return a, nil
	}
	if err := n.durable.wait(ctx, height); err != nil {
		return a, err
	}
	// Mostly it is the head, and the log need not be read for a header; of a
	// restored node the log may not have it.
	header, last, err := n.durable.headerAt(height)
	if last || err != nil {
		a.Header = header
		return a, err
	}
	a.Header, _, err = n.readBlock(ctx, height)
	return a, err
}

// readBytesKey is under what a context has a counter of the bytes that were read
// from the log to answer a question.
type readBytesKey struct{}

// readBlock reads a durable block; the body is the caller's.
func (n *Node) readBlock(ctx context.Context, height uint64) (tx.Header, []byte, error) {
	head, _ := n.durable.get()
	if height == 0 || height > head.Height {
		return tx.Header{}, nil, fmt.Errorf("%w: block %d, the head is %d", ErrNotFound, height, head.Height)
	}
	payload, err := n.log.Read(height, nil)
	if read, ok := ctx.Value(readBytesKey{}).(*atomic.Int64); ok {
		read.Add(int64(len(payload)))
	}
	if errors.Is(err, store.ErrNotFound) {
		err = fmt.Errorf("%w: block %d is pruned here or never was, the log begins with block %d: %w", ErrNotFound, height, beginsWith(n.log), err)
	}
	if err != nil {
		return tx.Header{}, nil, err
	}
	h, err := tx.ParseHeader(payload)
	if err != nil {
		return h, nil, err
	}
	return h, payload[tx.HeaderSize:], nil
}

// Block returns a durable block: its header and its transactions, back to back.
func (n *Node) Block(height uint64) (tx.Header, []byte, error) {
	return n.readBlock(context.Background(), height)
}

// TxAnswer is a committed transaction with the proof that its block contains it.
type TxAnswer = wire.TxAnswer

// Transaction returns a transaction by its place in the chain.
func (n *Node) Transaction(ctx context.Context, height uint64, index uint32) (TxAnswer, error) {
	h, body, err := n.readBlock(ctx, height)
	if err != nil {
		return TxAnswer{}, err
	}
	if index >= h.Count {
		return TxAnswer{}, fmt.Errorf("%w: transaction %d, block %d has %d", ErrNotFound, index, height, h.Count)
	}
	leaves, err := appendLeaves(make([][]byte, 0, h.Count), body)
	if err != nil {
		return TxAnswer{}, fmt.Errorf("%w: block %d: %w", ErrBadChain, height, err)
	}
	root, path, err := merkle.NewBuilder(merkle.RFC6962, 1).Path(ctx, merkle.Leaves(leaves), uint64(index))
	if err != nil {
		return TxAnswer{}, err
	}
	if !bytes.Equal(root[:], h.TxRoot[:]) {
		return TxAnswer{}, fmt.Errorf("%w: block %d does not match its transaction root", ErrBadChain, height)
	}
	return TxAnswer{Header: h, Index: index, Tx: leaves[index], Path: path}, nil
}

// pipelineBlocks is how many blocks may be executed and not durable while the
// node does no more than work: in each later stage a group of blocks that share
// a sync, and one before it.
const pipelineBlocks = 16

// Health tells how the node is. It answers when the node has failed, too.
func (n *Node) Health() wire.Health {
	head, _ := n.durable.get()
	n.mu.RLock()
	executed := n.stHeight
	n.mu.RUnlock()
	h := wire.Health{Height: head.Height, Executed: executed, HeadTimeNS: head.TimeNS}
	if now := uint64(time.Now().UnixNano()); now > head.TimeNS {
		h.HeadAgeNS = now - head.TimeNS
	}
	h.Indexed, h.Index = n.index.health(head.Height)
	switch err := n.Err(); {
	case err != nil:
		h.Status, h.Text = wire.HealthFailed, err.Error()
	case executed > head.Height+pipelineBlocks:
		h.Status = wire.HealthCatchingUp
	}
	return h
}
