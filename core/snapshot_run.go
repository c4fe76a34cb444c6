package core

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/tx"
)

// snapshotter writes snapshots beside the work of a node. The executing
// goroutine freezes the ledger, which costs it a copy of what it changes while
// the snapshot is written, and nothing else; one goroutine writes. There is one
// snapshot under way at most: what becomes due meanwhile waits for the next block
// after it.
type snapshotter struct {
	node  *Node
	store *snapshots

	// Of the executing goroutine.
	txs, txsThen       uint64 // executed so far, and at the last snapshot
	height, heightThen uint64

	busy atomic.Bool
	jobs chan snapshotJob // one at most
	done chan struct{}

	refused []uint64 // heights of files that cannot be used; of whoever writes

	mu     sync.Mutex
	status SnapshotStatus
	good   []uint64 // heights of the last snapshots that were loaded or written
	marks  []mark
}

type snapshotJob struct {
	ledger      *state.Frozen
	height, txs uint64
	decision    uint64
}

// SnapshotStatus says what became of a running node's snapshots.
type SnapshotStatus struct {
	Height  uint64 // of the newest one that is right, 0: none
	Written int    // since the node started
	Failed  int    // likewise; each is tried again with the next interval's
	Pruned  uint64 // the lowest height that the log still has, 0: nothing was pruned
	// Err is why the last one was not written, or why old blocks were not
	// removed. The chain is safe all the same: the next start has more to execute.
	Err error
}

// Snapshots returns what became of the snapshots since the node started. After
// Close it includes the last one.
func (n *Node) Snapshots() SnapshotStatus {
	n.snaps.mu.Lock()
	defer n.snaps.mu.Unlock()
	return n.snaps.status
}

// init sets what replay found out; started is the height of the snapshot that
// was loaded, 0 for none.
func (s *snapshotter) init(n *Node, store *snapshots, r *replayer, started uint64, refused []refusal) {
	s.node, s.store = n, store
	s.jobs, s.done = make(chan snapshotJob, 1), make(chan struct{})
	s.txs, s.height = r.txs, r.tip.header.Height
	s.txsThen, s.heightThen = r.txsThen, started
	s.marks = slices.Clone(r.marks)
	for _, f := range refused {
		s.refused = append(s.refused, f.height)
	}
	if started > 0 {
		s.good = []uint64{started}
		s.status.Height = started
		s.addMark(mark{started, r.txsThen})
	}
}

// executed counts an executed block and freezes the ledger when a snapshot is
// due. The caller holds the node's lock.
func (s *snapshotter) executed(height uint64, txs int) {
	s.height = height
	s.txs += uint64(txs)
	c := &s.node.cfg
	if c.SnapshotTxs < 0 || s.txs-s.txsThen < uint64(c.SnapshotTxs) && height-s.heightThen < uint64(c.SnapshotBlocks) {
		return
	}
	if !s.busy.CompareAndSwap(false, true) {
		return
	}
	s.jobs <- s.freeze() // there is room: busy was false
	s.txsThen, s.heightThen = s.txs, height
}

// freeze takes the ledger as it is. The caller holds the node's lock.
func (s *snapshotter) freeze() snapshotJob {
	return snapshotJob{s.node.st.Freeze(), s.height, s.txs, s.node.decision}
}

// run writes snapshots until close.
func (s *snapshotter) run() {
	defer close(s.done)
	for job := range s.jobs {
		s.write(s.node.ctx, job, s.node.cfg.SnapshotBytesPerSec)
		s.busy.Store(false)
	}
}

// close waits for the writing goroutine and writes the last snapshot, unless the
// node failed. The stages must have ended and the log must still be open.
func (s *snapshotter) close() {
	close(s.jobs)
	<-s.done
	s.mu.Lock()
	newest := s.status.Height
	s.mu.Unlock()
	if s.node.Err() != nil || s.node.cfg.SnapshotTxs < 0 || s.height == newest {
		return
	}
	s.node.mu.Lock()
	job := s.freeze()
	s.node.mu.Unlock()
	s.write(context.Background(), job, 0)
}

