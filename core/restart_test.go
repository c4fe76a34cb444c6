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
	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/tx"
)

// A node that starts again replays to the same head and the same ledger.
func TestRestart(t *testing.T) {
	const accounts = 12
	gen := genesis.Dev(accounts)
	dir := filepath.Join(t.TempDir(), "made", "by", "the", "node")
	w := newWallet(gen)
	r := newRecorder()
	sent := map[uint64]tx.View{}
	seq := uint64(0)
	var (
		head tx.Header
		hash tx.Hash
		recs []core.AccountAnswer
	)
	for life := range 4 {
		cfg := core.Config{Dir: dir}
		if life != 1 { // both with and without the genesis
			cfg.Genesis = gen
		}
		n := open(t, cfg)
		if h, x := n.Head(); life > 0 && (h != head || x != hash) {
			t.Fatalf("life %d starts at %+v, the one before ended at %+v", life, h, head)
		}
		for slot, want := range recs {
			a, err := n.Account(t.Context(), uint32(slot))
			if err != nil || a.Record != want.Record || a.Header != want.Header {
				t.Errorf("account %d after a restart: %+v, %v", slot, a, err)
			}
		}
		if life > 0 { // every number that was used stays used
			fed(t, n, r, seq, []tx.View{sent[0], sent[seq-1]})
			if r.acks[seq] != tx.StatusNonceUsed || r.acks[seq+1] != tx.StatusNonceUsed {
				t.Errorf("replayed after a restart: %s, %s", r.acks[seq], r.acks[seq+1])
			}
			seq += 2
		}
		for range 3 {
			txs := append(w.round(accounts, 7), w.transfer(0, 1, 1<<50)) // the last is too poor
			fed(t, n, r, seq, txs)
			for _, v := range txs {
				sent[seq] = v
				seq++
			}
		}
		r.settled(t, 0, seq)
		sent[seq-1] = sent[seq-2] // the last one that was committed
		head, hash = n.Head()
		recs = recs[:0]
		for slot := range uint32(accounts) {
			a, err := n.Account(t.Context(), slot)
			if err != nil {
				t.Fatal(err)
			}
			recs = append(recs, a)
		}
		closeNode(t, n)
		checkWhole(t, dir, head.Height)
	}
	n := open(t, core.Config{Dir: dir})
	for seq, p := range r.committed() {
		a, err := n.Transaction(t.Context(), p.height, p.index)
		if err != nil || string(a.Tx) != string(sent[seq]) {
			t.Fatalf("transaction %d at %v: %v", seq, p, err)
		}
	}
}

// How many workers verify does not change what the ledger becomes.
func TestWorkersAgree(t *testing.T) {
	const accounts, blocks = 40, 4
	gen := genesis.Dev(accounts)
	w := newWallet(gen)
	var batches [][]tx.View
	for b := range blocks {
		txs := append(w.round(accounts, uint64(b+1)), w.round(accounts, 1<<38)...)
		reg := tx.Fields{Kind: tx.KindRegister, From: uint32(b), Amount: 5, Subject: [32]byte{byte(b), 1}}
		txs = append(txs, w.sign(reg), w.transfer(1, 2, 1<<41), w.sign(reg)) // too poor, and a key twice
		txs[7].Signature()[3] ^= 4
		batches = append(batches, txs)
	}
	var want []tx.Header
	for _, workers := range []int{1, 2, 8} {
		dir := t.TempDir()
		n := open(t, core.Config{Dir: dir, Genesis: gen, Workers: workers})
		r := newRecorder()
		for b, txs := range batches {
			base := uint64(b * 1000)
			fed(t, n, r, base, txs) // one batch is exactly one block: the next comes after it
			r.settled(t, base, base+uint64(len(txs)))
			h, _ := n.Head()
			if h.Height != uint64(b)+1 {
				t.Fatalf("%d workers: batch %d ended at height %d", workers, b, h.Height)
			}
			if len(want) <= b {
				want = append(want, h)
			}
			if h.StateRoot != want[b].StateRoot || h.TxRoot != want[b].TxRoot || h.Count != want[b].Count {
				t.Errorf("%d workers, block %d: %+v, one worker has %+v", workers, b, h, want[b])
			}
		}
		if r.acks[7] != tx.StatusBadSignature || r.rejects[2*accounts+1] != tx.StatusInsufficient || r.rejects[2*accounts+2] != tx.StatusKeyTaken {
			t.Errorf("%d workers: %s, %s, %s", workers, r.acks[7], r.rejects[2*accounts+1], r.rejects[2*accounts+2])
		}
		closeNode(t, n)
		checkWhole(t, dir, blocks)
	}
}

