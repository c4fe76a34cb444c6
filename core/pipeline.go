package core

import (
	"context"
	"fmt"

	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
	"github.com/chainweir/weir/merkle"
)

// block is one block in the pipeline. Its buffers are reused.
type block struct {
	batches []*Batch
	header  tx.Header // Height 0: nothing survived execution, only refusals are told
	hash    tx.Hash
	status  []tx.Status // of the accepted transactions of all batches, in order
	leaves  []byte      // leaf hashes of the included ones
	parts   [][]byte    // encoded header, then every included transaction
	enc     []byte      // encoded header

	decision uint64        // its number
	ran      chan struct{} // nil, or closed after execution
}

func (n *Node) takeBlock() *block {
	select {
	case b := <-n.free:
		return b
	default:
		return new(block)
	}
}

// giveBlock makes a block's buffers available again.
func (n *Node) giveBlock(blk *block) {
	clear(blk.batches)
	blk.ran = nil
	clear(blk.parts) // the views must not keep returned buffers alive
	blk.batches, blk.parts, blk.leaves = blk.batches[:0], blk.parts[:0], blk.leaves[:0]
	blk.header = tx.Header{}
	select {
	case n.free <- blk:
	default:
	}
}

// execLoop executes blocks in order.
func (n *Node) execLoop() {
	var txs []tx.View
	height := n.tip.header.Height
	c := n.stExec.clock()
	for blk := range n.execCh {
		c.waited()
		txs = txs[:0]
		for _, b := range blk.batches {
			txs = b.appendTxs(txs)
		}
		if n.execute(blk, height+1, txs) {
			height++
		}
		if blk.ran != nil {
			close(blk.ran)
		}
		clear(txs)
		n.stExec.items.Add(1)
		c.worked()
		n.rootsCh <- blk // rootsLoop and persistLoop drain until theirs are closed
		n.stRoots.saw(len(n.rootsCh))
		c.blocked()
	}
}

// execute runs one block's transactions and computes the state root. It returns
// false when none of them could be executed: there are no empty blocks. Such a
// block goes the same way, so that its senders hear of it after the blocks that
// it depended on are durable.
func (n *Node) execute(blk *block, height uint64, txs []tx.View) bool {
	if cap(blk.status) < len(txs) {
		blk.status = make([]tx.Status, len(txs), len(txs)+len(txs)/4)
	}
	blk.status = blk.status[:len(txs)]

	n.mu.Lock()
	before := n.st.Len()
	n.st.Execute(height, txs, blk.status)
	opened := n.st.Len()
	included := countOK(blk.status)
	if included > 0 {
		n.stHeight, n.decision = height, blk.decision
		w := n.stStateRoot.clock()
		blk.header.StateRoot = n.st.Root()
		w.worked()
		n.snaps.executed(height, included)
	}
	changed := n.memberships()
	n.mu.Unlock()

	n.settle(blk.batches, txs, blk.status)
	status := blk.status
	for _, b := range blk.batches {
		b.exec, status = status[:b.ref.Txs], status[b.ref.Txs:]
		b.included = int(b.ref.Txs)
		if included < len(txs) {
			b.included = countOK(b.exec)
		}
	}
	if included == 0 {
		return false
	}
	blk.header.Height, blk.header.Count = height, uint32(included)
	n.openAccounts(before, opened)
	for _, c := range changed {
		must(n.pool.SetMembership(c.slot, c.to)) // it is open
	}
	return true
}

type membershipChange struct {
	slot uint32
	to   tx.Membership
}

// memberships lists what the last block changed; nearly always nothing. The
// caller holds n.mu.
func (n *Node) memberships() []membershipChange {
	var changed []membershipChange
	for _, slot := range n.st.RoleChanges() {
		a, err := n.st.Account(slot)
		must(err) // a slot whose role was changed exists
		changed = append(changed, membershipChange{slot, a.Membership})
	}
	return changed
}

// openAccounts makes the slots registered by a block known to the verifier and
// the mempool.
func (n *Node) openAccounts(from, to int) {
	for slot := from; slot < to; slot++ {
		n.mu.RLock()
		a, err := n.st.Account(uint32(slot))
		n.mu.RUnlock()
		must(err) // slots below Len exist
		n.pool.AddAccount(a.Window, a.Membership)
		n.keys.Append(a.PublicKey)
	}
}

// rootsLoop computes the transaction roots and links the blocks.
func (n *Node) rootsLoop() {
	tree := merkle.NewBuilder(merkle.RFC6962, 1)
	c := n.stRoots.clock()
	for blk := range n.rootsCh {
		c.waited()
		if blk.header.Height > 0 {
			n.seal(blk, tree)
		}
		n.stRoots.items.Add(1)
		c.worked()
		n.persistCh <- blk
		n.stPersist.saw(len(n.persistCh))
		c.blocked()
	}
}

