package state_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/tx"
)

// anyTx makes a transaction of any kind, often one that fails. Nonces are
// nearly fresh, so that most get past the window.
func anyTx(rng *rand.Rand, accounts int, height uint64) tx.View {
	f := tx.Fields{
		Kind: tx.Kind(1 + rng.IntN(9)), From: uint32(rng.IntN(accounts + 1)), To: uint32(rng.IntN(accounts + 1)),
		Amount: uint64(rng.IntN(40)), Nonce: height*100 + uint64(rng.IntN(100)), Expiry: height + uint64(rng.IntN(20)),
	}
	if rng.IntN(20) == 0 {
		f.Expiry = height - 1
	}
	subject := sha256.Sum256([]byte{byte(rng.IntN(40))})
	switch f.Kind {
	case tx.KindRegister:
		f.To, f.Subject = 0, keyOf(1_000_000+rng.IntN(500))
	case tx.KindMultiTransfer:
		f.To = 0
		var outs []tx.Output
		f.Amount = 0
		for range 1 + rng.IntN(6) {
			o := tx.Output{To: uint32(rng.IntN(accounts)), Amount: uint64(rng.IntN(20))}
			outs = append(outs, o)
			f.Amount += o.Amount
		}
		f.Tail = tx.AppendOutputs([]byte{}, outs)
	case tx.KindCreateCollection, tx.KindPut:
		f.To, f.Subject, f.Tail = 0, subject, []byte("tail")
		if f.Kind == tx.KindPut {
			f.Amount = 0
		}
	case tx.KindMint:
		f.Subject, f.Tail = subject, []byte{}
	case tx.KindBurn:
		f.To = 0
	case tx.KindSetRole:
		f.Amount = tx.Membership{Role: tx.Role(rng.IntN(4)), Validator: rng.IntN(2) == 0}.Amount()
		if rng.IntN(2) == 0 {
			f.Amount = tx.Membership{Role: tx.RoleAdmin}.Amount()
		}
	}
	return f.AppendUnsigned(nil)
}

func anyBlock(t interface{ Fatal(...any) }, rng *rand.Rand, n, accounts int, height uint64) []tx.View {
	txs := make([]tx.View, n)
	for i := range txs {
		txs[i] = anyTx(rng, accounts, height)
		if _, _, err := tx.Parse(txs[i]); err != nil {
			t.Fatal(err)
		}
	}
	return txs
}

// adminLedger has a few administrators among its accounts.
func adminLedger(t interface{ Fatal(...any) }, n int) *state.State {
	s := state.New(0)
	for i := range n {
		var m tx.Membership
		if i%4 == 0 {
			m.Role = tx.RoleAdmin
		}
		if _, err := s.Add(keyOf(i), 100, m); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func snapshot(t interface{ Fatal(...any) }, s *state.State) []byte {
	var b bytes.Buffer
	var lock sync.Mutex
	f := s.Freeze()
	size := f.Size()
	n, err := f.WriteTo(&b, &lock)
	if err != nil || n != int64(b.Len()) || n != size {
		t.Fatal("snapshot", n, size, b.Len(), err)
	}
	return b.Bytes()
}

// Over any blocks of all kinds: 1, 2 and 8 workers agree on every status, role
// change and record; the root is the specification's; replaying only what
// succeeded gives the same ledger; the supply stays; an administrator stays.
func TestAllKinds(t *testing.T) {
	var seen [tx.NumKinds]bool
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		n := rapid.IntRange(1, 200).Draw(t, "accounts")
		workers := []int{1, 2, 8}
		states := make([]*state.State, len(workers))
		for i, w := range workers {
			states[i] = adminLedger(t, n)
			states[i].SetWorkers(w)
		}
		replayed := adminLedger(t, n)
		for height := uint64(1); height <= uint64(rapid.IntRange(1, 6).Draw(t, "blocks")); height++ {
			txs := anyBlock(t, rng, rng.IntN(300), min(n, 1+rng.IntN(n)), height)
			first := make([]tx.Status, len(txs))
			for i, s := range states {
				status := make([]tx.Status, len(txs))
				s.ExecuteOn(workers[i], height, txs, status)
				if i == 0 {
					copy(first, status)
				}
				if !slices.Equal(status, first) || !slices.Equal(s.RoleChanges(), states[0].RoleChanges()) {
					t.Fatalf("%d workers find another outcome than one", workers[i])
				}
				if s.Root() != states[0].Root() {
					t.Fatalf("%d workers find another root than one", workers[i])
				}
			}
			var good []tx.View
			for i, st := range first {
				if st == tx.StatusOK {
					good = append(good, txs[i])
					seen[txs[i].Kind()] = true
				}
			}
			again := make([]tx.Status, len(good))
			replayed.Execute(height, good, again)
			if i := slices.IndexFunc(again, func(st tx.Status) bool { return st != tx.StatusOK }); i >= 0 {
				t.Fatalf("a %s that succeeded among failures is %s without them", good[i].Kind(), again[i])
			}
			if replayed.Root() != states[0].Root() {
				t.Fatal("the ledger without the failures has another root")
			}
		}
		checkLedger(t, states[0], uint64(100*n))
	})
	for k := tx.Kind(1); k.Known(); k++ {
		if !seen[k] {
			t.Errorf("no %s ever succeeded", k)
		}
	}
}

