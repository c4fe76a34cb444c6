package jsonrpc

import (
	"sync"

	"github.com/chainweir/weir/loadgen"
)

// Hub finds out whose a transaction is that shows up in a block. It lives as
// long as one run: transactions of an earlier run that are committed late are
// strangers to it, as other people's are. Its methods may be called by any
// goroutine.
type Hub struct {
	mu      sync.Mutex
	places  map[uint64]place // by the key of the transaction
	members []*Member
}

// place is a transaction's sequence number on its connection.
type place struct {
	seq uint64
	of  *Member
}

// Member is one connection's part of a hub. It keeps the promise of Events:
// calls do not overlap, and none comes after Leave has returned.
type Member struct {
	hub  *Hub
	mu   sync.Mutex
	ev   loadgen.Events
	left bool
}

// NewHub returns one without members.
func NewHub() *Hub { return &Hub{places: make(map[uint64]place, 1<<15)} }

// Join adds a connection.
func (h *Hub) Join(ev loadgen.Events) *Member {
	m := &Member{hub: h, ev: ev}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.members = append(h.members, m)
	return m
}

// Sending notes the keys of transactions seq, seq+1, … before they are written.
func (m *Member) Sending(seq uint64, keys []uint64) {
	h := m.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, k := range keys {
		h.places[k] = place{seq + uint64(i), m}
	}
}

// Ack passes the first answer on.
func (m *Member) Ack(seq uint64, count int, code uint8) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.left {
		m.ev.Ack(seq, count, code)
	}
}

// Closed passes the end of the connection on.
func (m *Member) Closed(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.left {
		m.ev.Closed(err)
	}
}

// Leave ends the member: nothing more is passed on.
func (m *Member) Leave() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left = true
}

// Block says what became of the transactions of a block, in its order. Code,
// which may be nil, is that of transaction i: CodeOK for one that is valid. It
// returns how many of them are of this run.
func (h *Hub) Block(keys []uint64, code func(i int) uint8) (ours int) {
	places := make([]place, len(keys))
	h.mu.Lock()
	for i, k := range keys {
		places[i] = h.places[k] // kept: a second commit of it must not pass for a stranger's
	}
	h.mu.Unlock()
	for i := 0; i < len(places); {
		p := places[i]
		if p.of == nil {
			i++
			continue
		}
		c := loadgen.CodeOK
		if code != nil {
			c = code(i)
		}
		// Transactions that were sent one after the other often lie so.
		n := 1
		for c == loadgen.CodeOK && i+n < len(places) && places[i+n] == (place{p.seq + uint64(n), p.of}) && (code == nil || code(i+n) == loadgen.CodeOK) {
			n++
		}
		p.of.outcome(p.seq, n, c)
		ours += n
		i += n
	}
	return ours
}

func (m *Member) outcome(seq uint64, n int, code uint8) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.left:
	case code == loadgen.CodeOK:
		m.ev.Commit(seq, n)
	default:
		m.ev.Reject(seq, code)
	}
}

// Fail ends the run of every member: what follows would not be seen.
func (h *Hub) Fail(err error) {
	h.mu.Lock()
	members := append([]*Member(nil), h.members...)
	h.mu.Unlock()
	for _, m := range members {
		m.Closed(err)
	}
}
