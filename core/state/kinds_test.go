package state_test

import (
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/tx"
)

// sender numbers its transactions.
type sender struct {
	slot  uint32
	nonce uint64
}

func (a *sender) send(f tx.Fields) tx.View {
	a.nonce++
	f.From, f.Nonce, f.Expiry = a.slot, a.nonce, 100
	return f.AppendUnsigned(nil)
}

func (a *sender) multi(outs ...tx.Output) tx.View {
	f := tx.Fields{Kind: tx.KindMultiTransfer, Tail: tx.AppendOutputs([]byte{}, outs)}
	for _, o := range outs {
		f.Amount += o.Amount
	}
	return a.send(f)
}

func (a *sender) collection(content string, limit uint64) tx.View {
	return a.send(tx.Fields{Kind: tx.KindCreateCollection, Amount: limit, Subject: sha256.Sum256([]byte(content)), Tail: []byte("about " + content)})
}

func (a *sender) mint(collection uint64, content string, to uint32) tx.View {
	return a.send(tx.Fields{Kind: tx.KindMint, Amount: collection, To: to, Subject: sha256.Sum256([]byte(content)), Tail: []byte("about " + content)})
}

func (a *sender) give(item uint64, to uint32) tx.View {
	return a.send(tx.Fields{Kind: tx.KindTransferItem, Amount: item, To: to})
}

func (a *sender) burn(item uint64) tx.View {
	return a.send(tx.Fields{Kind: tx.KindBurn, Amount: item})
}

func (a *sender) put(key, value string) tx.View {
	return a.send(tx.Fields{Kind: tx.KindPut, Subject: sha256.Sum256([]byte(key)), Tail: []byte(value)})
}

func (a *sender) role(to uint32, m tx.Membership) tx.View {
	return a.send(tx.Fields{Kind: tx.KindSetRole, To: to, Amount: m.Amount()})
}

func senders(n int) []*sender {
	out := make([]*sender, n)
	for i := range out {
		out[i] = &sender{slot: uint32(i)}
	}
	return out
}

func item(t *testing.T, s *state.State, slot uint32) state.Item {
	t.Helper()
	rec, err := s.ItemRecord(slot)
	if err != nil {
		t.Fatal(err)
	}
	return state.DecodeItem(rec)
}

func TestMultiTransfer(t *testing.T) {
	s, a := newState(t, 4, 100), senders(4)
	run(t, s, 1, []tx.View{
		a[0].multi(tx.Output{To: 1, Amount: 40}, tx.Output{To: 2, Amount: 60}),
		a[1].multi(tx.Output{To: 0, Amount: 1}, tx.Output{To: 4, Amount: 1}), // nothing of it happens
		a[1].multi(tx.Output{To: 0, Amount: 100}, tx.Output{To: 2, Amount: 1}),
		a[2].multi(tx.Output{To: 2, Amount: 50}, tx.Output{To: 2, Amount: 50}),
		a[0].multi(tx.Output{To: 3, Amount: 0}),
	}, ok, tx.StatusUnknownTo, insufficient, ok, ok)
	wantBalances(t, s, 0, 140, 160, 100)
}

// The kinds that are not simple come first, whatever their place.
func TestOrderOfKinds(t *testing.T) {
	s, a := newState(t, 2, 100), senders(2)
	pay := a[0].send(tx.Fields{Kind: tx.KindTransfer, To: 1, Amount: 60})
	reg := a[0].send(tx.Fields{Kind: tx.KindRegister, Subject: keyOf(9), Amount: 60})
	run(t, s, 1, []tx.View{pay, reg}, insufficient, ok)
	wantBalances(t, s, 40, 100, 60)
}

