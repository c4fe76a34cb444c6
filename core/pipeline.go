package core

import (
	"fmt"
	"time"

	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
	"github.com/chainweir/weir/merkle"
)

// execLoop executes blocks in order and computes their roots.
func (n *Node) execLoop(roots *merkle.Builder) {
	var s execScratch
	s.roots = roots
	c := n.stExec.clock()
	for batches := range n.execCh {
		c.waited()
		blk := n.execute(&s, batches)
		n.stExec.items.Add(1)
		c.worked()
		if blk == nil {
			// Nothing of it survived execution. It goes the same way, so that its
			// senders hear of it after the blocks that it depended on are durable.
			blk = &block{batches: batches}
		}
		n.persistCh <- blk // persistLoop drains until this is closed
		c.blocked()
	}
}

type execScratch struct {
	txs    []tx.View
	status []tx.Status
	leaves [][]byte
	roots  *merkle.Builder
}

// execute runs one block's transactions and builds the block. It returns nil
// when none of them could be executed: there are no empty blocks.
func (n *Node) execute(s *execScratch, batches []*Batch) *block {
	s.txs = s.txs[:0]
	for _, b := range batches {
		for i, t := range b.Txs {
			if b.status[i] == tx.StatusOK {
				s.txs = append(s.txs, t)
			}
		}
	}
	if cap(s.status) < len(s.txs) {
		s.status = make([]tx.Status, len(s.txs))
	}
	s.status = s.status[:len(s.txs)]

	height := n.tip.header.Height + 1
	n.mu.Lock()
	before := n.st.Len()
	n.st.Execute(height, s.txs, s.status)
	opened := n.st.Len()
	included := 0
	for _, st := range s.status {
		if st == tx.StatusOK {
			included++
		}
	}
	var blk *block
	if included > 0 {
		n.stHeight = height
		blk = n.takeBlock()
		blk.header = tx.Header{
			Height: height, Count: uint32(included), Prev: n.tip.hash, StateRoot: n.st.Root(),
			TimeNS: max(uint64(time.Now().UnixNano()), n.tip.header.TimeNS+1),
		}
	}
	n.mu.Unlock()

	n.pool.Settle(s.txs, s.status)
	at := 0
	for _, b := range batches {
		for i := range b.Txs {
			if b.status[i] == tx.StatusOK {
				b.exec[i] = s.status[at]
				at++
			}
		}
	}
	if blk == nil {
		return nil
	}
	n.seal(s, blk, batches)
	n.openAccounts(before, opened)
	return blk
}

// seal fills in the body, the transaction root and the hash, and makes the
// block the tip.
func (n *Node) seal(s *execScratch, blk *block, batches []*Batch) {
	blk.batches = batches
	blk.body, s.leaves = blk.body[:0], s.leaves[:0]
	for i, t := range s.txs {
		if s.status[i] == tx.StatusOK {
			blk.body = append(blk.body, t...)
			s.leaves = append(s.leaves, t)
		}
	}
	root, err := s.roots.Root(s.leaves)
	clear(s.txs) // the views must not keep returned buffers alive
	clear(s.leaves)
	if err != nil { // only wrong leaf lengths can fail, and RFC 6962 has none
		panic("core: transaction root: " + err.Error())
	}
	blk.header.TxRoot = root
	blk.header.BodyBytes = uint64(len(blk.body))
	blk.hash = blk.header.Hash(&n.chain)
	blk.enc = blk.header.Append(blk.enc[:0])
	n.tip = tip{blk.header, blk.hash}
}

// appendLeaves splits a body into its transactions, the leaves of the
// transaction tree.
func appendLeaves(dst [][]byte, body []byte) ([][]byte, error) {
	for len(body) > 0 {
		n, err := tx.Length(body)
		if err != nil {
			return dst, fmt.Errorf("transaction %d: %w", len(dst), err)
		}
		dst = append(dst, body[:n:n])
		body = body[n:]
	}
	return dst, nil
}

// openAccounts makes the slots registered by a block known to the verifier and
// the mempool.
func (n *Node) openAccounts(from, to int) {
	for slot := from; slot < to; slot++ {
		n.mu.RLock()
		a, err := n.st.Account(uint32(slot))
		n.mu.RUnlock()
		if err != nil {
			panic("core: " + err.Error()) // slots below Len exist
		}
		n.pool.AddAccount(a.Window)
		n.keys.Append(a.PublicKey)
	}
}

func (n *Node) takeBlock() *block {
	select {
	case b := <-n.free:
		return b
	default:
		return new(block)
	}
}

// persistLoop makes blocks durable, one fdatasync each. After a failure it only
// drains: nothing is written, and nothing is acknowledged, after a failed sync.
func (n *Node) persistLoop() {
	c := n.stPersist.clock()
	for blk := range n.persistCh {
		c.waited()
		if n.Err() != nil {
			continue
		}
		if blk.header.Height == 0 { // no block, only refusals
			n.notifyCh <- blk
			c.blocked()
			continue
		}
		if err := n.log.Commit(blk.header.Height, blk.enc, blk.body); err != nil {
			n.fail(err)
			continue
		}
		n.durable.set(blk.header, blk.hash)
		n.committed.Add(int64(blk.header.Count))
		n.stPersist.items.Add(1)
		c.worked()
		n.notifyCh <- blk
		c.blocked()
	}
}

// notifyLoop tells clients about durable blocks and gives buffers back.
func (n *Node) notifyLoop() {
	var (
		ranges  []wire.Range
		rejects []wire.Rejection
	)
	c := n.stNotify.clock()
	for blk := range n.notifyCh {
		c.waited()
		index := uint32(0)
		for _, b := range blk.batches {
			ranges, rejects = b.outcome(ranges[:0], rejects[:0], &index)
			if len(ranges) > 0 {
				b.Sink.Committed(blk.header.Height, blk.header.TimeNS, ranges)
			}
			if len(rejects) > 0 {
				b.Sink.Rejected(rejects)
			}
			n.release(b)
		}
		n.stNotify.items.Add(1)
		if h := n.onBlock.Load(); h != nil && blk.header.Height > 0 {
			(*h)(&blk.header)
		}
		clear(blk.batches)
		blk.batches = nil
		select {
		case n.free <- blk:
		default:
		}
		c.worked()
	}
}

// outcome appends the runs of committed transactions and the rejected ones;
// index is the block index of the batch's first included transaction.
func (b *Batch) outcome(ranges []wire.Range, rejects []wire.Rejection, index *uint32) ([]wire.Range, []wire.Rejection) {
	for i := range b.Txs {
		if b.status[i] != tx.StatusOK {
			continue
		}
		seq := b.Base + uint64(i)
		if b.exec[i] != tx.StatusOK {
			rejects = append(rejects, wire.Rejection{Seq: seq, Status: b.exec[i]})
			continue
		}
		if k := len(ranges) - 1; k >= 0 && ranges[k].Seq+uint64(ranges[k].Count) == seq {
			ranges[k].Count++
		} else {
			ranges = append(ranges, wire.Range{Seq: seq, Count: 1, Index: *index})
		}
		*index++
	}
	return ranges, rejects
}
