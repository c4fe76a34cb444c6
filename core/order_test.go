package core

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/core/engine"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/merkle"
)

func shelved(name byte) *Batch {
	return &Batch{ref: engine.Ref{Digest: [32]byte{name}, Txs: uint32(name), Bytes: 200 * uint32(name)}}
}

func TestShelf(t *testing.T) {
	s := newShelf(3)
	ctx, cancel := context.WithCancel(t.Context())
	a, b, c := shelved(1), shelved(2), shelved(3)
	for _, x := range []*Batch{a, b} {
		if err := s.put(ctx, x); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.put(ctx, a); err == nil || s.len() != 2 {
		t.Errorf("a batch was kept twice: %v, %d entries", err, s.len())
	}
	if !s.has(a.ref) || s.has(c.ref) {
		t.Error("has is wrong about what is here")
	}
	lie := a.ref
	lie.Txs++
	if s.has(lie) {
		t.Error("has believes a count that is not the batch's")
	}
	for _, refs := range [][]engine.Ref{{a.ref, c.ref}, {b.ref, lie}, {a.ref, a.ref}} {
		if got, err := s.take(nil, refs); !errors.Is(err, engine.ErrUnknown) || len(got) != 0 {
			t.Errorf("take of %d references, one of them wrong: %d batches, %v", len(refs), len(got), err)
		}
		if !s.has(a.ref) || !s.has(b.ref) || s.len() != 2 {
			t.Fatal("a take that failed removed something")
		}
	}
	if err := s.put(ctx, c); err != nil {
		t.Fatal(err)
	}
	full := make(chan error, 1)
	go func() { full <- s.put(ctx, shelved(4)) }()
	cancel()
	if err := <-full; !errors.Is(err, context.Canceled) {
		t.Errorf("put on a full shelf: %v", err)
	}
	got, err := s.take([]*Batch{c}, []engine.Ref{b.ref, a.ref})
	if err != nil || !slices.Equal(got, []*Batch{c, b, a}) || s.len() != 1 {
		t.Errorf("take: %d batches, %v, %d left", len(got), err, s.len())
	}
}

// A batch's name and leaves are those of its accepted transactions, whatever was
// in its memory before.
func TestSeal(t *testing.T) {
	b := new(Batch)
	rapid.Check(t, func(t *rapid.T) {
		b.Txs = b.Txs[:0]
		var leaves [][]byte
		size := 0
		n := rapid.IntRange(0, 70).Draw(t, "n")
		refused := rapid.SliceOfN(rapid.Bool(), n, n).Draw(t, "refused")
		for i := range n {
			f := tx.Fields{Kind: tx.KindTransfer, From: uint32(i), Nonce: rapid.Uint64().Draw(t, "nonce")}
			if i%3 == 2 {
				f.Kind, f.Tail = tx.KindPut, make([]byte, rapid.IntRange(0, 300).Draw(t, "tail"))
			}
			b.Txs = append(b.Txs, f.AppendUnsigned(nil))
		}
		b.prepare()
		for i, r := range refused {
			if r {
				b.status[i] = tx.StatusBadSignature
				continue
			}
			leaves, size = append(leaves, b.Txs[i]), size+len(b.Txs[i])
		}
		b.seal()
		root, err := merkle.NewBuilder(merkle.RFC6962, 1).Root(leaves)
		if err != nil {
			t.Fatal(err)
		}
		want := engine.Ref{Digest: engine.Digest(uint32(len(leaves)), root), Txs: uint32(len(leaves)), Bytes: uint32(size)}
		if b.ref != want {
			t.Fatalf("%+v, want %+v", b.ref, want)
		}
		if len(b.leaves) != 32*len(leaves) {
			t.Fatalf("%d bytes of leaf hashes for %d leaves", len(b.leaves), len(leaves))
		}
		for i, l := range leaves {
			h, err := merkle.RFC6962.HashLeaf(l)
			if err != nil || h != merkle.Hash(b.leaves[32*i:]) {
				t.Fatalf("leaf %d: %x, want %x (%v)", i, b.leaves[32*i:][:32], h, err)
			}
		}
		if got := b.appendTxs(nil); len(got) != len(leaves) {
			t.Fatalf("%d accepted transactions, want %d", len(got), len(leaves))
		}
	})
}

func openEmpty(t *testing.T) *Node {
	t.Helper()
	n, err := Open(Config{Dir: t.TempDir(), Genesis: genesis.Dev(2), BlockInterval: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A decision that was applied before the node stopped is not applied again.
func TestDecisionAgain(t *testing.T) {
	n := openEmpty(t)
	again := engine.Decision{Number: 1, TimeNS: n.decidedNS, Refs: []engine.Ref{{Digest: [32]byte{7}}}}
	if err := (app{n}).Commit(t.Context(), again); err != nil {
		t.Errorf("a decision of the head's time: %v", err)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}

// A decision on a batch that is not here stops the node: going on without it
// would split it from the others.
func TestDecisionOnUnknownBatch(t *testing.T) {
	n := openEmpty(t)
	d := engine.Decision{Number: 1, TimeNS: n.decidedNS + 1, Refs: []engine.Ref{{Digest: [32]byte{7}}}}
	if err := (app{n}).Commit(t.Context(), d); !errors.Is(err, engine.ErrUnknown) {
		t.Errorf("Commit: %v", err)
	}
	<-n.Done()
	if err := n.Close(); !errors.Is(err, engine.ErrUnknown) {
		t.Errorf("the node stopped with %v", err)
	}
}
