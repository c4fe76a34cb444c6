package mempool_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/chainweir/weir/core/mempool"
	"github.com/chainweir/weir/core/tx"
)

func send(from uint32, nonce uint64) tx.View {
	f := tx.Fields{Kind: tx.KindTransfer, From: from, Nonce: nonce}
	return f.AppendUnsigned(nil)
}

// The pool's decisions are those of one window per account, and Precheck marks
// nothing.
func TestAdmissionModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := mempool.New(1)
		var windows []tx.Window
		t.Repeat(map[string]func(*rapid.T){
			"account": func(t *rapid.T) {
				w := tx.Window{High: rapid.Uint64Range(0, 300).Draw(t, "high"), Bitmap: [2]uint64{rapid.Uint64().Draw(t, "bitmap"), 0}}
				p.AddAccount(w)
				windows = append(windows, w)
			},
			"batch": func(t *rapid.T) {
				n := rapid.IntRange(0, 8).Draw(t, "n")
				txs, status, want := make([]tx.View, n), make([]tx.Status, n), make([]tx.Status, n)
				for i := range n {
					from := rapid.Uint32Range(0, uint32(len(windows))).Draw(t, "from")
					txs[i] = send(from, rapid.Uint64Range(0, 500).Draw(t, "nonce"))
					if rapid.IntRange(0, 4).Draw(t, "forged") == 0 {
						status[i], want[i] = tx.StatusBadSignature, tx.StatusBadSignature
					}
				}
				model := func() {
					for i, v := range txs {
						if want[i] != tx.StatusOK {
							continue
						}
						if int(v.From()) >= len(windows) {
							want[i] = tx.StatusUnknownSender
							continue
						}
						w := &windows[v.From()]
						if want[i] = w.Check(v.Nonce()); want[i] == tx.StatusOK {
							w.Use(v.Nonce())
						}
					}
				}
				p.Precheck(txs, status)
				p.Admit(txs, status)
				model()
				for i := range txs {
					if status[i] != want[i] {
						t.Fatalf("transaction %d: %s, the model says %s", i, status[i], want[i])
					}
				}
				if n == 0 || !rapid.Bool().Draw(t, "release") {
					return
				}
				// Execution fails for some of those that were admitted.
				var admitted []tx.View
				var exec []tx.Status
				for i, v := range txs {
					if status[i] != tx.StatusOK {
						continue
					}
					admitted = append(admitted, v)
					exec = append(exec, rapid.SampledFrom([]tx.Status{tx.StatusOK, tx.StatusInsufficient}).Draw(t, "exec"))
					if exec[len(exec)-1] != tx.StatusOK {
						windows[v.From()].Release(v.Nonce())
					}
				}
				p.Release(admitted, exec)
			},
		})
	})
}

func TestPrecheckMarksNothing(t *testing.T) {
	p := mempool.New(1)
	p.AddAccount(tx.Window{})
	txs := []tx.View{send(0, 7), send(0, 7), send(1, 1), send(0, 1<<20+1)}
	status := make([]tx.Status, 4)
	for range 3 {
		clear(status)
		p.Precheck(txs, status)
		want := [4]tx.Status{tx.StatusOK, tx.StatusOK, tx.StatusUnknownSender, tx.StatusNonceTooFar}
		if [4]tx.Status(status) != want {
			t.Fatalf("%v, want %v", status, want)
		}
	}
	p.Admit(txs, status)
	if status[0] != tx.StatusOK || status[1] != tx.StatusNonceUsed {
		t.Fatalf("the same number twice in a batch: %v", status)
	}
	p.Release(txs[:1], []tx.Status{tx.StatusInsufficient})
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
	p.AddAccount(tx.Window{})
	for range workers {
		wg.Go(func() {
			for n := uint64(1); n <= nonces; n++ {
				txs, status := []tx.View{send(0, n)}, []tx.Status{tx.StatusOK}
				p.Precheck(txs, status)
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
			p.AddAccount(tx.Window{})
		}
	})
	wg.Wait()
	// A worker that falls more than a window behind may find its numbers gone;
	// none is ever used twice.
	if w := won.Load(); w > nonces || w < 1 || over.Load() != 0 || p.Bytes() != 0 {
		t.Errorf("%d of %d numbers were used, the room was exceeded %d times, %d bytes stay", w, nonces, over.Load(), p.Bytes())
	}
}
