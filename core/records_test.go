package core_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/tx"
)

// proves wants a record's proof to hold for its tree.
func proves(t *testing.T, r *client.Record, tree state.Tree) {
	t.Helper()
	p := stateProof(r.Proof)
	if err := state.VerifyProof(r.Header.StateRoot, r.Record, p); err != nil || p.Tree != tree {
		t.Fatalf("a record of the %s: proof in the %s: %v", tree, p.Tree, err)
	}
	r.Record[0] ^= 1
	if state.VerifyProof(r.Header.StateRoot, r.Record, p) == nil {
		t.Error("another record is proven, too")
	}
	r.Record[0] ^= 1
}

// Items and stored values are answered with proofs, the values from the log.
func TestItemsAndKeys(t *testing.T) {
	gen := genesis.Dev(4)
	n := open(t, core.Config{Dir: t.TempDir(), Genesis: gen})
	addr, _ := serve(t, n, rpc.Config{})
	c, r := dial(t, addr, client.Options{})
	w := newWallet(gen)
	about, content, key := [32]byte{1}, [32]byte{2}, [32]byte{3}
	first, second := []byte("the first value"), bytes.Repeat([]byte{7}, tx.MaxTail)
	seq := uint64(0)
	for _, f := range []tx.Fields{
		{Kind: tx.KindCreateCollection, From: 1, Subject: about, Amount: 9, Tail: []byte("metadata")},
		{Kind: tx.KindMint, From: 1, To: 2, Amount: 0, Subject: content, Tail: []byte{}},
		{Kind: tx.KindPut, From: 3, Subject: key, Tail: first},
		{Kind: tx.KindPut, From: 2, Subject: key, Tail: []byte("of another owner")},
		{Kind: tx.KindPut, From: 3, Subject: key, Tail: second},
	} {
		submit(t, c, r, seq, w.sign(f))
		if s, _ := r.outcome(seq); s != tx.StatusOK {
			t.Fatalf("%s: %s", f.Kind, s)
		}
		seq++
	}
	col, err := c.Item(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	proves(t, &col, state.TreeItems)
	if it := state.DecodeItem(col.Record); it.Sort != state.SortCollection || it.Owner != 1 || it.Content != about || it.Minted != 1 {
		t.Errorf("the collection is %+v", it)
	}
	item, err := c.Item(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	proves(t, &item, state.TreeItems)
	if it := state.DecodeItem(item.Record); it.Sort != state.SortItem || it.Owner != 2 || it.Content != content || it.Collection != 0 {
		t.Errorf("the item is %+v", it)
	}
	kv, err := c.Key(t.Context(), 3, key)
	if err != nil {
		t.Fatal(err)
	}
	proves(t, &kv.RecordAnswer, state.TreeKeys)
	rec := state.DecodeKey(kv.Record)
	if !kv.HasValue || !bytes.Equal(kv.Value, second) || rec.ValueHash != sha256.Sum256(second) || rec.Version != 2 || rec.Owner != 3 {
		t.Errorf("the value has %d bytes (%v), the record is %+v", len(kv.Value), kv.HasValue, rec)
	}
	_, noItem := c.Item(t.Context(), 2)
	_, noKey := c.Key(t.Context(), 1, key)
	if !errors.Is(noItem, client.ErrNotFound) || !errors.Is(noKey, client.ErrNotFound) {
		t.Errorf("what is not there: %v, %v", noItem, noKey)
	}
}