func TestCollections(t *testing.T) {
	s, a := newState(t, 4, 100), senders(4)
	full, dup, notOwner := tx.StatusFull, tx.StatusDuplicate, tx.StatusNotOwner
	run(t, s, 1, []tx.View{
		a[0].collection("birds", 2), a[1].collection("birds", 0), // slots 0 and 1; a collection's subject need not be unique
		a[0].mint(0, "owl", 2),  // slot 2
		a[1].mint(0, "gull", 2), // another's collection
		a[0].mint(0, "owl", 0),  // there is one
		a[1].mint(1, "owl", 1),  // slot 3: another collection, another item
		a[0].mint(2, "egg", 0), a[0].mint(9, "egg", 0), a[0].mint(0, "egg", 9),
		a[0].mint(0, "gull", 3), // slot 4
		a[0].mint(0, "wren", 3),
	}, ok, ok, ok, notOwner, dup, ok, tx.StatusNoCollection, tx.StatusNoCollection, tx.StatusUnknownTo, ok, full)
	if it := item(t, s, 0); it.Owner != 0 || it.Collection != 0 || it.Limit != 2 || it.Minted != 2 || it.Sort != state.SortCollection {
		t.Errorf("the collection: %+v", it)
	}
	it := item(t, s, 4)
	if it.Owner != 3 || it.Collection != 0 || it.Number != 2 || it.Height != 1 || it.Sort != state.SortItem ||
		it.Content != sha256.Sum256([]byte("gull")) || it.Metadata != sha256.Sum256([]byte("about gull")) {
		t.Errorf("the item: %+v", it)
	}
	run(t, s, 2, []tx.View{
		a[2].give(2, 3), a[3].give(2, 1), a[2].give(2, 0), // hands on within the block; then it is not his
		a[1].give(2, 9), a[1].give(77, 0),
		a[0].give(0, 1), a[0].mint(0, "wren", 0), a[1].mint(0, "wren", 1), // the collection has a new owner, but is full
		a[3].burn(4), a[3].burn(4), a[3].give(4, 0), a[2].burn(3), a[1].burn(1),
		a[1].mint(1, "gull", 1), a[1].mint(0, "gull", 1),
	}, ok, ok, notOwner, tx.StatusUnknownTo, tx.StatusNoItem, ok, notOwner, full,
		ok, tx.StatusNoItem, tx.StatusNoItem, notOwner, tx.StatusNoItem, ok, full)
	if it := item(t, s, 4); it.Sort != state.SortBurnt || it.Owner != 3 {
		t.Errorf("the burnt item: %+v", it)
	}
	if slot, ok := s.FindItem(0, sha256.Sum256([]byte("gull"))); !ok || slot != 4 {
		t.Errorf("a burnt item's content is at %d, %v", slot, ok)
	}
	if _, err := s.ItemRecord(99); !errors.Is(err, state.ErrNoItem) {
		t.Error(err)
	}
	run(t, s, 3, []tx.View{a[1].burn(3), a[1].mint(1, "owl", 1)}, ok, dup) // its content stays taken
}

