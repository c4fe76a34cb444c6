package core_test

import (
	"bytes"
	"testing"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
	"github.com/chainweir/weir/merkle"
)

// acceptsRecord is what a client does with an answer about an account that it
// has the header's hash for.
func acceptsRecord(b []byte, slot uint32, chain *tx.ChainID, trusted tx.Hash) bool {
	a, err := wire.ParseRecordAnswer(b)
	if err != nil || a.Header.Hash(chain) != trusted || a.Proof.Slot != slot || a.Proof.Tree != wire.TreeAccounts {
		return false
	}
	p := state.Proof{Tree: state.Tree(a.Proof.Tree), Slot: a.Proof.Slot, Summary: state.Summary(a.Proof.Summary), Path: a.Proof.Path}
	return state.VerifyProof(a.Header.StateRoot, a.Record, p) == nil
}

// acceptsTx is the same for a transaction at a place.
func acceptsTx(b []byte, at place, chain *tx.ChainID, trusted tx.Hash) bool {
	a, err := wire.ParseTxAnswer(b, at.index)
	if err != nil || a.Header.Hash(chain) != trusted || a.Header.Height != at.height {
		return false
	}
	return merkle.VerifyInclusion(merkle.RFC6962, a.Header.TxRoot, a.Tx, uint64(at.index), uint64(a.Header.Count), a.Path) == nil
}

// A node, or somebody on the way, can change no byte of an answer, cut or extend
// it, or answer with what is true of another slot or place.
func TestTamperedAnswersAreRefused(t *testing.T) {
	gen := genesis.Dev(11)
	n := open(t, core.Config{Dir: t.TempDir(), Genesis: gen})
	addr, _ := serve(t, n, rpc.Config{})
	c, r := dial(t, addr, client.Options{})
	w := newWallet(gen)
	submit(t, c, r, 0, w.round(11, 1)...)
	head, err := c.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	record := func(slot uint32) []byte {
		a, err := c.Account(t.Context(), slot)
		if err != nil {
			t.Fatal(err)
		}
		return a.Append(nil)
	}
	inclusion := func(p place) []byte {
		a, err := c.Proof(t.Context(), p.height, p.index)
		if err != nil {
			t.Fatal(err)
		}
		return a.Append(nil)
	}
	const slot = 5
	at, other := r.committed()[3], r.committed()[4]
	if at.height != head.Header.Height || other.height != at.height {
		t.Fatalf("one frame was committed in several blocks: %v, %v", at, other)
	}
	for _, k := range []struct {
		name    string
		answer  []byte
		lies    [][]byte
		accepts func(b []byte) bool
	}{
		{
			"account", record(slot), [][]byte{record(slot + 1), record(0)},
			func(b []byte) bool { return acceptsRecord(b, slot, &w.chain, head.Hash) },
		},
		{
			"transaction", inclusion(at), [][]byte{inclusion(other)},
			func(b []byte) bool { return acceptsTx(b, at, &w.chain, head.Hash) },
		},
	} {
		if !k.accepts(k.answer) {
			t.Fatalf("%s: the true answer is refused", k.name)
		}
		for i := range k.answer {
			for bit := range 8 {
				b := bytes.Clone(k.answer)
				b[i] ^= 1 << bit
				if k.accepts(b) {
					t.Errorf("%s: bit %d of byte %d of %d was changed, and the answer accepted", k.name, bit, i, len(b))
				}
			}
			if k.accepts(k.answer[:i]) {
				t.Errorf("%s: cut to %d of %d bytes, and accepted", k.name, i, len(k.answer))
			}
		}
		if k.accepts(append(bytes.Clone(k.answer), 0)) || k.accepts(append(bytes.Clone(k.answer), k.answer[len(k.answer)-32:]...)) {
			t.Errorf("%s: extended, and accepted", k.name)
		}
		for i, lie := range k.lies {
			if k.accepts(lie) {
				t.Errorf("%s: what is true of another place (%d) was accepted", k.name, i)
			}
		}
	}
}
