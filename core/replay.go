package core

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"strings"

	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/tx"
)

// replayer applies the blocks of a log to the ledger of genesis or a snapshot.
type replayer struct {
	chain       tx.ChainID
	rules       genesis.Rules
	genesisTime uint64
	genesisRoot [32]byte
	st          *state.State
	tip         tip
	txs         uint64 // up to the tip
	txsThen     uint64 // up to the start
	decision    uint64 // that made the block of the snapshot, 0: not known
	marks       []mark
	status      []tx.Status
}

// genesisState builds the ledger at height 0.
func genesisState(gen *genesis.Genesis) (*state.State, error) {
	accounts := gen.AllAccounts()
	st := state.New(len(accounts))
	for i := range accounts {
		a := &accounts[i]
		if _, err := st.Add(a.PublicKey, a.Balance, a.Membership()); err != nil {
			return nil, fmt.Errorf("%w: %w", genesis.ErrInvalid, err)
		}
	}
	return st, nil
}

// newReplayer starts at height 0.
func newReplayer(gen *genesis.Genesis) (*replayer, error) {
	st, err := genesisState(gen)
	if err != nil {
		return nil, err
	}
	r := emptyReplayer(gen, st)
	r.genesisRoot = st.Root()
	r.tip = r.genesisTip()
	return r, nil
}

// resumeReplayer starts behind the block of a snapshot.
func resumeReplayer(gen *genesis.Genesis, st *state.State, h *snapshotHead) *replayer {
	r := emptyReplayer(gen, st)
	r.genesisRoot = h.genesisRoot
	r.tip = tip{h.header, h.hash}
	r.txs, r.txsThen, r.marks, r.decision = h.txs, h.txs, h.marks, h.decision
	return r
}

func emptyReplayer(gen *genesis.Genesis, st *state.State) *replayer {
	st.SetAdminRegistration(gen.Rules.AdminRegistration())
	st.SetWorkers(runtime.GOMAXPROCS(0))
	return &replayer{chain: gen.ChainID(), rules: gen.Rules, genesisTime: gen.TimeNS, st: st}
}

// genesisTip stands where the block before block 1 would.
func (r *replayer) genesisTip() tip {
	return tip{
		header: tx.Header{TimeNS: r.genesisTime, StateRoot: r.genesisRoot},
		hash:   tx.Hash(r.chain), // block 1 names the chain id as its parent
	}
}

// apply checks that a block is the next one of the chain and executes it: its
// form, its links, and that every transaction still applies; not the signatures
// and not the roots.
func (r *replayer) apply(b *parsedBlock) error {
	if err := r.link(b); err != nil {
		return err
	}
	if cap(r.status) < len(b.txs) {
		r.status = make([]tx.Status, len(b.txs))
	}
	r.status = r.status[:len(b.txs)]
	r.st.Execute(b.height, b.txs, r.status)
	for i, s := range r.status {
		if s != tx.StatusOK {
			return fmt.Errorf("transaction %d does not apply: %s", i, s)
		}
	}
	r.moved(b)
	return nil
}

// link checks a block's form and that it follows the tip.
func (r *replayer) link(b *parsedBlock) error {
	h := &b.header
	switch {
	case b.err != nil:
		return b.err
	case h.Height != r.tip.header.Height+1:
		return fmt.Errorf("header says height %d, expected %d", h.Height, r.tip.header.Height+1)
	case h.Prev != r.tip.hash:
		return fmt.Errorf("previous hash is %x, the block before has %x", h.Prev[:8], r.tip.hash[:8])
	case h.TimeNS <= r.tip.header.TimeNS:
		return fmt.Errorf("time %d is not after the previous block's %d", h.TimeNS, r.tip.header.TimeNS)
	}
	return nil
}

// moved makes a block the tip.
func (r *replayer) moved(b *parsedBlock) {
	r.tip = tip{b.header, b.header.Hash(&r.chain)}
	r.txs += uint64(b.header.Count)
}

// checkRoot compares the ledger with the header of the tip.
func (r *replayer) checkRoot() error {
	h := &r.tip.header
	if root := r.st.Root(); !bytes.Equal(root[:], h.StateRoot[:]) {
		return fmt.Errorf("after block %d the state root is %x, its header says %x", h.Height, root[:8], h.StateRoot[:8])
	}
	return nil
}

// rest applies the blocks of the log behind the tip, reading ahead.
func (r *replayer) rest(ctx context.Context, log *store.Log) error {
	from := r.tip.header.Height + 1
	scan := func(fn func(uint64, []byte) error) error { return log.Scan(from, fn) }
	return eachBlock(ctx, &r.rules, scan, func(b *parsedBlock) error {
		if err := r.apply(b); err != nil {
			return fmt.Errorf("%w: block %d: %w", ErrBadChain, b.height, err)
		}
		return nil
	})
}

// RestoreReport says what a node started from.
type RestoreReport struct {
	Height  uint64   // of the snapshot, 0: genesis
	Blocks  uint64   // executed again after it
	Txs     uint64   // in those blocks
	Refused []string // newer snapshots that were not used, and why
}

// String is one sentence for a log line.
func (r RestoreReport) String() string {
	from := "genesis"
	if r.Height > 0 {
		from = fmt.Sprintf("the snapshot of block %d", r.Height)
	}
	s := fmt.Sprintf("started from %s and executed the %d blocks (%d transactions) after it", from, r.Blocks, r.Txs)
	if len(r.Refused) > 0 {
		s += "; snapshots that were not used: " + strings.Join(r.Refused, "; ")
	}
	return s
}

// replay rebuilds the ledger: from the newest snapshot that is right, else from
// genesis, and the blocks of the log after it. The state root is compared at
// the head only: it commits to everything before. `weir node verify` compares it
// at every height and checks the signatures too.
func (n *Node) replay() error {
	snaps := snapshotsOf(n.cfg.FS, n.cfg.Dir, n.chain)
	if err := finishRestore(snaps, n.log); err != nil {
		return err
	}
	r, refused, err := restore(n.gen, snaps, n.log)
	if err != nil {
		return err
	}
	started := r.tip.header.Height
	if err := r.rest(context.Background(), n.log); err != nil {
		return err
	}
	if r.tip.header.Height > 0 {
		if err := r.checkRoot(); err != nil {
			return fmt.Errorf("%w: %w; run `weir node verify` to find the first wrong height", ErrBadChain, err)
		}
	}
	n.Restored = RestoreReport{Height: started, Blocks: r.tip.header.Height - started, Txs: r.txs - r.txsThen, Refused: refusals(refused)}
	n.genesisTip = r.genesisTip()
	n.decisionMin = max(r.tip.header.Height, r.decision+n.Restored.Blocks)
	if n.Restored.Blocks == 0 {
		n.decision = r.decision
	}
	n.st, n.tip, n.stHeight = r.st, r.tip, r.tip.header.Height
	n.durable.set(r.tip.header, r.tip.hash)
	n.snaps.init(n, snaps, r, started, refused)
	for slot := range uint32(n.st.Len()) {
		a, err := n.st.Account(slot)
		if err != nil {
			return err
		}
		n.keys.Append(a.PublicKey)
		n.pool.AddAccount(a.Window, a.Membership)
	}
	return nil
}
