package core

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
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
	n.mu.RLock()
	height := n.stHeight
	rec, err := n.st.Record(slot)
	if err == nil {
		copy(a.Record[:], rec)
		a.Proof, err = n.st.Proof(slot)
	}
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
	a.Header, _, err = n.readBlock(height)
	return a, err
}

// readBlock reads a durable block; the body is the caller's.
func (n *Node) readBlock(height uint64) (tx.Header, []byte, error) {
	head, _ := n.durable.get()
	if height == 0 || height > head.Height {
		return tx.Header{}, nil, fmt.Errorf("%w: block %d, the head is %d", ErrNotFound, height, head.Height)
	}
	payload, err := n.log.Read(height, nil)
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
func (n *Node) Block(height uint64) (tx.Header, []byte, error) { return n.readBlock(height) }

// TxAnswer is a committed transaction with the proof that its block contains it.
type TxAnswer = wire.TxAnswer

// Transaction returns a transaction by its place in the chain.
func (n *Node) Transaction(ctx context.Context, height uint64, index uint32) (TxAnswer, error) {
	h, body, err := n.readBlock(height)
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
// node does no more than work: one in each later stage and one before it.
const pipelineBlocks = 4

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
