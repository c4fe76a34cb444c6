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

	mu      sync.Mutex
	windows []tx.Window
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
	p.windows = append(p.windows, w)
	p.mu.Unlock()
}

// Precheck sets the status of transactions that cannot be admitted, so that no
// signature is verified in vain. It marks nothing: a forged transaction must
// not use up its victim's number.
func (p *Pool) Precheck(txs []tx.View, status []tx.Status) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, t := range txs {
		if status[i] == tx.StatusOK {
			status[i] = p.check(t)
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
			p.windows[t.From()].Use(t.Nonce())
		}
	}
}

func (p *Pool) check(t tx.View) tx.Status {
	from := t.From()
	if int(from) >= len(p.windows) {
		return tx.StatusUnknownSender
	}
	return p.windows[from].Check(t.Nonce())
}

// Release frees the nonces of admitted transactions that were not executed:
// those whose status is not StatusOK.
func (p *Pool) Release(txs []tx.View, status []tx.Status) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, t := range txs {
		if status[i] != tx.StatusOK && int(t.From()) < len(p.windows) {
			p.windows[t.From()].Release(t.Nonce())
		}
	}
}
