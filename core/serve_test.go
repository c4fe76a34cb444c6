package core_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/chainweir/weir/core"
	"github.com/chainweir/weir/core/client"
	"github.com/chainweir/weir/core/genesis"
	"github.com/chainweir/weir/core/rpc"
	"github.com/chainweir/weir/core/store"
	"github.com/chainweir/weir/core/tx"
)

// The whole way: submissions over TCP become blocks whose headers link, whose
// transactions and balances can be proven, and which verify from genesis.
func TestTransfers(t *testing.T) {
	const accounts, rounds = 20, 25
	gen := genesis.Dev(accounts)
	dir := t.TempDir()
	n := open(t, core.Config{Dir: dir, Genesis: gen})
	addr, stop := serve(t, n, rpc.Config{})
	c, r := dial(t, addr, client.Options{ChainID: gen.ChainID(), Headers: true})
	w := newWallet(gen)
	if wel := c.Welcome(); wel.Accounts != accounts || wel.ChainID != gen.ChainID() || wel.Height != 0 {
		t.Errorf("welcome %+v", wel)
	}
	sent := map[uint64]tx.View{}
	seq := uint64(1000)
	for round := range rounds {
		txs := w.round(accounts, uint64(round))
		if err := c.Submit(seq, accounts, joined(txs)); err != nil {
			t.Fatal(err)
		}
		for _, v := range txs {
			sent[seq] = v
			seq++
		}
	}
	r.settled(t, 1000, seq)
	head, err := c.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.until(t, "the last header", func() bool {
		return len(r.headers) > 0 && r.headers[len(r.headers)-1].Height == head.Header.Height
	})
	places := r.committed()
	if len(places) != accounts*rounds {
		t.Fatalf("%d of %d transactions were committed", len(places), accounts*rounds)
	}
	wantLinked(t, gen, r.headers, places, head)
	for seq, p := range places {
		if p.index%7 == 0 || p.height == 1 {
			proven(t, c, p, sent[seq])
		}
	}
	for slot := range uint32(accounts) { // everybody got what everybody gave
		a, h := account(t, c, slot)
		if a.Balance != 1<<40 || a.Window.High != rounds || h.Height != head.Header.Height {
			t.Errorf("account %d at height %d: %+v", slot, h.Height, a)
		}
	}
	wantAnswers(t, c, gen, head.Header.Height)
	stop()
	closeNode(t, n)
	checkWhole(t, dir, head.Header.Height)
}

// wantLinked checks a chain of headers against the places that were promised.
func wantLinked(t *testing.T, gen *genesis.Genesis, headers []tx.Header, places map[uint64]place, head client.Head) {
	t.Helper()
	chain := gen.ChainID()
	prev, timeNS := tx.Hash(chain), gen.TimeNS
	perBlock := map[uint64]uint32{}
	for _, p := range places {
		perBlock[p.height]++
	}
	for i, h := range headers {
		if h.Height != uint64(i)+1 || h.Prev != prev || h.TimeNS <= timeNS || h.BodyBytes != uint64(h.Count)*tx.Size {
			t.Fatalf("header %d does not follow: %+v", i+1, h)
		}
		if perBlock[h.Height] != h.Count {
			t.Errorf("block %d has %d transactions, %d were told", h.Height, h.Count, perBlock[h.Height])
		}
		prev, timeNS = h.Hash(&chain), h.TimeNS
	}
	if prev != head.Hash || headers[len(headers)-1] != head.Header {
		t.Errorf("the last header has the hash %x, the head %x", prev, head.Hash)
	}
	for seq, p := range places {
		if p.height > uint64(len(headers)) || p.index >= headers[p.height-1].Count {
			t.Errorf("%d was committed at %v, there are %d blocks", seq, p, len(headers))
		}
	}
}