func TestOtherChainsDirectory(t *testing.T) {
	dir := t.TempDir()
	closeNode(t, open(t, core.Config{Dir: dir, Genesis: genesis.Dev(3)}))
	other := genesis.Dev(4)
	if _, err := core.Open(core.Config{Dir: dir, Genesis: other}); !errors.Is(err, core.ErrChainMismatch) || !strings.Contains(err.Error(), dir) {
		t.Errorf("another genesis: %v", err)
	}
	// And when somebody replaced the genesis file itself.
	if err := os.WriteFile(filepath.Join(dir, "genesis.json"), other.JSON(), 0o644); err != nil {
		t.Fatal(err)
	}
	n, err := core.Open(core.Config{Dir: dir, Genesis: other})
	if err == nil { // the log is still empty: there is nothing that belongs to the old chain
		closeNode(t, n)
	}
	mixed := t.TempDir()
	n = open(t, core.Config{Dir: mixed, Genesis: genesis.Dev(3)})
	fed(t, n, newRecorder(), 0, newWallet(genesis.Dev(3)).round(3, 1))
	closeNode(t, n)
	if err := os.WriteFile(filepath.Join(mixed, "genesis.json"), other.JSON(), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := core.Open(core.Config{Dir: mixed}); !errors.Is(err, store.ErrForeign) {
		t.Errorf("a log of another chain: %v", err)
	}
	if _, err := core.Check(t.Context(), mixed, nil); !errors.Is(err, store.ErrForeign) {
		t.Errorf("checking a log of another chain: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	empty := t.TempDir()
	if _, err := core.Open(core.Config{Dir: empty}); err == nil || !strings.Contains(err.Error(), "give a genesis") {
		t.Errorf("an empty directory without a genesis: %v", err)
	}
	if _, err := core.Check(t.Context(), empty, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("checking an empty directory: %v", err)
	}
	bad := genesis.Dev(0)
	if _, err := core.Open(core.Config{Dir: empty, Genesis: bad}); !errors.Is(err, genesis.ErrInvalid) {
		t.Errorf("an invalid genesis: %v", err)
	}
	if left, _ := os.ReadDir(empty); len(left) != 0 {
		t.Errorf("a refused start left %v", left)
	}
	if err := os.WriteFile(filepath.Join(empty, "genesis.json"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := core.Open(core.Config{Dir: empty, Genesis: genesis.Dev(2)}); !errors.Is(err, genesis.ErrInvalid) {
		t.Errorf("a broken genesis file: %v", err)
	}
	// Two nodes never write to the same directory.
	dir := t.TempDir()
	n := open(t, core.Config{Dir: dir, Genesis: genesis.Dev(2)})
	if _, err := core.Open(core.Config{Dir: dir}); !errors.Is(err, store.ErrInUse) {
		t.Errorf("a second node: %v", err)
	}
	if _, err := core.Check(t.Context(), dir, nil); !errors.Is(err, store.ErrInUse) {
		t.Errorf("checking under a running node: %v", err)
	}
	closeNode(t, n)
	checkWhole(t, dir, 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := core.Check(ctx, dir, nil); err != nil {
		t.Errorf("a chain without blocks needs no time: %v", err)
	}
}

// A genesis of the last allowed time still leaves room for blocks.
func TestGenesisInTheFuture(t *testing.T) {
	gen := genesis.Dev(3)
	gen.TimeNS = 1<<63 - 1
	dir := t.TempDir()
	w := newWallet(gen)
	n := open(t, core.Config{Dir: dir, Genesis: gen})
	r := newRecorder()
	for i := range uint64(3) {
		fed(t, n, r, i*3, w.round(3, 1))
	}
	r.settled(t, 0, 9)
	head, _ := n.Head()
	if head.TimeNS <= gen.TimeNS {
		t.Errorf("block %d has the time %d", head.Height, head.TimeNS)
	}
	closeNode(t, n)
	checkWhole(t, dir, head.Height)
}