// seal collects the included transactions, which stay where they are, and
// completes the header. The leaf hashes are those that named the batches.
func (n *Node) seal(blk *block, tree *merkle.Builder) {
	blk.parts = append(blk.parts[:0], nil) // the header, below
	blk.leaves = blk.leaves[:0]
	size := 0
	for _, b := range blk.batches {
		size += b.appendIncluded(blk)
	}
	root, err := tree.RootOf(context.Background(), merkle.Nodes(blk.leaves))
	must(err)
	blk.header.Prev = n.tip.hash
	blk.header.TxRoot = root
	blk.header.BodyBytes = uint64(size)
	blk.hash = blk.header.Hash(&n.chain)
	blk.enc = blk.header.Append(blk.enc[:0])
	blk.parts[0] = blk.enc
	n.tip = tip{blk.header, blk.hash}
}

// appendIncluded appends the batch's included transactions and their leaf hashes
// to the block, and returns how many bytes the transactions have.
func (b *Batch) appendIncluded(blk *block) int {
	if b.included == len(b.Txs) {
		for _, t := range b.Txs {
			blk.parts = append(blk.parts, t)
		}
		blk.leaves = append(blk.leaves, b.leaves...)
		return b.bytes
	}
	size, k := 0, 0 // k counts accepted transactions
	for i, t := range b.Txs {
		if b.status[i] != tx.StatusOK {
			continue
		}
		if b.exec[k] == tx.StatusOK {
			blk.parts = append(blk.parts, t)
			blk.leaves = append(blk.leaves, b.leaves[k*merkle.HashSize:][:merkle.HashSize]...)
			size += len(t)
		}
		k++
	}
	return size
}

// groupMax is how many blocks one sync covers at most.
const groupMax = 4

// persistLoop makes blocks durable: one fdatasync for those that are there, so
// that a slow disk makes larger groups instead of a longer queue. After a
// failure it only drains: nothing is written, and nothing is acknowledged, after
// a failed sync.
func (n *Node) persistLoop() {
	var group []*block
	c := n.stPersist.clock()
	for blk := range n.persistCh {
		c.waited()
		group = n.writeGroup(group[:0], blk)
		err := n.Err()
		if last := lastBlock(group); err == nil && last != nil {
			if err = n.log.Sync(); err == nil {
				n.durable.set(last.header, last.hash)
			}
			n.fail(err)
		}
		if err == nil {
			for _, blk := range group {
				n.committed.Add(int64(blk.header.Count))
			}
			n.stPersist.items.Add(int64(len(group)))
		}
		c.worked()
		for _, blk := range group {
			if err == nil {
				n.notifyCh <- blk
				n.stNotify.saw(len(n.notifyCh))
			}
		}
		clear(group)
		c.blocked()
	}
}

// writeGroup writes blk and the blocks that are waiting behind it, without
// syncing them, and returns what it took from the queue.
func (n *Node) writeGroup(group []*block, blk *block) []*block {
	for {
		group = append(group, blk)
		if blk.header.Height > 0 && n.Err() == nil {
			n.fail(n.log.Append(blk.header.Height, blk.parts...))
		}
		if len(group) == groupMax {
			return group
		}
		select {
		case next, ok := <-n.persistCh:
			if !ok {
				return group
			}
			blk = next
		default:
			return group
		}
	}
}

// lastBlock is the last of the group that is a block, nil if all are refusals.
func lastBlock(group []*block) *block {
	for i := len(group) - 1; i >= 0; i-- {
		if group[i].header.Height > 0 {
			return group[i]
		}
	}
	return nil
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
			b.exec = nil // the block's memory
			n.release(b)
		}
		n.stNotify.items.Add(1)
		if h := n.onBlock.Load(); h != nil && blk.header.Height > 0 {
			(*h)(&blk.header)
		}
		n.giveBlock(blk)
		c.worked()
	}
}

// outcome appends the runs of committed transactions and the rejected ones;
// index is the block index of the batch's first included transaction.
func (b *Batch) outcome(ranges []wire.Range, rejects []wire.Rejection, index *uint32) ([]wire.Range, []wire.Rejection) {
	if n := len(b.Txs); b.included == n && n > 0 { // nearly always
		ranges = append(ranges, wire.Range{Seq: b.Base, Count: uint32(n), Index: *index})
		*index += uint32(n)
		return ranges, rejects
	}
	k := -1 // the accepted transaction
	for i := range b.Txs {
		if b.status[i] != tx.StatusOK {
			continue
		}
		k++
		seq := b.Base + uint64(i)
		if b.exec[k] != tx.StatusOK {
			rejects = append(rejects, wire.Rejection{Seq: seq, Status: b.exec[k]})
			continue
		}
		if last := len(ranges) - 1; last >= 0 && ranges[last].Seq+uint64(ranges[last].Count) == seq {
			ranges[last].Count++
		} else {
			ranges = append(ranges, wire.Range{Seq: seq, Count: 1, Index: *index})
		}
		*index++
	}
	return ranges, rejects
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
