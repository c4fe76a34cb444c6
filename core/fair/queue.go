// Package fair shares the verify workers between clients.
//
// Every client has a queue of its own, bounded in transactions, and the workers
// take from the queues in turn (deficit round robin, Shreedhar and Varghese
// 1996): a client that sends more than its share waits behind itself, not the
// others behind it. What is shared is the cost of verification, not the number
// of transactions: a bad signature costs several good ones, and its sender is
// charged for them.
//
// A client whose share of bad signatures was high lately is a suspect. Suspects
// stand in a second round that gets an eighth of the work while others wait, no
// more than half of the workers at any time, and their transactions share no
// batch with anybody's. Their queue is short. Suspicion halves every second.
//
// A batch that is larger than a worker takes at once is split, so that idle
// workers help. Whoever finishes first, results are delivered in the order in
// which the client submitted: numbers that a sender counts up must not overtake
// each other on the way to its replay window.
package fair

import (
	"sync"
	"time"
)

// Config bounds a queue. Zero values take the defaults.
type Config struct {
	Workers    int // that take from the queue, default 1
	Batches    int // waiting at most, all clients together, default 4096
	ClientTxs  int // of one client waiting at most, default 65 536
	SuspectTxs int // of one suspect, default 2048
	Clients    int // idle clients remembered, default 4096
	MinTake    int // transactions that a worker takes at once, default 256
	MaxTake    int // default 1024

	Now func() time.Time // default time.Now
}

func (c *Config) setDefaults() {
	for _, d := range []struct {
		value *int
		def   int
	}{
		{&c.Workers, 1}, {&c.Batches, 4096}, {&c.ClientTxs, 1 << 16}, {&c.SuspectTxs, 2048},
		{&c.Clients, 4096}, {&c.MinTake, 256}, {&c.MaxTake, 1024},
	} {
		if *d.value <= 0 {
			*d.value = d.def
		}
	}
	c.MaxTake = max(c.MaxTake, c.MinTake)
	if c.Now == nil {
		c.Now = time.Now
	}
}

const (
	// quantum is how many units of cost a client may have per round. A unit is
	// the cost of one good signature in a batch.
	quantum = 256
	// maxDebt bounds what a client is charged after the fact, and with it how
	// many rounds it sits out.
	maxDebt = 64 * quantum
	// suspectTake is how many transactions of a suspect a worker takes at once.
	// At one by one they hold it for about 2 ms.
	suspectTake = 64
	// suspectPart: suspects get one unit for so many of the others'.
	suspectPart = 8
	// suspectCredit is how much of the others' cost counts for it at most.
	suspectCredit = 8 * suspectPart * suspectTake
)

// Queue holds batches of type T. It is safe for concurrent use.
type Queue[T any] struct {
	cfg Config

	mu      sync.Mutex
	ready   sync.Cond // something to take, or the end
	clients map[uint64]*client[T]
	rounds  [2]ring[*client[T]] // by class
	batches int
	txs     int // waiting, not taken yet
	waiting int // workers in Take
	credit  int // others' cost that suspects have not had their part of
	serving int // workers that have a suspect's part
	closed  bool
	aborted bool
	spare   []*Part[T]
}

// Classes of clients.
const (
	trusted = iota
	suspect
)

// Part is a range of a batch's transactions that one worker verifies.
type Part[T any] struct {
	Batch  T
	Lo, Hi int
	Last   bool // no part of the batch follows

	// Client is whose it is. BadShare is its share of bad signatures lately.
	Client   uint64
	BadShare float64

	// Bad and Cost are set by the worker before Done: signatures that do not
	// verify, and the cost in units of a good one.
	Bad, Cost int

	owner     *client[T]
	suspected bool // taken from the suspects' round
	done      bool
}

// New returns an empty queue.
func New[T any](cfg Config) *Queue[T] {
	cfg.setDefaults()
	q := &Queue[T]{cfg: cfg, clients: make(map[uint64]*client[T])}
	q.ready.L = &q.mu
	return q
}

// Push queues a batch of n transactions of a client. It never waits: false
// means that the client or all together have as much waiting as they may. A
// client with nothing waiting may queue a batch of any size. waiting is how many
// batches wait then.
func (q *Queue[T]) Push(id uint64, batch T, n int) (waiting int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.batches >= q.cfg.Batches {
		return q.batches, false
	}
	c := q.client(id)
	limit := q.cfg.ClientTxs
	if c.score.suspect(q.cfg.Now()) {
		limit = q.cfg.SuspectTxs
	}
	if c.txs > 0 && c.txs+n > limit {
		return q.batches, false
	}
	// Empty batches take a place too, so that nobody queues them without bound.
	c.entries.push(entry[T]{batch: batch, n: n})
	c.txs += max(n, 1)
	q.txs += max(n, 1)
	q.batches++
	q.enter(c)
	q.ready.Signal()
	return q.batches, true
}

// Len is how many batches wait; Cap how many may.
func (q *Queue[T]) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.batches
}

// Cap is how many batches may wait.
func (q *Queue[T]) Cap() int { return q.cfg.Batches }

// Close lets the workers take what waits and then ends them. Nothing can be
// pushed any more.
func (q *Queue[T]) Close() { q.end(false) }

// Abort ends the workers at once. What waits is forgotten.
func (q *Queue[T]) Abort() { q.end(true) }

func (q *Queue[T]) end(abort bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.aborted = q.aborted || abort
	q.ready.Broadcast()
}

// Stats are a queue's numbers now.
type Stats struct {
	Batches  int `json:"batches"`
	Txs      int `json:"txs"`
	Clients  int `json:"clients"`  // remembered
	Suspects int `json:"suspects"` // among them
}

// Stats reads them.
func (q *Queue[T]) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := Stats{Batches: q.batches, Txs: q.txs, Clients: len(q.clients)}
	now := q.cfg.Now()
	for _, c := range q.clients {
		if c.score.suspect(now) {
			s.Suspects++
		}
	}
	return s
}
