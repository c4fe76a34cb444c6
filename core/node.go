// Package core is weir's node: a small, permissioned blockchain node whose cost
// per transaction is close to that of checking its signature.
//
// Transactions flow one way through bounded stages, each working on another
// block or batch at the same time:
//
//	Submit → [verify ×N] → ready → [order] → [execute, roots] → [log, fdatasync] → [notify]
//	         signatures,           cut into   ledger, state      durable            clients
//	         mempool               blocks     and tx roots
//
// A client is told "accepted" after its signature is checked and there is room,
// and "committed" only after the block is on disk. When a stage is slow, the
// queues before it fill up to the mempool's bound, and then Submit answers
// StatusBusy.
package core

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/chainweir/weir/core/engine/solo"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/mempool"
	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/verify"
	"github.com/chainweir/weir/merkle"
)

// Queue lengths between stages, in entries. They are short: the mempool's byte
// bound is what limits waiting transactions.
const (
	verifyQueue = 4096 // batches
	readyQueue  = 4096 // batches
	blockQueue  = 1    // blocks between later stages: one in work, one ready
)

// Node is a running node.
type Node struct {
	cfg   Config
	gen   *genesis.Genesis
	chain tx.ChainID
	log   *store.Log
	keys  *verify.Keys
	pool  *mempool.Pool

	mu       sync.RWMutex // guards st and stHeight; never held across I/O
	st       *state.State
	stHeight uint64 // the last executed block, which may not be durable yet

	tip        tip // of the executing goroutine
	genesisTip tip // height 0

	durable durable // the last block on disk

	// Repair tells what opening the log had to cut off.
	Repair store.RepairReport

	submitMu  sync.RWMutex // held for reading while a Submit is under way
	stopped   bool
	verifyCh  chan *Batch
	readyCh   chan *Batch
	execCh    chan []*Batch
	persistCh chan *block
	notifyCh  chan *block
	free      chan *block // blocks whose buffers can be used again

	failed  atomic.Pointer[error]
	ctx     context.Context // ends when the node fails or is closed
	cancel  context.CancelFunc
	done    chan struct{}
	wg      sync.WaitGroup
	workers sync.WaitGroup

	// Ordering is not among them: it only collects batches, and is never busy.
	stVerify, stExec, stPersist, stNotify Stage
	submitted, accepted, committed, busy  atomic.Int64

	onBlock atomic.Pointer[func(*tx.Header)]
}

// OnBlock sets the function that is called with every durable block's header,
// after the submitters have been told. It must not block.
func (n *Node) OnBlock(f func(*tx.Header)) { n.onBlock.Store(&f) }

// tip is the last executed block.
type tip struct {
	header tx.Header // Height 0: genesis, only StateRoot and TimeNS are set
	hash   tx.Hash
}

// block is one block in the pipeline. Its buffers are reused.
type block struct {
	batches []*Batch
	header  tx.Header
	hash    tx.Hash
	enc     []byte // encoded header
	body    []byte
}

// Open opens or creates the data directory, replays its log and starts the node.
func Open(cfg Config) (*Node, error) {
	cfg.setDefaults()
	gen, err := prepareDir(&cfg)
	if err != nil {
		return nil, err
	}
	n := &Node{
		cfg: cfg, gen: gen, chain: gen.ChainID(),
		keys: verify.NewKeys(cfg.ExpandedKeys), pool: mempool.New(cfg.MempoolBytes),
		verifyCh: make(chan *Batch, verifyQueue), readyCh: make(chan *Batch, readyQueue),
		execCh: make(chan []*Batch, blockQueue), persistCh: make(chan *block, blockQueue),
		notifyCh: make(chan *block, blockQueue), free: make(chan *block, 2*blockQueue+3),
		done: make(chan struct{}),
	}
	n.stVerify.name, n.stVerify.workers = "verify", cfg.Workers
	for _, s := range []struct {
		st   *Stage
		name string
	}{{&n.stExec, "execute"}, {&n.stPersist, "persist"}, {&n.stNotify, "notify"}} {
		s.st.name, s.st.workers = s.name, 1
	}
	n.log, err = store.Open(store.Options{
		Dir: cfg.Dir, ChainID: n.chain, FS: cfg.FS, MaxRecordBytes: maxRecord(gen),
	})
	if err != nil {
		return nil, err
	}
	n.Repair = n.log.Repair()
	if err := n.replay(); err != nil {
		return nil, errors.Join(err, n.log.Close())
	}
	n.start()
	return n, nil
}

