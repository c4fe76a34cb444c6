package core

import (
	"github.com/chainweir/weir/core/tx"
)

// verifyTarget is how many signatures a worker likes to check at once. It takes
// more batches only while they are there already: it never waits to fill up.
const verifyTarget = 512

// verifyLoop is one signature worker.
func (n *Node) verifyLoop() {
	var (
		batches []*Batch
		txs     []tx.View
		status  []tx.Status
		v       = n.newVerifier()
		c       = n.stVerify.clock()
	)
	for {
		var ok bool
		if batches, ok = n.gather(batches[:0]); !ok {
			return
		}
		c.waited()
		txs, status = txs[:0], status[:0]
		for _, b := range batches {
			txs = append(txs, b.Txs...)
			status = append(status, b.status...)
		}
		n.pool.Precheck(n.durable.height.Load()+1, txs, status)
		v.Verify(txs, status)
		n.pool.Admit(txs, status)
		n.stVerify.items.Add(int64(len(txs)))
		at := 0
		for _, b := range batches {
			at += copy(b.status, status[at:])
			b.seal()
		}
		c.worked()
		for _, b := range batches {
			n.hand(b)
		}
		c.blocked()
		clear(txs) // the views must not keep returned buffers alive
	}
}

// gather waits for a batch and takes those behind it, up to verifyTarget.
func (n *Node) gather(batches []*Batch) ([]*Batch, bool) {
	var total int
	select {
	case b, ok := <-n.verifyCh:
		if !ok {
			return batches, false
		}
		batches, total = append(batches, b), len(b.Txs)
	case <-n.ctx.Done():
		return batches, false
	}
	for total < verifyTarget {
		select {
		case b, ok := <-n.verifyCh:
			if !ok {
				return batches, true
			}
			batches, total = append(batches, b), total+len(b.Txs)
		default:
			return batches, true
		}
	}
	return batches, true
}

// hand acknowledges a verified batch and passes it on if anything is left of it.
func (n *Node) hand(b *Batch) {
	accepted := b.accepted()
	n.accepted.Add(int64(accepted))
	b.Sink.Acked(b.Base, b.status)
	if accepted == 0 {
		n.release(b)
		return
	}
	select {
	case n.readyCh <- b:
	case <-n.ctx.Done():
		n.release(b)
	}
}

// release gives a batch's room and buffer back.
func (n *Node) release(b *Batch) {
	n.pool.Free(b.bytes)
	b.Done(b)
}
