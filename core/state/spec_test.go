package state_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/tx"
)

// specRoot is the commitment as its comment says it, recursively and over the
// whole ledger.
func specRoot(trees ...[][]byte) [32]byte {
	b := []byte("weirst1")
	for i, tag := range []byte{'a', 'i', 'k'} {
		var recs [][]byte
		if i < len(trees) {
			recs = trees[i]
		}
		depth := 0
		for 1<<depth < len(recs) {
			depth++
		}
		root := specNode(tag, recs, depth)
		b = append(b, root[:]...)
		b = binary.LittleEndian.AppendUint64(b, uint64(len(recs)))
	}
	return sha256.Sum256(b)
}

func specNode(tag byte, recs [][]byte, height int) [32]byte {
	if height == 0 {
		if len(recs) == 0 {
			return [32]byte{}
		}
		return sha256.Sum256(append([]byte{tag}, recs[0]...))
	}
	half := min(1<<(height-1), len(recs))
	l, r := specNode(tag, recs[:half], height-1), specNode(tag, recs[half:], height-1)
	return sha256.Sum256(append(l[:], r[:]...))
}

// ledger copies all records out, by tree.
func ledger(t testing.TB, s *state.State) [][][]byte {
	t.Helper()
	out := [][][]byte{records(t, s), nil, nil}
	for slot := range uint32(s.NumItems()) {
		r, err := s.ItemRecord(slot)
		if err != nil {
			t.Fatal(err)
		}
		out[1] = append(out[1], bytes.Clone(r))
	}
	for slot := range uint32(s.NumKeys()) {
		r, err := s.KeyRecord(slot)
		if err != nil {
			t.Fatal(err)
		}
		out[2] = append(out[2], bytes.Clone(r))
	}
	return out
}

// records copies the ledger out.
func records(t testing.TB, s *state.State) [][]byte {
	t.Helper()
	var recs [][]byte
	for slot := range uint32(s.Len()) {
		r, err := s.Record(slot)
		if err != nil {
			t.Fatal(err)
		}
		recs = append(recs, bytes.Clone(r))
	}
	return recs
}

func keyOf(i int) (k [32]byte) {
	copy(k[:], fmt.Sprintf("key %d", i))
	return k
}

func newState(t testing.TB, n int, balance uint64) *state.State {
	t.Helper()
	s := state.New(0)
	for i := range n {
		if slot, err := s.Add(keyOf(i), balance, tx.Membership{}); err != nil || slot != uint32(i) {
			t.Fatalf("slot %d: %v", slot, err)
		}
	}
	return s
}

func TestRootOfEverySize(t *testing.T) {
	grown := state.New(0) // asked for its root at every size
	for n := range 71 {
		if n > 0 {
			if _, err := grown.Add(keyOf(n-1), 5, tx.Membership{}); err != nil {
				t.Fatal(err)
			}
		}
		fresh := newState(t, n, 5)
		want := specRoot(records(t, fresh))
		if got := fresh.Root(); got != want {
			t.Errorf("%d slots: root %x, the specification gives %x", n, got, want)
		}
		if got := grown.Root(); got != want {
			t.Errorf("%d slots, one after the other: root %x, the specification gives %x", n, got, want)
		}
	}
	if got, want := newState(t, 5, 5).Root(), newState(t, 5, 6).Root(); got == want {
		t.Error("the balance is not part of the root")
	}
}

// The incremental root equals the specification after any updates and growth.
func TestRootModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 70).Draw(t, "n")
		s := state.New(n)
		for i := range n {
			if _, err := s.Add(keyOf(i), 1000, tx.Membership{}); err != nil {
				t.Fatal(err)
			}
		}
		nonce := make(map[uint32]uint64)
		for block := range rapid.IntRange(1, 6).Draw(t, "blocks") {
			var txs []tx.View
			for range rapid.IntRange(0, 40).Draw(t, "txs") {
				from := rapid.Uint32Range(0, uint32(n-1)).Draw(t, "from")
				nonce[from]++
				f := tx.Fields{Kind: tx.KindTransfer, From: from, To: rapid.Uint32Range(0, uint32(n-1)).Draw(t, "to"),
					Amount: rapid.Uint64Range(0, 300).Draw(t, "amount"), Nonce: nonce[from], Expiry: 99}
				if rapid.IntRange(0, 5).Draw(t, "register") == 0 {
					f.Kind, f.To = tx.KindRegister, 0
					f.Subject = keyOf(1000*(block+1) + len(txs))
				}
				txs = append(txs, f.AppendUnsigned(nil))
			}
			s.Execute(uint64(block+1), txs, make([]tx.Status, len(txs)))
			if rapid.IntRange(0, 3).Draw(t, "skip root") == 0 {
				continue // several changes before the next root
			}
			checkRoot(t, s)
		}
		checkRoot(t, s)
	})
}

func checkRoot(t *rapid.T, s *state.State) {
	var recs [][]byte
	for slot := range uint32(s.Len()) {
		r, err := s.Record(slot)
		if err != nil {
			t.Fatal(err)
		}
		recs = append(recs, r)
	}
	root := s.Root()
	if want := specRoot(recs); root != want {
		t.Fatalf("%d slots: root %x, the specification gives %x", s.Len(), root, want)
	}
	slot := rapid.Uint32Range(0, uint32(s.Len()-1)).Draw(t, "proven slot")
	p, err := s.Proof(slot)
	if err != nil {
		t.Fatal(err)
	}
	if err := state.VerifyProof(root, recs[slot], p); err != nil {
		t.Fatal(err)
	}
}
