package core

import (
	"bytes"
	"fmt"

	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/tx"
)

// replayer applies the blocks of a log to the genesis ledger.
type replayer struct {
	chain  tx.ChainID
	rules  genesis.Rules
	st     *state.State
	tip    tip
	status []tx.Status
	txs    []tx.View
}

// genesisState builds the ledger at height 0.
func genesisState(gen *genesis.Genesis) (*state.State, error) {
	accounts := gen.AllAccounts()
	st := state.New(len(accounts))
	for _, a := range accounts {
		if _, err := st.Add(a.PublicKey, a.Balance, tx.Membership{}); err != nil {
			return nil, fmt.Errorf("%w: %w", genesis.ErrInvalid, err)
		}
	}
	return st, nil
}

func newReplayer(gen *genesis.Genesis) (*replayer, error) {
	st, err := genesisState(gen)
	if err != nil {
		return nil, err
	}
	r := &replayer{chain: gen.ChainID(), rules: gen.Rules, st: st}
	r.tip.header.TimeNS = gen.TimeNS
	r.tip.header.StateRoot = st.Root()
	r.tip.hash = tx.Hash(r.chain) // block 1 names the chain id as its parent
	return r, nil
}

// apply checks that the record is the next block of the chain and executes it.
// It checks the links, the counts, the chain's rules and that every transaction still applies; not
// the signatures and not the roots.
func (r *replayer) apply(height uint64, payload []byte) (tx.Header, []byte, error) {
	h, err := tx.ParseHeader(payload)
	if err != nil {
		return h, nil, err
	}
	body := payload[tx.HeaderSize:]
	switch {
	case h.Height != height || height != r.tip.header.Height+1:
		return h, nil, fmt.Errorf("header says height %d, record says %d, expected %d", h.Height, height, r.tip.header.Height+1)
	case h.Prev != r.tip.hash:
		return h, nil, fmt.Errorf("previous hash is %x, the block before has %x", h.Prev[:8], r.tip.hash[:8])
	case h.BodyBytes != uint64(len(body)) || uint64(h.Count)*tx.Size > h.BodyBytes || h.Count == 0:
		return h, nil, fmt.Errorf("header counts %d transactions in %d bytes, the body has %d bytes", h.Count, h.BodyBytes, len(body))
	case h.Count > r.rules.MaxBlockTxs || h.BodyBytes > uint64(r.rules.MaxBlockBytes):
		return h, nil, fmt.Errorf("%d transactions in %d bytes, the chain's rules allow %d in %d",
			h.Count, h.BodyBytes, r.rules.MaxBlockTxs, r.rules.MaxBlockBytes)
	case h.TimeNS <= r.tip.header.TimeNS:
		return h, nil, fmt.Errorf("time %d is not after the previous block's %d", h.TimeNS, r.tip.header.TimeNS)
	}
	r.txs = r.txs[:0]
	for rest := body; len(rest) > 0; {
		var t tx.View
		if t, rest, err = tx.Parse(rest); err != nil {
			return h, nil, fmt.Errorf("transaction %d: %w", len(r.txs), err)
		}
		r.txs = append(r.txs, t)
	}
	if len(r.txs) != int(h.Count) {
		return h, nil, fmt.Errorf("header counts %d transactions, the body has %d", h.Count, len(r.txs))
	}
	if cap(r.status) < len(r.txs) {
		r.status = make([]tx.Status, len(r.txs))
	}
	r.status = r.status[:len(r.txs)]
	r.st.Execute(height, r.txs, r.status)
	for i, s := range r.status {
		if s != tx.StatusOK {
			return h, nil, fmt.Errorf("transaction %d does not apply: %s", i, s)
		}
	}
	r.tip = tip{h, h.Hash(&r.chain)}
	return h, body, nil
}

// replay rebuilds the ledger from the log. The state root is compared at the
// head only: it commits to everything before. `weir node verify` compares it at
// every height and checks the signatures too.
func (n *Node) replay() error {
	r, err := newReplayer(n.gen)
	if err != nil {
		return err
	}
	n.genesisTip = r.tip
	err = n.log.Scan(1, func(height uint64, payload []byte) error {
		if _, _, err := r.apply(height, payload); err != nil {
			return fmt.Errorf("%w: block %d: %w", ErrBadChain, height, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if root := r.st.Root(); r.tip.header.Height > 0 && !bytes.Equal(root[:], r.tip.header.StateRoot[:]) {
		return fmt.Errorf("%w: after block %d the state root is %x, its header says %x; run `weir node verify` to find the first wrong height",
			ErrBadChain, r.tip.header.Height, root[:8], r.tip.header.StateRoot[:8])
	}
	n.st, n.tip, n.stHeight = r.st, r.tip, r.tip.header.Height
	n.durable.set(r.tip.header, r.tip.hash)
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