// wantAnswers asks for the rest: genesis, counters, and things that are not there.
func wantAnswers(t *testing.T, c *client.Client, gen *genesis.Genesis, height uint64) {
	t.Helper()
	b, err := c.Genesis(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if g, err := genesis.Parse(b); err != nil || g.ChainID() != gen.ChainID() {
		t.Errorf("the node's genesis: %v", err)
	}
	if b, err = c.Stats(t.Context()); err != nil {
		t.Fatal(err)
	}
	var s core.Stats
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	if s.Height != height || s.Submitted != s.Accepted || s.Committed != s.Accepted || s.Committed == 0 || s.DiskRecords != int64(height) || s.DiskSyncs == 0 {
		t.Errorf("counters %+v", s)
	}
	for _, st := range s.Stages {
		if st.Items == 0 {
			t.Errorf("stage %+v did nothing", st)
		}
	}
	for _, p := range []place{{0, 0}, {height + 1, 0}, {1, 1 << 31}} {
		if _, err := c.Proof(t.Context(), p.height, p.index); !errors.Is(err, client.ErrNotFound) {
			t.Errorf("a proof of %v: %v", p, err)
		}
	}
	if _, err := c.Account(t.Context(), 1<<31); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("an account that does not exist: %v", err)
	}
}

// A chain without a block answers from genesis, with proofs.
func TestGenesisAnswers(t *testing.T) {
	gen := genesis.Dev(3)
	n := open(t, core.Config{Dir: t.TempDir(), Genesis: gen})
	addr, _ := serve(t, n, rpc.Config{})
	c, _ := dial(t, addr, client.Options{})
	a, h := account(t, c, 2)
	if a.Balance != 1<<40 || h.Height != 0 {
		t.Errorf("%+v at height %d", a, h.Height)
	}
	head, err := c.Head(t.Context())
	if err != nil || head.Header.TimeNS != gen.TimeNS || head.Hash != tx.Hash(gen.ChainID()) {
		t.Errorf("%+v, %v", head, err)
	}
}

// Each transaction of a frame is judged by itself: its neighbours lose nothing.
func TestRefusedTransactions(t *testing.T) {
	gen := genesis.Dev(20)
	n := open(t, core.Config{Dir: t.TempDir(), Genesis: gen})
	addr, _ := serve(t, n, rpc.Config{})
	c, r := dial(t, addr, client.Options{})
	w := newWallet(gen)
	forged := w.transfer(3, 4, 1)
	forged.Signature()[40] ^= 1
	malformed := w.transfer(4, 4, 1)
	malformed[13] = 1 // a reserved byte
	stranger := w.transfer(5, 4, 1)
	stranger[7] = 1 // slot 5 + 2^24
	first := w.transfer(0, 1, 5)
	cases := []struct {
		v    tx.View
		want tx.Status
	}{
		{first, tx.StatusOK},
		{forged, tx.StatusBadSignature},
		{w.transfer(1, 2, 5), tx.StatusOK},
		{malformed, tx.StatusMalformed},
		{w.transfer(2, 3, 5), tx.StatusOK},
		{stranger, tx.StatusUnknownSender},
		{first, tx.StatusNonceUsed}, // the same number again in the same frame
		{w.sign(tx.Fields{From: 6, To: 1, Nonce: 1<<20 + 1}), tx.StatusNonceTooFar},
		{w.transfer(7, 1, 1<<40+1), tx.StatusInsufficient},
		{w.sign(tx.Fields{From: 8, To: 20, Amount: 1}), tx.StatusUnknownTo},
		{w.sign(tx.Fields{From: 9, To: 1, Expiry: 1, Amount: 1}), tx.StatusOK}, // height 1 is just in time
		{w.sign(tx.Fields{Kind: tx.KindRegister, From: 10, Subject: [32]byte(gen.AllAccounts()[3].PublicKey)}), tx.StatusKeyTaken},
		{w.transfer(11, 11, 1), tx.StatusOK},
	}
	var txs []tx.View
	for _, cs := range cases {
		txs = append(txs, cs.v)
	}
	submit(t, c, r, 0, txs...)
	for i, cs := range cases {
		if got, _ := r.outcome(uint64(i)); got != cs.want {
			t.Errorf("transaction %d: %s, want %s", i, got, cs.want)
		}
	}
	for seq, p := range r.committed() {
		proven(t, c, p, txs[seq])
	}
	// In later blocks: used numbers stay used, those of failures are free again,
	// the forger did not use up his victim's number, and time has passed.
	submit(t, c, r, 100,
		first,
		w.sign(tx.Fields{From: 7, To: 1, Amount: 3, Nonce: 1}),
		w.sign(tx.Fields{From: 3, To: 1, Amount: 3, Nonce: 1}),
		w.sign(tx.Fields{From: 9, To: 1, Expiry: 1, Amount: 1}))
	for i, want := range []tx.Status{tx.StatusNonceUsed, tx.StatusOK, tx.StatusOK, tx.StatusExpired} {
		if got, _ := r.outcome(100 + uint64(i)); got != want {
			t.Errorf("later transaction %d: %s, want %s", i, got, want)
		}
	}
	if a, _ := account(t, c, 7); a.Balance != 1<<40-3 {
		t.Errorf("account 7 has %d", a.Balance)
	}
	// A frame of which nothing survives execution makes no block.
	before, _ := n.Head()
	submit(t, c, r, 200, w.transfer(12, 1, 1<<41), w.transfer(13, 1, 1<<41))
	if s, _ := r.outcome(200); s != tx.StatusInsufficient {
		t.Errorf("the poor sender's outcome is %s", s)
	}
	if after, _ := n.Head(); after != before {
		t.Errorf("a block without transactions: %+v", after)
	}
}

