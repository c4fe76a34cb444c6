package core_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/merkle"
)

// forger writes chains block by block, right or wrong.
type forger struct {
	t      *testing.T
	dir    string
	gen    *genesis.Genesis
	w      *wallet
	st     *state.State
	height uint64
	timeNS uint64
	prev   tx.Hash
	log    *store.Log
}

func newForger(t *testing.T) *forger { return newForgerOf(t, 0) }

// newForgerOf writes segments of so many bytes.
func newForgerOf(t *testing.T, segmentBytes int64) *forger {
	gen := genesis.Dev(6)
	gen.Rules = genesis.Rules{MaxBlockTxs: 8, MaxBlockBytes: 4096}
	f := &forger{t: t, dir: t.TempDir(), gen: gen, w: newWallet(gen), st: state.New(6), timeNS: gen.TimeNS, prev: tx.Hash(gen.ChainID())}
	for _, a := range gen.AllAccounts() {
		if _, err := f.st.Add(a.PublicKey, a.Balance, tx.Membership{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(f.dir, "genesis.json"), gen.JSON(), 0o644); err != nil {
		t.Fatal(err)
	}
	var err error
	f.log, err = store.Open(store.Options{Dir: f.dir, ChainID: gen.ChainID(), SegmentBytes: segmentBytes})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// draft is a block before it is written; a test spoils one part of it.
type draft struct {
	h    tx.Header
	txs  []tx.View
	body []byte
}

// block writes the next block. early may change the transactions, late the
// finished header and body.
func (f *forger) block(early, late func(d *draft)) {
	f.t.Helper()
	f.height++
	f.timeNS++
	d := draft{txs: f.w.round(5, f.height)}
	if early != nil {
		early(&d)
	}
	f.st.Execute(f.height, d.txs, make([]tx.Status, len(d.txs)))
	leaves := make([][]byte, len(d.txs))
	for i, v := range d.txs {
		leaves[i] = v
	}
	root, err := merkle.NewBuilder(merkle.RFC6962, 1).Root(leaves)
	if err != nil {
		f.t.Fatal(err)
	}
	d.body = joined(d.txs)
	d.h = tx.Header{
		Height: f.height, TimeNS: f.timeNS, Count: uint32(len(d.txs)), BodyBytes: uint64(len(d.body)),
		Prev: f.prev, TxRoot: root, StateRoot: f.st.Root(),
	}
	if late != nil {
		late(&d)
	}
	if err := f.log.Commit(f.height, d.h.Append(nil), d.body); err != nil {
		f.t.Fatal(err)
	}
	chain := f.gen.ChainID()
	f.prev = d.h.Hash(&chain)
}

func (f *forger) close() {
	f.t.Helper()
	if err := f.log.Close(); err != nil {
		f.t.Fatal(err)
	}
}

// Whatever is wrong with block 3 of 5, Check names height 3, although every
// record is intact and the headers after it follow it.
func TestCheckNamesTheWrongBlock(t *testing.T) {
	for _, c := range []struct {
		name, want  string
		early, late func(d *draft)
		opens       bool // a start does not look at it
	}{
		{name: "transaction root", want: "transactions have the root", late: func(d *draft) { d.h.TxRoot[31] ^= 1 }, opens: true},
		{name: "state root", want: "state root", late: func(d *draft) { d.h.StateRoot[0] ^= 1 }, opens: true},
		{name: "signature", want: "transaction 4: bad_signature", early: func(d *draft) { d.txs[4].Signature()[9] ^= 1 }, opens: true},
		{name: "link", want: "previous hash", late: func(d *draft) { d.h.Prev[0] ^= 1 }},
		{name: "height", want: "header says height 4", late: func(d *draft) { d.h.Height++ }},
		{name: "time", want: "time", late: func(d *draft) { d.h.TimeNS -= 1 }},
		{name: "count", want: "counts 4", late: func(d *draft) { d.h.Count-- }},
		{name: "body length", want: "in 800 bytes", late: func(d *draft) { d.h.BodyBytes -= 200 }},
		{name: "missing transaction", want: "counts 5", late: func(d *draft) { d.body = d.body[:800] }},
		{name: "half a transaction", want: "body has 1000 bytes", late: func(d *draft) { d.h.BodyBytes--; d.h.Count = 5 }},
		{name: "no transactions", want: "counts 0", early: func(d *draft) { d.txs = nil }},
		{name: "not canonical", want: "transaction 2", late: func(d *draft) { d.body[2*tx.Size+12] = 1 }},
		{name: "rules", want: "rules allow 8", early: func(d *draft) { d.txs = append(d.txs, d.txs[0], d.txs[1], d.txs[2], d.txs[3]) }},
		{name: "replayed", want: "transaction 5 does not apply: nonce_used", early: func(d *draft) { d.txs = append(d.txs, d.txs[1]) }},
		{name: "overspent", want: "insufficient", early: func(d *draft) { d.txs[0] = transferOf(d.txs[0], 1<<50) }},
		{name: "absurd count", want: "counts 2147483648", late: func(d *draft) { d.h.Count = 1 << 31 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newForger(t)
			for f.height < 5 {
				early, late := c.early, c.late
				if f.height != 2 {
					early, late = nil, nil
				}
				f.block(early, late)
			}
			f.close()
			var seen uint64
			res, err := core.Check(t.Context(), f.dir, func(h uint64) { seen = h })
			if err != nil {
				t.Fatal(err)
			}
			if res.Bad == nil || res.BadHeight != 3 || res.Height != 2 || seen != 2 || !strings.Contains(res.Bad.Error(), c.want) {
				t.Errorf("bad height %d, right up to %d: %v; want %q", res.BadHeight, res.Height, res.Bad, c.want)
			}
			n, err := core.Open(core.Config{Dir: f.dir})
			if err == nil {
				closeNode(t, n)
			}
			if c.opens != (err == nil) || err != nil && !errors.Is(err, core.ErrBadChain) {
				t.Errorf("starting on it: %v", err)
			}
		})
	}
}

func transferOf(v tx.View, amount uint64) tx.View {
	f := tx.Fields{Kind: v.Kind(), From: v.From(), To: v.To(), Amount: amount, Nonce: v.Nonce(), Expiry: v.Expiry()}
	return f.AppendUnsigned(nil)
}

// recordsOf returns where each block's record starts in the only segment, and
// where the last one ends.
func recordsOf(t *testing.T, dir string, gen *genesis.Genesis) []int64 {
	t.Helper()
	log, err := store.Open(store.Options{Dir: dir, ChainID: gen.ChainID(), ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	starts := []int64{store.PageBytes}
	err = log.Scan(1, func(_ uint64, payload []byte) error {
		n := int64(64+len(payload)+store.PageBytes-1) / store.PageBytes * store.PageBytes
		starts = append(starts, starts[len(starts)-1]+n)
		return nil
	})
	if err := errors.Join(err, log.Close()); err != nil {
		t.Fatal(err)
	}
	return starts
}

// A wrong block before damaged bytes is still the first wrong one.
func TestCheckBeforeDamage(t *testing.T) {
	f := newForger(t)
	for f.height < 6 {
		var late func(d *draft)
		if f.height == 1 {
			late = func(d *draft) { d.h.StateRoot[0] ^= 1 }
		}
		f.block(nil, late)
	}
	f.close()
	segment := filepath.Join(f.dir, "blocks", "seg-0000000001.log")
	b, err := os.ReadFile(segment)
	if err != nil {
		t.Fatal(err)
	}
	b[recordsOf(t, f.dir, f.gen)[3]+100] ^= 1 // in block 4
	if err := os.WriteFile(segment, b, 0o644); err != nil {
		t.Fatal(err)
	}
	res, err := core.Check(t.Context(), f.dir, nil)
	if err != nil || res.BadHeight != 2 || res.Height != 1 || !strings.Contains(res.Bad.Error(), "state root") {
		t.Errorf("bad height %d, right up to %d: %v, %v", res.BadHeight, res.Height, res.Bad, err)
	}
}

func TestCheckStops(t *testing.T) {
	f := newForger(t)
	f.block(nil, nil)
	f.block(nil, nil)
	f.close()
	ctx, cancel := context.WithCancel(t.Context())
	res, err := core.Check(ctx, f.dir, func(uint64) { cancel() })
	if !errors.Is(err, context.Canceled) || res.Height != 1 || res.Bad != nil {
		t.Errorf("%+v, %v", res, err)
	}
}
