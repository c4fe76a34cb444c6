package core

import (
	"context"
	"errors"
	"fmt"

	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/verify"
	"github.com/chainweir/weir/merkle"
)

// CheckResult is what Check found in a data directory.
type CheckResult struct {
	ChainID tx.ChainID
	Height  uint64 // the last block that is right
	Hash    tx.Hash
	Txs     uint64
	// Bad is nil when the whole chain is right. Otherwise BadHeight is the
	// first height that is wrong and Bad says how.
	Bad       error
	BadHeight uint64
}

// Check re-verifies everything in a data directory that no node is using: every
// record, link, signature, execution, transaction root and state root, from
// genesis. It changes nothing. The error is for a directory that cannot be
// read at all; what is wrong in the chain is in the result.
func Check(ctx context.Context, dir string, progress func(height uint64)) (CheckResult, error) {
	gen, err := LoadGenesis(dir)
	if err != nil {
		return CheckResult{}, err
	}
	c := CheckResult{ChainID: gen.ChainID()}
	ck, err := newChecker(gen)
	if err != nil {
		return c, err
	}
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
	err = errors.Join(c.scan(ctx, log, ck, progress), log.Close())
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
	if rep.LastHeight != c.Height {
		return c, fmt.Errorf("the log ends at height %d, the chain at %d", rep.LastHeight, c.Height)
	}
	return c, nil
}

// scan checks the blocks of the log until one is wrong, which is then in c.Bad.
func (c *CheckResult) scan(ctx context.Context, log *store.Log, ck *checker, progress func(height uint64)) error {
	return log.Scan(1, func(height uint64, payload []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := ck.block(height, payload); err != nil {
			c.Bad, c.BadHeight = err, height
			return err
		}
		c.Height, c.Hash = height, ck.rep.tip.hash
		c.Txs += uint64(ck.rep.tip.header.Count)
		if progress != nil {
			progress(height)
		}
		return nil
	})
}

// checker holds what re-verifying a block needs.
type checker struct {
	rep    *replayer
	keys   *verify.Keys
	ver    verify.Verifier
	roots  *merkle.Builder
	leaves [][]byte
	status []tx.Status
}

func newChecker(gen *genesis.Genesis) (*checker, error) {
	rep, err := newReplayer(gen)
	if err != nil {
		return nil, err
	}
	k := &checker{rep: rep, keys: verify.NewKeys(1 << 16), roots: merkle.NewBuilder(merkle.RFC6962, 0)}
	k.ver = verify.NewBatch(rep.chain, k.keys)
	return k, k.addKeys()
}

// addKeys gives the verifier the keys of slots opened since the last call.
func (k *checker) addKeys() error {
	for slot := k.keys.Len(); slot < k.rep.st.Len(); slot++ {
		a, err := k.rep.st.Account(uint32(slot))
		if err != nil {
			return err
		}
		k.keys.Append(a.PublicKey)
	}
	return nil
}

// block checks one block completely and applies it.
func (k *checker) block(height uint64, payload []byte) error {
	h, body, err := k.rep.apply(height, payload)
	if err != nil {
		return err
	}
	if k.leaves, err = appendLeaves(k.leaves[:0], body); err != nil {
		return err
	}
	root, err := k.roots.Root(k.leaves)
	if err != nil {
		return err
	}
	if root != h.TxRoot {
		return fmt.Errorf("the transactions have the root %x, the header says %x", root[:8], h.TxRoot[:8])
	}
	if root := k.rep.st.Root(); root != h.StateRoot {
		return fmt.Errorf("the state root is %x, the header says %x", root[:8], h.StateRoot[:8])
	}
	if cap(k.status) < len(k.rep.txs) {
		k.status = make([]tx.Status, len(k.rep.txs))
	}
	k.status = k.status[:len(k.rep.txs)]
	clear(k.status)
	k.ver.Verify(k.rep.txs, k.status)
	for i, s := range k.status {
		if s != tx.StatusOK {
			return fmt.Errorf("transaction %d: %s", i, s)
		}
	}
	return k.addKeys()
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
