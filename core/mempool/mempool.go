// Package mempool decides which transactions may wait for a block: it bounds
// how many bytes wait and keeps every sender's replay window, with the numbers
// of waiting transactions marked as used.
//
// There is no unbounded queue behind it. When the bound is reached, the answer
// is StatusBusy, with a hint when to try again, and the client decides whether
// to: the node never stops reading its sockets to slow a client down.
package mempool

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/chainweir/weir/core/tx"
)

// Pool is safe for concurrent use. Accounts live in chunks that never move, each
// with its own lock, so that workers on other senders do not meet and a new
// account copies nothing.
type Pool struct {
	room

	chunks atomic.Pointer[[]*chunk]
	n      atomic.Int64 // accounts
}

const (
	chunkBits = 10
	chunkSize = 1 << chunkBits
)

type chunk struct {
	mu       sync.Mutex
	accounts [chunkSize]account
}

// account is what the pool knows of a sender. While transactions wait, the
// window is ahead of the ledger's; when none does, the two are the same again,
// so that a transaction that failed leaves no trace.
type account struct {
	ledger  tx.Window // with the nonces of executed transactions
	window  tx.Window // with those of waiting ones, too
	waiting uint32
	mute    atomic.Uint32 // 1: its role sends no transactions; see touch
}

func (a *account) setRole(r tx.Role) {
	var mute uint32
	if !r.Sends() {
		mute = 1
	}
	a.mute.Store(mute)
}

// New returns a pool that lets at most maxBytes of transactions wait.
func New(maxBytes int64) *Pool {
	p := new(Pool)
	p.room.init(maxBytes)
	p.chunks.Store(new([]*chunk))
	return p
}

// AddAccount gives the next slot the window and the membership it has in the
// ledger. Only one goroutine may add.
func (p *Pool) AddAccount(w tx.Window, m tx.Membership) {
	n := int(p.n.Load())
	chunks := *p.chunks.Load()
	if n>>chunkBits == len(chunks) {
		grown := append(chunks[:len(chunks):len(chunks)], new(chunk))
		p.chunks.Store(&grown)
		chunks = grown
	}
	// No other goroutine looks at the account before n is stored.
	a := &chunks[n>>chunkBits].accounts[n&(chunkSize-1)]
	a.ledger, a.window = w, w
	a.setRole(m.Role)
	p.n.Store(int64(n + 1))
}

// SetMembership notes that the ledger gives slot another membership. What waits
// already is left to execution.
func (p *Pool) SetMembership(slot uint32, m tx.Membership) error {
	if int64(slot) >= p.n.Load() {
		return fmt.Errorf("account %d is not among the %d that the mempool knows", slot, p.n.Load())
	}
	c := (*p.chunks.Load())[slot>>chunkBits]
	c.mu.Lock()
	defer c.mu.Unlock()
	c.accounts[slot&(chunkSize-1)].setRole(m.Role)
	return nil
}

// walk goes from sender to sender with the lock of one chunk, which it keeps
// while the next sender lives there too.
type walk struct {
	chunks []*chunk
	n      int64
	held   *chunk
}

func (p *Pool) walk() walk {
	n := p.n.Load() // before the chunks: they hold at least so many
	return walk{chunks: *p.chunks.Load(), n: n}
}

// to returns the account of a slot, nil when it is not registered, and holds its
// chunk's lock until the next call or done.
func (w *walk) to(slot uint32) *account {
	if int64(slot) >= w.n {
		return nil
	}
	c := w.chunks[slot>>chunkBits]
	if c != w.held {
		w.done()
		c.mu.Lock()
		w.held = c
	}
	return &c.accounts[slot&(chunkSize-1)]
}

// touchAhead is how many accounts are fetched from memory at a time.
const touchAhead = 64

// touch fetches the senders' accounts from memory. Locks keep a processor from
// reading ahead of them, so that walking from account to account would wait for
// memory at each; here nothing waits, and dozens are on their way at once. It
// holds no lock, so it reads what is atomic.
func (w *walk) touch(txs []tx.View, status []tx.Status) (sum uint32) {
	for i, t := range txs[:min(len(txs), touchAhead)] {
		if status[i] != tx.StatusOK {
			continue
		}
		if slot := t.From(); int64(slot) < w.n {
			sum += w.chunks[slot>>chunkBits].accounts[slot&(chunkSize-1)].mute.Load()
		}
	}
	return sum
}

func (w *walk) done() {
	if w.held != nil {
		w.held.mu.Unlock()
		w.held = nil
	}
}

// Precheck sets the status of transactions that cannot be admitted to a block at
// the given height or later, so that no signature is verified in vain. It marks
// nothing: a forged transaction must not use up its victim's number.
func (p *Pool) Precheck(height uint64, txs []tx.View, status []tx.Status) {
	w := p.walk()
	defer w.done()
	for i, t := range txs {
		if i%touchAhead == 0 {
			w.touch(txs[i:], status[i:])
		}
		if status[i] != tx.StatusOK {
			continue
		}
		if status[i] = w.to(t.From()).check(t); status[i] == tx.StatusOK && height > t.Expiry() {
			status[i] = tx.StatusExpired
		}
	}
}

// Admit marks the nonces of verified transactions as used and sets the status
// of those whose number somebody used in the meantime.
func (p *Pool) Admit(txs []tx.View, status []tx.Status) {
	w := p.walk()
	defer w.done()
	for i, t := range txs {
		if i%touchAhead == 0 {
			w.touch(txs[i:], status[i:])
		}
		if status[i] != tx.StatusOK {
			continue
		}
		a := w.to(t.From())
		if status[i] = a.check(t); status[i] == tx.StatusOK {
			a.window.Use(t.Nonce())
			a.waiting++
		}
	}
}

func (a *account) check(t tx.View) tx.Status {
	switch {
	case a == nil:
		return tx.StatusUnknownSender
	case a.mute.Load() != 0:
		return tx.StatusNotMember
	}
	if s := a.ledger.Check(t.Nonce()); s != tx.StatusOK {
		return s // execution would refuse it, whatever waits before it
	}
	return a.window.Check(t.Nonce())
}

// Settle notes what became of admitted transactions in execution: the nonces of
// those that failed are free again. Each admitted transaction is settled once,
// in the order of execution.
func (p *Pool) Settle(txs []tx.View, status []tx.Status) {
	w := p.walk()
	defer w.done()
	for i, t := range txs {
		if i%touchAhead == 0 {
			w.touch(txs[i:], status[i:])
		}
		a := w.to(t.From())
		if a == nil {
			continue
		}
		if status[i] == tx.StatusOK {
			a.ledger.Use(t.Nonce())
		} else {
			a.window.Release(t.Nonce())
		}
		if a.waiting > 1 {
			a.waiting--
		} else {
			a.waiting, a.window = 0, a.ledger
		}
	}
}
