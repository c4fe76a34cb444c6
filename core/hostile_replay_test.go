package core_test

import (
	"math/rand/v2"
	"testing"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/state"
	"github.com/chainweir/weir/core/tx"
)

func balanceOf(a core.AccountAnswer) uint64 { return state.DecodeRecord(a.Record[:]).Balance }

// Several connections send the same transactions, each in another order, with
// the numbers of a sender all over its window. Each of them is executed once,
// and never again: not later, not after a restart.
func TestReplaysAndReorderedNumbers(t *testing.T) {
	const senders, conns = 4, 5
	gen := genesis.Dev(senders + 1)
	dir := t.TempDir()
	n := open(t, core.Config{Dir: dir, Genesis: gen})
	addr, stop := serve(t, n, rpc.Config{})
	w := newWallet(gen)
	var all []tx.View
	for range tx.WindowSize {
		for s := range uint32(senders) {
			all = append(all, w.transfer(s, senders, 1))
		}
	}
	rng := rand.New(rand.NewPCG(5, 6))
	recs := make([]*recorder, conns)
	perm := make([][]int, conns)
	clients := make([]*client.Client, conns)
	for i := range conns {
		clients[i], recs[i] = dial(t, addr, client.Options{})
		perm[i] = rng.Perm(len(all))
	}
	for at := 0; at < len(all); at += 16 {
		for i, c := range clients {
			var frame []tx.View
			for _, k := range perm[i][at : at+16] {
				frame = append(frame, all[k])
			}
			if err := c.Submit(uint64(at), len(frame), joined(frame)); err != nil {
				t.Fatal(err)
			}
		}
	}
	commits := make([]int, len(all))
	for i, r := range recs {
		r.settled(t, 0, uint64(len(all)))
		for seq := range uint64(len(all)) {
			switch s := r.final(seq); s {
			case tx.StatusOK:
				commits[perm[i][seq]]++
			case tx.StatusNonceUsed:
			default:
				t.Errorf("connection %d, transaction %d: %s", i, perm[i][seq], s)
			}
		}
	}
	for k, count := range commits {
		if count != 1 {
			t.Errorf("transaction %d (number %d) was committed %d times", k, all[k].Nonce(), count)
		}
	}
	a, err := n.Account(t.Context(), senders)
	start := gen.Derived.Balance
	if err != nil || balanceOf(a)-start != uint64(len(all)) {
		t.Errorf("%d transfers of 1 made %d of %d, %v", len(all), balanceOf(a), start, err)
	}
	stop()
	closeNode(t, n)
	n = open(t, core.Config{Dir: dir})
	addr, _ = serve(t, n, rpc.Config{})
	c, r := dial(t, addr, client.Options{})
	submit(t, c, r, 0, all...)
	for seq := range uint64(len(all)) {
		if s := r.final(seq); s != tx.StatusNonceUsed {
			t.Errorf("after a restart, transaction %d: %s", seq, s)
		}
	}
	head, _ := n.Head()
	closeNode(t, n)
	checkWhole(t, dir, head.Height)
}

// Numbers far ahead, zero and the largest there is neither move the window nor
// use anything up.
func TestAbsurdNumbers(t *testing.T) {
	gen := genesis.Dev(2)
	n := open(t, core.Config{Dir: t.TempDir(), Genesis: gen})
	addr, _ := serve(t, n, rpc.Config{})
	c, r := dial(t, addr, client.Options{})
	w := newWallet(gen)
	for i, k := range []struct {
		nonce uint64
		want  tx.Status
	}{
		{1 << 63, tx.StatusNonceTooFar}, {1<<64 - 1, tx.StatusNonceTooFar}, {tx.MaxNonceStep + 1, tx.StatusNonceTooFar},
		{1, tx.StatusOK}, {tx.MaxNonceStep + 1, tx.StatusOK}, {2, tx.StatusNonceUsed}, {tx.MaxNonceStep + 2, tx.StatusOK},
		{tx.MaxNonceStep + 3 - tx.WindowSize, tx.StatusOK}, {tx.MaxNonceStep + 2 - tx.WindowSize, tx.StatusNonceUsed},
	} {
		submit(t, c, r, uint64(i), w.sign(tx.Fields{To: 1, Amount: 1, Nonce: k.nonce}))
		if s := r.final(uint64(i)); s != k.want {
			t.Errorf("step %d, number %d: %s, want %s", i, k.nonce, s, k.want)
		}
	}
}
