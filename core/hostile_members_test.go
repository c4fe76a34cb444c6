package core_test

import (
	"crypto/ed25519"
	"fmt"
	"testing"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/tx"
)

// memberChain has one account per role of the tests below, in this order. The
// administrator has the key of derived account 0 of a chain of its own.
const (
	adminSlot = iota
	memberSlot
	observerSlot
	leaverSlot
	numMembers
)

func roleChain() (*genesis.Genesis, *wallet) {
	keys := (&genesis.Derived{Seed: "members", Count: numMembers, Balance: 1}).PrivateKeys(numMembers)
	gen := genesis.Dev(8)
	for i, role := range []string{"admin", "member", "observer", ""} {
		gen.Accounts = append(gen.Accounts, genesis.Account{
			PublicKey: genesis.Key(keys[i].Public().(ed25519.PublicKey)), Balance: 1 << 20, Role: role,
		})
	}
	return gen, &wallet{gen.ChainID(), keys, make([]uint64, numMembers)}
}

func (w *wallet) setRole(from, to uint32, r tx.Role) tx.View {
	return w.sign(tx.Fields{Kind: tx.KindSetRole, From: from, To: to, Amount: tx.Membership{Role: r}.Amount()})
}

// Observers and removed members sign well and get nothing done: neither alone
// nor in the frame of somebody else, neither over a connection that they had
// before their removal nor over a new one, neither before a restart nor after
// it. Only administrators give roles.
func TestNonMembersAreRefused(t *testing.T) {
	gen, w := roleChain()
	dir := t.TempDir()
	n := open(t, core.Config{Dir: dir, Genesis: gen})
	addr, stop := serve(t, n, rpc.Config{})
	c, r := dial(t, addr, client.Options{})
	seq := uint64(0)
	want := func(what string, status []tx.Status, txs ...tx.View) {
		t.Helper()
		submit(t, c, r, seq, txs...)
		for i := range txs {
			if s := r.final(seq + uint64(i)); s != status[i] {
				t.Errorf("%s: transaction %d is %s, want %s", what, i, s, status[i])
			}
		}
		seq += uint64(len(txs))
	}
	ok, out, denied := tx.StatusOK, tx.StatusNotMember, tx.StatusNotAllowed
	want("at the start", []tx.Status{ok, ok, out, ok},
		w.transfer(adminSlot, memberSlot, 1), w.transfer(memberSlot, observerSlot, 1),
		w.transfer(observerSlot, memberSlot, 1), w.transfer(leaverSlot, memberSlot, 1))
	want("roles given by others", []tx.Status{denied, out, denied},
		w.setRole(memberSlot, memberSlot, tx.RoleAdmin), w.setRole(observerSlot, observerSlot, tx.RoleMember),
		w.setRole(leaverSlot, adminSlot, tx.RoleRemoved))
	want("a removal", []tx.Status{ok}, w.setRole(adminSlot, leaverSlot, tx.RoleRemoved))
	removed := []tx.View{w.transfer(leaverSlot, memberSlot, 1), w.setRole(leaverSlot, leaverSlot, tx.RoleMember)}
	for i := range 3 {
		where := [...]string{"the old connection", "a new connection", "after a restart"}[i]
		switch i {
		case 1:
			c, r = dial(t, addr, client.Options{})
			seq = 0
		case 2:
			_ = c.Close()
			stop()
			closeNode(t, n)
			n = open(t, core.Config{Dir: dir})
			addr, _ = serve(t, n, rpc.Config{})
			c, r = dial(t, addr, client.Options{})
			seq = 0
		}
		want("removed, "+where, []tx.Status{out, out, ok}, removed[0], removed[1], w.transfer(memberSlot, adminSlot, 1))
		want("observing, "+where, []tx.Status{out}, w.transfer(observerSlot, memberSlot, 1))
		// What it sent before its removal does not come again either.
		removed = append(removed[:0], w.transfer(leaverSlot, memberSlot, 1), w.setRole(leaverSlot, leaverSlot, tx.RoleMember))
	}
	want("money to a removed account stays allowed", []tx.Status{ok}, w.transfer(memberSlot, leaverSlot, 5))
	want("coming back", []tx.Status{ok}, w.setRole(adminSlot, leaverSlot, tx.RoleMember))
	want("a member again", []tx.Status{ok}, w.transfer(leaverSlot, memberSlot, 1))
	head, _ := n.Head()
	_ = c.Close()
	closeNode(t, n)
	checkWhole(t, dir, head.Height)
}

// final is what became of a transaction, rejections in execution included.
func (r *recorder) final(seq uint64) tx.Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.outcome(seq)
	if !ok {
		panic(fmt.Sprintf("transaction %d has no outcome yet", seq))
	}
	return s
}

// A removal is an administrator's word against transactions on their way: those
// in blocks before it count, those after it do not, and nothing is in between.
func TestRemovalWhileTransactionsAreOnTheirWay(t *testing.T) {
	gen, w := roleChain()
	dir := t.TempDir()
	n := open(t, core.Config{Dir: dir, Genesis: gen})
	addr, _ := serve(t, n, rpc.Config{})
	leaver, lr := dial(t, addr, client.Options{})
	admin, ar := dial(t, addr, client.Options{})
	const frames, perFrame = 40, 5
	for i := range frames {
		var txs []tx.View
		for range perFrame {
			txs = append(txs, w.transfer(leaverSlot, memberSlot, 1))
		}
		if err := leaver.Submit(uint64(i*perFrame), perFrame, joined(txs)); err != nil {
			t.Fatal(err)
		}
		if i == frames/2 {
			submit(t, admin, ar, 0, w.setRole(adminSlot, leaverSlot, tx.RoleRemoved))
		}
	}
	lr.settled(t, 0, frames*perFrame)
	removal, ok := ar.committed()[0]
	if !ok {
		t.Fatal("the removal was not committed")
	}
	committed := lr.committed()
	for seq, p := range committed {
		if p.height > removal.height {
			t.Errorf("transaction %d stands in block %d, its sender was removed in block %d", seq, p.height, removal.height)
		}
	}
	for seq := range uint64(frames * perFrame) {
		if s := lr.final(seq); s != tx.StatusOK && s != tx.StatusNotMember {
			t.Errorf("transaction %d: %s", seq, s)
		}
	}
	if len(committed) == frames*perFrame {
		t.Error("everything was committed: the removal came after all")
	}
	a, err := n.Account(t.Context(), leaverSlot)
	if err != nil {
		t.Fatal(err)
	}
	if got := (1 << 20) - balanceOf(a); got != uint64(len(committed)) {
		t.Errorf("%d transfers of 1 were committed, the balance fell by %d", len(committed), got)
	}
	head, _ := n.Head()
	closeNode(t, n)
	checkWhole(t, dir, head.Height)
}
