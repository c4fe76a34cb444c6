package state_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/tx"
)

func transfer(from, to uint32, amount, nonce uint64) tx.View {
	f := tx.Fields{Kind: tx.KindTransfer, From: from, To: to, Amount: amount, Nonce: nonce, Expiry: 100}
	return f.AppendUnsigned(nil)
}

func register(from uint32, key [32]byte, amount, nonce uint64) tx.View {
	f := tx.Fields{Kind: tx.KindRegister, From: from, Subject: key, Amount: amount, Nonce: nonce, Expiry: 100}
	return f.AppendUnsigned(nil)
}

// run executes one block and compares the outcomes.
func run(t *testing.T, s *state.State, height uint64, txs []tx.View, want ...tx.Status) {
	t.Helper()
	got := make([]tx.Status, len(txs))
	s.Execute(height, txs, got)
	if len(want) != len(txs) {
		t.Fatalf("%d expectations for %d transactions", len(want), len(txs))
	}
	for i := range txs {
		if got[i] != want[i] {
			t.Errorf("block %d, transaction %d: %s, want %s", height, i, got[i], want[i])
		}
	}
}

func wantBalances(t *testing.T, s *state.State, want ...uint64) {
	t.Helper()
	if s.Len() != len(want) {
		t.Fatalf("%d accounts, want %d", s.Len(), len(want))
	}
	for slot, w := range want {
		a, err := s.Account(uint32(slot))
		if err != nil || a.Balance != w {
			t.Errorf("account %d has %d, want %d (%v)", slot, a.Balance, w, err)
		}
	}
}

const (
	ok           = tx.StatusOK
	insufficient = tx.StatusInsufficient
)

// What a transaction may spend never depends on a credit of its own block.
func TestDebitsThenCredits(t *testing.T) {
	s := newState(t, 3, 100)
	run(t, s, 1, []tx.View{transfer(0, 1, 100, 1), transfer(1, 2, 150, 1), transfer(1, 2, 100, 2)}, ok, insufficient, ok)
	wantBalances(t, s, 0, 100, 200)
	run(t, s, 2, []tx.View{transfer(0, 1, 1, 2), transfer(0, 1, 0, 3), transfer(2, 0, 200, 1)}, insufficient, ok, ok)
	wantBalances(t, s, 200, 100, 0)
	run(t, s, 3, []tx.View{transfer(0, 2, 120, 4), transfer(0, 2, 81, 5), transfer(0, 2, 80, 6)}, ok, insufficient, ok)
	wantBalances(t, s, 0, 100, 200)
}

func TestSelfTransfer(t *testing.T) {
	s := newState(t, 2, 100)
	run(t, s, 1, []tx.View{transfer(0, 0, 100, 1), transfer(0, 1, 1, 2), transfer(1, 1, 101, 1)}, ok, insufficient, insufficient)
	wantBalances(t, s, 100, 100)
}

func TestSendersAndRecipients(t *testing.T) {
	s := newState(t, 2, 100)
	run(t, s, 1, []tx.View{transfer(2, 0, 1, 1), transfer(0, 2, 1, 1), transfer(1<<32-1, 0, 0, 1), transfer(0, 1<<32-1, 0, 2)},
		tx.StatusUnknownSender, tx.StatusUnknownTo, tx.StatusUnknownSender, tx.StatusUnknownTo)
	wantBalances(t, s, 100, 100)
}

func TestRegistration(t *testing.T) {
	s := newState(t, 2, 100)
	a, b := keyOf(50), keyOf(51)
	run(t, s, 1, []tx.View{
		register(0, a, 30, 1),
		register(1, a, 30, 1),         // the key is taken by the one before
		register(1, keyOf(0), 1, 2),   // and this one by genesis
		register(1, b, 101, 3),        // too poor: the key stays free
		register(1, b, 7, 4),          //
		transfer(1, 2, 1, 5),          // opened in this block: not a recipient yet
		transfer(2, 0, 1, 1),          // and not a sender
		register(0, keyOf(52), 0, 12), //
	}, ok, tx.StatusKeyTaken, tx.StatusKeyTaken, insufficient, ok, tx.StatusUnknownTo, tx.StatusUnknownSender, ok)
	wantBalances(t, s, 70, 93, 30, 7, 0)
	for slot, key := range map[uint32][32]byte{2: a, 3: b, 4: keyOf(52)} {
		if acc, err := s.Account(slot); err != nil || acc.PublicKey != key || acc.Window.High != 0 {
			t.Errorf("slot %d: %+v, %v", slot, acc, err)
		}
	}
	run(t, s, 2, []tx.View{register(0, a, 1, 13), transfer(2, 3, 30, 1), transfer(0, 4, 5, 14)}, tx.StatusKeyTaken, ok, ok)
	wantBalances(t, s, 65, 93, 0, 37, 5)
	if _, err := s.Add(b, 1, tx.Membership{}); err == nil {
		t.Error("Add gave a key a second slot")
	}
	if _, err := s.Account(5); !errors.Is(err, state.ErrNoSlot) {
		t.Error(err)
	}
}

