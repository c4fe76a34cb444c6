// Package core is weir's node: a small, permissioned blockchain node whose cost
// per transaction is close to that of checking its signature.
//
// Transactions flow one way through bounded stages, each working on another
// block or batch at the same time:
//
//	parse → [verify ×N] → [order] → [execute]  → [roots] → [persist]  → [notify]
//	Submit   signatures,   engine:    ledger,      tx root,  log,         clients
//	         mempool,      cut into   state root   header    fdatasync
//	         leaf hashes   blocks
//
// What is ordered are references to batches (see package engine); the batches
// wait on a shelf until the engine has decided on them. Every queue is bounded,
// and a stage whose queue behind it is full waits, so that pressure moves towards
// the clients. A client is told "accepted" after its signature is checked and there is room,
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

	"github.com/chainweir/weir/core/engine"
	"github.com/chainweir/weir/core/fair"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/mempool"
	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/verify"
)

// Queue lengths between stages, in entries. They are short: the mempool's byte
// bound is what limits waiting transactions.
const (
	verifyQueue  = 4096 // batches before verification, all clients together
	readyQueue   = 256  // batches between verification and the engine's queue
	engineQueue  = 4096 // references
	blockQueue   = 1    // blocks between later stages: one in work, one ready
	persistQueue = 2    // blocks that the next sync may take together

	// blocksReused is how many blocks can be on their way: in the four queues,
	// in the hands of four stages, with a group of them in one, and in the engine's.
	blocksReused = 3*blockQueue + persistQueue + 4 + groupMax
)

// Node is a running node.
type Node struct {
	cfg   Config
	gen   *genesis.Genesis
	chain tx.ChainID
	log   *store.Log
	keys  *verify.Keys
	pool  *mempool.Pool

	genesisOnce sync.Once
	genesisJSON []byte // see genesisFile

	mu       sync.RWMutex // guards st and stHeight; never held across I/O
	st       *state.State
	stHeight uint64     // the last executed block, which may not be durable yet
	decision uint64     // that made it, 0: not known
	sending  sync.Mutex // held while a snapshot goes to an engine; taken before mu

	tip        tip // the last sealed block, of rootsLoop
	genesisTip tip // height 0

	durable durable  // the last block on disk
	index   *txIndex // nil: none

	// Repair tells what opening the log had to cut off.
	Repair store.RepairReport
	// Restored tells which snapshot the node started from.
	Restored RestoreReport
	snaps    snapshotter

	submitMu  sync.RWMutex // held for reading while a Submit is under way
	stopped   bool
	verifyQ   *fair.Queue[*Batch]
	readyCh   chan *Batch
	batches   *shelf
	engine    engine.Engine
	decidedNS uint64 // time of the last decision, of the engine's goroutine
	// decisionMin is below or at the number of the decision that made the block
	// at which the node was opened.
	decisionMin uint64
	foreign     *foreign // nil: the engine carries no batches
	execCh      chan *block
	rootsCh     chan *block
	persistCh   chan *block
	notifyCh    chan *block
	free        chan *block // blocks whose buffers can be used again

	failed atomic.Pointer[error]
	ctx    context.Context // ends when the node fails or is closed
	cancel context.CancelFunc
	done   chan struct{}
	wg     sync.WaitGroup

	closing  sync.Once
	closeErr error // once closing is done
	workers  sync.WaitGroup

	stParse, stVerify, stOrder, stExec, stRoots, stPersist, stNotify Stage
	stStateRoot                                                      Stage // a part of stExec
	submitted, accepted, committed, busy                             atomic.Int64

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
		verifyQ: newVerifyQueue(&cfg), readyCh: make(chan *Batch, readyQueue),
		batches: newShelf(batchesMax),
		execCh:  make(chan *block, blockQueue), rootsCh: make(chan *block, blockQueue),
		persistCh: make(chan *block, persistQueue), notifyCh: make(chan *block, blockQueue),
		free: make(chan *block, blocksReused), done: make(chan struct{}),
	}
	n.nameStages()
	n.log, err = store.Open(store.Options{
		Dir: cfg.Dir, ChainID: n.chain, FS: cfg.FS, MaxRecordBytes: maxRecord(gen), SegmentBytes: cfg.segmentBytes,
	})
	if err != nil {
		return nil, err
	}
	n.Repair = n.log.Repair()
	if err := n.replay(); err != nil {
		return nil, errors.Join(err, n.log.Close())
	}
	if cfg.Index {
		n.index = newIndex(cfg.FS, cfg.Dir, n.chain, cfg.indexRun)
	}
	if err := n.start(); err != nil {
		return nil, errors.Join(err, n.log.Close())
	}
	return n, nil
}

