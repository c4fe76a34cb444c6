package bench

import (
	"context"
	"fmt"

	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/loadgen"
	"github.com/chainweir/weir/loadgen/workload"
)

// openWorkload binds a workload to the target as it is now. A node of our own
// is at its genesis; another one is asked for the item slots in use. The caller
// closes the source.
func openWorkload(ctx context.Context, t *target, w *workload.Workload, seed uint64, dir string) (*workload.Source, error) {
	at := workload.Chain{ID: t.chain, Keys: t.keys, FirstSlot: t.firstSlot, FirstNonce: t.nonces}
	if t.own == nil {
		c, err := client.Dial(ctx, t.addr, client.Options{ChainID: t.chain, Dial: t.dial})
		if err != nil {
			return nil, err
		}
		defer c.Close()
		if at.FirstItem, err = workload.CountItems(ctx, c); err != nil {
			return nil, fmt.Errorf("cannot count the items of %s: %w", t.addr, err)
		}
	}
	return workload.Open(w, at, seed, workload.Options{Dir: dir})
}

// commitSetup makes the workload's collections and items on the target: once
// for a remote one, after every start of our own.
func commitSetup(ctx context.Context, t *target, setup *workload.Setup) error {
	if setup == nil {
		return nil
	}
	return setup.Commit(ctx, t.addr, t.dial)
}

// plainTransfers is the source of a run without a workload.
func plainTransfers(t *target, seed uint64) (*loadgen.Corpus, error) {
	return loadgen.NewCorpus(loadgen.CorpusConfig{
		Chain: t.chain, Keys: t.keys, FirstSlot: t.firstSlot, FirstNonce: t.nonces, Seed: seed,
	})
}

// openSource makes the source of a run, with the set-up that it needs (nil:
// none) and what to call at its end.
func openSource(ctx context.Context, t *target, w *workload.Workload, seed uint64, dir string, progress func(string)) (loadgen.Source, *workload.Setup, func() error, error) {
	if t.peer != nil {
		if w != nil {
			return nil, nil, nil, fmt.Errorf("%w: workload %q is for weir nodes; give other systems --tx-template or --tx-bytes", ErrConfig, w.Name)
		}
		return t.peer.src, nil, func() error { return nil }, nil
	}
	if w == nil {
		c, err := plainTransfers(t, seed)
		return c, nil, func() error { return nil }, err
	}
	src, err := openWorkload(ctx, t, w, seed, dir)
	if err != nil {
		return nil, nil, nil, err
	}
	setup, err := src.Setup(ctx, func(done, total int) {
		progress(fmt.Sprintf("signing the set-up, %d of %d", done, total))
	})
	if err != nil {
		_ = src.Close() // nothing was stored yet
		return nil, nil, nil, err
	}
	return src, setup, src.Close, nil
}

// genesis is that of our own chain.
func (c *Config) genesis() *genesis.Genesis {
	if c.Workload == nil {
		return genesis.Dev(c.Accounts)
	}
	return c.Workload.Genesis()
}

// describeSource puts what a workload expects into the summary.
func (r *run) describeSource(src loadgen.Source) {
	w, ok := src.(*workload.Source)
	if !ok {
		return
	}
	txBytes := w.MeanBytes()
	r.sum.Workload, r.sum.Wire.TxBytes = w.Workload().Name, &txBytes
	if conns := max(r.cfg.Conns, 2); w.OrderSlackTxs() < 4*conns*loadgen.MaxFrameTxs {
		r.warn("workload %s: connections that get %d transactions apart make some invalid; use more accounts or items, or --conns 1", w.Workload().Name, w.OrderSlackTxs())
	}
}