// A new account takes the next slot and can send as soon as it is told.
func TestRegisteredAccountSends(t *testing.T) {
	gen := genesis.Dev(4)
	dir := t.TempDir()
	n := open(t, core.Config{Dir: dir, Genesis: gen})
	addr, stop := serve(t, n, rpc.Config{})
	c, r := dial(t, addr, client.Options{})
	w := newWallet(gen)
	other := genesis.Dev(9).Derived.PrivateKeys(9)[4:]
	seq := uint64(0)
	for i, key := range other {
		slot := uint32(len(w.keys))
		w.keys, w.nonces = append(w.keys, key), append(w.nonces, 0)
		reg := tx.Fields{Kind: tx.KindRegister, From: slot - 1, Amount: 1000 - uint64(i)*100}
		copy(reg.Subject[:], key[32:]) // the public half
		submit(t, c, r, seq, w.sign(reg))
		submit(t, c, r, seq+1, w.transfer(slot, 0, 50))
		for k := seq; k < seq+2; k++ {
			if s, _ := r.outcome(k); s != tx.StatusOK {
				t.Fatalf("account %d, transaction %d: %s", slot, k, s)
			}
		}
		if a, _ := account(t, c, slot); a.PublicKey != reg.Subject || a.Balance != 950-uint64(i)*100 || a.Window.High != 1 {
			t.Errorf("account %d: %+v", slot, a)
		}
		seq += 2
	}
	stop()
	head, _ := n.Head()
	closeNode(t, n)
	checkWhole(t, dir, head.Height)
	n = open(t, core.Config{Dir: dir})
	r = newRecorder()
	fed(t, n, r, 0, []tx.View{w.transfer(8, 4, 1), w.sign(tx.Fields{From: 8, To: 1, Nonce: 1, Amount: 1})})
	r.settled(t, 0, 2)
	if a, _ := r.outcome(0); a != tx.StatusOK || r.acks[1] != tx.StatusNonceUsed {
		t.Errorf("a registered account after a restart: %s, %s", a, r.acks[1])
	}
}

func TestCloseTwiceAndSubmitAfter(t *testing.T) {
	gen := genesis.Dev(3)
	n := open(t, core.Config{Dir: t.TempDir(), Genesis: gen})
	w := newWallet(gen)
	r := newRecorder()
	feed(n, r, 0, w.round(3, 1))
	closeNode(t, n) // what was taken reaches the disk
	r.settled(t, 0, 3)
	if got := r.committed(); len(got) != 3 {
		t.Errorf("%d of 3 transactions were committed by Close", len(got))
	}
	fed(t, n, r, 10, w.round(3, 1))
	if s, _ := r.outcome(10); s != tx.StatusStopping {
		t.Errorf("a submission after Close: %s", s)
	}
	closeNode(t, n)
	if _, err := n.Account(t.Context(), 0); !errors.Is(err, store.ErrClosed) {
		t.Errorf("an account after Close: %v", err)
	}
	select {
	case <-n.Done():
	default:
		t.Error("Done is open after Close")
	}
}
