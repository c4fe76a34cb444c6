package mempool_test

import (
	"math"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/core/mempool"
	"github.com/chainweir/weir/core/tx"
)

func send(from uint32, nonce uint64) tx.View {
	f := tx.Fields{Kind: tx.KindTransfer, From: from, Nonce: nonce, Expiry: math.MaxUint64}
	return f.AppendUnsigned(nil)
}

// model is an account as the pool's documentation describes it: the numbers that
// were executed, and those that wait, both under the rule of a window.
type model struct {
	ledger  tx.Window
	window  tx.Window
	waiting int
}

func (m *model) check(nonce uint64) tx.Status {
	if s := m.ledger.Check(nonce); s != tx.StatusOK {
		return s
	}
	return m.window.Check(nonce)
}

// The pool's decisions are those of the model, and Precheck marks nothing.
func TestAdmissionModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := mempool.New(1)
		var accounts []*model
		var waiting []tx.View // admitted, not executed, in order
		t.Repeat(map[string]func(*rapid.T){
			"account": func(t *rapid.T) {
				w := tx.Window{High: rapid.Uint64Range(0, 300).Draw(t, "high"), Bitmap: [2]uint64{rapid.Uint64().Draw(t, "bitmap"), 0}}
				p.AddAccount(w, tx.Membership{})
				accounts = append(accounts, &model{ledger: w, window: w})
			},
			"batch": func(t *rapid.T) {
				n := rapid.IntRange(0, 8).Draw(t, "n")
				txs, status, want := make([]tx.View, n), make([]tx.Status, n), make([]tx.Status, n)
				for i := range n {
					from := rapid.Uint32Range(0, uint32(len(accounts))).Draw(t, "from")
					txs[i] = send(from, rapid.Uint64Range(0, 500).Draw(t, "nonce"))
					switch {
					case rapid.IntRange(0, 4).Draw(t, "forged") == 0:
						status[i], want[i] = tx.StatusBadSignature, tx.StatusBadSignature
					case int(from) >= len(accounts):
						want[i] = tx.StatusUnknownSender
					default:
						m := accounts[from]
						if want[i] = m.check(txs[i].Nonce()); want[i] == tx.StatusOK {
							m.window.Use(txs[i].Nonce())
							m.waiting++
						}
					}
				}
				p.Precheck(1, txs, status)
				p.Admit(txs, status)
				for i := range txs {
					if status[i] != want[i] {
						t.Fatalf("transaction %d: %s, the model says %s", i, status[i], want[i])
					}
					if want[i] == tx.StatusOK {
						waiting = append(waiting, txs[i])
					}
				}
			},
			"execute": func(t *rapid.T) {
				n := rapid.IntRange(0, len(waiting)).Draw(t, "n")
				exec := make([]tx.Status, n)
				for i, v := range waiting[:n] {
					m := accounts[v.From()]
					if exec[i] = rapid.SampledFrom([]tx.Status{tx.StatusOK, tx.StatusInsufficient}).Draw(t, "exec"); exec[i] == tx.StatusOK {
						m.ledger.Use(v.Nonce())
					} else {
						m.window.Release(v.Nonce())
					}
					if m.waiting--; m.waiting == 0 {
						m.window = m.ledger
					}
				}
				p.Settle(waiting[:n], exec)
				waiting = waiting[n:]
			},
		})
	})
}

// A transaction that jumps ahead and then fails in execution leaves no trace:
// the sender's next number is as good as before.
func TestFailedJumpLeavesNoTrace(t *testing.T) {
	p := mempool.New(1)
	p.AddAccount(tx.Window{}, tx.Membership{})
	for _, c := range []struct {
		nonce uint64
		admit tx.Status
		exec  tx.Status
	}{
		{1 << 20, tx.StatusOK, tx.StatusInsufficient},
		{1 << 21, tx.StatusNonceTooFar, 0}, // from the ledger's highest, which has not moved
		{1, tx.StatusOK, tx.StatusOK},
		{1 << 20, tx.StatusOK, tx.StatusOK},
		{2, tx.StatusNonceUsed, 0},
	} {
		txs, status := []tx.View{send(0, c.nonce)}, []tx.Status{tx.StatusOK}
		if p.Admit(txs, status); status[0] != c.admit {
			t.Fatalf("nonce %d: %s, want %s", c.nonce, status[0], c.admit)
		}
		if status[0] == tx.StatusOK {
			p.Settle(txs, []tx.Status{c.exec})
		}
	}
}

// What no block can hold any more is refused before its signature is checked.
func TestPrecheckExpiry(t *testing.T) {
	p := mempool.New(1)
	p.AddAccount(tx.Window{}, tx.Membership{})
	f := tx.Fields{Kind: tx.KindTransfer, Nonce: 1, Expiry: 7}
	txs := []tx.View{f.AppendUnsigned(nil)}
	for height, want := range map[uint64]tx.Status{7: tx.StatusOK, 8: tx.StatusExpired} {
		status := []tx.Status{tx.StatusOK}
		if p.Precheck(height, txs, status); status[0] != want {
			t.Errorf("at height %d: %s, want %s", height, status[0], want)
		}
	}
}

