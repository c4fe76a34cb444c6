package fair

// Worker takes parts of batches and delivers them. Every goroutine has its own.
type Worker[T any] struct {
	q       *Queue[T]
	parts   []*Part[T]
	clients []*client[T]
}

// Worker returns a new worker.
func (q *Queue[T]) Worker() *Worker[T] { return &Worker[T]{q: q} }

// Take waits for something to do and returns it: parts of one suspect, or of
// any number of other clients, those of a client next to each other only if
// they follow each other. ok is false at the end. Every Take that returns parts
// is followed by Done.
func (w *Worker[T]) Take() (parts []*Part[T], ok bool) {
	q := w.q
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.aborted {
		if w.take() {
			return w.parts, true
		}
		if q.closed && q.txs == 0 {
			return nil, false
		}
		q.waiting++
		q.ready.Wait()
		q.waiting--
	}
	return nil, false
}

// take takes what there is, if anything, and wakes others for the rest.
func (w *Worker[T]) take() bool {
	q := w.q
	w.parts = w.parts[:0]
	for class, some := q.next(); some && len(w.parts) == 0; class, some = q.next() {
		q.fill(w, class) // nothing, when its clients have changed class
	}
	switch {
	case q.closed && q.txs == 0:
		q.ready.Broadcast() // nobody has anything to wait for
	case q.txs > 0 && len(w.parts) > 0:
		q.ready.Signal()
	}
	return len(w.parts) > 0
}

// next chooses the class to take from.
func (q *Queue[T]) next() (class int, some bool) {
	others := q.rounds[trusted].len() > 0
	if q.rounds[suspect].len() > 0 && q.serving < max(1, q.cfg.Workers/2) && (!others || q.credit >= 0) {
		return suspect, true
	}
	return trusted, others
}

// fill takes parts for a worker from the round of a class, which has a client.
func (q *Queue[T]) fill(w *Worker[T], class int) {
	target := suspectTake
	if class == trusted {
		// A backlog that one worker could take is left to those that wait, too.
		target = min(q.cfg.MaxTake, max(q.cfg.MinTake, q.txs/(q.waiting+1)))
	}
	round := &q.rounds[class]
	for left := target; left > 0 && round.len() > 0; {
		c := *round.first()
		if now := c.score.suspect(q.cfg.Now()); now != (class == suspect) {
			round.pop()
			c.in = false
			q.enter(c) // in the other round
			continue
		}
		if c.deficit <= 0 {
			c.deficit += quantum
			round.push(round.pop())
			continue
		}
		left -= q.cut(w, c, min(left, c.deficit))
		if c.entries.len() == 0 {
			round.pop()
			c.in = false
			c.deficit = min(c.deficit, 0) // nothing can be saved up, only debts stay
		}
		if class == suspect {
			break // alone
		}
	}
	if class == suspect && len(w.parts) > 0 {
		q.serving++
	}
}

// cut takes at most n transactions of a client's first batch.
func (q *Queue[T]) cut(w *Worker[T], c *client[T], n int) int {
	e := c.entries.first()
	n = min(n, e.n-e.taken)
	units := n
	if e.n == 0 {
		units = 1 // an empty batch
	}
	var p *Part[T]
	if k := len(w.parts); k > 0 && w.parts[k-1].owner == c && !w.parts[k-1].Last {
		p = w.parts[k-1] // more of the same batch
	} else {
		p = q.part()
		p.Batch, p.Lo, p.Hi = e.batch, e.taken, e.taken
		p.Client, p.BadShare, p.owner, p.suspected = c.id, c.score.share(), c, c.class == suspect
		c.out.push(p)
		w.parts = append(w.parts, p)
	}
	e.taken += n
	p.Hi = e.taken
	c.deficit -= units
	c.txs -= units
	q.txs -= units
	if e.taken == e.n {
		p.Last = true
		c.entries.pop()
		q.batches--
	}
	return units
}

func (q *Queue[T]) part() *Part[T] {
	if k := len(q.spare); k > 0 {
		p := q.spare[k-1]
		q.spare = q.spare[:k-1]
		return p
	}
	return new(Part[T])
}

// Done charges the clients for what the worker took and delivers what is
// complete: each part once, each client's parts in the order in which it
// submitted, never two at a time. What another worker still has is delivered by
// that one. deliver runs without the queue's lock; the part is not valid after
// it.
func (w *Worker[T]) Done(deliver func(*Part[T])) {
	q := w.q
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.cfg.Now()
	w.clients = w.clients[:0]
	served := false
	for _, p := range w.parts {
		c, n := p.owner, p.Hi-p.Lo
		c.score.add(now, n, p.Bad)
		c.deficit = max(c.deficit-max(0, p.Cost-n), -maxDebt)
		p.done = true
		cost := max(p.Cost, n)
		if p.suspected {
			served = true
			q.credit = max(q.credit-suspectPart*cost, -suspectCredit)
		} else {
			q.credit = min(q.credit+cost, suspectCredit)
		}
		w.clients = append(w.clients, c)
	}
	w.parts = w.parts[:0]
	if served {
		q.serving--
		q.ready.Signal() // the round of the suspects may go on
	}
	for _, c := range w.clients {
		q.deliver(c, deliver)
	}
	clear(w.clients)
}

func (q *Queue[T]) deliver(c *client[T], deliver func(*Part[T])) {
	if c.delivering {
		return
	}
	c.delivering = true
	for c.out.len() > 0 && (*c.out.first()).done {
		p := c.out.pop()
		q.mu.Unlock()
		deliver(p)
		q.mu.Lock()
		*p = Part[T]{}
		q.spare = append(q.spare, p)
	}
	c.delivering = false
}
