package client

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
)

// query sends one question and waits for its answer.
func (c *Client) query(ctx context.Context, kind uint8, args []byte) ([]byte, error) {
	ch := make(chan reply, 1)
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return nil, c.err
	}
	c.nextID++
	id := c.nextID
	c.pending[id] = ch
	c.mu.Unlock()
	c.wmu.Lock()
	err := c.write(wire.AppendQuery(nil, id, kind, args))
	c.wmu.Unlock()
	if err != nil {
		c.forget(id)
		return nil, err
	}
	select {
	case r := <-ch:
		return r.result()
	case <-ctx.Done():
		c.forget(id)
		return nil, ctx.Err()
	}
}

// BusyError says that this client has asked more than the node answers at a time.
type BusyError struct {
	RetryAfter time.Duration // asking again before is in vain
	Text       string
}

// Error implements error.
func (e *BusyError) Error() string {
	return fmt.Sprintf("the node is busy for %v: %s", e.RetryAfter, e.Text)
}

func (c *Client) forget(id uint32) {
	c.mu.Lock()
	delete(c.pending, id)
	c.mu.Unlock()
}

func (r reply) result() ([]byte, error) {
	switch {
	case r.err != nil:
		return nil, r.err
	case r.code == wire.ReplyNotFound:
		return nil, fmt.Errorf("%w: %s", ErrNotFound, r.answer)
	case r.code == wire.ReplyBusy:
		wait, text, err := wire.ParseReplyBusy(r.answer)
		if err != nil {
			return nil, err
		}
		return nil, &BusyError{RetryAfter: wait, Text: text}
	case r.code == wire.ReplyNotReady:
		return nil, fmt.Errorf("%w: %s", ErrNotReady, r.answer)
	case r.code != wire.ReplyOK:
		return nil, fmt.Errorf("%w: %s", ErrRefused, r.answer)
	}
	return r.answer, nil
}

// deliver hands a reply to whoever waits for it. A reply that nobody waits for
// is dropped: its query was given up.
func (c *Client) deliver(p []byte) error {
	id, code, answer, err := wire.ParseReply(p)
	if err != nil {
		return err
	}
	c.mu.Lock()
	ch := c.pending[id]
	delete(c.pending, id)
	c.mu.Unlock()
	if ch != nil {
		ch <- reply{code: code, answer: bytes.Clone(answer)}
	}
	return nil
}

// Head is the node's last durable block.
type Head struct {
	Header tx.Header // at height 0 only the genesis time and state root are set
	Hash   tx.Hash
}

// Head asks for the last durable block.
func (c *Client) Head(ctx context.Context) (Head, error) {
	p, err := c.query(ctx, wire.QueryHead, nil)
	if err != nil {
		return Head{}, err
	}
	h, err := tx.ParseHeader(p)
	if err != nil {
		return Head{}, err
	}
	if len(p) != tx.HeaderSize+32 {
		return Head{}, fmt.Errorf("%w: head of %d bytes", wire.ErrFrame, len(p))
	}
	return Head{h, tx.Hash(p[tx.HeaderSize:])}, nil
}

// Health asks how the node is.
func (c *Client) Health(ctx context.Context) (wire.Health, error) {
	p, err := c.query(ctx, wire.QueryHealth, nil)
	if err != nil {
		return wire.Health{}, err
	}
	return wire.ParseHealth(p)
}

// Record is a record of the ledger with the header that anchors its proof. The
// caller checks the proof with package state.
type Record = wire.RecordAnswer

func (c *Client) record(ctx context.Context, kind uint8, args []byte) (Record, error) {
	p, err := c.query(ctx, kind, args)
	if err != nil {
		return Record{}, err
	}
	return wire.ParseRecordAnswer(p)
}

// Account asks for an account by its slot.
func (c *Client) Account(ctx context.Context, slot uint32) (Record, error) {
	return c.record(ctx, wire.QueryAccount, binary.LittleEndian.AppendUint32(nil, slot))
}

// Item asks for an item or a collection by its slot.
func (c *Client) Item(ctx context.Context, slot uint32) (Record, error) {
	return c.record(ctx, wire.QueryItem, binary.LittleEndian.AppendUint32(nil, slot))
}

// KeyValue is a stored key's record, and its value where the node has it.
type KeyValue = wire.KeyAnswer

// Key asks for what an account stored under a key.
func (c *Client) Key(ctx context.Context, owner uint32, key [32]byte) (KeyValue, error) {
	p, err := c.query(ctx, wire.QueryKey, append(binary.LittleEndian.AppendUint32(nil, owner), key[:]...))
	if err != nil {
		return KeyValue{}, err
	}
	return wire.ParseKeyAnswer(p)
}

// Block asks for a block: its header and its transactions, back to back.
func (c *Client) Block(ctx context.Context, height uint64) (tx.Header, []byte, error) {
	p, err := c.query(ctx, wire.QueryBlock, binary.LittleEndian.AppendUint64(nil, height))
	if err != nil {
		return tx.Header{}, nil, err
	}
	return wire.ParseBlock(p)
}

// Proof is a committed transaction with its inclusion proof.
type Proof = wire.TxAnswer

// Proof asks for the transaction at a place in the chain.
func (c *Client) Proof(ctx context.Context, height uint64, index uint32) (Proof, error) {
	args := binary.LittleEndian.AppendUint64(nil, height)
	p, err := c.query(ctx, wire.QueryProof, binary.LittleEndian.AppendUint32(args, index))
	if err != nil {
		return Proof{}, err
	}
	return wire.ParseTxAnswer(p, index)
}

// TxByNonce asks a node with an index for a sender's transaction.
func (c *Client) TxByNonce(ctx context.Context, sender uint32, nonce uint64) (Proof, error) {
	args := binary.LittleEndian.AppendUint32(nil, sender)
	return c.placed(ctx, wire.QueryTxNonce, binary.LittleEndian.AppendUint64(args, nonce))
}

// TxByHash asks a node with an index for a transaction by its identifier.
func (c *Client) TxByHash(ctx context.Context, id tx.ID) (Proof, error) {
	return c.placed(ctx, wire.QueryTxHash, id[:])
}

func (c *Client) placed(ctx context.Context, kind uint8, args []byte) (Proof, error) {
	p, err := c.query(ctx, kind, args)
	if err != nil {
		return Proof{}, err
	}
	return wire.ParsePlaced(p)
}

// Genesis asks for the chain's genesis file.
func (c *Client) Genesis(ctx context.Context) ([]byte, error) {
	return c.query(ctx, wire.QueryGenesis, nil)
}

// Stats asks for the node's counters, as JSON.
func (c *Client) Stats(ctx context.Context) ([]byte, error) {
	return c.query(ctx, wire.QueryStats, nil)
}