func TestPrecheckMarksNothing(t *testing.T) {
	p := mempool.New(1)
	p.AddAccount(tx.Window{}, tx.Membership{})
	txs := []tx.View{send(0, 7), send(0, 7), send(1, 1), send(0, 1<<20+1)}
	status := make([]tx.Status, 4)
	for range 3 {
		clear(status)
		p.Precheck(1, txs, status)
		want := [4]tx.Status{tx.StatusOK, tx.StatusOK, tx.StatusUnknownSender, tx.StatusNonceTooFar}
		if [4]tx.Status(status) != want {
			t.Fatalf("%v, want %v", status, want)
		}
	}
	p.Admit(txs, status)
	if status[0] != tx.StatusOK || status[1] != tx.StatusNonceUsed {
		t.Fatalf("the same number twice in a batch: %v", status)
	}
	p.Settle(txs[:1], []tx.Status{tx.StatusInsufficient})
	clear(status)
	p.Admit(txs[:1], status[:1])
	if status[0] != tx.StatusOK {
		t.Fatalf("a released number: %s", status[0])
	}
}

func TestRoomModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.Int64Range(0, 1000).Draw(t, "limit")
		p := mempool.New(limit)
		var held []int
		var sum int64
		t.Repeat(map[string]func(*rapid.T){
			"reserve": func(t *rapid.T) {
				n := rapid.IntRange(0, 400).Draw(t, "n")
				got, want := p.Reserve(n), sum+int64(n) <= limit
				if got != want {
					t.Fatalf("Reserve(%d) with %d of %d taken: %v", n, sum, limit, got)
				}
				if got {
					held, sum = append(held, n), sum+int64(n)
				}
			},
			"free": func(t *rapid.T) {
				if len(held) > 0 {
					n := held[len(held)-1]
					p.Free(n)
					held, sum = held[:len(held)-1], sum-int64(n)
				}
			},
			"": func(t *rapid.T) {
				if p.Bytes() != sum {
					t.Fatalf("%d bytes wait, want %d", p.Bytes(), sum)
				}
			},
		})
	})
}

// Of any number of workers that admit the same transaction, one wins; and the
// room is never exceeded.
func TestConcurrentAdmission(t *testing.T) {
	const nonces, workers = 500, 4
	p := mempool.New(1000)
	var won, over, inside atomic.Int64
	var wg sync.WaitGroup
	p.AddAccount(tx.Window{}, tx.Membership{})
	for range workers {
		wg.Go(func() {
			for n := uint64(1); n <= nonces; n++ {
				txs, status := []tx.View{send(0, n)}, []tx.Status{tx.StatusOK}
				p.Precheck(1, txs, status)
				p.Admit(txs, status)
				if status[0] == tx.StatusOK {
					won.Add(1)
				}
				if p.Reserve(400) {
					if inside.Add(1) > 2 {
						over.Add(1)
					}
					inside.Add(-1)
					p.Free(400)
				}
			}
		})
	}
	wg.Go(func() {
		for range 100 {
			p.AddAccount(tx.Window{}, tx.Membership{})
		}
	})
	wg.Wait()
	// A worker that falls more than a window behind may find its numbers gone;
	// none is ever used twice.
	if w := won.Load(); w > nonces || w < 1 || over.Load() != 0 || p.Bytes() != 0 {
		t.Errorf("%d of %d numbers were used, the room was exceeded %d times, %d bytes stay", w, nonces, over.Load(), p.Bytes())
	}
}

// Numbers are settled in another order than they were admitted in, and one of
// them has left the window when its turn comes.
func TestSettleInAnyOrder(t *testing.T) {
	p := mempool.New(1)
	p.AddAccount(tx.Window{}, tx.Membership{})
	early, late := send(0, 5), send(0, 200)
	status := []tx.Status{tx.StatusOK, tx.StatusOK}
	if p.Admit([]tx.View{early, late}, status); status[0] != tx.StatusOK || status[1] != tx.StatusOK {
		t.Fatal(status)
	}
	p.Settle([]tx.View{late, early}, status)
	for nonce, want := range map[uint64]tx.Status{5: tx.StatusNonceUsed, 200: tx.StatusNonceUsed, 199: tx.StatusOK, 201: tx.StatusOK} {
		got := []tx.Status{tx.StatusOK}
		if p.Precheck(1, []tx.View{send(0, nonce)}, got); got[0] != want {
			t.Errorf("nonce %d: %s, want %s", nonce, got[0], want)
		}
	}
}