func maxRecord(g *genesis.Genesis) int { return tx.HeaderSize + int(g.Rules.MaxBlockBytes) }

// start launches the stages.
func (n *Node) start() {
	n.ctx, n.cancel = context.WithCancel(context.Background())
	for range n.cfg.Workers {
		n.workers.Go(n.verifyLoop)
	}
	n.wg.Go(func() { n.workers.Wait(); close(n.readyCh) })
	n.wg.Go(func() { defer close(n.execCh); n.fail(n.orderLoop(n.ctx)) })
	n.wg.Go(func() { defer close(n.persistCh); n.execLoop(merkle.NewBuilder(merkle.RFC6962, 1)) })
	n.wg.Go(func() { defer close(n.notifyCh); n.persistLoop() })
	n.wg.Go(n.notifyLoop)
	go func() { n.wg.Wait(); close(n.done) }()
}

func (n *Node) orderLoop(ctx context.Context) error {
	cfg := solo.Config{
		MaxTxs:   int(n.gen.Rules.MaxBlockTxs),
		MaxBytes: int(n.gen.Rules.MaxBlockBytes),
		Interval: n.cfg.BlockInterval,
	}
	size := func(b *Batch) solo.Size { return solo.Size{Txs: len(b.Txs), Bytes: b.bytes} }
	return solo.Run(ctx, cfg, n.readyCh, size, func(bs []*Batch) error {
		select {
		case n.execCh <- bs:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// Submit hands a batch to the node. It never blocks on a slow stage: when the
// node is full, the whole batch is answered with StatusBusy. A batch of more
// than MaxTxs, or of more bytes than a block may have, could stand in no block
// and is answered with StatusMalformed.
func (n *Node) Submit(b *Batch) {
	b.prepare()
	n.submitted.Add(int64(len(b.Txs)))
	n.submitMu.RLock()
	defer n.submitMu.RUnlock()
	if n.stopped || n.failed.Load() != nil {
		b.refuse(tx.StatusStopping)
		return
	}
	if len(b.Txs) > n.MaxTxs() || b.bytes > int(n.gen.Rules.MaxBlockBytes) {
		b.refuse(tx.StatusMalformed)
		return
	}
	if !n.pool.Reserve(b.bytes) {
		n.busy.Add(int64(len(b.Txs)))
		b.refuse(tx.StatusBusy)
		return
	}
	select {
	case n.verifyCh <- b:
	default:
		n.pool.Free(b.bytes)
		n.busy.Add(int64(len(b.Txs)))
		b.refuse(tx.StatusBusy)
	}
}

// MaxTxs is the largest batch that Submit takes: it must fit into one block.
func (n *Node) MaxTxs() int {
	return min(int(n.gen.Rules.MaxBlockTxs), int(n.gen.Rules.MaxBlockBytes)/tx.Size)
}

// fail stops the node for good: nothing is acknowledged after it.
func (n *Node) fail(err error) {
	if err == nil || errors.Is(err, context.Canceled) {
		return
	}
	err = fmt.Errorf("node stopped: %w", err)
	n.failed.CompareAndSwap(nil, &err)
	n.cancel()
}

// Err is the error that stopped the node, nil while it runs.
func (n *Node) Err() error {
	if p := n.failed.Load(); p != nil {
		return *p
	}
	return nil
}

// Done is closed when the node has failed or is closed; Err tells which.
func (n *Node) Done() <-chan struct{} { return n.ctx.Done() }

// Close refuses new work, lets everything accepted reach the disk and closes
// the log. It returns the error that stopped the node earlier, if any.
func (n *Node) Close() error {
	n.submitMu.Lock()
	first := !n.stopped
	n.stopped = true
	if first {
		close(n.verifyCh)
	}
	n.submitMu.Unlock()
	<-n.done
	n.cancel()
	n.durable.close()
	var err error
	if first {
		err = n.log.Close()
	}
	return errors.Join(n.Err(), err)
}

// Genesis returns the chain's genesis, ChainID its hash.
func (n *Node) Genesis() *genesis.Genesis { return n.gen }

// ChainID returns the chain's id.
func (n *Node) ChainID() tx.ChainID { return n.chain }
