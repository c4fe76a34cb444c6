package core

import (
	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/tx"
)

// Sink receives what becomes of a client's submissions. Whoever feeds the node
// from its own process implements it; over the network a connection does.
type Sink = rpc.Sink

// Batch is one submission on its way through the node. It belongs to whoever
// filled it until Submit takes it, and to the node until Done is called.
type Batch struct {
	Base uint64    // number of the first transaction
	Txs  []tx.View // the transactions, aliasing the submitter's buffer
	Sink Sink
	// Done is called when nothing refers to the buffer any more: once, or never
	// for a batch that was on its way when the node failed.
	Done func(*Batch)
	// Malformed lists the indices in Txs that tx.Parse refuses; they are
	// answered with StatusMalformed.
	Malformed []int

	status []tx.Status // after admission
	exec   []tx.Status // after execution, where status is StatusOK
	bytes  int
}

// prepare sizes the per-transaction slices and sets every status to OK.
func (b *Batch) prepare() {
	n := len(b.Txs)
	if cap(b.status) < n {
		b.status = make([]tx.Status, n)
		b.exec = make([]tx.Status, n)
	}
	b.status, b.exec = b.status[:n], b.exec[:n]
	clear(b.status)
	for _, i := range b.Malformed {
		b.status[i] = tx.StatusMalformed
	}
	b.bytes = 0
	for _, t := range b.Txs {
		b.bytes += len(t)
	}
}

// refuse answers the whole batch with one status and gives it back.
func (b *Batch) refuse(s tx.Status) {
	for i := range b.status {
		if b.status[i] == tx.StatusOK {
			b.status[i] = s
		}
	}
	b.Sink.Acked(b.Base, b.status)
	b.Done(b)
}

// accepted is the number of transactions that wait for a block.
func (b *Batch) accepted() int {
	n := 0
	for _, s := range b.status {
		if s == tx.StatusOK {
			n++
		}
	}
	return n
}
