package core

import (
	"time"

	"github.com/chainweir/weir/core/fair"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/verify"
)

// clientTxsMin is how many transactions a client may have before verification
// even when the mempool is small.
const clientTxsMin = 4096

// newVerifyQueue makes the queue before the signature workers. One client can
// fill a quarter of the mempool there, so that there is room for others.
func newVerifyQueue(cfg *Config) *fair.Queue[*Batch] {
	return fair.New[*Batch](fair.Config{
		Workers:   cfg.Workers,
		Batches:   verifyQueue,
		ClientTxs: int(max(clientTxsMin, cfg.MempoolBytes/4/tx.Size)),
		MaxTake:   verify.MaxBatch,
	})
}

// RetryAfter estimates when a client that was answered StatusBusy finds room.
func (n *Node) RetryAfter() time.Duration { return n.pool.RetryAfter() }

// admission is what a signature worker works with.
type admission struct {
	node   *Node
	verify verify.Verifier
	clock  clock
	txs    []tx.View
	status []tx.Status
	groups []verify.Group
}

// verifyLoop is one signature worker.
func (n *Node) verifyLoop() {
	a := &admission{node: n, verify: n.newVerifier(), clock: n.stVerify.clock()}
	w := n.verifyQ.Worker()
	for {
		parts, ok := w.Take()
		if !ok {
			return
		}
		a.clock.waited()
		a.check(parts)
		w.Done(a.admit)
		a.clock.worked()
	}
}

// check verifies the parts together, which may be several clients', and notes
// what each client is to be charged.
func (a *admission) check(parts []*fair.Part[*Batch]) {
	a.txs, a.status, a.groups = a.txs[:0], a.status[:0], a.groups[:0]
	for i, p := range parts {
		b := p.Batch
		a.txs = append(a.txs, b.Txs[p.Lo:p.Hi]...)
		a.status = append(a.status, b.status[p.Lo:p.Hi]...)
		if i == 0 || p.Client != parts[i-1].Client {
			a.groups = append(a.groups, verify.Group{BadShare: p.BadShare})
		}
		a.groups[len(a.groups)-1].End = len(a.txs)
	}
	a.node.pool.Precheck(a.node.durable.height.Load()+1, a.txs, a.status)
	verify.Groups(a.verify, a.txs, a.status, a.groups)
	at, g := 0, -1
	for i, p := range parts {
		n := p.Hi - p.Lo
		p.Bad, p.Cost = 0, n
		if i == 0 || p.Client != parts[i-1].Client {
			// The first part of a group bears what the group cost above its length.
			g++
			p.Bad, p.Cost = a.groups[g].Bad, n+a.groups[g].Cost-(a.groups[g].End-at)
		}
		at += copy(p.Batch.status[p.Lo:p.Hi], a.status[at:])
	}
	a.node.stVerify.items.Add(int64(len(a.txs)))
	clear(a.txs) // the views must not keep returned buffers alive
}

// admit takes a verified part into the mempool and hands its batch on when it
// is the last one. A client's parts come here one after the other, in the order
// in which they were submitted.
func (a *admission) admit(p *fair.Part[*Batch]) {
	b := p.Batch
	a.node.pool.Admit(b.Txs[p.Lo:p.Hi], b.status[p.Lo:p.Hi])
	if !p.Last {
		return
	}
	b.seal()
	a.clock.worked()
	a.node.hand(b)
	a.clock.blocked()
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
	if !b.foreign {
		n.pool.Free(b.bytes)
	}
	b.Done(b)
}
