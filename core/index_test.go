package core_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
)

// indexed waits until the index has every durable block. Looking one block up
// after the other is what drives it; there is nothing to wait for but itself.
func indexed(t *testing.T, n *core.Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	for n.Health().Index != wire.IndexReady {
		if ctx.Err() != nil {
			t.Fatalf("the index does not catch up: %+v", n.Health())
		}
		_, _ = n.Account(ctx, 0) // yields, and checks that reading goes on meanwhile
	}
}

// found looks a transaction up both ways and compares it with what was committed.
func found(t *testing.T, n *core.Node, v tx.View, p place) {
	t.Helper()
	chain := n.ChainID()
	byHash, err := n.TxByHash(t.Context(), v.ID(&chain))
	if err != nil {
		t.Fatalf("by hash: %v", err)
	}
	byNonce, err := n.TxByNonce(t.Context(), v.From(), v.Nonce())
	if err != nil {
		t.Fatalf("by nonce: %v", err)
	}
	for how, a := range map[string]core.TxAnswer{"hash": byHash, "nonce": byNonce} {
		if a.Index != p.index {
			t.Errorf("by %s it is at index %d of block %d, committed at %v", how, a.Index, a.Header.Height, p)
		}
		if err := checkProof(a, p, v); err != nil {
			t.Errorf("by %s: %v", how, err)
		}
	}
}

// Every transaction is found both ways: in memory, in runs, in merged runs, after
// a restart, after the index was lost, and after files of it were damaged.
func TestIndexFindsEverything(t *testing.T) {
	const accounts, rounds = 16, 12
	gen := genesis.Dev(accounts)
	dir := t.TempDir()
	cfg := core.Config{Dir: dir, Genesis: gen}
	core.SmallIndex(&cfg, accounts) // a run for nearly every block
	n := open(t, cfg)
	w, r := newWallet(gen), newRecorder()
	var sent []tx.View
	for range rounds {
		txs := w.round(accounts, 1)
		fed(t, n, r, uint64(len(sent)), txs)
		sent = append(sent, txs...)
	}
	r.settled(t, 0, uint64(len(sent)))
	places := r.committed()
	check := func(n *core.Node) {
		t.Helper()
		indexed(t, n)
		for seq, p := range places {
			found(t, n, sent[seq], p)
		}
		if _, err := n.TxByNonce(t.Context(), 3, rounds+1); !errors.Is(err, core.ErrNotFound) {
			t.Errorf("a nonce that was not used: %v", err)
		}
		if _, err := n.TxByHash(t.Context(), tx.ID{1}); !errors.Is(err, core.ErrNotFound) {
			t.Errorf("a hash of nothing: %v", err)
		}
	}
	check(n)
	closeNode(t, n)
	files := runFiles(t, dir)
	if len(files) == 0 || len(files) > 5 {
		t.Fatalf("%d runs for %d blocks: %q", len(files), rounds, files)
	}
	for _, damage := range []func(path string) error{
		nil, // only a restart
		os.Remove,
		func(path string) error { return flip(path, 70) },
		func(path string) error { return os.Truncate(path, 100) },
		func(path string) error {
			return os.Rename(path, filepath.Join(filepath.Dir(path), "0000000000000005-0000000000000006.run"))
		},
		func(path string) error { return core.RewriteFile(path+".tmp-1", nil) },
	} {
		if damage != nil {
			if err := damage(runFiles(t, dir)[0]); err != nil {
				t.Fatal(err)
			}
		}
		n := open(t, cfg)
		check(n)
		closeNode(t, n)
	}
}

func runFiles(t *testing.T, dir string) []string {
	t.Helper()
	files, err := core.IndexFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func flip(path string, at int) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	b[at] ^= 1
	return core.RewriteFile(path, b)
}

// Nonces that share an index key are told apart by reading the transactions.
func TestIndexKeysThatCollide(t *testing.T) {
	if !core.SameNonceKey(5, 5+1<<32) || core.SameNonceKey(5, 6) {
		t.Fatal("the key is not the nonce's low half")
	}
	gen := genesis.Dev(2)
	cfg := core.Config{Dir: t.TempDir(), Genesis: gen}
	core.SmallIndex(&cfg, 100)
	n := open(t, cfg)
	w, r := newWallet(gen), newRecorder()
	v := w.transfer(1, 0, 5)
	fed(t, n, r, 0, []tx.View{v})
	r.settled(t, 0, 1)
	indexed(t, n)
	found(t, n, v, r.committed()[0])
	if _, err := n.TxByNonce(t.Context(), 1, v.Nonce()+1<<32); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("another nonce with the same key: %v", err)
	}
	id := v.ID(&w.chain)
	id[31] ^= 1
	if _, err := n.TxByHash(t.Context(), id); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("another hash with the same key: %v", err)
	}
}

