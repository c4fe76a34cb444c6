package core

import (
	"errors"
	"fmt"

	"github.com/chainweir/weir/core/store"
)

// PruneRequest says what Prune removes. One of the two is zero.
type PruneRequest struct {
	KeepTxs uint64 // keep at least so many of the newest transactions
	Below   uint64 // or remove the blocks below this height
}

// PruneResult says what Prune did.
type PruneResult struct {
	FirstBefore, First uint64 // lowest height in the log
	Head               uint64
	Below              uint64 // what was allowed of the request
	Snapshot           uint64 // the oldest snapshot, beyond which nothing is removed
}

// Prune removes old blocks of a chain that no node is using. It removes whole
// segments only, so that more may stay than was asked for, and never a block
// that is needed to start from the oldest snapshot that is right.
func Prune(dir string, req PruneRequest) (res PruneResult, err error) {
	return pruneOn(store.OSFS{}, dir, req)
}

// pruneOn is Prune with the log and the snapshots on another file system than
// the genesis.
func pruneOn(fs store.FS, dir string, req PruneRequest) (res PruneResult, err error) {
	gen, err := LoadGenesis(dir)
	if err != nil {
		return res, err
	}
	chain := gen.ChainID()
	log, err := store.Open(store.Options{Dir: dir, ChainID: chain, FS: fs, MaxRecordBytes: maxRecord(gen)})
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	first, ok := log.First()
	if !ok {
		return res, nil
	}
	res.FirstBefore, res.First = first, first
	res.Head, _ = log.Head()
	below := req.Below
	if req.KeepTxs > 0 {
		if below, err = reachesBack(log, req.KeepTxs); err != nil {
			return res, err
		}
	}
	snaps := snapshotsOf(fs, dir, chain)
	r, refused, err := oldestUsable(gen, snaps, log)
	if err != nil {
		return res, err
	}
	if r == nil {
		return res, fmt.Errorf("no snapshot can be used (%d were looked at), and without one the chain could not be started after pruning: "+
			"start the node and stop it, which writes one", len(refused))
	}
	res.Snapshot = r.tip.header.Height
	// The snapshot's own block stays: its hash ties the two together.
	res.Below = min(below, res.Snapshot)
	if res.Below > first {
		// The node that wrote the snapshot may have ended before its name was on disk.
		if err := fs.SyncDir(snaps.path); err != nil {
			return res, fmt.Errorf("cannot keep the snapshot of block %d for certain: %w; nothing was pruned", res.Snapshot, err)
		}
		err = log.Prune(res.Below)
	}
	res.First, _ = log.First()
	return res, err
}

// reachesBack returns the height from which on the log has at least keep
// transactions.
func reachesBack(log *store.Log, keep uint64) (uint64, error) {
	first, _ := log.First()
	height, _ := log.Head()
	for txs := uint64(0); ; height-- {
		h, err := headerOf(log, height)
		if err != nil {
			return 0, err
		}
		if txs += uint64(h.Count); txs >= keep || height == first {
			return height, nil
		}
	}
}