// An item's events prove themselves complete: any missing, added, swapped or
// changed one is found.
func TestHistory(t *testing.T) {
	s, a := newState(t, 3, 100), senders(3)
	run(t, s, 7, []tx.View{a[0].collection("c", 0), a[0].mint(0, "x", 1), a[1].give(1, 2), a[2].give(1, 2), a[2].give(1, 1)}, ok, ok, ok, ok, ok)
	run(t, s, 8, []tx.View{a[1].burn(1)}, ok)
	events := []state.Event{
		{Height: 7, Nonce: 2, From: 0, To: 1, Kind: tx.KindMint},
		{Height: 7, Nonce: 1, From: 1, To: 2, Kind: tx.KindTransferItem},
		{Height: 7, Nonce: 1, From: 2, To: 2, Kind: tx.KindTransferItem},
		{Height: 7, Nonce: 2, From: 2, To: 1, Kind: tx.KindTransferItem},
		{Height: 8, Nonce: 2, From: 1, Kind: tx.KindBurn},
	}
	it := item(t, s, 1)
	if err := state.VerifyHistory(it, events); err != nil {
		t.Fatal(err)
	}
	reject := func(what string, ev []state.Event) {
		t.Helper()
		if err := state.VerifyHistory(it, ev); !errors.Is(err, state.ErrHistory) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := range events {
		without := append(append([]state.Event(nil), events[:i]...), events[i+1:]...)
		reject("one is missing", without)
		twice := append(append([]state.Event(nil), events[:i+1]...), events[i:]...)
		reject("one comes twice", twice)
		for name, change := range map[string]func(e *state.Event){
			"height": func(e *state.Event) { e.Height++ }, "nonce": func(e *state.Event) { e.Nonce++ },
			"from": func(e *state.Event) { e.From ^= 3 }, "to": func(e *state.Event) { e.To ^= 4 },
			"kind": func(e *state.Event) { e.Kind = tx.KindPut },
		} {
			ev := append([]state.Event(nil), events...)
			change(&ev[i])
			reject("another "+name, ev)
		}
	}
	reject("none", nil)
}

func TestPut(t *testing.T) {
	s, a := newState(t, 2, 0), senders(2)
	key := sha256.Sum256([]byte("k"))
	run(t, s, 3, []tx.View{a[0].put("k", "one"), a[1].put("k", ""), a[0].put("k", "three")}, ok, ok, ok)
	run(t, s, 4, []tx.View{a[1].put("k", "two")}, ok)
	want := []state.KeyValue{
		{Key: key, ValueHash: sha256.Sum256([]byte("three")), Owner: 0, ValueBytes: 5, Version: 2, Height: 3},
		{Key: key, ValueHash: sha256.Sum256([]byte("two")), Owner: 1, ValueBytes: 3, Version: 2, Height: 4},
	}
	if s.NumKeys() != len(want) {
		t.Fatalf("%d keys, want %d", s.NumKeys(), len(want))
	}
	for owner, w := range want {
		slot, found := s.FindKey(uint32(owner), key)
		rec, err := s.KeyRecord(slot)
		if err != nil || !found || state.DecodeKey(rec) != w {
			t.Errorf("key of %d in slot %d, %v: %+v, %v", owner, slot, found, state.DecodeKey(rec), err)
		}
	}
	if _, found := s.FindKey(0, keyOf(1)); found {
		t.Error("found a key that nobody put")
	}
	if _, err := s.KeyRecord(2); !errors.Is(err, state.ErrNoKey) {
		t.Error(err)
	}
}

func wantRoles(t *testing.T, s *state.State, changes []uint32, roles ...tx.Role) {
	t.Helper()
	got := s.RoleChanges()
	if len(got) != len(changes) {
		t.Fatalf("changes of role %d, want %d", got, changes)
	}
	for i := range got {
		if got[i] != changes[i] {
			t.Fatalf("changes of role %d, want %d", got, changes)
		}
	}
	for slot, want := range roles {
		if a, err := s.Account(uint32(slot)); err != nil || a.Role != want {
			t.Errorf("account %d is %s, want %s (%v)", slot, a.Role, want, err)
		}
	}
}

func TestRoles(t *testing.T) {
	const member, admin, observer, removed = tx.RoleMember, tx.RoleAdmin, tx.RoleObserver, tx.RoleRemoved
	s := state.New(0)
	for i, r := range []tx.Role{admin, member, member, observer} {
		if _, err := s.Add(keyOf(i), 100, tx.Membership{Role: r}); err != nil {
			t.Fatal(err)
		}
	}
	a := senders(4)
	to := func(r tx.Role) tx.Membership { return tx.Membership{Role: r} }
	notAllowed, notMember := tx.StatusNotAllowed, tx.StatusNotMember
	run(t, s, 1, []tx.View{
		a[0].role(0, to(member)),                          // the last administrator stays
		a[1].role(1, to(admin)), a[0].role(4, to(member)), // who may not; who is not there
		a[0].role(1, to(removed)), a[1].put("k", "v"), // from the next block on
		a[3].put("k", "v"), a[0].role(3, to(member)),
		a[0].role(2, to(observer)), a[0].role(2, to(member)), // the last one counts: no change
		a[0].send(tx.Fields{Kind: tx.KindSetRole, To: 1, Amount: 77}),
	}, notAllowed, notAllowed, tx.StatusUnknownTo, ok, ok, notMember, ok, ok, ok, tx.StatusMalformed)
	wantRoles(t, s, []uint32{1, 3}, admin, removed, member, member)
	run(t, s, 2, []tx.View{
		transfer(1, 0, 1, 50), a[3].put("k", "v"),
		a[0].role(2, tx.Membership{Role: admin, Validator: true}), a[2].role(1, to(member)), // not yet
		a[0].role(0, to(member)), a[0].role(2, to(member)), // he may leave to a successor, who must then stay
	}, notMember, ok, ok, notAllowed, ok, notAllowed)
	wantRoles(t, s, []uint32{2, 0}, member, removed, admin, member)
	if acc, err := s.Account(2); err != nil || !acc.Validator {
		t.Errorf("%+v, %v", acc, err)
	}
	run(t, s, 3, []tx.View{transfer(0, 1, 5, 50)}, ok) // a removed member still receives
	wantRoles(t, s, nil)
	wantBalances(t, s, 95, 105, 100, 100)

	s.SetAdminRegistration(true)
	run(t, s, 4, []tx.View{register(0, keyOf(9), 0, 60), register(2, keyOf(9), 0, 60)}, notAllowed, ok)
	s.SetAdminRegistration(false)
	run(t, s, 5, []tx.View{register(0, keyOf(10), 0, 60)}, ok)
}