// Without an index the client is told how to get one, and what works without.
func TestNoIndex(t *testing.T) {
	gen := genesis.Dev(2)
	n := open(t, core.Config{Dir: t.TempDir(), Genesis: gen})
	addr, _ := serve(t, n, rpc.Config{})
	c, _ := dial(t, addr, client.Options{})
	_, byHash := c.TxByHash(t.Context(), tx.ID{1})
	_, byNonce := c.TxByNonce(t.Context(), 0, 1)
	for _, err := range []error{byHash, byNonce} {
		if !errors.Is(err, client.ErrNotReady) || !strings.Contains(err.Error(), "--index") {
			t.Errorf("%v", err)
		}
	}
	if h, err := c.Health(t.Context()); err != nil || h.Index != wire.IndexOff || h.Status != wire.HealthOK {
		t.Errorf("%+v, %v", h, err)
	}
}

// What a client asks over the network: health, block, transaction by either key.
func TestQueriesOverTheWire(t *testing.T) {
	gen := genesis.Dev(8)
	n := open(t, core.Config{Dir: t.TempDir(), Genesis: gen, Index: true})
	addr, _ := serve(t, n, rpc.Config{})
	c, r := dial(t, addr, client.Options{})
	w := newWallet(gen)
	txs := w.round(8, 3)
	submit(t, c, r, 0, txs...)
	indexed(t, n)
	places := r.committed()
	for seq, v := range txs {
		p := places[uint64(seq)]
		a, err := c.TxByHash(t.Context(), v.ID(&w.chain))
		b, err2 := c.TxByNonce(t.Context(), v.From(), v.Nonce())
		if err := errors.Join(err, err2, checkProof(a, p, v), checkProof(b, p, v)); err != nil || a.Index != p.index || b.Index != p.index {
			t.Errorf("transaction %d: %v", seq, err)
		}
		hd, body, err := c.Block(t.Context(), p.height)
		if err != nil || hd.Height != p.height || !bytes.Contains(body, v) {
			t.Errorf("block %d has %d bytes, %v", p.height, len(body), err)
		}
	}
	head, err := c.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h, err := c.Health(t.Context())
	if err != nil || h.Status != wire.HealthOK || h.Height != head.Header.Height || h.Executed != h.Height ||
		h.Indexed != h.Height || h.Index != wire.IndexReady || h.HeadTimeNS != head.Header.TimeNS || h.HeadAgeNS == 0 || h.Text != "" {
		t.Errorf("%+v, %v; the head is %+v", h, err, head.Header)
	}
	if _, _, err := c.Block(t.Context(), h.Height+1); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("a block beyond the head: %v", err)
	}
}

// An index that cannot write ends, and says so to whoever asks; the node goes on.
func TestIndexThatCannotWrite(t *testing.T) {
	gen := genesis.Dev(4)
	cfg := core.Config{Dir: t.TempDir(), Genesis: gen}
	core.SmallIndex(&cfg, 1)
	n := open(t, cfg)
	w, r := newWallet(gen), newRecorder()
	indexed(t, n)
	// A file in the folder's place, in which nothing can be written, whether the
	// index made its folder before or tries to after.
	place := filepath.Join(cfg.Dir, "txindex")
	for tries := 0; ; tries++ {
		err := os.RemoveAll(place)
		if err == nil {
			err = os.WriteFile(place, nil, 0o600)
		}
		if err == nil {
			break
		}
		if tries == 100 {
			t.Fatal(err)
		}
	}
	for i := range uint64(2) {
		fed(t, n, r, i*4, w.round(4, 1))
	}
	r.settled(t, 0, 8)
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	for n.Health().Index != wire.IndexOff && ctx.Err() == nil {
		_, _ = n.Account(ctx, 0)
	}
	if _, err := n.TxByNonce(t.Context(), 0, 1); !errors.Is(err, core.ErrNoIndex) || !strings.Contains(err.Error(), "restart") {
		t.Errorf("an index that cannot write: %v", err)
	}
	if h := n.Health(); h.Status != wire.HealthOK || h.Height == 0 {
		t.Errorf("%+v", h)
	}
}

// FuzzIndexRun opens arbitrary files as runs.
func FuzzIndexRun(f *testing.F) {
	chain := tx.ChainID{1}
	path, err := core.WriteRunOf(f.TempDir(), chain)
	if err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:40])
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), filepath.Base(path))
		if err := core.RewriteFile(path, b); err != nil {
			t.Fatal(err)
		}
		switch err := core.OpenRun(path, chain); {
		case err != nil && !errors.Is(err, core.ErrRun):
			t.Errorf("%v", err)
		case err == nil && !bytes.Equal(b, whole) && len(b) != len(whole):
			t.Errorf("%d bytes are taken for a run of one transaction", len(b))
		}
	})
}
