package client

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

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

// AccountSize is the length of an account record in answers.
const AccountSize = 64

// Account is an account with the evidence for it.
type Account struct {
	Header tx.Header // the block whose state root anchors the proof
	Record []byte    // 64 bytes, see package state
	Count  uint64    // registered slots
	Path   [][32]byte
}

// Account asks for an account by its slot.
func (c *Client) Account(ctx context.Context, slot uint32) (Account, error) {
	p, err := c.query(ctx, wire.QueryAccount, binary.LittleEndian.AppendUint32(nil, slot))
	if err != nil {
		return Account{}, err
	}
	var a Account
	if a.Header, err = tx.ParseHeader(p); err != nil {
		return a, err
	}
	if p = p[tx.HeaderSize:]; len(p) < AccountSize+8 {
		return a, fmt.Errorf("%w: account answer cut short", wire.ErrFrame)
	}
	a.Record = p[:AccountSize]
	a.Count = binary.LittleEndian.Uint64(p[AccountSize:])
	a.Path, p, err = wire.ParsePath(p[AccountSize+8:])
	return a, trailing(p, err)
}

// Proof is a committed transaction with its inclusion proof.
type Proof struct {
	Header tx.Header // the block whose transaction root anchors the proof
	Tx     []byte
	Path   [][32]byte
}

// Proof asks for the transaction at a place in the chain.
func (c *Client) Proof(ctx context.Context, height uint64, index uint32) (Proof, error) {
	args := binary.LittleEndian.AppendUint64(nil, height)
	p, err := c.query(ctx, wire.QueryProof, binary.LittleEndian.AppendUint32(args, index))
	if err != nil {
		return Proof{}, err
	}
	var pr Proof
	if pr.Header, err = tx.ParseHeader(p); err != nil {
		return pr, err
	}
	p = p[tx.HeaderSize:]
	n, err := tx.Length(p)
	if err != nil {
		return pr, fmt.Errorf("%w: proof answer: %w", wire.ErrFrame, err)
	}
	pr.Tx = p[:n]
	pr.Path, p, err = wire.ParsePath(p[n:])
	return pr, trailing(p, err)
}

func trailing(rest []byte, err error) error {
	if err == nil && len(rest) > 0 {
		err = errors.New("bytes after the answer")
	}
	if err != nil {
		return fmt.Errorf("%w: %w", wire.ErrFrame, err)
	}
	return nil
}

// Genesis asks for the chain's genesis file.
func (c *Client) Genesis(ctx context.Context) ([]byte, error) {
	return c.query(ctx, wire.QueryGenesis, nil)
}

// Stats asks for the node's counters, as JSON.
func (c *Client) Stats(ctx context.Context) ([]byte, error) {
	return c.query(ctx, wire.QueryStats, nil)
}