// write makes one snapshot, removes those that are too old, and prunes.
func (s *snapshotter) write(ctx context.Context, job snapshotJob, bytesPerSec int64) {
	err := s.snapshot(ctx, job, bytesPerSec)
	if errors.Is(err, context.Canceled) {
		return // the node stops; it says why itself
	}
	var first uint64
	if err == nil {
		if err = s.store.tidy(job.height, s.refused); err == nil {
			first, err = s.prune(job)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status.Err = err; err != nil {
		s.status.Failed++
	}
	if first > 0 {
		s.status.Pruned = first
	}
}

// head makes the head of a frozen ledger's snapshot once its block is on disk: a
// ledger ahead of the log would be of no use after a crash. On an error it lets
// go of the ledger.
func (s *snapshotter) head(ctx context.Context, job snapshotJob) (*snapshotHead, error) {
	n := s.node
	h := &snapshotHead{
		chain: n.chain, height: job.height, txs: job.txs, decision: job.decision, genesisRoot: n.genesisTip.header.StateRoot,
	}
	err := n.durable.wait(ctx, job.height)
	if err == nil {
		h.header, err = n.headerAt(job.height)
	}
	if err != nil {
		job.ledger.Release(&n.mu)
		return nil, err
	}
	h.hash = h.header.Hash(&n.chain)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.marks {
		if m.height < job.height {
			h.marks = append(h.marks, m)
		}
	}
	return h, nil
}

// headerAt returns the header of a durable block, that of the head even if the
// log begins after it.
func (n *Node) headerAt(height uint64) (tx.Header, error) {
	if h, _ := n.durable.get(); h.Height == height {
		return h, nil
	}
	return headerOf(n.log, height)
}

// snapshot writes the file.
func (s *snapshotter) snapshot(ctx context.Context, job snapshotJob, bytesPerSec int64) error {
	h, err := s.head(ctx, job)
	if err != nil {
		return err
	}
	n := s.node
	if err := s.store.write(ctx, h, job.ledger, &n.mu, bytesPerSec); err != nil {
		return err
	}
	s.refused = slices.DeleteFunc(s.refused, func(h uint64) bool { return h == job.height }) // it was replaced
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.Height = job.height
	s.status.Written++
	s.good = append(s.good, job.height)
	s.good = s.good[max(0, len(s.good)-snapshotsKept):]
	s.addMark(mark{job.height, job.txs})
	return nil
}

// addMark appends a mark; when there are too many, every other one goes.
func (s *snapshotter) addMark(m mark) {
	if len(s.marks) == snapshotMarksMax {
		kept := s.marks[:0]
		for i := 1; i < len(s.marks); i += 2 {
			kept = append(kept, s.marks[i])
		}
		s.marks = kept
	}
	s.marks = append(s.marks, m)
}

// prune removes old blocks as Config.RetainTxs says: never one that is needed to
// start from the older one of two snapshots that are known to be right. It
// returns the lowest height left, 0 when nothing was to be done.
func (s *snapshotter) prune(job snapshotJob) (uint64, error) {
	retain := s.node.cfg.RetainTxs
	if retain == 0 {
		return 0, nil
	}
	s.mu.Lock()
	below := uint64(0)
	if len(s.good) == snapshotsKept {
		below = min(keepsTxs(s.marks, job.txs, retain), s.good[0])
	}
	s.mu.Unlock()
	if below <= beginsWith(s.node.log) {
		return 0, nil
	}
	if err := s.node.log.Prune(below); err != nil {
		return 0, err
	}
	first, _ := s.node.log.First()
	return first, nil
}

// keepsTxs returns the highest height such that the blocks from there on, up to
// one where the chain has total transactions, have at least keep of them.
func keepsTxs(marks []mark, total, keep uint64) uint64 {
	below := uint64(0)
	for _, m := range marks {
		if m.txs <= total && total-m.txs >= keep {
			below = m.height + 1
		}
	}
	return below
}
