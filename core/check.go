package core

import (
	"context"
	"errors"
	"fmt"

	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/tx"
)

// CheckResult is what Check found in a data directory.
type CheckResult struct {
	ChainID tx.ChainID
	Height  uint64 // the last block that is right
	Hash    tx.Hash
	Txs     uint64
	// First is the lowest block of the log: 1, or more when old ones are pruned.
	First uint64
	// Snapshot is the height whose ledger was taken from a snapshot because the
	// blocks before it are pruned, 0 when everything was executed from genesis.
	Snapshot uint64
	// Notes say what could not be checked, and which snapshots are of no use.
	Notes []string
	// Bad is nil when the whole chain is right. Otherwise BadHeight is the
	// first height that is wrong and Bad says how.
	Bad       error
	BadHeight uint64
}

// Check re-verifies everything in a data directory that no node is using: every
// record, link, signature, execution, transaction root and state root, from
// genesis, on all cores. It changes nothing. The error is for a directory that
// cannot be read at all; what is wrong in the chain is in the result.
//
// Of a pruned log it executes what follows the oldest snapshot. What is before
// that can only be held to its links, transaction roots and signatures, and
// what is no longer there cannot be checked at all: Notes says so.
func Check(ctx context.Context, dir string, progress func(height uint64)) (CheckResult, error) {
	gen, err := LoadGenesis(dir)
	if err != nil {
		return CheckResult{}, err
	}
	c := CheckResult{ChainID: gen.ChainID(), First: 1}
	opts := store.Options{Dir: dir, ChainID: c.ChainID, ReadOnly: true, MaxRecordBytes: maxRecord(gen)}
	log, err := store.Open(opts)
	var damage *store.CorruptError
	if errors.As(err, &damage) {
		// What is before the damage can be checked all the same.
		opts.FS = beforeDamage(damage)
		if log, err = store.Open(opts); err != nil {
			c.Bad, c.BadHeight = damage, max(damage.Height, 1)
			return c, nil //nolint:nilerr // damage in the chain is a finding, not a failure to look
		}
	}
	if err != nil {
		return c, err
	}
	snaps := snapshotsOf(nil, dir, c.ChainID)
	ck, err := c.begin(gen, snaps, log)
	if err == nil && c.Bad == nil {
		err = c.scan(ctx, log, ck, progress)
	}
	if err == nil && c.Bad == nil {
		err = c.lookAtSnapshots(ctx, snaps, log)
	}
	err = errors.Join(err, log.Close())
	switch {
	case c.Bad != nil:
		return c, nil //nolint:nilerr // a wrong block is a finding; the scan ended with it
	case err != nil:
		return c.storeProblem(err)
	case damage != nil:
		return c.storeProblem(damage)
	}
	// The scan stops at the last whole record; this looks at every byte.
	rep, err := store.Verify(store.Options{Dir: dir, ChainID: c.ChainID, MaxRecordBytes: maxRecord(gen)})
	if err != nil {
		return c.storeProblem(err)
	}
	if rep.Records > 0 && rep.LastHeight != c.Height {
		return c, fmt.Errorf("the log ends at height %d, the chain at %d", rep.LastHeight, c.Height)
	}
	return c, nil
}

// begin makes the checker: of genesis, or of the oldest snapshot of a pruned
// log. A pruned log without one is a finding.
func (c *CheckResult) begin(gen *genesis.Genesis, snaps *snapshots, log *store.Log) (*checker, error) {
	first := beginsWith(log)
	if first <= 1 {
		return newChecker(gen)
	}
	c.First = first
	r, refused, err := oldestUsable(gen, snaps, log)
	if err != nil {
		return nil, err
	}
	for _, text := range refusals(refused) {
		c.Notes = append(c.Notes, "snapshots that cannot be used: "+text)
	}
	if r == nil {
		c.Bad, c.BadHeight = fmt.Errorf("blocks 1 to %d were never here or are pruned, and there is no snapshot to start from", first-1), first
		return nil, nil
	}
	c.Snapshot = r.tip.header.Height
	c.Notes = append(c.Notes, fmt.Sprintf("blocks 1 to %d were never here or are pruned and were not checked", first-1))
	if c.Snapshot >= first {
		c.Notes = append(c.Notes, fmt.Sprintf("blocks %d to %d were held to their links, transaction roots and signatures, but not executed: "+
			"the ledger before them is gone", first, c.Snapshot))
	}
	c.Notes = append(c.Notes, fmt.Sprintf("the ledger after block %d is taken from its snapshot, which has the state root in the block's header", c.Snapshot))
	ck, err := makeChecker(r)
	if err == nil {
		ck.linkOnly(first)
	}
	if err == nil && c.Snapshot == first-1 {
		c.Height, c.Hash = c.Snapshot, r.tip.hash // and perhaps no block after it
	}
	return ck, err
}

// scan checks the blocks of the log until one is wrong, which is then in c.Bad.
func (c *CheckResult) scan(ctx context.Context, log *store.Log, ck *checker, progress func(height uint64)) error {
	scan := func(fn func(uint64, []byte) error) error { return log.Scan(1, fn) }
	return eachBlock(ctx, &ck.rep.rules, scan, func(b *parsedBlock) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := ck.block(b); err != nil {
			c.Bad, c.BadHeight = err, b.height
			return err
		}
		c.Height, c.Hash = b.height, ck.rep.tip.hash
		c.Txs += uint64(b.header.Count)
		if progress != nil {
			progress(b.height)
		}
		return nil
	})
}

// lookAtSnapshots notes which snapshots are of no use. They are no part of the
// chain: a start goes back to an older one, or to genesis.
func (c *CheckResult) lookAtSnapshots(ctx context.Context, snaps *snapshots, log *store.Log) error {
	waiting, err := snaps.taken()
	if err != nil {
		return err
	}
	for _, height := range waiting {
		c.Notes = append(c.Notes, fmt.Sprintf("a snapshot of block %d was taken over from another node: the next start begins with it", height))
	}
	heights, err := snaps.list()
	if err != nil {
		return err
	}
	for _, height := range heights {
		if err := ctx.Err(); err != nil {
			return err
		}
		_, h, err := snaps.read(height)
		if err == nil {
			err = inLog(log, h)
		}
		if err != nil && !(c.Snapshot > 0 && height < c.Snapshot) { // those are noted
			c.Notes = append(c.Notes, fmt.Sprintf("the snapshot of block %d cannot be used: %v", height, err))
		}
	}
	return nil
}

// storeProblem sorts a complaint of the store: damage at a height is a finding,
// anything else means that the directory cannot be read.
func (c CheckResult) storeProblem(err error) (CheckResult, error) {
	var damage *store.CorruptError
	if !errors.As(err, &damage) {
		return c, err
	}
	c.Bad = err
	c.BadHeight = c.Height + 1
	if damage.Height != 0 && damage.Height < c.BadHeight {
		c.BadHeight = damage.Height
	}
	return c, nil
}
