package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/merkle"
)

// RestartBench is how long a node takes to open a long log.
type RestartBench struct {
	LogTxs    int       `json:"log_txs"`
	Behind    uint64    `json:"snapshot_behind_txs"` // executed again after the snapshot
	Samples   []float64 `json:"sec_samples"`
	FromDisk  bool      `json:"from_disk"`   // the page cache was emptied of the log before each
	ForgedSec float64   `json:"forging_sec"` // what making the log took
}

const (
	restartStarts   = 7 // the fewest with a 95 % interval, and one
	restartPerBlock = 10_000
	// The log has that many accounts at most, and no more than one for so many
	// transactions: deriving their keys is what a short log would measure.
	restartAccountsMax   = 1 << 16
	restartTxsPerAccount = 64
	// RestartTxsMin is the shortest log: of fewer blocks, four fifths have no
	// snapshot of their own.
	RestartTxsMin = 10 * restartPerBlock
)

// benchRestart opens a log of transfers whose newest snapshot is a fifth of it
// behind the head, which with 10 million transactions is as far as it gets with
// the node's defaults.
//
// The log is forged: right roots and links, and signatures of zeros, because
// signing 10 million transactions takes minutes and a start does not check
// signatures (`weir node verify` and import do).
func benchRestart(ctx context.Context, cfg *NodeBenchConfig) (*RestartBench, error) {
	dir := filepath.Join(cfg.Dir, "restart")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	begin := time.Now()
	f := newForger(dir, min(restartAccountsMax, cfg.RestartTxs/restartTxsPerAccount))
	blocks := cfg.RestartTxs / restartPerBlock
	if err := f.log(ctx, blocks, cfg.Progress); err != nil {
		return nil, fmt.Errorf("making a log to start from: %w", err)
	}
	r := &RestartBench{LogTxs: blocks * restartPerBlock, FromDisk: true, ForgedSec: time.Since(begin).Seconds()}
	for i := range restartStarts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		cfg.Progress(fmt.Sprintf("start %d of %d with %d transactions in the log", i+1, restartStarts, r.LogTxs))
		r.FromDisk = forgetFiles(dir) == nil && r.FromDisk
		begin := time.Now()
		n, err := core.Open(core.Config{Dir: dir, SnapshotTxs: -1})
		if err != nil {
			return nil, err
		}
		r.Samples = append(r.Samples, time.Since(begin).Seconds())
		r.Behind = n.Restored.Txs
		head := n.Stats().Height
		if err := n.Close(); err != nil {
			return nil, err
		}
		if n.Restored.Height == 0 || head != uint64(blocks) {
			return nil, fmt.Errorf("%w: the node started at block %d of %d, from the snapshot of block %d (%v)",
				ErrNodeBench, head, blocks, n.Restored.Height, n.Restored.Refused)
		}
	}
	return r, os.RemoveAll(dir)
}

// forger writes a log as a node would have, without its signatures.
type forger struct {
	dir    string
	n      uint64 // accounts
	gen    *genesis.Genesis
	chain  tx.ChainID
	st     *state.State
	prev   tx.Hash
	views  []tx.View
	leaves [][]byte
	status []tx.Status
	tree   *merkle.Builder
	body   []byte
}

func newForger(dir string, accounts int) *forger {
	f := &forger{
		dir: dir, n: uint64(accounts), gen: genesis.Dev(uint32(accounts)), st: state.New(accounts),
		views: make([]tx.View, restartPerBlock), leaves: make([][]byte, restartPerBlock),
		status: make([]tx.Status, restartPerBlock), tree: merkle.NewBuilder(merkle.RFC6962, 0),
	}
	f.chain = f.gen.ChainID()
	f.prev = tx.Hash(f.chain)
	return f
}

// log writes the blocks and the snapshot of the one four fifths on. That
// snapshot is made by a node, when it closes there.
func (f *forger) log(ctx context.Context, blocks int, progress func(string)) error {
	if err := os.WriteFile(filepath.Join(f.dir, "genesis.json"), f.gen.JSON(), 0o644); err != nil {
		return err
	}
	for _, a := range f.gen.AllAccounts() {
		if _, err := f.st.Add(a.PublicKey, a.Balance, tx.Membership{}); err != nil {
			return err
		}
	}
	middle := blocks * 4 / 5
	if err := f.write(ctx, 1, middle, blocks, progress); err != nil {
		return err
	}
	n, err := core.Open(core.Config{Dir: f.dir})
	if err != nil {
		return err
	}
	if err := n.Close(); err != nil {
		return err
	}
	if s := n.Snapshots(); s.Height != uint64(middle) {
		return fmt.Errorf("%w: the snapshot is of block %d, not %d", ErrNodeBench, s.Height, middle)
	}
	return f.write(ctx, middle+1, blocks, blocks, progress)
}

func (f *forger) write(ctx context.Context, from, to, of int, progress func(string)) (err error) {
	log, err := store.Open(store.Options{Dir: f.dir, ChainID: f.chain})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	for height := from; height <= to; height++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if height%50 == 0 {
			progress(fmt.Sprintf("a log to start from: block %d of %d", height, of))
		}
		header, err := f.block(uint64(height))
		if err != nil {
			return err
		}
		if err := log.Append(uint64(height), header, f.body); err != nil {
			return err
		}
	}
	return nil
}

// block makes the transfers of the next block in f.body and returns its header.
func (f *forger) block(height uint64) ([]byte, error) {
	one := tx.Fields{Kind: tx.KindTransfer, Expiry: 1 << 62, Amount: 1}
	f.body = f.body[:0]
	for i := range uint64(restartPerBlock) {
		k := (height-1)*restartPerBlock + i
		one.From, one.Nonce = uint32(k%f.n), k/f.n+1
		one.To = uint32((k * 0x9e3779b97f4a7c15 >> 32) % f.n)
		binary.LittleEndian.PutUint64(one.Memo[:], k)
		f.body = one.AppendUnsigned(f.body)
	}
	for i := range f.views {
		f.views[i] = f.body[i*tx.Size:][:tx.Size:tx.Size]
		f.leaves[i] = f.views[i]
	}
	f.st.Execute(height, f.views, f.status)
	for i, s := range f.status {
		if s != tx.StatusOK {
			return nil, fmt.Errorf("%w: transfer %d of block %d: %s", ErrNodeBench, i, height, s)
		}
	}
	root, err := f.tree.Root(f.leaves)
	if err != nil {
		return nil, err
	}
	h := tx.Header{
		Height: height, TimeNS: f.gen.TimeNS + height, Count: restartPerBlock, BodyBytes: uint64(len(f.body)),
		Prev: f.prev, TxRoot: root, StateRoot: f.st.Root(),
	}
	f.prev = h.Hash(&f.chain)
	return h.Append(nil), nil
}