// checkLedger holds a ledger to its specification and to what no block changes.
func checkLedger(t *rapid.T, s *state.State, supply uint64) {
	var recs [3][][]byte
	var total, admins uint64
	get := [3]func(uint32) ([]byte, error){s.Record, s.ItemRecord, s.KeyRecord}
	prove := [3]func(uint32) (state.Proof, error){s.Proof, s.ItemProof, s.KeyProof}
	root := s.Root()
	for tree, n := range []int{s.Len(), s.NumItems(), s.NumKeys()} {
		for slot := range uint32(n) {
			rec, err := get[tree](slot)
			if err != nil {
				t.Fatal(err)
			}
			recs[tree] = append(recs[tree], rec)
			p, err := prove[tree](slot)
			if err != nil {
				t.Fatal(err)
			}
			if err := state.VerifyProof(root, rec, p); err != nil {
				t.Fatal(err)
			}
			p.Tree = (p.Tree + 1) % 3
			if state.VerifyProof(root, rec, p) == nil {
				t.Fatal("a proof passes for another tree")
			}
		}
	}
	if want := specRoot(recs[:]...); root != want {
		t.Fatalf("root %x, the specification gives %x", root, want)
	}
	for _, rec := range recs[0] {
		a := state.DecodeRecord(rec)
		total += a.Balance
		if a.Role == tx.RoleAdmin {
			admins++
		}
	}
	if total != supply || admins == 0 {
		t.Fatalf("the supply is %d, it was %d; %d administrators", total, supply, admins)
	}
	content := make(map[string]bool)
	for slot, rec := range recs[1] {
		it := state.DecodeItem(rec)
		id := fmt.Sprint(it.Collection, it.Content)
		if it.Sort != state.SortCollection && content[id] {
			t.Fatalf("item %d has another's content", slot)
		}
		content[id] = content[id] || it.Sort != state.SortCollection
	}
	data := snapshot(t, s)
	back, err := state.ReadSnapshot(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if back.Root() != root || !bytes.Equal(snapshot(t, back), data) {
		t.Fatal("the snapshot is another ledger")
	}
}

// Large blocks on a ledger of two slabs take the parallel ways.
func TestLargeBlocks(t *testing.T) {
	const accounts = 100_000
	var states []*state.State
	counts := []int{1, 2, 8}
	for _, w := range counts {
		s := newState(t, accounts, 1000)
		s.SetWorkers(w)
		states = append(states, s)
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for height := uint64(1); height <= 3; height++ {
		txs := anyBlock(t, rng, 5000, accounts, height)
		var first []tx.Status
		for i, s := range states {
			status := make([]tx.Status, len(txs))
			s.ExecuteOn(counts[i], height, txs, status)
			if first == nil {
				first = status
			}
			if !slices.Equal(status, first) || s.Root() != states[0].Root() {
				t.Fatal("another number of workers, another outcome")
			}
		}
	}
	s := states[2]
	root := s.Root()
	if want := specRoot(ledger(t, s)...); root != want {
		t.Fatalf("root %x, the specification gives %x", root, want)
	}
	for slot := uint32(0); int(slot) < s.Len(); slot += 997 {
		p, err := s.Proof(slot)
		if err != nil {
			t.Fatal(err)
		}
		rec, err := s.Record(slot)
		if err != nil {
			t.Fatal(err)
		}
		if err := state.VerifyProof(root, rec, p); err != nil {
			t.Fatal(err)
		}
	}
}
