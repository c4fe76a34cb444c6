// Package mempool decides which transactions may wait for a block: it bounds
// how many bytes wait and keeps every sender's replay window, with the numbers
// of waiting transactions marked as used.
//
// There is no unbounded queue behind it. When the bound is reached, the answer
// is StatusBusy and the client decides whether to try again: the node never
// stops reading its sockets to slow a client down.
package mempool

import (
	"sync"
	"sync/atomic"

	"github.com/chainweir/weir/core/tx"
)

// Pool is safe for concurrent use.
type Pool struct {
	maxBytes int64
	bytes    atomic.Int64

	mu       sync.Mutex
	accounts []account
}

// account is what the pool knows of a sender. While transactions wait, the
// window is ahead of the ledger's; when none does, the two are the same again,
// so that a transaction that failed leaves no trace.
type account struct {
	ledger  tx.Window // with the nonces of executed transactions
	window  tx.Window // with those of waiting ones, too
	waiting int
}

// New returns a pool that lets at most maxBytes of transactions wait.
func New(maxBytes int64) *Pool { return &Pool{maxBytes: maxBytes} }

// Reserve takes room for n bytes, or reports that there is none.
func (p *Pool) Reserve(n int) bool {
	if p.bytes.Add(int64(n)) > p.maxBytes {
		p.bytes.Add(-int64(n))
		return false
	}
	return true
}

// Free gives room back.
func (p *Pool) Free(n int) { p.bytes.Add(-int64(n)) }

// Bytes is how much waits now.
func (p *Pool) Bytes() int64 { return p.bytes.Load() }

// AddAccount gives the next slot the window it has in the ledger.
func (p *Pool) AddAccount(w tx.Window) {
	p.mu.Lock()
	p.accounts = append(p.accounts, account{ledger: w, window: w})
	p.mu.Unlock()
}

// Precheck sets the status of transactions that cannot be admitted to a block at
// the given height or later, so that no signature is verified in vain. It marks
// nothing: a forged transaction must not use up its victim's number.
func (p *Pool) Precheck(height uint64, txs []tx.View, status []tx.Status) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, t := range txs {
		if status[i] != tx.StatusOK {
			continue
		}
		if status[i] = p.check(t); status[i] == tx.StatusOK && height > t.Expiry() {
			status[i] = tx.StatusExpired
		}
	}
}

// Admit marks the nonces of verified transactions as used and sets the status
// of those whose number somebody used in the meantime.
func (p *Pool) Admit(txs []tx.View, status []tx.Status) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, t := range txs {
		if status[i] != tx.StatusOK {
			continue
		}
		if status[i] = p.check(t); status[i] == tx.StatusOK {
			a := &p.accounts[t.From()]
			a.window.Use(t.Nonce())
			a.waiting++
		}
	}
}

func (p *Pool) check(t tx.View) tx.Status {
	from := t.From()
	if int(from) >= len(p.accounts) {
		return tx.StatusUnknownSender
	}
	a := &p.accounts[from]
	if s := a.ledger.Check(t.Nonce()); s != tx.StatusOK {
		return s // execution would refuse it, whatever waits before it
	}
	return a.window.Check(t.Nonce())
}

// Settle notes what became of admitted transactions in execution: the nonces of
// those that failed are free again. Each admitted transaction is settled once,
// in the order of execution.
func (p *Pool) Settle(txs []tx.View, status []tx.Status) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, t := range txs {
		if int(t.From()) >= len(p.accounts) {
			continue
		}
		a := &p.accounts[t.From()]
		if status[i] == tx.StatusOK {
			a.ledger.Use(t.Nonce())
		} else {
			a.window.Release(t.Nonce())
		}
		if a.waiting--; a.waiting <= 0 {
			a.waiting, a.window = 0, a.ledger
		}
	}
}
