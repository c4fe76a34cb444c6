package fair

import "time"

// client is one client's queue and its account with the others.
type client[T any] struct {
	id      uint64
	entries ring[entry[T]]
	txs     int  // in entries, not taken yet
	in      bool // it stands in a round
	class   int  // of the round
	deficit int  // what it may still take this round; below zero: its debt
	score   score

	out        ring[*Part[T]] // taken and not yet delivered, in order
	delivering bool           // a worker delivers for it now
}

type entry[T any] struct {
	batch T
	n     int
	taken int
}

// Suspicion begins with so many bad signatures, recently, and such a share.
const (
	suspectBad   = 8
	suspectShare = 0.01
	halfLife     = time.Second
	maxSeen      = 1 << 16 // so that a good record does not cover a bad turn for long
)

// score counts a client's signatures, the older ones less and less.
type score struct {
	seen, bad float64
	at        time.Time
}

func (s *score) decay(now time.Time) {
	if s.at.IsZero() {
		s.at = now
	}
	for now.Sub(s.at) >= halfLife {
		if s.seen < 1 && s.bad < 1 {
			s.seen, s.bad, s.at = 0, 0, now
			return
		}
		s.seen, s.bad, s.at = s.seen/2, s.bad/2, s.at.Add(halfLife)
	}
}

func (s *score) add(now time.Time, seen, bad int) {
	s.decay(now)
	s.seen += float64(seen)
	s.bad += float64(bad)
	if s.seen > maxSeen {
		s.bad *= maxSeen / s.seen
		s.seen = maxSeen
	}
}

func (s *score) suspect(now time.Time) bool {
	s.decay(now)
	return s.bad >= suspectBad && s.bad >= suspectShare*s.seen
}

func (s *score) share() float64 {
	if s.seen < 1 {
		return 0
	}
	return s.bad / s.seen
}

// client returns the client of an id, which it makes when it is new.
func (q *Queue[T]) client(id uint64) *client[T] {
	if c := q.clients[id]; c != nil {
		return c
	}
	if len(q.clients) >= q.cfg.Clients {
		q.forget()
	}
	c := &client[T]{id: id}
	q.clients[id] = c
	return c
}

// forget drops idle clients: those without suspicion and, when that is not
// enough, all. Clients with something under way stay; the bound on batches
// bounds them.
func (q *Queue[T]) forget() {
	for _, all := range []bool{false, true} {
		for id, c := range q.clients {
			c.score.decay(q.cfg.Now())
			idle := c.entries.len() == 0 && c.out.len() == 0 && !c.delivering
			if idle && (all || c.score.bad < 1) {
				delete(q.clients, id)
			}
		}
		if len(q.clients) <= q.cfg.Clients/2 {
			return
		}
	}
}

// enter puts a client with something to take into the round of its class.
func (q *Queue[T]) enter(c *client[T]) {
	if c.in || c.entries.len() == 0 {
		return
	}
	c.in, c.class = true, trusted
	if c.score.suspect(q.cfg.Now()) {
		c.class = suspect
	}
	q.rounds[c.class].push(c)
}

// ring is a queue in a slice that is used again.
type ring[E any] struct {
	items []E
	head  int
	n     int
}

func (r *ring[E]) len() int { return r.n }

func (r *ring[E]) push(e E) {
	if r.n == len(r.items) {
		grown := make([]E, max(8, 2*r.n))
		for i := range r.n {
			grown[i] = r.items[(r.head+i)%r.n]
		}
		r.items, r.head = grown, 0
	}
	r.items[(r.head+r.n)%len(r.items)] = e
	r.n++
}

// first is the oldest entry, in place.
func (r *ring[E]) first() *E { return &r.items[r.head] }

func (r *ring[E]) pop() E {
	e := r.items[r.head]
	var zero E
	r.items[r.head] = zero // nothing stays alive for being in a queue once
	r.head = (r.head + 1) % len(r.items)
	r.n--
	return e
}
