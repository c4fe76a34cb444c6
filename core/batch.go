package core

import (
	"context"
	"sync"

	"github.com/chainweir/weir/core/engine"
	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/hash"
	"github.com/chainweir/weir/merkle"
)

// Sink receives what becomes of a client's submissions. Whoever feeds the node
// from its own process implements it; over the network a connection does.
type Sink = rpc.Sink

// Batch is one submission on its way through the node. It belongs to whoever
// filled it until Submit takes it, and to the node until Done is called. One
// that is filled again afterwards costs no allocation.
type Batch struct {
	Base uint64    // number of the first transaction
	Txs  []tx.View // the transactions, aliasing the submitter's buffer
	Sink Sink
	// ClientID names the client for the fair division of the node's work; clients
	// with the same number share one part. Feeders in this process may leave it 0.
	ClientID uint64
	// Done is called when nothing refers to the buffer any more: once, or never
	// for a batch that was on its way when the node failed.
	Done func(*Batch)
	// Malformed lists the indices in Txs that tx.Parse refuses; they are
	// answered with StatusMalformed.
	Malformed []int
	// ParseNS is how long finding the transactions took, for the counters of the
	// parse stage.
	ParseNS int64

	foreign bool // another node's, which the mempool has no room for

	status []tx.Status // after admission
	bytes  int         // of Txs

	// Set by seal. The reference counts only transactions whose status is OK,
	// and leaves holds one 32-byte leaf hash for each.
	ref    engine.Ref
	leaves []byte

	// Set by execution: one status per accepted transaction, in memory of the
	// block, and how many of them are OK.
	exec     []tx.Status
	included int
}

// prepare sizes the per-transaction slices and sets every status to OK.
func (b *Batch) prepare() {
	n := len(b.Txs)
	if cap(b.status) < n {
		b.status = make([]tx.Status, n)
	}
	b.status = b.status[:n]
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
func (b *Batch) accepted() int { return countOK(b.status) }

func countOK(status []tx.Status) int {
	n := 0
	for _, s := range status {
		if s == tx.StatusOK {
			n++
		}
	}
	return n
}

// appendTxs appends the accepted transactions.
func (b *Batch) appendTxs(dst []tx.View) []tx.View {
	if int(b.ref.Txs) == len(b.Txs) {
		return append(dst, b.Txs...)
	}
	for i, t := range b.Txs {
		if b.status[i] == tx.StatusOK {
			dst = append(dst, t)
		}
	}
	return dst
}

// sealer is what naming a batch needs.
type sealer struct {
	txs  [][]byte
	tree *merkle.Builder
}

// sealers are shared by the workers of all nodes in a process; a pool keeps
// about one per core.
var sealers = sync.Pool{New: func() any { return &sealer{tree: merkle.NewBuilder(merkle.RFC6962, 1)} }}

// seal hashes the accepted transactions and names the batch. It belongs to the
// end of verification, which all cores share: the block's transaction root then
// needs only the nodes above the leaves, and its transactions are still in the
// cache here.
func (b *Batch) seal() {
	s := sealers.Get().(*sealer)
	size := 0
	s.txs = s.txs[:0]
	for i, t := range b.Txs {
		if b.status[i] == tx.StatusOK {
			s.txs = append(s.txs, t)
			size += len(t)
		}
	}
	n := len(s.txs)
	if cap(b.leaves) < n*merkle.HashSize {
		b.leaves = make([]byte, max(n, len(b.Txs))*merkle.HashSize)
	}
	b.leaves = b.leaves[:n*merkle.HashSize]
	must(hash.SHA256Leaves(b.leaves, s.txs))
	root, err := s.tree.RootOf(context.Background(), merkle.Nodes(b.leaves))
	must(err)
	b.ref = engine.Ref{Digest: engine.Digest(uint32(n), root), Txs: uint32(n), Bytes: uint32(size)}
	clear(s.txs) // the views must not keep returned buffers alive
	sealers.Put(s)
}

// must takes the errors of hashing calls whose lengths this package sets.
func must(err error) {
	if err != nil {
		panic("core: " + err.Error())
	}
}
