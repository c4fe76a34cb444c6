package core

import (
	"context"
	"fmt"

	"github.com/chainweir/weir/core/engine"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/verify"
	"github.com/chainweir/weir/core/wire"
)

// foreign fetches the batches that other nodes had, for a node whose engine
// carries them. It belongs to the engine's goroutine.
type foreign struct {
	node   *Node
	from   engine.Carrier
	verify verify.Verifier
	ran    chan struct{} // closed when the last decision is executed; nil before
}

// nobody hears what becomes of another node's batch: its node tells.
type nobody struct{}

func (nobody) Acked(uint64, []tx.Status)              {}
func (nobody) Committed(uint64, uint64, []wire.Range) {}
func (nobody) Rejected([]wire.Rejection)              {}

// fetch gets a batch by its reference and trusts nothing of it: its form, its
// digest and its signatures are checked as if a client had sent it.
func (f *foreign) fetch(ctx context.Context, ref engine.Ref) (*Batch, error) {
	content, err := f.from.Fetch(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("batch %x: %w", ref.Digest[:8], err)
	}
	bad := func(format string, args ...any) (*Batch, error) {
		return nil, fmt.Errorf("%w: what was fetched for batch %x %s", engine.ErrUnknown, ref.Digest[:8], fmt.Sprintf(format, args...))
	}
	if len(content) != int(ref.Bytes) {
		return bad("has %d bytes, the reference says %d", len(content), ref.Bytes)
	}
	b := &Batch{Sink: nobody{}, Done: func(*Batch) {}, foreign: true}
	for rest := content; len(rest) > 0; {
		var t tx.View
		if t, rest, err = tx.Parse(rest); err != nil {
			return bad("is malformed at transaction %d: %v", len(b.Txs), err)
		}
		b.Txs = append(b.Txs, t)
	}
	b.prepare()
	if b.seal(); b.ref != ref {
		return bad("is batch %x of %d transactions", b.ref.Digest[:8], b.ref.Txs)
	}
	f.verify.Verify(b.Txs, b.status)
	if b.accepted() < len(b.Txs) && f.ran != nil {
		// A sender may have been registered by a decision that is not executed yet.
		select {
		case <-f.ran:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		clear(b.status)
		f.verify.Verify(b.Txs, b.status)
	}
	for i, s := range b.status {
		if s != tx.StatusOK {
			return bad("has a transaction %d that no node may order: %s", i, s)
		}
	}
	return b, nil
}

// content is what Carrier.Publish offers of a batch: its accepted transactions
// back to back.
func (b *Batch) content() []byte {
	buf := make([]byte, 0, b.ref.Bytes)
	for i, t := range b.Txs {
		if b.status[i] == tx.StatusOK {
			buf = append(buf, t...)
		}
	}
	return buf
}

// settle tells the mempool what became of a block's transactions. txs and status
// are those of all its batches, in order.
func (n *Node) settle(batches []*Batch, txs []tx.View, status []tx.Status) {
	if n.foreign == nil {
		n.pool.Settle(txs, status)
		return
	}
	for _, b := range batches {
		k := int(b.ref.Txs)
		if b.foreign {
			n.pool.SettleForeign(txs[:k], status[:k])
		} else {
			n.pool.Settle(txs[:k], status[:k])
		}
		txs, status = txs[k:], status[k:]
	}
}