func TestReplayAndExpiry(t *testing.T) {
	s := newState(t, 2, 100)
	used, far := tx.StatusNonceUsed, tx.StatusNonceTooFar
	run(t, s, 1, []tx.View{transfer(0, 1, 1, 1), transfer(0, 1, 1, 1), transfer(0, 1, 1, 0)}, ok, used, used)
	run(t, s, 2, []tx.View{
		transfer(0, 1, 1, 1), transfer(0, 1, 500, 5), transfer(0, 1, 1, 5), transfer(0, 1, 1, 2),
		transfer(0, 1, 1, 5+1<<20+1), transfer(0, 1, 1, 5+1<<20), transfer(0, 1, 1, 6),
	}, used, insufficient, ok, ok, far, ok, used)
	run(t, s, 100, []tx.View{transfer(1, 0, 1, 1)}, ok)
	run(t, s, 101, []tx.View{transfer(1, 0, 1, 2)}, tx.StatusExpired)
	f := tx.Fields{Kind: 77, From: 1, Nonce: 9, Expiry: 1 << 63}
	run(t, s, 102, []tx.View{f.AppendUnsigned(nil)}, tx.StatusMalformed)
	wantBalances(t, s, 97, 103)
}

// drawBlock makes transactions of which many fail in one way or another.
func drawBlock(t *rapid.T, accounts int, keys int) []tx.View {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) tx.View {
		slot := rapid.Uint32Range(0, uint32(accounts))
		f := tx.Fields{
			Kind: tx.KindTransfer, From: slot.Draw(t, "from"), To: slot.Draw(t, "to"),
			Amount: rapid.Uint64Range(0, 120).Draw(t, "amount"),
			Nonce:  rapid.Uint64Range(0, 12).Draw(t, "nonce"),
			Expiry: rapid.Uint64Range(0, 8).Draw(t, "expiry"),
		}
		if rapid.IntRange(0, 3).Draw(t, "register") == 0 {
			f.Kind, f.To = tx.KindRegister, 0
			f.Subject = keyOf(rapid.IntRange(0, keys).Draw(t, "key"))
		}
		return f.AppendUnsigned(nil)
	}), 0, 30).Draw(t, "block")
}

// Over any blocks: the supply stays, a block of failures changes nothing, and
// replaying only what succeeded gives the same ledger.
func TestExecuteProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const accounts, each = 5, 100
		s, replayed := state.New(accounts), state.New(0)
		for i := range accounts {
			for _, l := range []*state.State{s, replayed} {
				if _, err := l.Add(keyOf(i), each, tx.Membership{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		for height := uint64(1); height <= uint64(rapid.IntRange(1, 5).Draw(t, "blocks")); height++ {
			txs := drawBlock(t, accounts+2, 12)
			status := make([]tx.Status, len(txs))
			before := s.Root()
			s.Execute(height, txs, status)
			var good, bad []tx.View
			for i, st := range status {
				if st == tx.StatusOK {
					good = append(good, txs[i])
				} else {
					bad = append(bad, txs[i])
				}
			}
			if len(good) == 0 && s.Root() != before {
				t.Fatal("a block of failures changed the root")
			}
			again := make([]tx.Status, len(good))
			replayed.Execute(height, good, again)
			for i, st := range again {
				if st != tx.StatusOK {
					t.Fatalf("transaction %d of %d succeeded among %d failures and is %s without them", i, len(good), len(bad), st)
				}
			}
			if s.Root() != replayed.Root() {
				t.Fatal("the ledger without the failures has another root")
			}
		}
		var total uint64
		for slot := range uint32(s.Len()) {
			a, err := s.Account(slot)
			if err != nil {
				t.Fatal(err)
			}
			total += a.Balance
		}
		if total != accounts*each {
			t.Fatalf("the supply is %d, it was %d", total, accounts*each)
		}
	})
}