func maxRecord(g *genesis.Genesis) int { return tx.HeaderSize + int(g.Rules.MaxBlockBytes) }

// start launches the stages.
func (n *Node) start() error {
	n.ctx, n.cancel = context.WithCancel(context.Background())
	head, _ := n.durable.get()
	n.decidedNS = head.TimeNS
	n.engine = n.cfg.NewEngine(engine.Config{
		MaxTxs:   int(n.gen.Rules.MaxBlockTxs),
		MaxBytes: int(n.gen.Rules.MaxBlockBytes),
		Interval: n.cfg.BlockInterval,
		Queue:    engineQueue,
		Number:   n.decisionMin,
		TimeNS:   head.TimeNS,
	})
	if c, ok := n.engine.(engine.Carrier); ok {
		n.foreign = &foreign{node: n, from: c, verify: n.newVerifier()}
	}
	if err := n.engine.Start(n.ctx, app{n}); err != nil {
		n.cancel()
		return err
	}
	context.AfterFunc(n.ctx, n.verifyQ.Abort)
	for range n.cfg.Workers {
		n.workers.Go(labelled("verify", n.verifyLoop))
	}
	n.wg.Go(func() { n.workers.Wait(); close(n.readyCh) })
	n.wg.Go(labelled("order", func() { defer close(n.execCh); n.orderLoop() }))
	n.wg.Go(labelled("execute", func() { defer close(n.rootsCh); n.execLoop() }))
	n.wg.Go(labelled("roots", func() { defer close(n.persistCh); n.rootsLoop() }))
	n.wg.Go(labelled("persist", func() { defer close(n.notifyCh); n.persistLoop() }))
	n.wg.Go(labelled("notify", n.notifyLoop))
	go labelled("snapshot", n.snaps.run)() // Close waits for it
	if n.index != nil {
		go labelled("index", func() { n.index.follow(n.ctx, n) })() // Close waits for it
	}
	go func() { n.wg.Wait(); close(n.done) }()
	return nil
}

// Submit hands a batch to the node. It never blocks on a slow stage: when the
// node is full, the whole batch is answered with StatusBusy. A batch of more
// than MaxTxs, or of more bytes than a block may have, could stand in no block
// and is answered with StatusMalformed.
func (n *Node) Submit(b *Batch) {
	c := n.stParse.clock()
	b.prepare()
	c.worked()
	n.stParse.busy.Add(b.ParseNS)
	n.stParse.items.Add(int64(len(b.Txs)))
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
	size, count := b.bytes, len(b.Txs) // once it is queued, it may be gone
	if waiting, ok := n.verifyQ.Push(b.ClientID, b, count); ok {
		n.stVerify.saw(waiting)
		return
	}
	n.pool.Cancel(size)
	n.busy.Add(int64(count))
	b.refuse(tx.StatusBusy)
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
// the log. It returns the error that stopped the node earlier, if any. All calls
// return when the directory is free, with the same error.
func (n *Node) Close() error {
	n.submitMu.Lock()
	if !n.stopped {
		n.stopped = true
		n.verifyQ.Close()
	}
	n.submitMu.Unlock()
	n.closing.Do(n.close) // whoever comes second waits
	return errors.Join(n.Err(), n.closeErr)
}

// close waits for the stages and lets go of the directory.
func (n *Node) close() {
	<-n.done
	n.cancel()
	n.durable.close()
	if n.index != nil {
		<-n.index.done // it reads the log
	}
	n.snaps.close()
	n.closeErr = n.log.Close()
}

// Genesis returns the chain's genesis, ChainID its hash.
func (n *Node) Genesis() *genesis.Genesis { return n.gen }

// ChainID returns the chain's id.
func (n *Node) ChainID() tx.ChainID { return n.chain }
