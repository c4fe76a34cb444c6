package mempool_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/chainweir/weir/core/mempool"
	"github.com/chainweir/weir/core/tx"
)

// The hint is the time in which an eighth becomes free at the measured rate.
func TestRetryAfter(t *testing.T) {
	at := time.Unix(0, 0)
	p := mempool.New(8000)
	p.SetClock(func() time.Time { return at })
	want := func(what string, d time.Duration) {
		t.Helper()
		if got := p.RetryAfter(); got != d {
			t.Errorf("%s: %s, want %s", what, got, d)
		}
	}
	want("empty", time.Millisecond)
	if !p.Reserve(8000) {
		t.Fatal("an empty pool has no room")
	}
	at = at.Add(100 * time.Millisecond)
	want("full, nothing leaves", time.Second)
	p.Free(2000)
	if !p.Reserve(2000) {
		t.Fatal("freed room is not there")
	}
	at = at.Add(100 * time.Millisecond) // 20 000 bytes/s: 1 000 in 50 ms
	want("full, draining", 50*time.Millisecond)
	want("full, asked again at once", 50*time.Millisecond)
	p.Cancel(500)
	want("half of the eighth is free", 25*time.Millisecond)
	p.Reserve(500)
	at = at.Add(2 * time.Second)
	want("full, nothing has left for long", time.Second)
	p.Free(4000)
	want("half empty", time.Millisecond)
}

// Senders whose role does not send are refused before and after verification,
// until they get another role.
func TestMembership(t *testing.T) {
	p := mempool.New(1)
	for _, r := range []tx.Role{tx.RoleMember, tx.RoleAdmin, tx.RoleObserver, tx.RoleRemoved} {
		p.AddAccount(tx.Window{}, tx.Membership{Role: r})
	}
	check := func(nonce uint64, want ...tx.Status) {
		t.Helper()
		for i, w := range want {
			for _, f := range []func([]tx.View, []tx.Status){func(v []tx.View, s []tx.Status) { p.Precheck(1, v, s) }, p.Admit} {
				status := []tx.Status{tx.StatusOK}
				if f([]tx.View{send(uint32(i), nonce)}, status); status[0] != w {
					t.Errorf("account %d: %s, want %s", i, status[0], w)
				}
			}
		}
	}
	no := tx.StatusNotMember
	check(1, tx.StatusOK, tx.StatusOK, no, no, tx.StatusUnknownSender)
	for slot, r := range []tx.Role{tx.RoleRemoved, tx.RoleObserver, tx.RoleMember, tx.RoleAdmin} {
		if err := p.SetMembership(uint32(slot), tx.Membership{Role: r}); err != nil {
			t.Fatal(err)
		}
	}
	check(2, no, no, tx.StatusOK, tx.StatusOK)
	if err := p.SetMembership(4, tx.Membership{}); err == nil {
		t.Error("an account that nobody added got a membership")
	}
}

// BenchmarkPool is everything that the mempool does for a transaction:
// Precheck, Admit and Settle, of senders drawn from a million.
func BenchmarkPool(b *testing.B) {
	const accounts, batch = 1 << 20, 512
	p := mempool.New(1 << 40)
	for range accounts {
		p.AddAccount(tx.Window{}, tx.Membership{})
	}
	txs := make([]tx.View, 1<<16)
	buf := make([]byte, 0, len(txs)*tx.Size)
	for i := range txs {
		at := len(buf)
		buf = append(buf, send(rand.Uint32N(accounts), 1)...)
		txs[i] = buf[at:len(buf):len(buf)]
	}
	for _, workers := range []int{1, 2} {
		b.Run(map[int]string{1: "one worker", 2: "two workers"}[workers], func(b *testing.B) {
			var wg sync.WaitGroup
			each := (b.N + workers - 1) / workers
			ok := make([]tx.Status, batch)
			b.ReportAllocs()
			b.ResetTimer()
			for w := range workers {
				wg.Go(func() {
					status := make([]tx.Status, batch)
					mine := txs[w*len(txs)/workers : (w+1)*len(txs)/workers]
					for done := 0; done < each; done += batch {
						at := done % len(mine)
						part := mine[at : at+batch]
						clear(status)
						p.Precheck(1, part, status)
						p.Admit(part, status)
						// Failed in execution: the same numbers are free again.
						for i := range ok {
							status[i] = tx.StatusInsufficient
						}
						p.Settle(part, status)
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tx/s")
		})
	}
}
