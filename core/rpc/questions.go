package rpc

import (
	"slices"
	"sync"
	"time"
)

// SmallAnswerBytes is how long an answer may be without room being taken for it:
// such answers are bounded by how many questions there may be.
const SmallAnswerBytes = 64 << 10

// questions gives out the places for answering. It goes round the clients that
// have questions waiting, one question each, so that how long somebody waits
// depends on how many ask and not on how much one of them asks. Nobody has all
// places, and room for an answer is taken before the question is put, so that
// what clients do not read is bounded without throwing answers away.
type questions struct {
	mu      sync.Mutex
	limits  *Limits
	now     func() time.Time
	running int
	held    int64    // bytes of large answers, or of the room for them
	ring    []*asker // those with questions waiting; the first has its turn next
	meanNS  float64  // how long a place was taken, about
}

// asker is one client's part of it; guarded by questions.mu, but for the bucket.
type asker struct {
	refs    int // of connections of their own, see Clients.Session
	running int
	held    int64
	waiting []*Turn // in the order of asking
	bucket  bucket
}

// Turn is a question's place.
type Turn struct {
	qs       *questions
	asker    *asker
	session  *Session
	held     int64
	run      func(*Turn)
	withdraw func()
	asked    time.Time
}

// Ask queues a question whose answer has at most the given number of bytes. When
// it has its turn, run is called in a goroutine of its own; the place is free
// again when run returns. Before that it calls Answered, and Sent is called when
// the answer's memory is free again. If the session ends first, withdraw is
// called instead of run. If the client has asked too much, neither is called,
// and Ask tells when to ask again.
func (s *Session) Ask(most int, run func(*Turn), withdraw func()) (retryAfter time.Duration, ok bool) {
	qs, a := &s.cs.questions, s.asker
	now := qs.now()
	if a.bucket.ratePerSec > 0 {
		if wait := a.bucket.take(now, 1); wait > 0 {
			return wait, false
		}
	}
	t := &Turn{qs: qs, asker: a, session: s, run: run, withdraw: withdraw, asked: now}
	if most > SmallAnswerBytes {
		t.held = int64(most)
	}
	qs.mu.Lock()
	defer qs.mu.Unlock()
	if n := a.running + len(a.waiting); n >= qs.limits.MaxAsked {
		wait := qs.meanNS * float64(n) / float64(qs.limits.MaxAsking)
		return min(max(time.Duration(wait), time.Millisecond), time.Second), false
	}
	if a.waiting = append(a.waiting, t); len(a.waiting) == 1 {
		qs.ring = append(qs.ring, a)
	}
	qs.dispatch()
	return 0, true
}

// fits tells whether a question may have its turn now. A single answer may be
// larger than the bounds, or nobody could ever have it.
func (qs *questions) fits(t *Turn) bool {
	a, l := t.asker, qs.limits
	if qs.running >= l.MaxQueries || a.running >= l.MaxAsking {
		return false
	}
	room := func(have, most int64) bool { return t.held == 0 || have == 0 || have+t.held <= most }
	return room(a.held, l.MaxAnswers) && room(qs.held, l.MaxUnread/2)
}

// dispatch gives out the places that are free. The caller holds mu.
func (qs *questions) dispatch() {
	for qs.running < qs.limits.MaxQueries {
		i, k := qs.next()
		if i < 0 {
			return
		}
		a := qs.ring[i]
		t := a.waiting[k]
		a.waiting = slices.Delete(a.waiting, k, k+1)
		qs.ring = slices.Delete(qs.ring, i, i+1)
		if len(a.waiting) > 0 {
			qs.ring = append(qs.ring, a)
		}
		qs.running++
		a.running++
		qs.held += t.held
		a.held += t.held
		go t.take()
	}
}

// next finds who has the next turn, and with which question: the first that
// fits, because one that waits for room must not hold up those that need none.
func (qs *questions) next() (i, k int) {
	for i, a := range qs.ring {
		if k := slices.IndexFunc(a.waiting, qs.fits); k >= 0 {
			return i, k
		}
	}
	return -1, -1
}

// take has the turn and gives the place back.
func (t *Turn) take() {
	qs := t.qs
	begun := qs.now()
	t.run(t)
	took := float64(qs.now().Sub(begun))
	qs.mu.Lock()
	defer qs.mu.Unlock()
	qs.meanNS += (took - qs.meanNS) / 16
	qs.running--
	t.asker.running--
	qs.dispatch()
}

// Asked is when the question came.
func (t *Turn) Asked() time.Time { return t.asked }

// Answered says that the answer has n bytes and what it cost, in questions.
func (t *Turn) Answered(n, cost int) {
	if t.asker.bucket.ratePerSec > 0 && cost > 1 {
		t.asker.bucket.charge(t.qs.now(), cost-1)
	}
	if n <= SmallAnswerBytes {
		n = 0
	}
	t.keep(int64(n))
}

// Sent says that nothing holds the answer any more. It may be called again.
func (t *Turn) Sent() { t.keep(0) }

// keep gives back what is held beyond n bytes.
func (t *Turn) keep(n int64) {
	t.qs.mu.Lock()
	defer t.qs.mu.Unlock()
	if n >= t.held {
		return
	}
	t.qs.held -= t.held - n
	t.asker.held -= t.held - n
	t.held = n
	t.qs.dispatch()
}

// withdraw takes back the questions of a session that have not had their turn.
func (qs *questions) withdraw(s *Session) {
	qs.mu.Lock()
	var gone []*Turn
	s.asker.waiting = slices.DeleteFunc(s.asker.waiting, func(t *Turn) bool {
		if t.session != s {
			return false
		}
		gone = append(gone, t)
		return true
	})
	if len(gone) > 0 && len(s.asker.waiting) == 0 {
		qs.ring = slices.DeleteFunc(qs.ring, func(a *asker) bool { return a == s.asker })
	}
	qs.mu.Unlock()
	for _, t := range gone {
		if t.withdraw != nil {
			t.withdraw()
		}
	}
}
